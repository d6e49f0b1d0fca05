"""A seat is kept through what happens on the way: members away, credentials that expire, a network that moves."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import WSMsgType, web

from p2pchat.protocol.signaling import (
    CLOSE_CODES,
    Error,
    ErrorCode,
    IceServer,
    IceServers,
    IceServersWanted,
    Joined,
    PeerAway,
    PeerBack,
    PeerJoined,
    PeerLeft,
    Ping,
    Relay,
    Report,
    Welcome,
    decode_from_client,
)
from p2pchat.signaling import client as signaling_client
from p2pchat.signaling import events
from p2pchat.signaling.client import SignalingClient
from tests.signaling.stage import (
    ANA,
    BEN,
    EVA,
    LIMITS,
    PATIENCE,
    let_in,
    listen,
    plain_server,
    say,
    scripted_server,
    users,
)

TURN = IceServer(["turn:turn.example"], "1:anaanaaa", "secret")


async def test_members_who_are_away_are_told_and_cannot_be_reached_until_they_are_back() -> None:
    go_on = asyncio.Event()

    async def script(websocket: web.WebSocketResponse) -> None:
        await say(websocket, Welcome(1, LIMITS.told()))
        await websocket.receive()
        await say(websocket, Joined("lobby", [BEN, EVA], [EVA]))
        await say(websocket, PeerAway(EVA), PeerAway(BEN))  # the first makes no sense
        await go_on.wait()
        await say(websocket, PeerBack(BEN), PeerBack("zzzzzzzz"), PeerLeft(EVA, "lost"))
        await listen(websocket)

    async with scripted_server(script) as url, users(url, ANA) as (ana,):
        assert await ana.client.connect("lobby") == [BEN, EVA]
        assert "has lost the server" in ana.client.unreached(EVA)
        await ana.hears(events.PeerAway(BEN))
        assert "has lost the server" in ana.client.unreached(BEN)
        go_on.set()
        await ana.hears(events.PeerBack(BEN), events.PeerLeft(EVA, "lost"))
        assert ana.client.unreached(BEN) == ""


async def test_who_is_away_is_told_again_with_the_seat() -> None:
    async def falls(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket, BEN)
        await websocket.close(code=CLOSE_CODES[ErrorCode.SHUTTING_DOWN])

    async def returns(websocket: web.WebSocketResponse) -> None:
        await say(websocket, Welcome(1, LIMITS.told()))
        await websocket.receive()
        await say(websocket, Joined("lobby", [BEN], [BEN]))
        await listen(websocket)

    async with scripted_server(falls, returns) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        await ana.hears(events.Offline("the server is shutting down"))
        assert "the server is away" in ana.client.unreached(BEN)
        await ana.hears(events.Online((BEN,), (BEN,)))


async def test_ice_servers_are_asked_for_again_before_they_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signaling_client, "RENEW_LEAST", 0.02)
    asked = asyncio.Event()

    async def script(websocket: web.WebSocketResponse) -> None:
        await say(websocket, Welcome(1, LIMITS.told(), ice_servers=[TURN], ice_seconds=0.04, your_address="192.0.2.9"))
        await websocket.receive()
        await say(websocket, Joined("lobby", []))
        assert decode_from_client((await websocket.receive()).data) == IceServersWanted()
        await say(websocket, IceServers([TURN, TURN], 3600.0))
        asked.set()
        await say(websocket, PeerAway(EVA), Error("late", "a sign that the answer was read"))
        await listen(websocket)

    async with scripted_server(script) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        assert ana.client.ice_servers == (TURN,)
        assert ana.client.your_address == "192.0.2.9"
        await asyncio.wait_for(asked.wait(), PATIENCE)
        await ana.hears(events.Refused("late", "a sign that the answer was read"))
        assert len(ana.client.ice_servers) == 2


async def test_outcomes_are_reported_while_the_server_is_there() -> None:
    reported: asyncio.Queue[object] = asyncio.Queue()

    async def script(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket)
        async for message in websocket:
            reported.put_nowait(decode_from_client(message.data))

    async with scripted_server(script) as url, users(url, ANA) as (ana,):
        ana.client.report("failed", 1.0)  # nobody to tell yet
        await ana.client.connect("lobby")
        ana.client.report("direct", 0.1234)
        ana.client.report("relay", 1e9)
        assert await asyncio.wait_for(reported.get(), PATIENCE) == Report("direct", 123)
        assert await asyncio.wait_for(reported.get(), PATIENCE) == Report("relay", 3_600_000)


async def test_the_token_is_told_with_hello() -> None:
    tokens: list[str] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        websocket = web.WebSocketResponse(timeout=0.1)
        await websocket.prepare(request)
        hello = decode_from_client((await websocket.receive()).data)
        tokens.append(hello.token)  # type: ignore[union-attr]
        await let_in(websocket)
        await listen(websocket)
        return websocket

    async with plain_server(serve) as url:
        client = SignalingClient(url, ANA, ANA * 2, token="open sesame")
        await client.connect("lobby")
        await client.close()
    assert tokens == ["open sesame"]


async def test_a_server_that_is_there_after_the_network_moved_is_kept() -> None:
    async def script(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket)
        await say(websocket, PeerJoined(EVA))
        async for message in websocket:
            if message.type is WSMsgType.TEXT and decode_from_client(message.data) == Ping():
                await say(websocket, Error("asked", "it wants to know"))

    async with scripted_server(script) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        await ana.hears(events.PeerJoined(EVA))
        ana.client.hurry()
        await ana.hears(events.Refused("asked", "it wants to know"))
        assert ana.client._limit is not None
        assert ana.client._limit.when() is None


async def test_a_server_that_is_silent_after_the_network_moved_is_left_and_tried_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signaling_client, "HURRY_SECONDS", 0.1)

    async def silent(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket)
        await say(websocket, PeerJoined(EVA))
        await asyncio.sleep(PATIENCE)

    async def there(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket, BEN)
        await listen(websocket)

    async with scripted_server(silent, there) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        await ana.hears(events.PeerJoined(EVA))
        ana.client.hurry()
        await ana.hears(events.Offline("the server did not answer any more"), events.Online((BEN,)))


async def test_a_connection_from_an_address_that_is_gone_is_left_at_once_and_takes_no_message_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signaling_client, "HURRY_SECONDS", 3600.0)
    monkeypatch.setattr(signaling_client, "RETRY_SECONDS", (3600.0,))
    came: asyncio.Queue[object] = asyncio.Queue()

    async def silent(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket, BEN)
        await say(websocket, PeerJoined(EVA))
        async for message in websocket:
            assert message.type is not WSMsgType.TEXT

    async def there(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket, BEN)
        came.put_nowait(decode_from_client((await websocket.receive()).data))
        await listen(websocket)

    async with scripted_server(silent, there) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        await ana.hears(events.PeerJoined(EVA))
        ana.client.hurry(frozenset({"127.0.0.1", "::1"}))
        ana.client.hurry(frozenset({"127.0.0.1", "::1"}))
        assert "the server is away" in ana.client.unreached(BEN)
        ana.client.relay(BEN, "an offer")
        await ana.hears(events.Offline("this machine has another address now"), events.Online((BEN,)))
        assert await asyncio.wait_for(came.get(), PATIENCE) == Relay(BEN, "an offer")


async def test_a_hurried_client_does_not_wait_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signaling_client, "RETRY_SECONDS", (3600.0,))

    async def falls(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket)
        await websocket.close()

    async def there(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket)
        await listen(websocket)

    async with scripted_server(falls, there) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        assert isinstance(await ana.next(), events.Offline)
        began = time.monotonic()
        while True:  # until it waits: a hurry before that is for the attempt that was lost
            ana.client.hurry()
            try:
                assert isinstance(await asyncio.wait_for(ana.next(), 0.2), events.Online)
                break
            except TimeoutError:
                assert time.monotonic() - began < PATIENCE


async def test_what_the_server_asks_to_wait_is_waited_for_also_in_a_hurry() -> None:
    came: list[float] = []

    async def asks_for_patience(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket)
        await say(websocket, Error(ErrorCode.SHUTTING_DOWN, "soon back", retry_after=1.0))
        came.append(time.monotonic())
        await websocket.close(code=CLOSE_CODES[ErrorCode.SHUTTING_DOWN])

    async def there(websocket: web.WebSocketResponse) -> None:
        came.append(time.monotonic())
        await let_in(websocket)
        await listen(websocket)

    async with scripted_server(asks_for_patience, there) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        while not isinstance(await ana.next(), events.Offline):
            pass
        while len(came) < 2:
            ana.client.hurry()
            await asyncio.sleep(0.02)
        assert came[1] - came[0] >= 1.0
