"""A client with no manners of its own: a WebSocket that says exactly what a test wants said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from p2pchat.protocol.signaling import (
    Error,
    ErrorCode,
    FromClient,
    FromServer,
    Hello,
    Join,
    Joined,
    PeerLeft,
    Ping,
    Pong,
    Welcome,
    decode_from_server,
    encode,
)

PATIENCE = 60.0


class RawClient:
    """One WebSocket to a server."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self.websocket = websocket

    async def say(self, *messages: FromClient | str | bytes) -> None:
        for message in messages:
            match message:
                case bytes():
                    await self.websocket.send_bytes(message)
                case str():
                    await self.websocket.send_str(message)
                case _:
                    await self.websocket.send_str(encode(message))

    async def next(self) -> FromServer:
        return decode_from_server(await asyncio.wait_for(self.websocket.receive_str(), PATIENCE))

    async def hears(self, *expected: FromServer) -> None:
        for message in expected:
            assert await self.next() == message

    async def refused(self, code: ErrorCode) -> Error:
        error = await self.next()
        assert isinstance(error, Error)
        assert error.code == code
        return error

    async def closed(self) -> int | None:
        """Reads to the end, and returns the close code."""
        async with asyncio.timeout(PATIENCE):
            async for _ in self.websocket:
                pass
        return self.websocket.close_code

    async def hears_of_leaving(self, peer: str) -> PeerLeft:
        """Reads on to the message that says that a peer left."""
        while not (isinstance(message := await self.next(), PeerLeft) and message.peer == peer):
            pass
        return message

    async def sit_down(self, peer: str, room: str = "lobby") -> list[str]:
        await self.say(Hello(1, peer, peer * 2), Join(room))
        assert isinstance(await self.next(), Welcome)
        joined = await self.next()
        assert isinstance(joined, Joined)
        return joined.peers

    async def is_served(self) -> None:
        """The server answers: everything that was said before has been dealt with."""
        await self.say(Ping(9))
        await self.hears(Pong(9))


@asynccontextmanager
async def clients(url: str, count: int, **options: Any) -> AsyncIterator[list[RawClient]]:
    """Opens that many WebSockets to a server."""
    async with aiohttp.ClientSession() as session:
        yield [RawClient(await session.ws_connect(f"{url}/v1/ws", max_msg_size=0, **options)) for _ in range(count)]
