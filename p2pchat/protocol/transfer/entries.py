"""The files and folders of an offer, held so that a million of them fit into memory.

An entry takes its path in UTF-8 and 33 bytes; as objects of their own, two hundred thousand would take 100 MB.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

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
    executable: bool = False
    """Whether it may be run where it comes from."""

    @property
    def path(self) -> str:
        """The path as the offer has it."""
        return "/".join(self.components)


_FOLDER: Final = 1
_EXECUTABLE: Final = 2


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
        self._flags = bytearray()
        """`_FOLDER` and `_EXECUTABLE` of each."""
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
        self._flags.append(flags(entry))
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
        return ManifestEntry(tuple(self.path(index).split("/")), *self._values(index))

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
        return Entry(self.path(index), *self._values(index))

    def _values(self, index: int) -> tuple[int, bool, int, bool]:
        """Returns an entry's size, whether it is a folder, when it was modified, and whether it is executable."""
        flags = self._flags[index]
        return self._sizes[index], bool(flags & _FOLDER), self._modified[index], bool(flags & _EXECUTABLE)

    @property
    def blocks(self) -> int:
        """Blocks of all files."""
        return self._first[-1]

    def blocks_of(self, file: int) -> range:
        """Returns the numbers of an entry's blocks."""
        return range(self._first[file], self._first[file + 1])

    def blocks_between(self, first: int, count: int) -> range:
        """Returns the numbers of the blocks of `count` entries from the entry `first` on."""
        return range(self._first[first], self._first[first + count])

    def files_between(self, first: int, count: int) -> int:
        """Returns how many of `count` entries from the entry `first` on are files."""
        return bisect_left(self.files, first + count) - bisect_left(self.files, first)

    def file_of(self, number: int) -> int:
        """Returns the entry that a block belongs to; `number` is less than `blocks`."""
        return bisect_right(self._first, number) - 1


def flags(entry: Entry) -> int:
    """Returns what an entry is besides its path, its size and its time, as a byte: 1 for a folder, 2 for executable."""
    return _FOLDER * entry.folder | _EXECUTABLE * entry.executable


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
