"""One WebSocket's way out: a bounded queue and the task that empties it.

Whoever sends only puts messages into the queue, so that nobody ever waits for somebody else's socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import deque
from typing import Final

from aiohttp import WSMsgType, web

from p2pchat.protocol.signaling import CLOSE_CODES, ErrorCode
from signaling_server.limits import ServerLimits

_CLOSE_CODE: Final = struct.Struct("!H")

_REASON_BYTES: Final = 120
"""Longest reason in a close frame, whose payload has 125 bytes with the code (RFC 6455 §5.5)."""


class Outgoing:
    """What waits to be written to one WebSocket.

    Args:
        websocket: prepared, so that it can be written to.
        transport: of the same socket, to cut it.
        limits: how much may wait, and how long closing may take.
    """

    def __init__(
        self, websocket: web.WebSocketResponse, transport: asyncio.WriteTransport, limits: ServerLimits
    ) -> None:
        self._websocket = websocket
        self._transport = transport
        self._limits = limits
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._ending = False
        self._changed = asyncio.Event()
        self._gone = asyncio.Event()
        self._writer = asyncio.create_task(self._write())
        self._closer: asyncio.Task[None] | None = None

    def put(self, data: bytes) -> bool:
        """Queues a message in UTF-8; it is dropped once the end was announced.

        Returns:
            False when the reader is too slow: so much waits that the message was not taken.
        """
        if self._ending:
            return True
        if (
            len(self._waiting) >= self._limits.outgoing_messages
            or self._waiting_bytes + len(data) > self._limits.outgoing_bytes
        ):
            return False
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        self._changed.set()
        return True

    def end(self, code: ErrorCode, reason: str) -> None:
        """Closes the socket once everything queued is written, or cuts it after `close_seconds`. Returns at once."""
        if not self._ending:
            self._ending = True
            self._changed.set()
            self._closer = asyncio.create_task(self._close(code, reason))

    def drop(self, code: ErrorCode, reason: str) -> None:
        """Does the same as `end`, but without what is queued."""
        self._writer.cancel()
        self.end(code, reason)

    async def closed(self) -> None:
        """Waits until a close that was begun is over: at most `close_seconds`."""
        if self._closer is not None:
            await asyncio.wait([self._closer])

    async def finish(self) -> None:
        """The other side has closed the socket or is gone: stops writing, and waits until that is done."""
        self._gone.set()
        self._writer.cancel()
        await asyncio.wait([self._writer])
        await self.closed()

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):  # the reading side notices as well, and tells the hub
            while self._waiting or not self._ending:
                while self._waiting:
                    data = self._waiting.popleft()
                    self._waiting_bytes -= len(data)
                    await self._websocket.send_frame(data, WSMsgType.TEXT)
                self._changed.clear()
                if not self._ending:
                    await self._changed.wait()

    async def _close(self, code: ErrorCode, reason: str) -> None:
        """Closes as RFC 6455 §7.1.1 has it: the connection ends when the other side's close frame has arrived.

        The `close` of aiohttp would end it at once, as somebody else is reading, and the code be lost on its way.
        """
        payload = _CLOSE_CODE.pack(CLOSE_CODES[code]) + reason.encode()[:_REASON_BYTES]
        try:
            async with asyncio.timeout(self._limits.close_seconds):
                await asyncio.wait([self._writer])
                with contextlib.suppress(ConnectionError):
                    await self._websocket.send_frame(payload, WSMsgType.CLOSE)
                await self._gone.wait()
            self._transport.close()
        except TimeoutError:
            self._writer.cancel()
            self._transport.abort()
