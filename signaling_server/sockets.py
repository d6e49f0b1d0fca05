"""The sockets of one server: they carry out what the hub decides.

The hub decides, this module carries out. Nothing here waits for one socket on behalf of another.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
import time
from collections.abc import Callable
from typing import Final, Protocol

from aiohttp import WSMsgType, web

from p2pchat.protocol.signaling import MESSAGE_BYTES, Error, ErrorCode, Welcome, encode_bytes
from signaling_server.access import Access, refused
from signaling_server.addresses import Pseudonyms
from signaling_server.backplane import Backplane, MemoryBackplane
from signaling_server.deployment import Deployment
from signaling_server.gate import Gate
from signaling_server.limits import ServerLimits
from signaling_server.logs import fields
from signaling_server.metrics import Metrics
from signaling_server.outgoing import Outgoing
from signaling_server.requests import Answer, Changed
from signaling_server.rooms import Ask, Close, Hub, Reported, Send
from signaling_server.sources import Source

logger = logging.getLogger(__name__)

_READ_BYTES: Final = 2 * MESSAGE_BYTES
"""Longest message that is read to the end, so that one a little too long gets an answer. Longer: close code 1009."""


class Receiver(Protocol):
    """Where the messages to one socket go: to a WebSocket, or to whoever came in another way."""

    def put(self, data: bytes) -> bool:
        """Takes a message in UTF-8, without waiting; False when too much waits to be read."""

    def end(self, code: ErrorCode, reason: str) -> None:
        """Nothing follows what was put."""

    def drop(self, code: ErrorCode, reason: str) -> None:
        """Nothing follows, and what waits is given up."""


class Signaling:
    """One hub, its sockets and its timer.

    Args:
        limits: see `ServerLimits`.
        deployment: see `Deployment`.
    """

    def __init__(self, limits: ServerLimits, deployment: Deployment) -> None:
        self.limits = limits
        self.access = Access(deployment)
        self.metrics = Metrics()
        ice = deployment.ice
        self.gate = Gate(limits, deployment.tokens.opens, ice.servers) if ice else Gate(limits, deployment.tokens.opens)
        self.backplane = self._backplane(deployment.redis)
        self._hub = Hub(limits, secrets.randbelow, self.gate, self.backplane.instance)
        self._receivers: dict[int, Receiver] = {}
        self._sources: dict[int, Source] = {}
        self._numbers = itertools.count(1)
        self._timer: asyncio.Handle | None = None
        self._timer_at = 0.0
        """When it is due. uvloop's handle for something that is overdue cannot say."""
        self._pseudonyms = Pseudonyms()
        self._empty = asyncio.Event()
        self.on_rooms: Callable[[frozenset[str]], None] | None = None
        """Called with the names of the rooms that somebody is in, each time a room has changed: for a program that
        runs the server inside itself."""
        self.draining = False
        """Whether the server stops: nobody new may come."""

    async def start(self, _app: web.Application) -> None:
        """Begins to share rooms, before the first socket."""
        await self.backplane.start()

    async def websocket(self, request: web.Request) -> web.StreamResponse:
        """Serves one socket until it is closed."""
        source = self.check(request)
        websocket = web.WebSocketResponse(
            timeout=self.limits.close_seconds, autoclose=False, compress=False, max_msg_size=_READ_BYTES
        )
        await websocket.prepare(request)
        if request.transport is None:
            return websocket
        outgoing = Outgoing(websocket, request.transport, self.limits)
        socket = self.open(outgoing, source)
        try:
            async for message in websocket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self.received(socket, message.data)
        finally:
            self.close(socket)
            try:
                await outgoing.finish()
            finally:
                self.forget(socket)
        return websocket

    def check(self, request: web.Request) -> Source:
        """Returns where a request comes from that wants to open a socket.

        Raises:
            HTTPException: it may not: the server stops, or there are too many already, or a page of a stranger asks.
        """
        self.access.check_origin(request)
        if self.draining:
            wait = self.limits.shutdown_retry_seconds + secrets.randbelow(self.limits.shutdown_spread_ms) / 1000
            raise web.HTTPServiceUnavailable(headers={"Retry-After": f"{wait:.0f}"}, text="the server is stopping\n")
        source = self.access.source(request)
        if (refusal := self.gate.has_room_for(source)) is not None:
            raise refused(refusal)
        return source

    def open(self, receiver: Receiver, source: Source) -> int:
        """A socket is there; returns its number. Whoever opens it ends it with `close` and `forget`."""
        socket = next(self._numbers)
        self._receivers[socket] = receiver
        self._sources[socket] = source
        self._empty.clear()
        pseudonym = self._pseudonyms.of(source.key, time.time())
        logger.info("socket %d is open", socket, extra=fields(socket=socket, source=pseudonym))
        refusal = self.gate.opened(socket, source)
        if refusal is None:
            self._hub.connected(socket, asyncio.get_running_loop().time(), source)
            self._carry_out()
        else:
            error = Error(refusal.code, refusal.message, retry_after=refusal.retry_after)
            self.metrics.sent(error, 0)
            receiver.put(encode_bytes(error))
            receiver.end(refusal.code, refusal.message)
        return socket

    def received(self, socket: int, data: str | bytes) -> None:
        """A message came over a socket."""
        self._hub.received(socket, data, asyncio.get_running_loop().time())
        self._carry_out()

    def close(self, socket: int) -> None:
        """A socket is gone, as far as the hub is concerned."""
        logger.info("socket %d is gone", socket, extra=fields(socket=socket))
        self._hub.disconnected(socket)
        self._carry_out()

    def forget(self, socket: int) -> None:
        """A socket that was closed takes no place any more."""
        del self._receivers[socket]
        self.gate.closed(socket, self._sources.pop(socket))
        if not self._receivers:
            self._empty.set()

    async def drain(self) -> None:
        """Tells everybody that the server stops, and waits until all sockets are closed: `drain_seconds` at most."""
        if self.draining:
            return
        self.draining = True
        logger.info("stopping with %d sockets", len(self._receivers), extra=fields(sockets=len(self._receivers)))
        self._hub.shut_down()
        self._carry_out()
        if self._receivers:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), self.limits.drain_seconds)
        if self._timer is not None:
            self._timer.cancel()

    async def stop(self, _app: web.Application) -> None:
        """Does the same for a server that was not drained before, and lets go of the rooms that it shares."""
        await self.drain()
        await self.backplane.close()

    @property
    def unready(self) -> str:
        """Why clients should not be sent here at this moment; empty when they may."""
        if self.draining:
            return "draining"
        return "" if self.backplane.is_ready else "the rooms that servers share cannot be reached"

    def gauges(self) -> dict[str, float]:
        """What is the case at this moment, for the metrics."""
        rooms, peers = self._hub.counts()
        return {
            "sockets": len(self._receivers),
            "pending_sockets": self.gate.pending,
            "rooms": rooms,
            "peers": peers,
            "draining": int(self.draining),
            "backplane_up": int(self.backplane.is_ready),
        }

    def _carry_out(self) -> None:
        """Does what the hub wants done, and sets the timer for what it wants later."""
        while (output := self._hub.poll()) is not None:
            if isinstance(output, Ask):
                self.backplane.submit(output.request, asyncio.get_running_loop().time())
                continue
            receiver = self._receivers.get(output.socket)
            if receiver is None:
                continue
            match output:
                case Send(socket=socket, message=message, data=data):
                    self.metrics.sent(message, len(data))
                    if isinstance(message, Welcome):
                        self.gate.welcomed(socket)
                    if not receiver.put(data):
                        logger.info("socket %d reads too slowly", socket, extra=fields(socket=socket))
                        self.metrics.dropped_slow_consumer()
                        receiver.drop(ErrorCode.SLOW_CONSUMER, "too much was waiting to be read")
                        self._hub.disconnected(socket, ErrorCode.SLOW_CONSUMER)
                case Close(socket=socket, code=code, reason=reason):
                    logger.info("socket %d is closed: %s", socket, code, extra=fields(socket=socket, code=code))
                    receiver.end(code, reason)
                case Reported(report=report):
                    self.metrics.reported(report)
        self._set_timer()

    def _told(self, answer: Answer) -> None:
        self._hub.told(answer)
        self._carry_out()
        if self.on_rooms is not None and isinstance(answer, Changed):
            self.on_rooms(self._hub.room_names())

    def _backplane(self, redis: str) -> Backplane:
        if not redis:
            return MemoryBackplane(self.limits, secrets.randbelow, self._told)
        from signaling_server.redis_backplane import RedisBackplane  # an extra: not every server needs it

        return RedisBackplane(redis, self.limits, secrets.randbelow, self._told, lambda: self._hub.held())

    def _set_timer(self) -> None:
        times = (self._hub.deadline(), self.backplane.deadline())
        deadline = min((time for time in times if time is not None), default=None)
        if self._timer is not None:
            # One that is due too early wakes for nothing, which costs less than a new one for each message.
            if deadline is not None and self._timer_at <= deadline and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = None
        if deadline is not None:
            self._timer, self._timer_at = asyncio.get_running_loop().call_at(deadline, self._wake), deadline

    def _wake(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        self._hub.tick(now)
        self.backplane.tick(now)
        self._carry_out()


SIGNALING: Final = web.AppKey("signaling", Signaling)
"""Where an application has it."""
