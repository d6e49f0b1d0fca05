"""The shell around the hub: sockets, clock and signals, with aiohttp.

The hub decides, this module carries out. Nothing here waits for one socket on behalf of another.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import WSMsgType, web
from aiohttp.typedefs import Handler

from p2pchat.protocol.signaling import MESSAGE_BYTES, ErrorCode, encode
from signaling_server.limits import ServerLimits
from signaling_server.outgoing import Outgoing
from signaling_server.rooms import Close, Hub, Send

logger = logging.getLogger(__name__)

PATH: Final = "/v1/ws"
"""Where the WebSocket is."""

_READ_BYTES: Final = 2 * MESSAGE_BYTES
"""Longest message that is read to the end, so that one a little too long gets an answer. Longer: close code 1009."""

_IDLE_SECONDS: Final = 10.0
"""Time for a connection to send a request; a WebSocket is no longer subject to it."""

_HANDLER_SECONDS: Final = 0.5
"""Time for request handlers to end by themselves when the server stops, after their sockets are closed."""

_silent = logging.getLogger("signaling_server.http")
_silent.disabled = True  # aiohttp would log the addresses of those who send broken requests


class Signaling:
    """One hub, its sockets and its timer."""

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._hub = Hub(limits, secrets.randbelow)
        self._outgoing: dict[int, Outgoing] = {}
        self._numbers = itertools.count(1)
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False

    async def websocket(self, request: web.Request) -> web.StreamResponse:
        """Serves one socket until it is closed."""
        if self._stopping:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": f"{self._limits.shutdown_retry_seconds:.0f}"})
        websocket = web.WebSocketResponse(
            timeout=self._limits.close_seconds, autoclose=False, compress=False, max_msg_size=_READ_BYTES
        )
        await websocket.prepare(request)
        if request.transport is None:
            return websocket
        socket = next(self._numbers)
        outgoing = self._outgoing[socket] = Outgoing(websocket, request.transport, self._limits)
        loop = asyncio.get_running_loop()
        self._hub.connected(socket, loop.time())
        self._carry_out()
        try:
            async for message in websocket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._hub.received(socket, message.data, loop.time())
                    self._carry_out()
        finally:
            logger.info("socket %d is gone, close code %s", socket, websocket.close_code)
            self._hub.disconnected(socket)
            self._carry_out()
            del self._outgoing[socket]
            await outgoing.finish()
        return websocket

    async def stop(self, _app: web.Application) -> None:
        """Tells everybody that the server stops, and closes all sockets; takes `close_seconds` at most."""
        self._stopping = True
        logger.info("stopping with %d sockets", len(self._outgoing))
        everybody = list(self._outgoing.values())
        self._hub.shut_down()
        self._carry_out()
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.gather(*(outgoing.closed() for outgoing in everybody))

    def _carry_out(self) -> None:
        """Does what the hub wants done, and sets the timer for what it wants later."""
        while (output := self._hub.poll()) is not None:
            outgoing = self._outgoing.get(output.socket)
            if outgoing is None:
                continue
            match output:
                case Send(socket=socket, message=message):
                    if not outgoing.put(encode(message)):
                        logger.info("socket %d reads too slowly", socket)
                        outgoing.drop(ErrorCode.SLOW_CONSUMER, "too much was waiting to be read")
                        self._hub.disconnected(socket, ErrorCode.SLOW_CONSUMER)
                case Close(socket=socket, code=code, reason=reason):
                    logger.info("socket %d is closed: %s", socket, code)
                    outgoing.end(code, reason)
        self._set_timer()

    def _set_timer(self) -> None:
        deadline = self._hub.deadline()
        if self._timer is not None:
            if self._timer.when() == deadline and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = None if deadline is None else asyncio.get_running_loop().call_at(deadline, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._hub.tick(asyncio.get_running_loop().time())
        self._carry_out()


async def _health(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


@web.middleware
async def _report_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Logs a fault of ours in place of aiohttp, which would log the address with it."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:
        logger.exception("a request failed")
        return web.Response(status=500, text="internal error\n")


def create_app(limits: ServerLimits) -> web.Application:
    """Returns the server as an application with the WebSocket at `/v1/ws`; shutting it down tells its clients."""
    signaling = Signaling(limits)
    app = web.Application(middlewares=[_report_failures])
    app.router.add_get(PATH, signaling.websocket)
    app.router.add_get("/healthz", _health)
    app.on_shutdown.append(signaling.stop)
    return app


@asynccontextmanager
async def listening(host: str, port: int, limits: ServerLimits) -> AsyncIterator[str]:
    """Runs a server on the present event loop for the length of the block.

    Args:
        host: the address to listen on.
        port: 0 lets the system choose one.
        limits: see `ServerLimits`.

    Yields:
        The server's URL as clients take it, such as `http://127.0.0.1:8080`.

    Raises:
        OSError: the address is in use, not of this machine, or not allowed.
    """
    runner = web.AppRunner(
        create_app(limits),
        access_log=None,
        logger=_silent,
        keepalive_timeout=_IDLE_SECONDS,
        shutdown_timeout=_HANDLER_SECONDS,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield _url(runner.addresses[0])
    finally:
        await runner.cleanup()


async def serve(host: str, port: int, limits: ServerLimits, announce: Callable[[str], None]) -> None:
    """Runs a server until SIGTERM or SIGINT; then every client is told, and it returns within a few seconds.

    Args:
        host: the address to listen on.
        port: 0 lets the system choose one.
        limits: see `ServerLimits`.
        announce: called once with the URL, when clients can connect.

    Raises:
        OSError: the address is in use, not of this machine, or not allowed.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C cancels this task instead
            loop.add_signal_handler(number, stopped.set)
    async with listening(host, port, limits) as url:
        announce(url)
        await stopped.wait()


def _url(address: tuple[str, int]) -> str:
    """The URL of a bound address; one that stands for all interfaces is reachable as loopback from here."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])
    return f"http://[{host}]:{address[1]}" if ":" in host else f"http://{host}:{address[1]}"
