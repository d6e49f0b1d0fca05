"""The signaling client and mailboxes, against real servers and scripted ones."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from p2pchat.errors import ServerRefused, ServerUnreachable
from p2pchat.protocol.signaling import Allocated, Claim, Error, ErrorCode, Joined, Welcome, encode
from p2pchat.signaling import client as client_module
from p2pchat.signaling.events import Offline, Online, PeerJoined, Refused, Relayed
from tests.signaling.stage import ANA, BEN, EVA, LIMITS, PATIENCE, Script, listen, say, scripted_server, users


async def test_two_clients_meet_in_a_mailbox(signaling_server: str) -> None:
    async with users(signaling_server, ANA, BEN) as (ana, ben):
        mailbox = await ana.client.allocate()
        assert 1 <= mailbox <= 9
        assert await ben.client.claim(mailbox) == [ANA]
        await ana.hears(PeerJoined(BEN))
        ben.client.relay(ANA, {"pairing": 1})
        await ana.hears(Relayed(BEN, {"pairing": 1}))


async def test_a_third_client_is_refused_with_something_to_do_and_both_others_hear_of_it(signaling_server: str) -> None:
    async with users(signaling_server, ANA, BEN, EVA) as (ana, ben, eva):
        mailbox = await ana.client.allocate()
        await ben.client.claim(mailbox)
        await ana.hears(PeerJoined(BEN))
        with pytest.raises(ServerRefused, match="in use already") as raised:
            await eva.client.claim(mailbox)
        assert raised.value.reason == "crowded"
        assert "new code" in raised.value.hint
        for user in (ana, ben):
            await user.hears(Refused("crowded", "somebody else tried to claim this mailbox"))


async def test_a_number_where_nobody_waits(signaling_server: str) -> None:
    async with users(signaling_server, BEN) as (ben,):
        with pytest.raises(ServerRefused, match="nobody waits for this code") as raised:
            await ben.client.claim(7)
        assert raised.value.reason == "no-such-mailbox"
        assert raised.value.hint


async def test_a_mailbox_is_found_again_by_its_number_once_the_server_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "reconnect_delay", lambda attempt, jitter, retry_after: 0.0)
    asked: asyncio.Queue[str] = asyncio.Queue()

    async def vanish(websocket: web.WebSocketResponse) -> None:
        await say(websocket, Welcome(1, LIMITS.told()))
        asked.put_nowait((await websocket.receive()).data)
        await say(websocket, Allocated(42))

    async def come_back(websocket: web.WebSocketResponse) -> None:
        await say(websocket, Welcome(1, LIMITS.told()))
        asked.put_nowait((await websocket.receive()).data)
        await say(websocket, Joined("mailbox 42", [BEN]))
        await listen(websocket)

    async with scripted_server(vanish, come_back) as url, users(url, ANA) as (ana,):
        assert await ana.client.allocate() == 42
        await ana.hears(Offline("the connection to the server was lost"), Online((BEN,)))
        assert await asyncio.wait_for(asked.get(), PATIENCE) == '{"type":"allocate"}'
        assert await asyncio.wait_for(asked.get(), PATIENCE) == encode(Claim(42))


async def test_a_mailbox_that_expired_is_told() -> None:
    async def script(websocket: web.WebSocketResponse) -> None:
        await say(websocket, Welcome(1, LIMITS.told()))
        await websocket.receive()
        await say(websocket, Allocated(42), Error(ErrorCode.MAILBOX_EXPIRED, "nobody came"))
        await listen(websocket)

    async with scripted_server(script) as url, users(url, ANA) as (ana,):
        await ana.client.allocate()
        await ana.hears(Refused("mailbox-expired", "nobody came"))


@pytest.mark.parametrize("answer", ['{"type":"allocated","mailbox":1000}', encode(Joined("lobby", [])), "{"])
async def test_a_server_that_allocates_nonsense_is_no_server(answer: str) -> None:
    async def script(websocket: web.WebSocketResponse) -> None:
        await say(websocket, Welcome(1, LIMITS.told()))
        await websocket.receive()
        await say(websocket, answer)

    lie: Script = script
    async with scripted_server(lie) as url, users(url, ANA) as (ana,):
        with pytest.raises(ServerUnreachable, match="not a p2pchat server"):
            await ana.client.allocate()


async def test_a_server_that_allocates_where_a_claim_was_made_is_no_server() -> None:
    async def script(websocket: web.WebSocketResponse) -> None:
        await say(websocket, Welcome(1, LIMITS.told()))
        await websocket.receive()
        await say(websocket, Allocated(7))

    async with scripted_server(script) as url, users(url, BEN) as (ben,):
        with pytest.raises(ServerUnreachable, match="not a p2pchat server"):
            await ben.client.claim(7)
