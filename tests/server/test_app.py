"""The server with real sockets: what one client does, the others never feel."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace

import aiohttp
import pytest

from p2pchat.protocol.signaling import (
    CLOSE_CODES,
    MESSAGE_BYTES,
    ErrorCode,
    Hello,
    Join,
    Joined,
    PeerAway,
    PeerJoined,
    PeerLeft,
    Ping,
    Relay,
    Relayed,
)
from signaling_server.app import listening
from signaling_server.limits import ServerLimits
from tests.server.raw_client import PATIENCE, RawClient, clients

ANA, BEN, EVA = "anaanaaa", "benbenbb", "evaevaee"
LIMITS = ServerLimits()


def test_every_error_has_a_close_code_of_its_own() -> None:
    assert CLOSE_CODES.keys() == set(ErrorCode)
    assert len(set(CLOSE_CODES.values())) == len(CLOSE_CODES)
    assert all(4000 <= code < 5000 for code in CLOSE_CODES.values())


async def test_two_clients_meet_and_relay(signaling_server: str) -> None:
    async with clients(signaling_server, 2) as (ana, ben):
        assert await ana.sit_down(ANA) == []
        assert await ben.sit_down(BEN) == [ANA]
        await ana.hears(PeerJoined(BEN))
        await ben.say(Relay(ANA, {"sdp": "äöü \u2028 😀"}))
        await ana.hears(Relayed(BEN, {"sdp": "äöü \u2028 😀"}))
        await ben.websocket.close()
        await ana.hears(PeerAway(BEN))


async def test_nonsense_is_refused_with_a_reason_and_the_others_are_served(signaling_server: str) -> None:
    async with clients(signaling_server, 4) as (ana, ben, eva, stranger):
        await ana.sit_down(ANA)
        await ben.sit_down(BEN)
        await ana.hears(PeerJoined(BEN))
        await stranger.sit_down("stranger", "elsewhere")

        await eva.say(Relay(ANA, 1))
        await eva.refused(ErrorCode.NOT_GREETED)
        await eva.say(Hello(1, EVA, EVA * 2), Relay(ANA, 1))
        await eva.next()
        await eva.refused(ErrorCode.NOT_JOINED)
        await eva.say(b"\x80\x81")
        await eva.refused(ErrorCode.MALFORMED)
        await eva.say('{"type":"hello"')
        await eva.refused(ErrorCode.MALFORMED)
        await eva.say('{"type":"make-me-king"}')
        await eva.refused(ErrorCode.UNKNOWN_TYPE)
        await eva.say("[" * 50_000)
        await eva.refused(ErrorCode.MALFORMED)
        await eva.say("x" * (MESSAGE_BYTES + 1))
        await eva.refused(ErrorCode.TOO_LARGE)
        await eva.say("once too often")
        await eva.refused(ErrorCode.MALFORMED)
        assert await eva.closed() == CLOSE_CODES[ErrorCode.MALFORMED]

        await stranger.say(Relay(ANA, "you do not know me"))
        await stranger.refused(ErrorCode.NO_SUCH_PEER)
        await ana.say(Relay(BEN, "undisturbed"))
        await ben.hears(Relayed(ANA, "undisturbed"))


async def test_a_message_of_ten_megabytes_ends_its_own_socket(signaling_server: str) -> None:
    async with clients(signaling_server, 2) as (ana, eva):
        await ana.sit_down(ANA)
        await eva.sit_down(EVA)
        await ana.hears(PeerJoined(EVA))
        with contextlib.suppress(ConnectionError):
            await eva.say("x" * 10_000_000)
        await ana.hears(PeerAway(EVA))
        await ana.is_served()


async def test_text_that_is_no_utf_8_ends_its_own_socket(signaling_server: str) -> None:
    async with clients(signaling_server, 2) as (ana, eva):
        await ana.sit_down(ANA)
        await eva.websocket.send_frame(b"\xff\xfe", aiohttp.WSMsgType.TEXT)
        assert await eva.closed() == aiohttp.WSCloseCode.INVALID_TEXT
        await ana.is_served()


async def test_a_flood_is_told_to_wait_and_then_closed() -> None:
    limits = replace(LIMITS, messages_per_second=0.001, message_burst=5, refusals_per_second=0.001, refusal_burst=3)
    async with listening("127.0.0.1", 0, limits) as url, clients(url, 2) as (ana, eva):
        await ana.sit_down(ANA)
        await eva.sit_down(EVA)
        await ana.hears(PeerJoined(EVA))
        for _ in range(3):
            await eva.is_served()
        for _ in range(3):
            await eva.say(Ping())
            retry_after = (await eva.refused(ErrorCode.RATE_LIMITED)).retry_after
            assert retry_after is not None
            assert retry_after > 0
        await eva.say(Ping())
        await eva.refused(ErrorCode.RATE_LIMITED)
        assert await eva.closed() == CLOSE_CODES[ErrorCode.RATE_LIMITED]
        await ana.hears(PeerLeft(EVA, "rate-limited"))
        await ana.is_served()


def small_buffers(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that takes little of what is not read, so that the server notices soon."""
    made = socket.socket(address[0], address[1], address[2])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return made


