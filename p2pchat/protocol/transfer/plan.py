"""What a sender sends, by what the receiver said: that it has some of it already, or does not want it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from p2pchat.errors import ProtocolError
from p2pchat.protocol.frames import Have, Without
from p2pchat.protocol.transfer.manifest import Manifest

_SEND: Final = 0
_KEEP: Final = 1
_CHECK: Final = 2
_TOLD: Final = 3
_LEFT_OUT: Final = 4
"""What becomes of a block: send it, keep it as it is, send its hash only; its hash was sent; it is not wanted."""


@dataclass(slots=True)
class Step:
    """A block whose turn has come, or will come."""

    number: int
    length: int
    hash_only: bool = False
    repeated: bool = False
    ends: int | None = None
    """The file of several blocks whose last one it is to be told of."""
    data: bytes | None = None
    digest: bytes = b""


class Plan:
    """The blocks of an offer, and what becomes of each.

    Args:
        manifest: what is offered.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._status = bytearray(manifest.blocks)
        self._left_out = bytearray()
        """For each entry, 1 when it is not wanted; empty as long as all are."""
        self.wanted = manifest.total
        """Bytes of the files that are wanted."""
        self.wanted_files = len(manifest.files)
        self.may_be_stored = 0
        """Bytes of blocks that the receiver has, or that were sent to it completely."""

    def have(self, frame: Have) -> None:
        """The receiver has some blocks.

        Raises:
            ProtocolError: they were not offered, were told before, or are not wanted.
        """
        for first, count in frame.ranges:
            if first + count > self._manifest.blocks:
                raise ProtocolError("blocks are there that were not offered")
            if self._status.count(_SEND, first, first + count) != count:
                raise ProtocolError("blocks are there that were named before")
            self._status[first : first + count] = bytes([_CHECK if frame.check else _KEEP]) * count
            self.may_be_stored += self._manifest.bytes_of(first, count)

    def without(self, frame: Without) -> None:
        """The receiver does not want some entries.

        Raises:
            ProtocolError: they were not offered, were told before, or are said to be there.
        """
        entries = self._manifest.entries
        self._left_out = self._left_out or bytearray(len(entries))
        for first, count in frame.ranges:
            end = first + count
            if end > len(entries):
                raise ProtocolError("entries are not wanted that were not offered")
            blocks = entries.blocks_between(first, count)
            if 1 in self._left_out[first:end] or self._status.count(_SEND, blocks.start, blocks.stop) != len(blocks):
                raise ProtocolError("entries are not wanted that were named before")
            self._left_out[first:end] = b"\1" * count
            self._status[blocks.start : blocks.stop] = bytes([_LEFT_OUT]) * len(blocks)
            self.wanted -= self._manifest.bytes_of(blocks.start, len(blocks))
            self.wanted_files -= entries.files_between(first, count)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the offer is wanted."""
        return bool(self._left_out) and 0 not in self._left_out

    def steps(self) -> Iterator[Step]:
        """Returns the steps to take: file after file, what is missing first, and then the hashes of what is there."""
        for file in self._manifest.files:
            blocks = self._manifest.blocks_of(file)
            left = len(blocks)
            if self._left_out and self._left_out[file]:
                continue
            if self._status.count(_KEEP, blocks.start, blocks.stop) == left:
                continue
            for turn in ((_SEND,), (_KEEP, _CHECK)):
                for number in blocks:
                    if self._status[number] in turn:
                        left -= 1
                        ends = file if left == 0 and len(blocks) > 1 else None
                        yield Step(number, self._manifest.place(number)[2], _SEND not in turn, ends=ends)

    def told(self, number: int) -> None:
        """The hash of a block was sent."""
        self._status[number] = _TOLD

    def was_told(self, number: int) -> bool:
        """Whether the hash of a block was sent; also when there is no such block."""
        return number < self._manifest.blocks and self._status[number] == _TOLD
