"""A seat in a room of the local network, and of a server as well when there is one.

    our hub      we sit in the room there, and others come to us
    their hubs   we sit in the room of each hub that is announced, and meet its owner there
    the server   as without a local network

Of two, the one with the smaller peer id goes to the other at once, and the other a moment later: each pair meets twice,
so that a firewall at one of them, or somebody who takes a seat under a name that is not his, keeps nobody apart. What
counts of it says `p2pchat.signaling.presence`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence, Set
from typing import Any, Final, Literal

from p2pchat.errors import NoConnection, ServerRefused, ServerUnreachable
from p2pchat.protocol.allowance import Allowance
from p2pchat.protocol.signaling import IceServer
from p2pchat.signaling.client import SignalingClient, reconnect_delay
from p2pchat.signaling.events import (
    Offline,
    Online,
    PeerAway,
    PeerBack,
    PeerFound,
    PeerJoined,
    PeerLeft,
    Refused,
    Relayed,
    SignalingEvent,
)
from p2pchat.signaling.hub_rooms import hub_room
from p2pchat.signaling.local_network import DIALLING, FIRST_DIALS, LocalNetwork
from p2pchat.signaling.presence import OWN, SERVER, Presence
from p2pchat.signaling.services import SERVICES, Service

logger = logging.getLogger(__name__)

SECOND_SECONDS: Final = 1.0
"""How long the one with the larger peer id waits, so that usually only one of the two offers a link."""

DIAL_SECONDS: Final = 3.0
"""Time to get a seat at a hub that is one step away; behind seven dead addresses the last one is tried after 2 s."""

CROWD: Final = 32
CROWDED_DIAL_SECONDS: Final = 0.75
"""The same for the first attempt at each while more than so many are announced, as somebody who invents them does: a
hub answers within milliseconds, and who has just come is not to wait behind addresses where nobody is."""

HUB_RETRY_SECONDS: Final = (0.3, 1.2, 2.7, 4.8, 15.0, 60.0)
"""Time before each further attempt to reach a hub that is still announced; the last one repeats."""

GRACE_SECONDS: Final = 5.0
"""How long somebody whose hub is lost still counts as present: it may come back, as after a change of network."""

HUB_MESSAGES_PER_SECOND: Final = 10.0
HUB_MESSAGE_BURST: Final = 100
"""What the hub of one peer may tell us: that peer's signals, which are a handful for each attempt to connect. One that
tells more is left, and tried again a minute later."""

WAYS: Final = SERVICES + DIALLING + FIRST_DIALS
"""Hubs that are attended to at once; while somebody announces inventions faster than they can be tried, others wait."""

SERVER_PATIENCE_SECONDS: Final = 1.0
"""How long joining waits for the server; if it takes longer it is waited for while the local network is used."""

WAITING_EVENTS: Final = 1000
"""Events that wait to be read before reading from servers and hubs stops."""


class LanSignaling:
    """Implements `p2pchat.signaling.seat.Seat` for the local network.

    Args:
        network: what we have there.
        server: a client, not connected yet, of the server; None where none is used.
    """

    def __init__(self, network: LocalNetwork, server: SignalingClient | None) -> None:
        self._network = network
        self._server = server
        self._presence = Presence()
        self._clients: dict[str, SignalingClient] = {}
        """The client of each way that is connected."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._visited: dict[str, Service] = {}
        """Where each hub was announced to be when it was looked for last."""
        self._moved: dict[str, asyncio.Event] = {}
        """Set when a hub is announced to be elsewhere."""
        self._cut_off: set[str] = set()
        """Who was told to be away."""
        self._events: asyncio.Queue[SignalingEvent | None] = asyncio.Queue(WAITING_EVENTS)
        self._room = ""
        self._sat_down = asyncio.Event()

    @property
    def notice(self) -> str:
        """See `Seat.notice`."""
        return self._server.notice if self._server is not None else ""

    @property
    def ice_servers(self) -> Sequence[IceServer]:
        """See `Seat.ice_servers`."""
        return self._server.ice_servers if self._server is not None else ()

    @property
    def your_address(self) -> str:
        """See `Seat.your_address`."""
        return self._server.your_address if self._server is not None else ""

    async def connect(self, room: str) -> list[str]:
        """Takes the seat at our own hub, and at the server unless that is slow or cannot be reached.

        Returns:
            Who is to be offered to already; events tell of more.

        Raises:
            UsageError: the room's name cannot be used.
            ServerUnreachable: neither the local network nor the server can be used.
            ServerRefused: the server said no.
        """
        self._room = room
        local = await self._begin_locally()
        if self._server is None:
            if local is not None:
                raise local
            return []
        first = asyncio.create_task(self._server.connect(room))
        wait = None if local is not None else SERVER_PATIENCE_SECONDS
        try:
            done, _ = await asyncio.wait({first}, timeout=wait)
        except asyncio.CancelledError:
            first.cancel()
            raise
        if not done:
            self._tasks[SERVER] = asyncio.create_task(self._attend_server(self._server, first))
            return []
        try:
            there = first.result()
        except ServerUnreachable as error:
            if local is not None:
                raise
            await self._events.put(Offline(error.message))
            self._tasks[SERVER] = asyncio.create_task(self._attend_server(self._server, None))
            return []
        new = self._server_is_there(there)
        self._tasks[SERVER] = asyncio.create_task(self._pass_on(self._server))
        return new

    async def events(self) -> AsyncIterator[SignalingEvent]:
        """See `Seat.events`."""
        while (event := await self._events.get()) is not None:
            yield event

    def relay(self, to: str, body: Any) -> None:
        """See `Seat.relay`: along every way that counts."""
        for way in self._presence.routes(to):
            if way in self._clients:
                self._clients[way].relay(to, body)

    def report(self, outcome: Literal["direct", "relay", "failed"], seconds: float) -> None:
        """See `Seat.report`."""
        if self._server is not None:
            self._server.report(outcome, seconds)

    def unreached(self, peer: str) -> str:
        """See `Seat.unreached`."""
        routes = self._presence.routes(peer)
        if self._server is not None and routes in ([], [SERVER]):
            return self._server.unreached(peer)
        return "" if routes else "it is no longer on the local network"

    def hurry(self, gone: Set[str] = frozenset()) -> None:
        """See `Seat.hurry`."""
        self._network.hurry()
        for client in self._clients.values():
            client.hurry(gone)
        for moved in self._moved.values():
            moved.set()

    async def close(self) -> None:
        """See `Seat.close`."""
        self._network.unwatch(self._look)
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()  # those that attend to hubs give their seats up
        await asyncio.gather(
            *([self._server.close()] if self._server is not None else []),
            *([asyncio.wait(tasks)] if tasks else []),
        )
        while not self._events.empty():
            self._events.get_nowait()
        self._events.put_nowait(None)

    async def _tell(self, *events: SignalingEvent) -> None:
        """Tells what has happened, and who is away since then, or back: whom no other way leads to is away."""
        for event in events:
            await self._events.put(event)
        before, self._cut_off = self._cut_off, self._presence.cut_off
        for peer in sorted(self._cut_off - before):
            await self._events.put(PeerAway(peer))
        for peer in sorted((before - self._cut_off) & self._presence.peers):
            await self._events.put(PeerBack(peer))

    # --- the local network

    async def _begin_locally(self) -> ServerUnreachable | None:
        """Sits down at our own hub and looks for others. Returns what is in the way, if something is."""
        try:
            await self._network.start()
        except ServerUnreachable as error:
            logger.info("%s", error.message)
            return error
        self._moved[OWN] = asyncio.Event()
        self._tasks[OWN] = asyncio.create_task(self._attend_hub(OWN))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DIAL_SECONDS):
                await self._sat_down.wait()
        self._network.watch(self._look)
        self._look()
        return None

    def _look(self) -> None:
        """The services have changed: go to the hubs of those who are new, and soon to those who are elsewhere."""
        services = self._network.services
        for way, moved in self._moved.items():
            if way != OWN and way not in services:
                moved.set()  # nothing is tried there any more; others wait for the place
        for service in services.latest():
            peer = service.peer
            if peer not in self._tasks:
                if len(self._tasks) >= WAYS:
                    continue
                self._moved[peer] = asyncio.Event()
                self._tasks[peer] = asyncio.create_task(self._attend_hub(peer))
            elif self._visited[peer] != service:
                self._moved[peer].set()
            self._visited[peer] = service

    async def _attend_hub(self, way: str) -> None:
        """Keeps a seat at a hub, ours or that of a peer, as long as it is announced or lets us sit there."""
        if way != OWN and self._network.us > way:
            await asyncio.sleep(SECOND_SECONDS)
        loop = asyncio.get_running_loop()
        key = secrets.token_urlsafe(24)
        attempt, lost_at = 0, loop.time()
        moved = self._moved[way]
        while (client := self._client_of(way, key)) is not None:
            moved.clear()
            try:
                there = await self._sit_down(way, client, attempt)
            except (NoConnection, TimeoutError) as error:
                logger.debug("a hub was not reached: %s", error)
            else:
                behaved = await self._attend(way, client, there)
                attempt = 0 if behaved else len(HUB_RETRY_SECONDS)
                lost_at = loop.time() if behaved else -math.inf
            finally:
                self._clients.pop(way, None)
                await client.close()
            if loop.time() - lost_at > GRACE_SECONDS:
                await self._forget(way)
            attempt = await self._rest(way, attempt)
        await self._forget(way)
        del self._tasks[way], self._moved[way], self._visited[way]
        self._look()

    async def _rest(self, way: str, attempt: int) -> int:
        """Waits before another attempt to reach a hub, but not when it is elsewhere now; returns its number."""
        moved = self._moved[way]
        seconds = HUB_RETRY_SECONDS[min(attempt, len(HUB_RETRY_SECONDS) - 1)]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds * random.uniform(1.0, 1.2)):
                await moved.wait()
            await asyncio.sleep(HUB_RETRY_SECONDS[0])  # whoever announces another place all the time gains nothing
        self._network.services.turn(way)
        return 0 if moved.is_set() else attempt + 1

    def _client_of(self, way: str, key: str) -> SignalingClient | None:
        return self._network.client_of_own_hub(key) if way == OWN else self._network.client(way, key)

    async def _sit_down(self, way: str, client: SignalingClient, attempt: int) -> list[str]:
        first = attempt == 0
        crowded = first and len(self._network.services) > CROWD and way != OWN
        places = self._network.first_dials if first else self._network.dialling
        async with (
            contextlib.nullcontext() if way == OWN else places,
            asyncio.timeout(CROWDED_DIAL_SECONDS if crowded else DIAL_SECONDS),
        ):
            return await client.connect(hub_room(self._room, self._network.us if way == OWN else way))

    async def _attend(self, way: str, client: SignalingClient, there: Iterable[str]) -> bool:
        """Passes on what comes from a hub, until it is lost; returns whether it kept to its allowance."""
        loop = asyncio.get_running_loop()
        allowance = Allowance(HUB_MESSAGES_PER_SECOND, HUB_MESSAGE_BURST)
        self._clients[way] = client
        self._network.services.proved(way)
        new, gone = self._presence.replace(way, there)
        await self._tell(*map(PeerFound, new), *(PeerLeft(peer, "left") for peer in gone))
        if way == OWN:
            self._sat_down.set()
        async for event in client.events():
            if way != OWN and not allowance.take(loop.time()):
                return False
            match event:
                case PeerJoined(peer):
                    await self._tell(*([event] if self._presence.arrived(way, peer) else []))
                case PeerLeft(peer):
                    await self._tell(*([event] if self._presence.left(way, peer) else []))
                case Relayed(sender, body) if self._presence.counts(way, sender, body):
                    await self._tell(event)
                case Offline():
                    break
        return True

    async def _forget(self, way: str) -> None:
        _, gone = self._presence.replace(way, ())
        await self._tell(*(PeerLeft(peer, "lost") for peer in gone))

    # --- the server

    async def _attend_server(self, server: SignalingClient, first: asyncio.Task[list[str]] | None) -> None:
        """Waits for the server, tries again as long as it takes, and then passes on what comes from it."""
        told, attempt = first is None, 0
        while True:
            retry_after = None
            try:
                there = await (first if first is not None else server.connect(self._room))
            except ServerUnreachable as error:
                if not told:
                    await self._events.put(Offline(error.message))
            except ServerRefused as error:
                retry_after = error.retry_after
                if not told:
                    await self._events.put(Refused(error.reason, error.message))
            else:
                break
            told, first = True, None
            await asyncio.sleep(reconnect_delay(attempt, random.random(), retry_after))
            attempt += 1
        self._server_is_there(there)
        await self._events.put(Online(tuple(sorted(self._presence.peers))))
        await self._pass_on(server)

    def _server_is_there(self, there: Iterable[str]) -> list[str]:
        assert self._server is not None
        self._clients[SERVER] = self._server
        self._presence.server_up = True
        return self._presence.replace(SERVER, there)[0]

    async def _pass_on(self, server: SignalingClient) -> None:
        async for event in server.events():
            match event:
                case PeerJoined(peer) if not self._presence.arrived(SERVER, peer):
                    continue
                case PeerLeft(peer) if not self._presence.left(SERVER, peer):
                    continue
                case PeerAway(peer) | PeerBack(peer):
                    self._presence.lost_server(peer, isinstance(event, PeerAway))
                    await self._tell()
                    continue
                case Relayed(sender, body) if not self._presence.counts(SERVER, sender, body):
                    continue
                case Offline():
                    self._presence.server_up = False
                case Online(peers, away):
                    self._server_is_there(peers)
                    for peer in away:
                        self._presence.lost_server(peer, True)
                    self._cut_off = self._presence.cut_off
                    event = Online(tuple(sorted(self._presence.peers)), tuple(sorted(self._cut_off)))
            await self._tell(event)
