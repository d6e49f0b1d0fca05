"""The signaling client against servers that lie, break or make no sense."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from p2pchat.errors import ServerRefused, ServerUnreachable
from p2pchat.protocol.signaling import (
    CLOSE_CODES,
    Error,
    ErrorCode,
    Joined,
    Relay,
    encode,
)
from p2pchat.protocol.signaling import PeerJoined as WirePeerJoined
from p2pchat.protocol.signaling import Ping as WirePing
from p2pchat.protocol.signaling import Relayed as WireRelayed
from p2pchat.signaling import client as client_module
from p2pchat.signaling.connection import BAD_MESSAGES
from p2pchat.signaling.events import Offline, Online, Refused, Relayed
from tests.signaling.stage import (
    ANA,
    BEN,
    EVA,
    PATIENCE,
    Script,
    let_in,
    listen,
    say,
    scripted_server,
    users,
)


@pytest.mark.parametrize(
    "answers",
    [
        ["garbage"] * BAD_MESSAGES,
        [encode(Joined("lobby", []))],
        ['{"type":"welcome"}'] * BAD_MESSAGES,
        [],
    ],
)
async def test_a_websocket_that_does_not_welcome_is_no_server(answers: list[str]) -> None:
    async with scripted_server(lambda websocket: say(websocket, *answers)) as url, users(url, ANA) as (ana,):
        with pytest.raises(ServerUnreachable, match="not a p2pchat server"):
            await ana.client.connect("lobby")


async def test_a_refusal_in_unknown_words_is_cleaned_and_told() -> None:
    refuse: Script = lambda websocket: say(websocket, Error("fu\x1bll moon", "no\x1b]0;entry\x07 tonight"))  # noqa: E731
    async with scripted_server(refuse) as url, users(url, ANA) as (ana,):
        with pytest.raises(ServerRefused) as raised:
            await ana.client.connect("lobby")
        assert "\x1b" not in raised.value.reason + raised.value.message
        assert "tonight" in raised.value.message


async def test_text_of_the_operator_is_cleaned() -> None:
    async def script(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket)
        await listen(websocket)

    async with scripted_server(script) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        assert ana.client.notice.endswith("kind")
        assert "\x1b" not in ana.client.notice


async def test_what_makes_no_sense_is_not_believed() -> None:
    async def script(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket, BEN, ANA)
        await say(websocket, WirePeerJoined(BEN), WirePeerJoined(ANA), WireRelayed(EVA, "from nowhere"))
        await websocket.send_bytes(b"\x00")
        await say(websocket, "{", '{"type":"later"}', WireRelayed(BEN, "true"))
        await listen(websocket)

    async with scripted_server(script) as url, users(url, ANA) as (ana,):
        assert await ana.client.connect("lobby") == [BEN]
        await ana.hears(Relayed(BEN, "true"))


async def test_a_server_that_goes_on_making_no_sense_is_lost_and_tried_again() -> None:
    async def mad(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket)
        await say(websocket, *["[" * 5000] * BAD_MESSAGES)
        await listen(websocket)

    async def sane(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket, EVA)
        await listen(websocket)

    async with scripted_server(mad, sane) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        await ana.hears(Offline("the server sent too much that makes no sense"), Online((EVA,)))


async def test_a_message_of_ten_megabytes_ends_the_connection() -> None:
    async def flood(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket)
        await say(websocket, "x" * 10_000_000)
        await listen(websocket)

    async with scripted_server(flood) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        assert isinstance(await ana.next(), Offline)


async def test_refusals_after_a_loss_are_told_once_and_the_client_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "reconnect_delay", lambda attempt, jitter, retry_after: 0.0)

    async def restart(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket)
        await websocket.close(code=CLOSE_CODES[ErrorCode.SHUTTING_DOWN])

    async def refuse(websocket: web.WebSocketResponse) -> None:
        await say(websocket, Error("room-full", "full", retry_after=1.0))

    async def admit(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket)
        await listen(websocket)

    async with scripted_server(restart, refuse, refuse, admit) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        await ana.hears(Offline("the server is shutting down"), Refused("room-full", "the room is full"), Online(()))


async def test_pings_of_the_server_are_answered() -> None:
    answers: asyncio.Queue[str] = asyncio.Queue()

    async def script(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket)
        await say(websocket, WirePing(7))
        answers.put_nowait((await websocket.receive()).data)
        await listen(websocket)

    async with scripted_server(script) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        assert await asyncio.wait_for(answers.get(), PATIENCE) == '{"type":"pong","n":7}'


async def test_what_is_said_while_the_server_is_away_is_sent_once_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "reconnect_delay", lambda attempt, jitter, retry_after: 0.0)
    may_return = asyncio.Event()
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def vanish(websocket: web.WebSocketResponse) -> None:
        await let_in(websocket, BEN)

    async def come_back(websocket: web.WebSocketResponse) -> None:
        await may_return.wait()
        await let_in(websocket, BEN)
        heard.put_nowait((await websocket.receive()).data)
        await listen(websocket)

    async with scripted_server(vanish, come_back) as url, users(url, ANA) as (ana,):
        await ana.client.connect("lobby")
        await ana.hears(Offline("the connection to the server was lost"))
        ana.client.relay(BEN, "later")
        may_return.set()
        await ana.hears(Online((BEN,)))
        assert await asyncio.wait_for(heard.get(), PATIENCE) == encode(Relay(BEN, "later"))
