"""What a receiver answers an offer with, before it accepts: what is not wanted, and what is there already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from p2pchat.protocol.frames import Have, Without
from p2pchat.protocol.limits import RANGES
from p2pchat.protocol.transfer.arriving import ranges
from p2pchat.protocol.transfer.manifest import Manifest

MISSING: Final = 0
STORED: Final = 1
CHECKED: Final = 2
"""Stored by an earlier transfer, and its hash is to come."""
LEFT_OUT: Final = 3
"""Of a file that is not wanted."""

_Range: TypeAlias = tuple[int, int]


class Answer:
    """How a transfer begins at its receiver.

    Args:
        number: of the transfer.
        manifest: what is offered.
        finished: for each entry, 1 when the file is there, complete and under its name; empty for none.
        check: blocks of other files that are on the disk, and the hashes that they have.
        left_out: for each entry, 1 when it is not wanted; empty when all are. What is there of these is not told.
    """

    def __init__(
        self, number: int, manifest: Manifest, finished: bytes, check: Mapping[int, bytes], left_out: bytes
    ) -> None:
        self._manifest = manifest
        self._finished = finished
        self._left_out = left_out
        self.status = bytearray(manifest.blocks)
        """For each block one of the constants above."""
        self.stored = 0
        """Bytes that are there."""
        self.wanted = manifest.total
        """Bytes of the files that are wanted."""
        self.wanted_files = len(manifest.files)
        self.unfinished = 0
        """Files that are wanted and not complete."""
        self.frames: list[Have | Without] = []
        """What to say before `accept`, in order."""
        without = list(_runs(left_out))
        for first, count in without:
            self._leave_out(first, count)
        self.unfinished = self.wanted_files
        self.check = {block: digest for block, digest in check.items() if self.status[block] != LEFT_OUT}
        """Blocks whose hashes are to come."""
        for block in self.check:
            self.status[block] = CHECKED
        self._say(without, lambda page: Without(number, page))
        self._say(self._counted(self._ranges_of_files()), lambda page: Have(number, False, page))
        self._say(self._counted(ranges(sorted(self.check))), lambda page: Have(number, True, page))

    def empty_files(self) -> Iterator[int]:
        """Returns the empty files that have to be made."""
        for file in self._manifest.files:
            if not self._manifest.blocks_of(file) and not _is(self._finished, file) and not _is(self._left_out, file):
                yield file

    def _leave_out(self, first: int, count: int) -> None:
        entries = self._manifest.entries
        blocks = entries.blocks_between(first, count)
        self.status[blocks.start : blocks.stop] = bytes([LEFT_OUT]) * len(blocks)
        self.wanted -= self._manifest.bytes_of(blocks.start, len(blocks))
        self.wanted_files -= entries.files_between(first, count)

    def _ranges_of_files(self) -> Iterator[_Range]:
        """Marks the blocks of complete files as stored; returns them as ranges, those that meet as one."""
        start = end = 0
        for file in self._manifest.files if self._finished else ():
            if not self._finished[file] or _is(self._left_out, file):
                continue
            self.unfinished -= 1
            blocks = self._manifest.blocks_of(file)
            if not blocks:
                continue
            if blocks.start != end:
                if end > start:
                    yield start, end - start
                start = blocks.start
            end = blocks.stop
            self.status[blocks.start : end] = bytes([STORED]) * len(blocks)
        if end > start:
            yield start, end - start

    def _counted(self, ranges: Iterable[_Range]) -> Iterator[_Range]:
        for first, count in ranges:
            self.stored += self._manifest.bytes_of(first, count)
            yield first, count

    def _say(self, ranges: Iterable[_Range], frame: Callable[[list[_Range]], Have | Without]) -> None:
        page: list[_Range] = []
        for item in ranges:
            page.append(item)
            if len(page) == RANGES:
                self.frames.append(frame(page))
                page = []
        if page:
            self.frames.append(frame(page))


def _runs(flags: bytes) -> Iterator[_Range]:
    """Returns the ranges of entries whose flag is 1."""
    start = flags.find(1)
    while start >= 0:
        end = flags.find(0, start)
        end = len(flags) if end < 0 else end
        yield start, end - start
        start = flags.find(1, end)


def _is(flags: bytes, entry: int) -> bool:
    return bool(flags) and bool(flags[entry])
