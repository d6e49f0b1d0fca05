"""The signaling hub inside a node: the server's own code on a free port, for the local network only."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from p2pchat.signaling.local_networks import LocalNetworks
from signaling_server.app import create_app
from signaling_server.limits import ServerLimits
from signaling_server.sockets import SIGNALING

LIMITS: Final = ServerLimits(
    rooms=256,
    sockets_per_source=64,
    pending_sockets=64,
    joins_per_minute=240.0,
    sources=1_000,
    ping_seconds=5.0,
    away_seconds=5.0,
    close_seconds=0.5,
)
"""A network of people who sit in a few rooms each. One address may be a machine that many share. Whoever sleeps or
leaves is gone after 20 s: packets cross the network in a millisecond, and no router between forgets anything."""

SHUTDOWN_SECONDS: Final = 0.5
"""Time for request handlers to end by themselves."""

_silent = logging.getLogger("p2pchat.signaling.hub.http")
_silent.disabled = True  # aiohttp would log the addresses of those who send broken requests


@asynccontextmanager
async def running_hub(
    networks: Callable[[], LocalNetworks],
    limits: ServerLimits = LIMITS,
    on_rooms: Callable[[frozenset[str]], None] | None = None,
) -> AsyncIterator[int]:
    """Runs a hub for the length of the block. It listens on all interfaces, so that one that is added later is served.

    Args:
        networks: returns our networks; whoever comes from elsewhere is sent away before a word is read.
        limits: what others may do.
        on_rooms: called with the names of the rooms that somebody is in, each time one has changed.

    Yields:
        The port.

    Raises:
        OSError: no socket could be opened.
    """

    @web.middleware
    async def only_from_here(request: web.Request, handler: Handler) -> web.StreamResponse:
        remote = request.transport.get_extra_info("peername") if request.transport is not None else None
        if remote is None or not (_is_loopback(remote[0]) or networks().reach(remote[0])):
            raise web.HTTPForbidden(text="only for the local network\n")
        return await handler(request)

    app = create_app(limits)
    app.middlewares.insert(0, only_from_here)
    app[SIGNALING].on_rooms = on_rooms
    runner = web.AppRunner(app, access_log=None, logger=_silent, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        listening = _listen()
        await web.SockSite(runner, listening).start()
        yield listening.getsockname()[1]
    finally:
        await runner.cleanup()


def _listen() -> socket.socket:
    """Returns a socket for IPv4 and IPv6 on a port that is free in both, or for IPv4 where there is nothing else."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        except OSError:  # switched off in the kernel
            pass
    return socket.create_server(("0.0.0.0", 0))


def _is_loopback(address: str) -> bool:
    return address in ("127.0.0.1", "::1", "::ffff:127.0.0.1")
