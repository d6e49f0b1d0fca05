"""Who plays in these tests: users with a client, and servers that follow a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from p2pchat.protocol.signaling import (
    FromServer,
    Joined,
    Welcome,
    encode,
)
from p2pchat.signaling.client import SignalingClient
from p2pchat.signaling.events import SignalingEvent
from signaling_server.limits import ServerLimits

ANA, BEN, EVA = "anaanaaa", "benbenbb", "evaevaee"
LIMITS = ServerLimits()
PATIENCE = 60.0


class User:
    """Somebody with a client, who reads its events one after another."""

    def __init__(self, server: str, peer: str) -> None:
        self.client = SignalingClient(server, peer, peer * 2, "test")
        self._events = self.client.events()

    async def hears(self, *expected: SignalingEvent) -> None:
        for event in expected:
            assert await self.next() == event

    async def next(self) -> SignalingEvent:
        return await asyncio.wait_for(anext(self._events), PATIENCE)


@asynccontextmanager
async def users(server: str, *peers: str) -> AsyncIterator[list[User]]:
    present = [User(server, peer) for peer in peers]
    try:
        yield present
    finally:
        for user in present:
            await asyncio.wait_for(user.client.close(), PATIENCE)


Script = Callable[[web.WebSocketResponse], Coroutine[Any, Any, None]]


@asynccontextmanager
async def plain_server(handler: Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/v1/ws", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site.port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def scripted_server(*scripts: Script) -> AsyncIterator[str]:
    """A server that plays a script after `hello` of each connection in turn, and the last one from then on."""
    turns = list(scripts)

    async def serve(request: web.Request) -> web.StreamResponse:
        websocket = web.WebSocketResponse(timeout=0.1)
        await websocket.prepare(request)
        await websocket.receive()
        script = turns.pop(0) if len(turns) > 1 else turns[0]
        await script(websocket)
        return websocket

    async with plain_server(serve) as url:
        yield url


async def say(websocket: web.WebSocketResponse, *messages: FromServer | str) -> None:
    for message in messages:
        await websocket.send_str(message if isinstance(message, str) else encode(message))


async def let_in(websocket: web.WebSocketResponse, *peers: str) -> None:
    await say(websocket, Welcome(1, LIMITS.told(), notice="be\x1b[2J kind\n"))
    await websocket.receive()
    await say(websocket, Joined("lobby", list(peers)))


async def listen(websocket: web.WebSocketResponse) -> None:
    async for _ in websocket:
        pass
