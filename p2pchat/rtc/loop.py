"""The event loop on which links live: one that strangers cannot use to close them.

aiortc 1.16 closes a connection when an empty UDP datagram arrives, from whatever address (its DTLS transport looks at
the first byte). aioice raises when a STUN attribute has another length than it should, which would be reported as a
fault of ours, as often as a stranger likes. asyncio lets a loop decide what a datagram endpoint is, so this loop puts a
filter in front of every protocol. It also asks the kernel for a larger receive buffer: aioice's 256 KiB hold 10 ms of a
fast transfer, and a pause longer than that would lose packets.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

logger = logging.getLogger(__name__)

RECEIVE_BUFFER = 4 * 1024 * 1024
"""Bytes of socket buffer asked for; the kernel caps it (`net.core.rmem_max`). 100 ms at 40 MB/s."""

Result = TypeVar("Result")


class DatagramFilter(asyncio.DatagramProtocol):
    """Passes everything on to the protocol behind it, except empty datagrams, and drops what it cannot read."""

    def __init__(self, inner: asyncio.DatagramProtocol) -> None:
        self._inner = inner
        self._pass_on = inner.datagram_received

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inner.connection_made(cast(asyncio.DatagramTransport, transport))

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if data:
            try:
                self._pass_on(data, addr)
            except (struct.error, ValueError, KeyError):
                logger.debug("a datagram that cannot be read")

    def error_received(self, exc: Exception) -> None:
        self._inner.error_received(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


class _GuardedEndpoints:
    """Mixed into an event loop class, in front of it."""

    async def create_datagram_endpoint(
        self, protocol_factory: Callable[[], asyncio.DatagramProtocol], *args: Any, **options: Any
    ) -> tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]:
        inner = protocol_factory()
        transport, _ = await super().create_datagram_endpoint(  # type: ignore[misc]
            lambda: DatagramFilter(inner), *args, **options
        )
        # aioice sets its own size as soon as it has the transport: ours has to come after that.
        asyncio.get_running_loop().call_soon(_enlarge_receive_buffer, transport)
        return transport, inner


def _enlarge_receive_buffer(transport: asyncio.DatagramTransport) -> None:
    sock = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Returns a guarded event loop: uvloop's where it is installed, asyncio's otherwise. The caller closes it."""
    try:
        import uvloop
    except ImportError:
        base: Any = asyncio.SelectorEventLoop
    else:
        base = uvloop.Loop
    guarded = type("GuardedEventLoop", (_GuardedEndpoints, base), {})
    return cast(asyncio.AbstractEventLoop, guarded())


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Runs a coroutine to its end on a guarded event loop of its own, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)