@pytest.mark.parametrize("limits", [{"outgoing_messages": 16}, {"outgoing_bytes": 300_000}])
async def test_a_slow_reader_is_dropped_while_the_others_go_on(limits: dict[str, int]) -> None:
    quick = replace(LIMITS, away_seconds=0, messages_per_second=1e6, message_burst=10**6, close_seconds=0.3, **limits)
    async with (
        listening("127.0.0.1", 0, quick) as url,
        clients(url, 2) as (ana, ben),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=small_buffers)) as session,
    ):
        sleepy = RawClient(await session.ws_connect(f"{url}/v1/ws"))
        await ana.sit_down(ANA)
        await ben.sit_down(BEN)
        await ana.hears(PeerJoined(BEN))
        await sleepy.sit_down("sleepyyy")
        await ana.hears(PeerJoined("sleepyyy"))
        await ben.hears(PeerJoined("sleepyyy"))
        gone = asyncio.create_task(ben.hears_of_leaving("sleepyyy"))
        async with asyncio.timeout(PATIENCE):
            while not gone.done():
                await ana.say(Relay("sleepyyy", "z" * 60_000), Relay(BEN, "quick"))
                await asyncio.sleep(0)
        assert (await gone).reason == ErrorCode.SLOW_CONSUMER
        await ana.hears_of_leaving("sleepyyy")
        await ana.say(Relay(BEN, "last"))
        async with asyncio.timeout(PATIENCE):
            while await ben.next() != Relayed(ANA, "last"):
                pass
        assert await sleepy.closed() in (CLOSE_CODES[ErrorCode.SLOW_CONSUMER], aiohttp.WSCloseCode.ABNORMAL_CLOSURE)


async def test_a_slow_reader_that_wakes_up_in_time_learns_why_it_was_dropped() -> None:
    limits = replace(
        LIMITS,
        away_seconds=0,
        outgoing_bytes=150_000,
        messages_per_second=1e6,
        message_burst=10**6,
        close_seconds=PATIENCE,
    )
    async with listening("127.0.0.1", 0, limits) as url, clients(url, 2) as (ana, sleepy):
        await ana.sit_down(ANA)
        await sleepy.sit_down("sleepyyy")
        await ana.hears(PeerJoined("sleepyyy"))
        gone = asyncio.create_task(ana.hears_of_leaving("sleepyyy"))
        async with asyncio.timeout(PATIENCE):
            while not gone.done():
                await ana.say(Relay("sleepyyy", "z" * 60_000))
                await asyncio.sleep(0)
        assert await sleepy.closed() == CLOSE_CODES[ErrorCode.SLOW_CONSUMER]


async def test_a_full_room_turns_the_next_one_away() -> None:
    async with listening("127.0.0.1", 0, replace(LIMITS, room_peers=2)) as url, clients(url, 3) as (ana, ben, eva):
        await ana.sit_down(ANA)
        await ben.sit_down(BEN)
        await eva.say(Hello(1, EVA, EVA * 2), Join("lobby"))
        await eva.next()
        assert (await eva.refused(ErrorCode.ROOM_FULL)).retry_after == LIMITS.full_retry_seconds
        await eva.say(Join("elsewhere"))
        await eva.hears(Joined("elsewhere", []))


async def test_a_socket_that_says_nothing_is_closed() -> None:
    async with listening("127.0.0.1", 0, replace(LIMITS, join_seconds=0.1)) as url, clients(url, 1) as (eva,):
        await eva.refused(ErrorCode.TIMED_OUT)
        assert await eva.closed() == CLOSE_CODES[ErrorCode.TIMED_OUT]


async def test_a_peer_that_is_silent_is_pinged_and_then_closed() -> None:
    async with listening("127.0.0.1", 0, replace(LIMITS, ping_seconds=0.1)) as url, clients(url, 1) as (eva,):
        await eva.sit_down(EVA)
        await eva.hears(Ping(1), Ping(2))
        await eva.refused(ErrorCode.TIMED_OUT)
        assert await eva.closed() == CLOSE_CODES[ErrorCode.TIMED_OUT]


async def test_the_seat_is_taken_over_by_its_owner(signaling_server: str) -> None:
    async with clients(signaling_server, 3) as (ana, ben, again):
        await ana.sit_down(ANA)
        await ben.sit_down(BEN)
        await ana.hears(PeerJoined(BEN))
        assert await again.sit_down(ANA) == [BEN]
        await ana.refused(ErrorCode.REPLACED)
        assert await ana.closed() == CLOSE_CODES[ErrorCode.REPLACED]
        await again.say(Relay(BEN, "same seat"))
        await ben.hears(Relayed(ANA, "same seat"))


async def test_health_and_what_is_not_there(signaling_server: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{signaling_server}/healthz") as response:
            assert (response.status, await response.text()) == (200, "ok\n")
        async with session.get(f"{signaling_server}/v1/ws") as response:
            assert response.status == 400
        async with session.get(f"{signaling_server}/elsewhere") as response:
            assert response.status == 404
