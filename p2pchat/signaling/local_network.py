"""What one run of p2pchat has on the local network: its hub, its announcement, and the hubs of others.

Nothing is opened before the first conversation that wants it. Conversations share it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from p2pchat.errors import ServerUnreachable
from p2pchat.signaling.client import SignalingClient
from p2pchat.signaling.discovery import Discovery
from p2pchat.signaling.hub import running_hub
from p2pchat.signaling.local_networks import LocalNetworks
from p2pchat.signaling.services import Services

logger = logging.getLogger(__name__)

STAGGER_SECONDS: Final = 0.25
"""Head start of each address over the next one (RFC 8305 §5): one that leads nowhere costs no more than this."""

FIRST_DIALS: Final = 128
DIALLING: Final = 64
"""Hubs that are connected to at the same time, for the first time and again: nobody who has just come waits behind
inventions that were tried before."""


class LocalNetwork:
    """Our part in the local network.

    Args:
        us: our peer id.
        agent: program and version, for diagnosis only.
    """

    def __init__(self, us: str, agent: str) -> None:
        self.us = us
        self.services = Services(us, secrets.randbelow)
        self.first_dials = asyncio.Semaphore(FIRST_DIALS)
        self.dialling = asyncio.Semaphore(DIALLING)
        """Held by whoever connects to a hub, for the first time or again."""
        self._agent = agent
        self.port = 0
        """Of our hub, once it is open."""
        self._discovery: Discovery | None = None
        self._watchers: set[Callable[[], None]] = set()
        self.rooms: frozenset[str] = frozenset()
        """What the rooms of our hub are called there that somebody is in."""
        self._room_watchers: set[Callable[[], None]] = set()
        self._starting = asyncio.Lock()
        self._open: AsyncExitStack | None = None

    async def start(self) -> None:
        """Opens the hub and announces it, unless that was done before.

        Raises:
            ServerUnreachable: this machine has no network that we could use, or does not let us.
        """
        async with self._starting:
            if self._open is not None:
                return
            stack = AsyncExitStack()
            try:
                self.port = await stack.enter_async_context(
                    running_hub(lambda: self.networks, on_rooms=self._rooms_changed)
                )
                await self._announce(stack)
            except OSError as error:
                await stack.aclose()
                reason = (error.strerror or str(error) or type(error).__name__).lower()
                raise ServerUnreachable(
                    f"the local network cannot be used: {reason}", "connect to a network, or name a server"
                ) from error
            self._open = stack

    async def _announce(self, stack: AsyncExitStack) -> None:
        self._discovery = Discovery(self.us, self.port, self.services, self._changed)
        stack.push_async_callback(self._discovery.close)
        await self._discovery.start()

    @property
    def networks(self) -> LocalNetworks:
        """Those that we are on."""
        return self._discovery.networks if self._discovery is not None else LocalNetworks.now()

    async def close(self) -> None:
        """Takes the announcement back and closes the hub; bounded by a few seconds."""
        async with self._starting:
            if self._open is not None:
                await self._open.aclose()
                self._open = None

    def hurry(self) -> None:
        """Something has changed on this machine: announces us, and looks for others, at once."""
        if self._discovery is not None:
            self._discovery.hurry()

    def watch(self, changed: Callable[[], None]) -> None:
        """Has `changed` called each time `services` has changed."""
        self._watchers.add(changed)

    def unwatch(self, changed: Callable[[], None]) -> None:
        """Ends that."""
        self._watchers.discard(changed)

    def watch_rooms(self, changed: Callable[[], None]) -> None:
        """Has `changed` called each time somebody has come to a room of our hub, or has left one."""
        self._room_watchers.add(changed)

    def unwatch_rooms(self, changed: Callable[[], None]) -> None:
        """Ends that."""
        self._room_watchers.discard(changed)

    def client_of_own_hub(self, key: str) -> SignalingClient:
        """Returns a client, not connected yet, of our own hub."""
        return self._client(self.us, ("127.0.0.1", "::1"), self.port, key)

    def client(self, peer: str, key: str) -> SignalingClient | None:
        """Returns a client, not connected yet, of the hub of a peer; None when it is announced no more."""
        service = self.services.get(peer)
        return None if service is None else self._client(peer, service.addresses, service.port, key)

    def _client(self, peer: str, addresses: Sequence[str], port: int, key: str) -> SignalingClient:
        def connector() -> aiohttp.BaseConnector:
            return aiohttp.TCPConnector(
                resolver=_Announced(addresses),
                use_dns_cache=False,
                happy_eyeballs_delay=STAGGER_SECONDS,
                interleave=1,
            )

        return SignalingClient(f"ws://{peer}.local:{port}", self.us, key, self._agent, connector=connector)

    def _rooms_changed(self, rooms: frozenset[str]) -> None:
        self.rooms = rooms
        for changed in list(self._room_watchers):
            changed()

    def _changed(self) -> None:
        for changed in list(self._watchers):
            changed()


class _Announced(AbstractResolver):
    """Resolves every name to the addresses that were announced."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""
