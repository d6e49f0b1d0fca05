"""A seat in a room or a mailbox of a signaling server, kept whatever happens to the server.

Rules
    1. `connect`, `allocate` and `claim` try once and raise. After one has succeeded nothing is raised any more: events
       tell.
    2. A lost server is tried again for ever, at growing intervals, with the same peer id and key: the seat is the same.
       Only a server that says `replaced` is not: somebody else holds our seat with our key, and would lose it to us.
    3. What the server says about the room is believed only when it makes sense: a peer joins that was not there, leaves
       or sends when it was. A server that makes no sense for too long is treated as lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence, Set
from typing import Any, Final, Literal

import aiohttp
import msgspec

from p2pchat.errors import ServerRefused, ServerUnreachable, UsageError
from p2pchat.protocol import signaling as wire
from p2pchat.protocol.limits import ROOM_CHARACTERS
from p2pchat.protocol.untrusted import safe_line
from p2pchat.signaling.address import server_url
from p2pchat.signaling.connection import Connection, Lost, SeatRequest, open_seat
from p2pchat.signaling.events import Offline, Online, Refused, SignalingEvent
from p2pchat.signaling.members import Members

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = (0.3, 1.2, 2.7, 3.5)
"""Time before each further attempt to reach a lost server, growing with its square; the last one repeats. With the
jitter, everybody is back 4.5 s after a server is, and who comes then is met within 5 s."""

JITTER_SECONDS: Final = 1.0
"""At most this is added at random, so that the clients of a restarted server do not come all at once."""

RETRY_AFTER_MOST: Final = 60.0
"""Longest wait that a server may ask for."""

STEADY_SECONDS: Final = 10.0
"""A seat that was kept for less does not start the intervals over: the server may be falling again and again."""

HURRY_SECONDS: Final = 3.0
"""Time for any sign of life of the server after something has changed on this machine: a lost packet and its repetition
cost 1 s (RFC 6298 §2)."""

RENEW_AFTER: Final = 0.75
"""Part of the life of ICE credentials after which new ones are asked for."""

RENEW_LEAST: Final = 5.0
"""Least seconds until then, whatever the server says."""

WAITING_RELAYS: Final = 256
"""Messages kept while the server is away; beyond it the oldest go: their negotiations have given up by then."""

WAITING_EVENTS: Final = 1000
"""Events that wait to be read before reading from the server stops; a full room causes a few dozen."""


def reconnect_delay(attempt: int, jitter: float, retry_after: float | None = None) -> float:
    """Returns the seconds to wait before an attempt to reach a lost server.

    Args:
        attempt: 0 for the first one.
        jitter: at random from 0 to 1.
        retry_after: what the server asked for, if it did.
    """
    least = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
    return max(least, min(retry_after or 0.0, RETRY_AFTER_MOST)) + jitter * JITTER_SECONDS


FLUSH_SECONDS = 0.5
"""Time for the last relayed messages to leave when the seat is given up."""


class SignalingClient:
    """The client's side of one room or mailbox on one server.

    Use it in this order: `connect`, `allocate` or `claim`, then read `events` and call `relay`, at last `close`, also
    after a failure.

    Args:
        server: as a person names it; see `p2pchat.signaling.address.server_url`.
        peer_id: our address in the room: eight characters of base32 in lower case, chosen for this run.
        key: 16 to 64 characters that nobody can guess; they keep the seat ours.
        agent: program and version, for diagnosis only.
        token: what a server wants that is not open to everybody; empty for none.
        connector: makes what connections go through, where names are not resolved in the usual way.

    Raises:
        ConfigurationError: `server` is no address of a server.
    """

    def __init__(
        self,
        server: str,
        peer_id: str,
        key: str,
        agent: str = "",
        *,
        token: str = "",
        connector: Callable[[], aiohttp.BaseConnector] | None = None,
    ) -> None:
        self.url = server_url(server)
        self.notice = ""
        """What the operator of the server has to say to its users; safe to show, often empty."""
        self.your_address = ""
        """Where we seem to come from, as the server sees it; safe to show, often empty."""
        self.ice_servers: tuple[wire.IceServer, ...] = ()
        """The STUN and TURN servers that the server names, with credentials that are good now; untrusted."""
        self._hello = wire.Hello(wire.VERSION, peer_id, key, agent, token)
        self._request: SeatRequest | None = None
        """What gets us the seat, and gets it back."""
        self._members = Members(peer_id)
        self._online = False
        self._hurried = asyncio.Event()
        """Something has changed on this machine, and the server has given no sign of life since."""
        self._connection: Connection | None = None
        """The one that messages pass through now."""
        self._limit: asyncio.Timeout | None = None
        """Ends the wait for the next message of the server, when that is hurried."""
        self._renewal: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._connector = connector
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._outbox: deque[wire.Relay | wire.Report | wire.IceServersWanted | wire.Ping] = deque(maxlen=WAITING_RELAYS)
        self._outbox_changed = asyncio.Event()
        self._outbox_sent = asyncio.Event()
        self._outbox_sent.set()
        self._events: asyncio.Queue[SignalingEvent | None] = asyncio.Queue(WAITING_EVENTS)

    async def connect(self, room: str) -> list[str]:
        """Takes a seat in a room.

        Returns:
            The ids of the peers that are there already: the newcomer offers to each of them.

        Raises:
            UsageError: the room's name cannot be used.
            ServerUnreachable: nothing that speaks our protocol answered; the message says what is wrong.
            ServerRefused: the server said no, such as `room-full`.
        """
        try:
            name = msgspec.convert(room, wire.RoomName)
        except msgspec.ValidationError:
            hint = f"use 1 to {ROOM_CHARACTERS} characters without control characters"
            raise UsageError("the room's name cannot be used", hint) from None
        await self._sit_down(wire.Join(name))
        return sorted(self._members.present)

    async def allocate(self) -> int:
        """Opens a mailbox and takes its first seat.

        While nobody claims it, it lasts about a quarter of an hour; then `Refused` tells `mailbox-expired`. `Refused`
        with `crowded` tells that a third one tried to come in, which may have been a guesser.

        Returns:
            Its number, for the code.

        Raises:
            ServerUnreachable: as in `connect`.
            ServerRefused: the server said no, such as `too-many-rooms` or `rate-limited`.
        """
        await self._sit_down(wire.Allocate())
        assert isinstance(self._request, wire.Claim)
        return self._request.mailbox

    async def claim(self, mailbox: int) -> list[str]:
        """Takes the other seat of a mailbox.

        Returns:
            Who is in it: its owner.

        Raises:
            ServerUnreachable: as in `connect`.
            ServerRefused: the server said no, such as `no-such-mailbox`, `crowded` or `rate-limited`.
        """
        await self._sit_down(wire.Claim(mailbox))
        return sorted(self._members.present)

    async def events(self) -> AsyncIterator[SignalingEvent]:
        """The stream of events, from the seat to `close`. There is one stream: ask for it once."""
        while (event := await self._events.get()) is not None:
            yield event

    def relay(self, to: str, body: Any) -> None:
        """Sends a body to a member of the room, now or once the server is back. Never waits for the server.

        Args:
            to: its peer id.
            body: JSON values, at most `BODY_DEPTH` levels deep.

        Raises:
            ValueError: the message is longer than a server accepts.
        """
        message = wire.Relay(to, body)
        if len(wire.encode(message).encode()) > wire.MESSAGE_BYTES:
            raise ValueError(f"a signaling message may have {wire.MESSAGE_BYTES} bytes")
        self._send(message)

    def report(self, outcome: Literal["direct", "relay", "failed"], seconds: float) -> None:
        """Tells the server what became of an attempt to connect to a peer, for its statistics, unless it is away."""
        if self._online:
            self._send(wire.Report(outcome, min(round(seconds * 1000), 3_600_000)))

    def unreached(self, peer: str) -> str:
        """Says why nothing can be relayed to a peer now, in words; empty when it can."""
        if not self._online:
            return "the server is away, and there is no other way to reach it"
        return "it has lost the server, and may come back" if peer in self._members.away else ""

    def hurry(self, gone: Set[str] = frozenset()) -> None:
        """Something has changed on this machine.

        A server that is away is tried at once, and so is one whose connection went out from an address that is gone.
        Otherwise it has `HURRY_SECONDS` to give a sign of life.
        """
        self._hurried.set()
        if self._limit is None or self._connection is None or self._limit.expired():
            return
        now = asyncio.get_running_loop().time()
        if self._connection.local_address in gone:
            self._connection.abandon()
            self._online = False
            self._limit.reschedule(now)
        elif self._limit.when() is None:
            self._limit.reschedule(now + HURRY_SECONDS)
            self._send(wire.Ping())

    def _send(self, message: wire.Relay | wire.Report | wire.IceServersWanted | wire.Ping) -> None:
        self._outbox.append(message)
        self._outbox_sent.clear()
        self._outbox_changed.set()

    async def close(self) -> None:
        """Lets what was relayed leave, gives the seat up and ends the stream of events.

        Takes three seconds at most, and does no harm twice.
        """
        try:
            if self._task is not None:
                if not self._task.done():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(FLUSH_SECONDS):
                            await self._outbox_sent.wait()
                self._task.cancel()
                await asyncio.wait([self._task])
                if self._ending:
                    await asyncio.wait(self._ending)
        finally:
            if self._session is not None:
                await self._session.close()
        while not self._events.empty():
            self._events.get_nowait()
        self._events.put_nowait(None)

    async def _sit_down(self, request: SeatRequest) -> None:
        if self._task is not None:
            raise RuntimeError("a client has one seat")
        self._request = request
        self._session = self._session or aiohttp.ClientSession(
            connector=self._connector() if self._connector is not None else None
        )
        connection = await self._open()
        self._task = asyncio.create_task(self._run(connection))

    async def _open(self) -> Connection:
        assert self._session is not None
        assert self._request is not None
        connection, welcome, answer = await open_seat(self._session, self.url, self._hello, self._request)
        self.notice = safe_line(welcome.notice)
        self.your_address = safe_line(welcome.your_address)
        self._take_ice_servers(welcome.ice_servers, welcome.ice_seconds)
        self._members.replace(answer)
        if isinstance(answer, wire.Allocated):
            self._request = wire.Claim(answer.mailbox)
        self._online = True
        return connection

    def _take_ice_servers(self, servers: Sequence[wire.IceServer], seconds: float) -> None:
        self.ice_servers = tuple(servers)
        self._end_renewal()
        if seconds > 0:
            wait = max(RENEW_LEAST, RENEW_AFTER * seconds)
            self._renewal = asyncio.get_running_loop().call_later(wait, self._send, wire.IceServersWanted())

    def _end_renewal(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None

    async def _run(self, connection: Connection) -> None:
        """Keeps the seat until it is cancelled."""
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            since = loop.time()
            try:
                lost = await self._attend(connection)
            finally:
                self._online = False
                self._end_renewal()
            logger.info("the server is gone: %s", lost.reason)
            await self._events.put(Offline(lost.reason))
            if lost.code is wire.ErrorCode.REPLACED:
                return
            if loop.time() - since >= STEADY_SECONDS:
                attempt = 0
            connection, attempt = await self._reopen(attempt, lost.retry_after)
            await self._events.put(Online(tuple(sorted(self._members.present)), tuple(sorted(self._members.away))))

    async def _reopen(self, first: int, retry_after: float | None) -> tuple[Connection, int]:
        """Tries until the seat is taken again; returns the connection and the number of the next attempt."""
        told = ""
        for attempt in itertools.count(first):
            delay = reconnect_delay(attempt, random.random(), retry_after)
            if retry_after is not None:
                await asyncio.sleep(delay)  # what the server asks for is not cut short
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await self._hurried.wait()
            self._hurried.clear()
            retry_after = None
            try:
                return await self._open(), attempt + 1
            except ServerUnreachable as error:
                logger.info("attempt %d: %s", attempt, error.message)
                if error.message != told:
                    told = error.message
                    await self._events.put(Offline(f"{told}; trying again every {RETRY_SECONDS[-1]:.0f} s"))
            except ServerRefused as error:
                retry_after = error.retry_after
                if error.reason != told:
                    told = error.reason
                    await self._events.put(Refused(error.reason, error.message))
        raise AssertionError("counting never ends")

    async def _attend(self, connection: Connection) -> Lost:
        """Passes messages in both directions until the connection is lost; returns why."""
        writer = asyncio.create_task(self._write(connection))
        self._connection = connection
        try:
            async with asyncio.timeout(None) as self._limit:
                while True:
                    message = await connection.receive()
                    if not connection.abandoned:
                        self._limit.reschedule(None)
                        self._hurried.clear()
                    await self._read(message, connection)
        except Lost as lost:
            return lost
        except TimeoutError:
            moved = connection.abandoned
            connection.abandon()
            return Lost("this machine has another address now" if moved else "the server did not answer any more")
        finally:
            self._connection = self._limit = None
            writer.cancel()
            closing = asyncio.create_task(connection.close())
            self._ending.add(closing)
            closing.add_done_callback(self._ending.discard)

    async def _read(self, message: wire.FromServer, connection: Connection) -> None:
        if isinstance(message, wire.IceServers):
            self._take_ice_servers(message.servers, message.seconds)
        elif not isinstance(message, wire.Pong):
            event = self._members.understand(message)
            if event is None:
                connection.complain()
            else:
                await self._events.put(event)

    async def _write(self, connection: Connection) -> None:
        with contextlib.suppress(ConnectionError):  # whoever reads notices as well
            while not connection.abandoned:
                self._outbox_changed.clear()
                while self._outbox and not connection.abandoned:
                    await connection.send(self._outbox.popleft())
                self._outbox_sent.set()
                await self._outbox_changed.wait()
