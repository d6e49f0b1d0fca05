"""A hundred peers talk while somebody floods the server: they do not notice, and its memory stays bounded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from p2pchat.protocol.signaling import Relay, Relayed
from signaling_server.limits import ServerLimits
from tests.server.flood import KINDS, WORKERS
from tests.server.raw_client import PATIENCE, RawClient
from tests.server_process import ServerProcess

PEERS: Final = 100
PER_SOURCE: Final = 5
"""Peers of one address: fewer than a server allows."""

QUIET_SECONDS: Final = 1.0
FLOOD_SECONDS: Final = 1.0
"""All kinds together stay below 25 s."""

EVERY_SECONDS: Final = 0.4
"""Each of the hundred sends a message so often: 250 a second in all."""

MEMORY_BYTES: Final = 192 * 2**20
"""How much larger the server may be after all floods. Most of it is aiohttp's, which keeps what it read of a request
that it refuses until Python collects cycles; it does not grow when the flood goes on."""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs all of 127.0.0.0/8, and /proc")


class CountingServer(ServerProcess):
    """One that counts the sockets of this machine's addresses, as it does those of all others."""

    exempt = ()


class Hundred:
    """Well-behaved peers in pairs."""

    def __init__(self, clients: list[RawClient]) -> None:
        self._clients = clients
        self._readers = [asyncio.create_task(self._read(client)) for client in clients]
        self._arrived = 0
        self.times: list[float] = []

    async def talk(self, until: asyncio.Task[Any]) -> list[float]:
        """Has everybody write to its partner until a task is done; returns the seconds of each message on its way.

        Raises:
            AssertionError: one does not arrive, or somebody's socket was closed.
        """
        self.times.clear()
        self._arrived, sent = 0, 0
        while not until.done():
            for number, client in enumerate(self._clients):
                await client.say(Relay(peer_id(number ^ 1), time.monotonic()))
                sent += 1
                await asyncio.sleep(EVERY_SECONDS / PEERS)
        async with asyncio.timeout(PATIENCE):
            while self._arrived < sent:
                assert not any(reader.done() for reader in self._readers), "a well-behaved peer was turned out"
                await asyncio.sleep(0.01)
        return list(self.times)

    async def _read(self, client: RawClient) -> None:
        while True:
            message = await client.next()
            if isinstance(message, Relayed):
                self._arrived += 1
                self.times.append(time.monotonic() - message.body)

    def stop(self) -> None:
        for reader in self._readers:
            reader.cancel()


def peer_id(number: int) -> str:
    return f"good{chr(97 + number // 10 // 26)}{chr(97 + number // 10 % 26)}{chr(97 + number % 10)}a"


@contextlib.asynccontextmanager
async def hundred(url: str) -> AsyncIterator[Hundred]:
    """Seats them, each pair in a room of its own."""
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for number in range(PEERS):
            if number % PER_SOURCE == 0:
                connector = aiohttp.TCPConnector(local_addr=(f"127.1.0.{number // PER_SOURCE + 1}", 0))
                session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            client = RawClient(await session.ws_connect(f"{url}/v1/ws"))
            await client.sit_down(peer_id(number), f"room {number // 2}")
            clients.append(client)
        everybody = Hundred(clients)
        stack.callback(everybody.stop)
        yield everybody


async def flood(kind: str, port: int) -> dict[str, int]:
    """Floods from a process of its own; returns what it counted."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.server.flood", kind, str(port), str(FLOOD_SECONDS)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    counted: dict[str, int] = json.loads(output)
    return counted


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


async def test_a_hundred_peers_do_not_notice_floods_and_memory_stays_bounded() -> None:
    with CountingServer() as server:
        async with hundred(server.url) as peers:
            quiet = await peers.talk(asyncio.create_task(asyncio.sleep(QUIET_SECONDS)))
            before = resident_bytes(server.process.pid)
            for kind in KINDS:
                flooding = asyncio.create_task(flood(kind, server.port))
                times = await peers.talk(flooding)
                counted = await flooding
                grown = resident_bytes(server.process.pid) - before
                assert counted["tried"] > WORKERS, kind
                # Three processes share the processors here, so half a second is far from what a flood could do.
                assert statistics.median(times) < 0.5 + 50 * statistics.median(quiet), kind
                assert grown < MEMORY_BYTES, kind
                if kind == "forged addresses":
                    assert 0 < counted["served"] <= ServerLimits().sockets_per_source
                if kind == "oversized headers":
                    assert counted["served"] == 0
