"""Packets that aiortc does not survive are stopped before it sees them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from struct import pack

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcsctptransport import Chunk, serialize_packet
from hypothesis import example, given
from hypothesis import strategies as st

from p2pchat.rtc import ice
from p2pchat.rtc.channels import open_on
from p2pchat.rtc.link import Link
from p2pchat.rtc.link_events import Closed, LinkEvent, Opened
from p2pchat.rtc.loop import run
from p2pchat.rtc.sctp_guard import FRAGMENTS, GAPS, STREAMS, fault_of

HEADER = bytes(12)


@dataclass
class Stream:
    reassembly: list[int] = field(default_factory=list)


def chunk(kind: int, body: bytes) -> bytes:
    return pack("!BBH", kind, 0, 4 + len(body)) + body + bytes(-len(body) % 4)


def data(stream: int = 0) -> bytes:
    return chunk(0, pack("!LHHL", 1, stream, 0, 53) + b"hello")


def sack(*gaps: tuple[int, int]) -> bytes:
    return chunk(3, pack("!LLHH", 1, 1000, len(gaps), 0) + b"".join(pack("!HH", *gap) for gap in gaps))


@pytest.mark.parametrize(
    "packet",
    [
        data(),
        data() + data(4),
        sack(),
        sack((2, 3), (5, 900)),
        chunk(1, pack("!LLHHL", 1, 1000, 10, 10, 1) + pack("!HH", 0x8008, 6) + b"\xc0\x82\0\0"),
        chunk(4, pack("!HH", 1, 8) + b"beat"),
        chunk(10, b"cookie"),
        chunk(11, b""),
        chunk(6, b""),
        chunk(250, b"a kind of tomorrow"),
    ],
)
def test_what_honest_peers_send_comes_through(packet: bytes) -> None:
    assert fault_of(HEADER + packet, {0: Stream()}) == ""


@pytest.mark.parametrize(
    "packet",
    [
        *(chunk(kind, pack("!HH", 1, 0)) for kind in (4, 5, 6, 9, 130)),
        *(chunk(kind, bytes(16) + pack("!HH", 1, 0)) for kind in (1, 2)),
        *(chunk(kind, b"short") for kind in (0, 1, 2, 3)),
        chunk(0, bytes(12)),
        chunk(7, b"abc"),
        chunk(192, b""),
        chunk(3, pack("!LLHH", 1, 1000, 9, 0)),
        sack(*[(0, 65_535)] * 290),
        sack((1, GAPS + 2)),
        data() + chunk(4, pack("!HH", 1, 3)),
    ],
)
def test_what_would_harm_does_not(packet: bytes) -> None:
    assert fault_of(HEADER + packet, {0: Stream()})


def test_a_message_that_never_ends_and_streams_without_number_are_refused() -> None:
    assert "never end" in fault_of(HEADER + data(), {0: Stream([0] * FRAGMENTS)})
    assert "too many channels" in fault_of(HEADER + data(STREAMS), {number: Stream() for number in range(STREAMS)})


@pytest.mark.nightly
@given(st.binary(max_size=200))
@example(HEADER + data()[:10])
@example(HEADER + chunk(1, bytes(14)))
def test_any_bytes_are_judged(packet: bytes) -> None:
    assert isinstance(fault_of(packet, {}), str)


def test_a_parameter_of_length_zero_ends_the_link_and_nothing_hangs() -> None:
    async def attack() -> str:
        events: asyncio.Queue[LinkEvent] = asyncio.Queue()
        victim = Link(ice.configuration((), relay_only=False), events.put_nowait)
        mallory = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        open_on(mallory)
        await mallory.setLocalDescription(await mallory.createOffer())
        answer = await victim.answer(mallory.localDescription.sdp)
        await mallory.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        while not isinstance(await asyncio.wait_for(events.get(), 20), Opened):
            pass
        sctp = mallory.sctp
        assert sctp is not None
        beat = Chunk(body=pack("!HH", 1, 0))
        beat.type = 4
        await sctp.transport._send_data(serialize_packet(5000, 5000, sctp._remote_verification_tag, beat))
        while not isinstance(event := await asyncio.wait_for(events.get(), 20), Closed):
            pass
        await mallory.close()
        await victim.close("done")
        return event.reason

    assert run(attack()) == "the peer's packets cannot be read"
