"""The messages of the bulk channel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol.codec import FrameError
from p2pchat.protocol.limits import CHUNK_BYTES, CHUNK_BYTES_MAX
from p2pchat.protocol.transfer.bulk import Chunk, pack, unpack


def test_a_message_is_a_header_and_data() -> None:
    message = pack(1, 2, 3, b"data")
    assert message.hex() == "0000000100000002000000000000000364617461"
    chunk = unpack(message)
    assert (chunk.transfer, chunk.file, chunk.offset, bytes(chunk.data)) == (1, 2, 3, b"data")


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.binary(min_size=1))
def test_what_is_packed_is_unpacked(transfer: int, file: int, offset: int, data: bytes) -> None:
    assert unpack(pack(transfer, file, offset, memoryview(data))) == Chunk(transfer, file, offset, memoryview(data))


def test_the_data_is_not_copied_on_arrival() -> None:
    message = pack(1, 2, 3, bytes(CHUNK_BYTES))
    assert unpack(message).data.obj is message


@pytest.mark.parametrize("message", [b"", b"short", bytes(16), bytes(16 + CHUNK_BYTES_MAX + 1)])
def test_a_message_without_data_or_with_too_much_is_refused(message: bytes) -> None:
    with pytest.raises(FrameError):
        unpack(message)


@pytest.mark.nightly
@given(st.binary(max_size=100))
def test_any_bytes_are_a_chunk_or_refused(message: bytes) -> None:
    try:
        chunk = unpack(message)
    except FrameError:
        assert len(message) <= 16
    else:
        assert pack(*chunk) == message
