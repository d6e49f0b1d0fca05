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
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
import msgspec

from p2pchat.errors import ServerRefused, ServerUnreachable, UsageError
from p2pchat.protocol import signaling as wire
from p2pchat.protocol.limits import ROOM_CHARACTERS
from p2pchat.protocol.untrusted import safe_line
from p2pchat.signaling.address import server_url
from p2pchat.signaling.connection import Connection, Lost, SeatRequest, open_seat
from p2pchat.signaling.events import Offline, Online, PeerJoined, PeerLeft, Refused, Relayed, SignalingEvent
from p2pchat.signaling.refusals import CODE_CHARACTERS

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = (0.3, 1.2, 2.7, 4.8, 7.0)
"""Time before each further attempt to reach a lost server, growing with its square; the last one repeats."""

JITTER_SECONDS: Final = 1.0
"""At most this is added at random, so that the clients of a restarted server do not come all at once."""

RETRY_AFTER_MOST: Final = 60.0
"""Longest wait that a server may ask for."""

STEADY_SECONDS: Final = 10.0
"""A seat that was kept for less does not start the intervals over: the server may be falling again and again."""

WAITING_RELAYS: Final = 256
"""Messages kept while the server is away; beyond it the oldest go: their negotiations have given up by then."""

WAITING_EVENTS: Final = 1000
"""Events that wait to be read before reading from the server stops; a full room causes a few dozen."""

PEERS_ACCEPTED: Final = 256
"""Most members of a room that a server may name; more than any room it can offer."""


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

    Raises:
        ConfigurationError: `server` is no address of a server.
    """

    def __init__(self, server: str, peer_id: str, key: str, agent: str = "") -> None:
        self.url = server_url(server)
        self.notice = ""
        """What the operator of the server has to say to its users; safe to show, often empty."""
        self._hello = wire.Hello(wire.VERSION, peer_id, key, agent)
        self._request: SeatRequest | None = None
        """What gets us the seat, and gets it back."""
        self._members: set[str] = set()
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._outbox: deque[wire.Relay] = deque(maxlen=WAITING_RELAYS)
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
        return sorted(self._members)

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
        return sorted(self._members)

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
        self._outbox.append(message)
        self._outbox_sent.clear()
        self._outbox_changed.set()

    async def close(self) -> None:
        """Lets what was relayed leave, gives the seat up and ends the stream of events.

        Takes three seconds at most, and does no harm twice.
        """
        if self._task is not None:
            if not self._task.done():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._outbox_sent.wait(), FLUSH_SECONDS)
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._session is not None:
            await self._session.close()
        while not self._events.empty():
            self._events.get_nowait()
        self._events.put_nowait(None)

    async def _sit_down(self, request: SeatRequest) -> None:
        if self._task is not None:
            raise RuntimeError("a client has one seat")
        self._request = request
        self._session = self._session or aiohttp.ClientSession()
        connection = await self._open()
        self._task = asyncio.create_task(self._run(connection))

    async def _open(self) -> Connection:
        assert self._session is not None
        assert self._request is not None
        connection, welcome, answer = await open_seat(self._session, self.url, self._hello, self._request)
        self.notice = safe_line(welcome.notice)
        if isinstance(answer, wire.Allocated):
            self._members = set()
            self._request = wire.Claim(answer.mailbox)
        else:
            self._members = set(answer.peers[:PEERS_ACCEPTED]) - {self._hello.peer}
        return connection

    async def _run(self, connection: Connection) -> None:
        """Keeps the seat until it is cancelled."""
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            since = loop.time()
            lost = await self._attend(connection)
            logger.info("the server is gone: %s", lost.reason)
            await self._events.put(Offline(lost.reason))
            if lost.code is wire.ErrorCode.REPLACED:
                return
            if loop.time() - since >= STEADY_SECONDS:
                attempt = 0
            connection, attempt = await self._reopen(attempt, lost.retry_after)
            await self._events.put(Online(tuple(sorted(self._members))))

    async def _reopen(self, first: int, retry_after: float | None) -> tuple[Connection, int]:
        """Tries until the seat is taken again; returns the connection and the number of the next attempt."""
        told = ""
        for attempt in itertools.count(first):
            await asyncio.sleep(reconnect_delay(attempt, random.random(), retry_after))
            retry_after = None
            try:
                return await self._open(), attempt + 1
            except ServerUnreachable as error:
                logger.info("attempt %d: %s", attempt, error.message)
            except ServerRefused as error:
                retry_after = error.retry_after
                if error.reason != told:
                    told = error.reason
                    await self._events.put(Refused(error.reason, error.message))
        raise AssertionError("counting never ends")

    async def _attend(self, connection: Connection) -> Lost:
        """Passes messages in both directions until the connection is lost; returns why."""
        writer = asyncio.create_task(self._write(connection))
        try:
            while True:
                event = self._understand(await connection.receive())
                if event is None:
                    connection.complain()
                else:
                    await self._events.put(event)
        except Lost as lost:
            return lost
        finally:
            writer.cancel()
            await connection.close()

    async def _write(self, connection: Connection) -> None:
        with contextlib.suppress(ConnectionError):  # whoever reads notices as well
            while True:
                self._outbox_changed.clear()
                while self._outbox:
                    await connection.send(self._outbox.popleft())
                self._outbox_sent.set()
                await self._outbox_changed.wait()

    def _understand(self, message: wire.FromServer) -> SignalingEvent | None:
        """Returns the event for a message, or None when the message makes no sense at this point."""
        match message:
            case wire.PeerJoined(peer=peer) if peer not in self._members and peer != self._hello.peer:
                if len(self._members) < PEERS_ACCEPTED:
                    self._members.add(peer)
                    return PeerJoined(peer)
            case wire.PeerLeft(peer=peer, reason=reason) if peer in self._members:
                self._members.remove(peer)
                return PeerLeft(peer, safe_line(reason, CODE_CHARACTERS))
            case wire.Relayed(sender=sender, body=body) if sender in self._members:
                return Relayed(sender, body)
            case wire.Error(code=code, message=text):
                return Refused(safe_line(code, CODE_CHARACTERS), safe_line(text))
        return None
