"""The signaling server as a web application, and its life from the first socket to the last.

At which path is what: the WebSocket here, offers over HTTP in `http_offer`, what operators read in `pages`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from signaling_server.deployment import Deployment
from signaling_server.http_offer import add_offers
from signaling_server.limits import ServerLimits
from signaling_server.pages import add_pages
from signaling_server.sockets import SIGNALING, Signaling

logger = logging.getLogger(__name__)

PATH: Final = "/v1/ws"
"""Where the WebSocket is."""

_REQUEST_BYTES: Final = 64 * 1024
"""Longest body of an HTTP request: twice the longest session description that peers take."""

_IDLE_SECONDS: Final = 10.0
"""Time for a connection to send a request; a WebSocket is no longer subject to it."""

_HANDLER_SECONDS: Final = 0.5
"""Time for request handlers to end by themselves when the server stops, after their sockets are closed."""

_silent = logging.getLogger("signaling_server.http")
_silent.disabled = True  # aiohttp would log the addresses of those who send broken requests


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


def create_app(limits: ServerLimits, deployment: Deployment | None = None) -> web.Application:
    """Returns the server as an application with the WebSocket at `/v1/ws`; shutting it down tells its clients."""
    signaling = Signaling(limits, deployment or Deployment())
    app = web.Application(middlewares=[_report_failures], client_max_size=_REQUEST_BYTES)
    app.router.add_get(PATH, signaling.websocket)
    add_pages(app, signaling)
    add_offers(app, signaling)
    app.on_startup.append(signaling.start)
    app.on_shutdown.append(signaling.stop)
    app[SIGNALING] = signaling
    return app


@asynccontextmanager
async def listening(
    host: str, port: int, limits: ServerLimits, deployment: Deployment | None = None
) -> AsyncIterator[str]:
    """Runs a server on the present event loop for the length of the block.

    Args:
        host: the address to listen on.
        port: 0 lets the system choose one.
        limits: see `ServerLimits`.
        deployment: see `Deployment`; its defaults when left out.

    Yields:
        The server's URL as clients take it, such as `http://127.0.0.1:8080`.

    Raises:
        OSError: the address is in use, not of this machine, or not allowed.
    """
    async with _running(host, port, create_app(limits, deployment), deployment or Deployment()) as url:
        yield url


@asynccontextmanager
async def _running(host: str, port: int, app: web.Application, deployment: Deployment) -> AsyncIterator[str]:
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_silent,
        keepalive_timeout=_IDLE_SECONDS,
        shutdown_timeout=_HANDLER_SECONDS,
    )
    await runner.setup()
    try:
        tls = deployment.certificate.context if deployment.certificate is not None else None
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
        yield _url(runner.addresses[0], "http" if tls is None else "https")
    finally:
        await runner.cleanup()


async def serve(
    host: str, port: int, limits: ServerLimits, announce: Callable[[str], None], deployment: Deployment | None = None
) -> None:
    """Runs a server until SIGTERM or SIGINT; then every client is told, and it returns within `drain_seconds`.

    SIGHUP has the files of the deployment read again.

    Args:
        host: the address to listen on.
        port: 0 lets the system choose one.
        limits: see `ServerLimits`.
        announce: called once with the URL, when clients can connect.
        deployment: see `Deployment`; its defaults when left out.

    Raises:
        OSError: the address is in use, not of this machine, or not allowed.
    """
    deployment = deployment or Deployment()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C cancels this task instead
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        loop.add_signal_handler(signal.SIGHUP, _reload, deployment)
    app = create_app(limits, deployment)
    async with _running(host, port, app, deployment) as url:
        announce(url)
        await stopped.wait()
        await app[SIGNALING].drain()


def _reload(deployment: Deployment) -> None:
    for problem in deployment.reload():
        logger.error("not read again: %s", problem)


def _url(address: tuple[str, int], scheme: str) -> str:
    """The URL of a bound address; one that stands for all interfaces is reachable as loopback from here."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])
    return f"{scheme}://[{host}]:{address[1]}" if ":" in host else f"{scheme}://{host}:{address[1]}"
