"""Between DTLS and SCTP: packets that aiortc 1.16 does not survive, and messages that it would keep for ever.

Anybody to whom a DTLS connection was made can send them, before any handshake of ours. aiortc would

    a parameter of length 0                      read it again and again, without end
    a SACK of millions of acknowledged packets   count each of them
    a chunk that is shorter than its fields      close the connection as if the peer had left
    a message that never ends                    keep it, and go through all of it with each fragment
    gaps, streams without number                 keep them, too

aiortc 1.16 has no public way to look at packets; this module stands in front of its SCTP transport and raises when
that is not what it was. A packet that is refused ends the link; no packet of an honest peer is.

Source: RFC 9260, sections 3.2 (chunks), 3.2.1 (parameters) and 3.3 (each kind).
"""

from __future__ import annotations

from collections.abc import Callable
from struct import unpack_from
from typing import Any, Final

from aiortc import RTCPeerConnection

FRAGMENTS: Final = 4096
"""Most fragments of unfinished messages on one stream. The longest message that we announce (256 KiB) has 224; the
rest is for the packets that a fast transfer has under way (20 MB/s over 200 ms) when the network loses many."""

REASSEMBLY_BYTES: Final = 8 * 1024 * 1024
"""Most bytes of unfinished messages on all streams: nearly twice `FRAGMENTS` of full size."""

GAPS: Final = 16_384
"""Most packets beyond the first that is missing, received or acknowledged: four times what can be under way."""

STREAMS: Final = 64
"""Most streams that are used. A link has three channels, each on one stream."""

_HEADER: Final = 12
_CHUNK_HEADER: Final = 4
_DATA, _SACK = 0, 3
_FIELDS: Final = {_DATA: 13, 1: 16, 2: 16, _SACK: 12, 7: 4, 192: 4}
"""Least bytes of the chunks that have fixed fields, by type: DATA (with some data), INIT, INIT ACK, SACK, SHUTDOWN and
FORWARD-TSN."""

_PARAMETERS_AT: Final = {1: 16, 2: 16, 4: 0, 5: 0, 6: 0, 9: 0, 130: 0}
"""Where the parameters begin in INIT, INIT ACK, HEARTBEAT, its ACK, ABORT, ERROR and RE-CONFIG."""


def guard(connection: RTCPeerConnection, refuse: Callable[[str], None]) -> None:
    """Lets only packets through to SCTP that it survives. Call once, before the connection opens.

    Args:
        connection: has its data channels, or a description that asks for some.
        refuse: told once what the peer did; the connection has to be closed then. Nothing comes through any more.

    Raises:
        RuntimeError: aiortc's internals are others than this module knows.
    """
    sctp: Any = connection.sctp
    known = ("_handle_data", "_inbound_streams", "_advertised_rwnd", "_sack_misordered")
    if sctp is None or not all(hasattr(sctp, name) for name in known):
        raise RuntimeError("the packets of a connection cannot be watched in this version of aiortc")
    handle = sctp._handle_data
    window = sctp._advertised_rwnd
    streams = sctp._inbound_streams
    broken = False

    async def checked(packet: bytes) -> None:
        nonlocal broken
        if broken:
            return
        fault = fault_of(packet, streams)
        if window - sctp._advertised_rwnd > REASSEMBLY_BYTES or len(sctp._sack_misordered) > GAPS:
            fault = "the peer sends messages that never end"
        if fault:
            broken = True
            refuse(fault)
        else:
            await handle(packet)

    sctp._handle_data = checked


def fault_of(packet: bytes, streams: Any) -> str:
    """Says what is wrong with an SCTP packet, in words for both users; empty when it can be read.

    Args:
        packet: after DTLS.
        streams: the streams that were received on so far, by number; each has a list `reassembly`.
    """
    at, length = _HEADER, len(packet)
    while at + _CHUNK_HEADER <= length:
        kind, _, size = unpack_from("!BBH", packet, at)
        if size < _CHUNK_HEADER or at + size > length:
            return ""  # aiortc drops such a packet as a whole
        start, end = at + _CHUNK_HEADER, at + size
        if end - start < _FIELDS.get(kind, 0):
            return "the peer's packets cannot be read"
        if kind == _DATA:
            if fault := _stream_fault(packet, start, streams):
                return fault
        elif kind == _SACK:
            if not _acknowledges_little(packet, start, end):
                return "the peer acknowledges packets that were never sent"
        elif kind in _PARAMETERS_AT and not _has_whole_parameters(packet, start + _PARAMETERS_AT[kind], end):
            return "the peer's packets cannot be read"
        at += size + -size % 4
    return ""


def _stream_fault(packet: bytes, start: int, streams: Any) -> str:
    (number,) = unpack_from("!H", packet, start + 4)
    stream = streams.get(number)
    if stream is None:
        return "the peer opens too many channels" if len(streams) >= STREAMS else ""
    return "the peer sends messages that never end" if len(stream.reassembly) >= FRAGMENTS else ""


def _acknowledges_little(packet: bytes, start: int, end: int) -> bool:
    gaps, duplicates = unpack_from("!HH", packet, start + 8)
    if start + 12 + 4 * (gaps + duplicates) > end:
        return False
    blocks = unpack_from(f"!{2 * gaps}H", packet, start + 12)
    acknowledged: int = sum(blocks[1::2]) - sum(blocks[::2])
    return acknowledged <= GAPS


def _has_whole_parameters(packet: bytes, at: int, end: int) -> bool:
    while at + 4 <= end:
        (size,) = unpack_from("!H", packet, at + 2)
        if size < 4:
            return False
        at += size + -size % 4
    return True
