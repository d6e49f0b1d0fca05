"""The messages of the `bulk` channel: a header of sixteen bytes, then file data.

     0        4        8                16
    +--------+--------+----------------+----------------
    |transfer|  file  |     offset     |  data ...
    +--------+--------+----------------+----------------

All numbers are unsigned and big-endian. The channel is reliable and unordered, so a message says by itself where its
data belongs. `docs/protocol/bulk.md` has the whole protocol.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from p2pchat.protocol.codec import FrameError
from p2pchat.protocol.limits import CHUNK_BYTES_MAX

_HEADER: Final = Struct("!IIQ")
_HEADER_BYTES: Final = _HEADER.size
_MESSAGE_BYTES: Final = _HEADER_BYTES + CHUNK_BYTES_MAX


class Chunk(NamedTuple):
    """A piece of a file, as it arrived. Nothing but the length of the message has been checked."""

    transfer: int
    file: int
    """Index into the offer's entries."""
    offset: int
    """Where in the file the data belongs, in bytes."""
    data: memoryview
    """A view into the message, which it keeps alive."""


def pack(transfer: int, file: int, offset: int, data: bytes | memoryview) -> bytes:
    """Returns one message, with a copy of `data`: 1 to `CHUNK_BYTES_MAX` bytes, which the caller sees to."""
    return _HEADER.pack(transfer, file, offset) + data


def unpack(message: bytes) -> Chunk:
    """Reads one message without copying its data.

    Raises:
        FrameError: the message is shorter than its header, carries no data, or carries more than `CHUNK_BYTES_MAX`.
    """
    if not _HEADER_BYTES < len(message) <= _MESSAGE_BYTES:
        raise FrameError(f"a bulk message carries 1 to {CHUNK_BYTES_MAX} bytes after its header")
    transfer, file, offset = _HEADER.unpack_from(message)
    return Chunk(transfer, file, offset, memoryview(message)[_HEADER_BYTES:])
