"""A reverse proxy as small as it gets: each connection goes to the next server that takes it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Balancer:
    """Passes connections on to servers in turn.

    Args:
        ports: of the servers, on loopback.
    """

    def __init__(self, *ports: int) -> None:
        self.ports = list(ports)
        self._next = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection."""
        for _ in self.ports:
            port = self.ports[self._next % len(self.ports)]
            self._next += 1
            with contextlib.suppress(OSError):
                behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_pump(reader, behind_writer), _pump(behind_reader, writer))
                return
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def balanced(*ports: int) -> AsyncIterator[str]:
    """Runs a balancer before servers; yields the URL that stands for them all."""
    balancer = Balancer(*ports)
    connections: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(balancer.connected(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    listening = await asyncio.start_server(accepted, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
