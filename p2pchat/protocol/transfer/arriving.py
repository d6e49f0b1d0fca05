"""Blocks while they arrive, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from p2pchat.protocol.transfer.manifest import Manifest


class ArrivingBlock:
    """A block that is not stored yet."""

    __slots__ = ("asked_again", "chunks", "data", "digest", "length", "messages", "missing", "number", "refused")

    def __init__(self, number: int, length: int, messages: int) -> None:
        self.number = number
        self.length = length
        self.messages = messages
        """Chunks that it consists of."""
        self.missing = messages
        """Chunks that are still to come."""
        self.chunks: dict[int, memoryview] = {}
        """Data by its offset in the block."""
        self.digest = b""
        """Empty until its hash is there."""
        self.data: bytes | None = None
        """The whole, once it was handed to the shell."""
        self.refused = False
        """Whether the disk was too full for it."""
        self.asked_again = 0


class Cut:
    """How the file that chunks arrive of is cut."""

    __slots__ = ("block", "file", "first", "size")

    def __init__(self, manifest: Manifest, file: int) -> None:
        self.file = file
        self.size = manifest.entries.size(file)
        self.block = manifest.block_size(file)
        self.first = manifest.blocks_of(file).start


def ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Returns ascending numbers as ranges: the first of each, and how many there are in it."""
    start = end = 0
    for number in numbers:
        if number != end:
            if end > start:
                yield start, end - start
            start = number
        end = number + 1
    if end > start:
        yield start, end - start
