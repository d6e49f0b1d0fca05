"""Neighbours on a local network on which everybody is told by the test who is announced; their hubs are real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from p2pchat.signaling.client import SignalingClient
from p2pchat.signaling.events import SignalingEvent
from p2pchat.signaling.lan import LanSignaling
from p2pchat.signaling.local_network import LocalNetwork
from p2pchat.signaling.services import Service
from tests.signaling.stage import PATIENCE


class Cable(LocalNetwork):
    """A local network without multicast."""

    async def _announce(self, stack: AsyncExitStack) -> None:
        pass

    @property
    def service(self) -> Service:
        """What would be announced."""
        return Service(self.us, ("127.0.0.1",), self.port)

    def hears(self, service: Service) -> None:
        """Somebody is announced."""
        if self.services.add(service):
            self._changed()

    def hears_no_more(self, peer: str) -> None:
        """Somebody is announced no more."""
        self.services.remove(peer)
        self._changed()


class Neighbour:
    """Somebody with a seat on the local network, who reads its events one after another."""

    def __init__(self, peer: str, server: str = "") -> None:
        self.peer = peer
        self.network = Cable(peer, "test")
        self.server = SignalingClient(server, peer, peer * 2, "test") if server else None
        self.seat = LanSignaling(self.network, self.server)
        self._events = self.seat.events()
        self._next: asyncio.Task[SignalingEvent] | None = None

    def meets(self, other: Neighbour) -> None:
        """Each hears that the other is announced."""
        self.network.hears(other.network.service)
        other.network.hears(self.network.service)

    async def hears(self, *expected: SignalingEvent) -> None:
        for event in expected:
            assert await self.next() == event

    async def next(self) -> SignalingEvent:
        done, _ = await asyncio.wait({self._listening()}, timeout=PATIENCE)
        assert done, f"{self.peer} hears nothing"
        self._next = None
        return done.pop().result()

    async def hears_nothing(self, seconds: float) -> None:
        """Nothing more comes for some time; a busy machine makes that easier, never harder."""
        done, _ = await asyncio.wait({self._listening()}, timeout=seconds)
        assert not done, done.pop().result()

    def _listening(self) -> asyncio.Task[SignalingEvent]:
        async def listen() -> SignalingEvent:
            return await anext(self._events)

        self._next = self._next or asyncio.create_task(listen())
        return self._next

    async def close(self) -> None:
        if self._next is not None:
            self._next.cancel()
        await self.seat.close()
        await self.network.close()


@asynccontextmanager
async def neighbours(*peers: str, server: str = "") -> AsyncIterator[list[Neighbour]]:
    present = [Neighbour(peer, server) for peer in peers]
    try:
        yield present
    finally:
        for neighbour in present:
            await asyncio.wait_for(neighbour.close(), PATIENCE)


def service_at(url: str, peer: str) -> Service:
    """The announcement of a hub at a URL."""
    return Service(peer, ("127.0.0.1",), urlsplit(url).port or 0)
