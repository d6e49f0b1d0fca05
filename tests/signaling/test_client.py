"""The signaling client against real servers, and where there is none."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from typing import Any

import pytest
from aiohttp import ClientConnectorError, web
from aiohttp.client_reqrep import ConnectionKey

from p2pchat.errors import ConfigurationError, ServerRefused, ServerUnreachable, UsageError
from p2pchat.protocol.signaling import (
    BODY_DEPTH,
    MESSAGE_BYTES,
)
from p2pchat.signaling.client import SignalingClient, reconnect_delay
from p2pchat.signaling.connection import unreachable
from p2pchat.signaling.events import Offline, Online, PeerJoined, PeerLeft, Refused, Relayed
from signaling_server.app import listening
from signaling_server.limits import ServerLimits
from tests.server_process import ServerProcess
from tests.signaling.stage import (
    ANA,
    BEN,
    EVA,
    LIMITS,
    PATIENCE,
    User,
    plain_server,
    users,
)
from tests.unknown_host import UNKNOWN_HOST


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_two_clients_meet_talk_and_part(signaling_server: str) -> None:
    async with users(signaling_server, ANA, BEN) as (ana, ben):
        assert await ana.client.connect("lobby") == []
        assert await ben.client.connect("lobby") == [ANA]
        await ana.hears(PeerJoined(BEN))
        ben.client.relay(ANA, {"generation": 1, "kind": "offer", "sdp": "v=0"})
        await ana.hears(Relayed(BEN, {"generation": 1, "kind": "offer", "sdp": "v=0"}))
        await ben.client.close()
        await ana.hears(PeerLeft(BEN, "left"))


async def test_a_relay_to_somebody_who_left_is_refused_and_nothing_else_happens(signaling_server: str) -> None:
    async with users(signaling_server, ANA, BEN) as (ana, ben):
        await ana.client.connect("lobby")
        ana.client.relay(BEN, 1)
        assert await ana.next() == Refused("no-such-peer", "nobody else in the room has this peer id")
        await ben.client.connect("lobby")
        await ana.hears(PeerJoined(BEN))


async def test_closing_ends_the_stream_and_may_be_repeated(signaling_server: str) -> None:
    async with users(signaling_server, ANA) as (ana,):
        await ana.client.connect("lobby")
        await ana.client.close()
        await ana.client.close()
        with pytest.raises(StopAsyncIteration):
            await ana.next()


async def test_closing_before_connecting_is_harmless() -> None:
    await SignalingClient("127.0.0.1:1", ANA, ANA * 2).close()


# No connection


async def test_a_port_where_nothing_listens() -> None:
    async with users(f"http://127.0.0.1:{free_port()}", ANA) as (ana,):
        with pytest.raises(ServerUnreachable, match="refused the connection") as raised:
            await ana.client.connect("lobby")
        assert "p2pchat-server" in raised.value.hint


def test_why_a_server_cannot_be_reached_is_told_in_the_words_of_the_system() -> None:
    key = ConnectionKey("192.0.2.9", 8080, False, True, None, None, None)
    reason = OSError(errno.EHOSTUNREACH, "Connect call failed ('192.0.2.9', 8080)")
    told = unreachable(ClientConnectorError(key, reason), "ws://192.0.2.9:8080/v1/ws")
    assert told.message == f"192.0.2.9:8080 cannot be reached: {os.strerror(errno.EHOSTUNREACH).lower()}"


async def test_an_unknown_host() -> None:
    async with users(f"http://{UNKNOWN_HOST}:8080", ANA) as (ana,):
        with pytest.raises(ServerUnreachable, match=r"the host no-such-host\.[a-z.-]+ is unknown"):
            await ana.client.connect("lobby")


async def test_a_web_server_that_is_something_else() -> None:
    async def page(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="hello")

    async with plain_server(page) as url, users(url, ANA) as (ana,):
        with pytest.raises(ServerUnreachable, match="not a p2pchat server: it answered with HTTP status 200"):
            await ana.client.connect("lobby")


async def test_a_wrong_path_on_the_right_server(signaling_server: str) -> None:
    async with users(f"{signaling_server}/elsewhere", ANA) as (ana,):
        with pytest.raises(ServerUnreachable, match="not a p2pchat server: it answered with HTTP status 404"):
            await ana.client.connect("lobby")


async def test_a_server_without_tls_where_tls_is_expected(signaling_server: str) -> None:
    async with users(signaling_server.replace("http://", "https://"), ANA) as (ana,):
        with pytest.raises(ServerUnreachable, match="TLS failed"):
            await ana.client.connect("lobby")


async def test_something_that_speaks_no_http() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, users(f"127.0.0.1:{port}", ANA) as (ana,):
        with pytest.raises(ServerUnreachable, match="not a p2pchat server"):
            await ana.client.connect("lobby")


async def test_something_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2pchat.signaling.connection.OPEN_SECONDS", 0.2)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        async with users(f"127.0.0.1:{listener.getsockname()[1]}", ANA) as (ana,):
            with pytest.raises(ServerUnreachable, match="did not answer within"):
                await ana.client.connect("lobby")


async def test_a_full_room_is_refused_with_something_to_do_and_may_be_tried_again() -> None:
    async with listening("127.0.0.1", 0, ServerLimits(room_peers=2)) as url, users(url, ANA, BEN, EVA) as them:
        ana, ben, eva = them
        await ana.client.connect("lobby")
        await ben.client.connect("lobby")
        with pytest.raises(ServerRefused, match="the room is full") as raised:
            await eva.client.connect("lobby")
        assert raised.value.reason == "room-full"
        assert "another room" in raised.value.hint
        assert raised.value.retry_after == LIMITS.full_retry_seconds
        assert await eva.client.connect("another room") == []


@pytest.mark.parametrize("room", ["", "x" * 65, "a\x1bb", "line\n"])
async def test_a_room_name_that_cannot_be_used(room: str) -> None:
    async with users("127.0.0.1:1", ANA) as (ana,):
        with pytest.raises(UsageError):
            await ana.client.connect(room)


def test_a_server_address_that_cannot_be_used() -> None:
    with pytest.raises(ConfigurationError):
        SignalingClient("ftp://lab", ANA, ANA * 2)


async def test_a_message_that_no_server_takes_is_a_fault_of_the_caller(signaling_server: str) -> None:
    async with users(signaling_server, ANA) as (ana,):
        await ana.client.connect("lobby")
        with pytest.raises(ValueError, match="bytes"):
            ana.client.relay(BEN, "ü" * (MESSAGE_BYTES // 2))


# The server goes and comes back


async def test_a_killed_server_is_found_again_and_the_seat_is_the_same() -> None:
    with ServerProcess() as server:
        async with users(server.url, ANA, BEN) as (ana, ben):
            await ana.client.connect("lobby")
            await ben.client.connect("lobby")
            await ana.hears(PeerJoined(BEN))
            server.stop(signal.SIGKILL)
            await ana.hears(Offline("the connection to the server was lost"))
            await ben.hears(Offline("the connection to the server was lost"))
            with ServerProcess(server.port):
                await is_back_with(ana, BEN)
                await is_back_with(ben, ANA)
                ana.client.relay(BEN, "we are back")
                await ben.hears(Relayed(ANA, "we are back"))


async def is_back_with(user: User, other: str) -> None:
    """Whoever comes back first sees the other join."""
    online = await user.next()
    assert isinstance(online, Online)
    if online.peers != (other,):
        await user.hears(PeerJoined(other))


async def test_a_server_that_stops_says_so() -> None:
    with ServerProcess() as server:
        async with users(server.url, ANA) as (ana,):
            await ana.client.connect("lobby")
            assert await asyncio.to_thread(server.stop) == 0
            await ana.hears(Refused("shutting-down", "the server is shutting down"))
            await ana.hears(Offline("the server is shutting down"))


async def test_whoever_loses_the_seat_to_the_same_key_does_not_fight_for_it(signaling_server: str) -> None:
    async with users(signaling_server, ANA, ANA) as (first, second):
        await first.client.connect("lobby")
        await second.client.connect("lobby")
        assert isinstance(await first.next(), Refused)
        await first.hears(Offline("the seat was taken over by another connection with our key"))
        assert first.client._task is not None
        await asyncio.wait_for(first.client._task, PATIENCE)


def test_delays_grow_and_let_everybody_back_within_five_seconds_and_honour_the_server() -> None:
    assert [reconnect_delay(attempt, 0.0) for attempt in range(7)] == [0.3, 1.2, 2.7, 3.5, 3.5, 3.5, 3.5]
    assert reconnect_delay(0, 1.0) == 1.3
    assert reconnect_delay(0, 0.5, retry_after=20.0) == 20.5
    assert reconnect_delay(4, 0.0, retry_after=2.0) == 3.5
    assert reconnect_delay(0, 0.0, retry_after=1e9) == 60.0
    assert reconnect_delay(0, 0.0, retry_after=-5.0) == 0.3


async def test_a_body_deeper_than_the_protocol_allows_is_refused_by_the_server(signaling_server: str) -> None:
    body: list[Any] = []
    for _ in range(BODY_DEPTH):
        body = [body]
    async with users(signaling_server, ANA, BEN) as (ana, ben):
        await ana.client.connect("lobby")
        await ben.client.connect("lobby")
        await ana.hears(PeerJoined(BEN))
        ana.client.relay(BEN, body)
        refused = await ana.next()
        assert isinstance(refused, Refused)
        assert refused.code == "malformed"
        ana.client.relay(BEN, body[0])
        await ben.hears(Relayed(ANA, body[0]))
