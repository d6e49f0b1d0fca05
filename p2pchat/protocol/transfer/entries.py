"""The files and folders of an offer, held so that a million of them fit into memory.

An entry takes its path in UTF-8 and 33 bytes; as objects of their own, two hundred thousand would take 100 MB.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

from p2pchat.protocol.frames import Entry
from p2pchat.protocol.limits import BLOCK_BYTES_MAX, ENTRY_BYTES, FILE_BLOCKS


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One file or folder, under names that may become files."""

    components: tuple[str, ...]
    size: int
    folder: bool
    modified: int = 0
    """When its content last changed, in nanoseconds of unix time; 0 when that is not known."""

    @property
    def path(self) -> str:
        """The path as the offer has it."""
        return "/".join(self.components)


class Entries(Sequence[ManifestEntry]):
    """Entries in the order of an offer, and how their files are cut. Paths have to be checked before they are added.

    Args:
        block: bytes in the smallest blocks.
    """

    def __init__(self, block: int) -> None:
        self.block = block
        self._paths = bytearray()
        self._ends = array("Q", [0])
        self._sizes = array("Q")
        self._modified = array("Q")
        self._folders = bytearray()
        self.starts = array("Q", [0])
        """Where each file would begin if all were one, and at the end their bytes in all."""
        self.files = array("I")
        """The indexes of the entries that are files, in order."""
        self.largest_block = 0
        """Bytes in the longest block."""
        self._first = array("Q", [0])
        """The number of each entry's first block, and at the end how many there are."""

    def add(self, entry: Entry) -> None:
        """Appends one."""
        size = entry.size
        if not entry.folder:
            self.files.append(len(self._sizes))
        if size <= self.block:
            self.largest_block = max(self.largest_block, size)
            self._first.append(self._first[-1] + (size > 0))
        else:
            length = block_size(size, self.block)
            self.largest_block = max(self.largest_block, length)
            self._first.append(self._first[-1] - (-size // length))
        self._paths += entry.path.encode()
        self._ends.append(len(self._paths))
        self._sizes.append(size)
        self._modified.append(entry.modified)
        self._folders.append(entry.folder)
        self.starts.append(self.starts[-1] + size)

    def __len__(self) -> int:
        return len(self._sizes)

    @overload
    def __getitem__(self, index: int) -> ManifestEntry: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[ManifestEntry, ...]: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return tuple(self[number] for number in range(*index.indices(len(self))))
        if not 0 <= index < len(self):
            raise IndexError(index)
        return ManifestEntry(
            tuple(self.path(index).split("/")), self._sizes[index], bool(self._folders[index]), self._modified[index]
        )

    @property
    def weight(self) -> int:
        """Memory for all of them, as `MANIFEST_BYTES` counts it."""
        return len(self._paths) + ENTRY_BYTES * len(self)

    def path(self, index: int) -> str:
        """Returns an entry's path as the offer has it."""
        return self._paths[self._ends[index] : self._ends[index + 1]].decode()

    def size(self, index: int) -> int:
        """Returns a file's bytes."""
        return self._sizes[index]

    def entry(self, index: int) -> Entry:
        """Returns an entry as the wire carries it."""
        return Entry(self.path(index), self._sizes[index], bool(self._folders[index]), self._modified[index])

    @property
    def blocks(self) -> int:
        """Blocks of all files."""
        return self._first[-1]

    def blocks_of(self, file: int) -> range:
        """Returns the numbers of an entry's blocks."""
        return range(self._first[file], self._first[file + 1])

    def file_of(self, number: int) -> int:
        """Returns the entry that a block belongs to; `number` is less than `blocks`."""
        return bisect_right(self._first, number) - 1


def block_size(size: int, smallest: int) -> int:
    """Returns how a file is cut: `smallest`, doubled while there are more than `FILE_BLOCKS` blocks.

    Args:
        size: the file's bytes.
        smallest: the offer's `block`.
    """
    block = smallest
    while size > FILE_BLOCKS * block and 2 * block <= BLOCK_BYTES_MAX:
        block *= 2
    return block
