"""Where rooms and mailboxes are kept: what all backplanes have in common, and the one of a server that is alone.

A backplane puts the changes of a room in order, applies the rules of `signaling_server.seats`, and tells the result to
every hub that has members there.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Final, Protocol

from p2pchat.protocol.signaling import ErrorCode
from signaling_server import seats
from signaling_server.limits import ServerLimits
from signaling_server.mailboxes import NUMBERS, draw, room_name
from signaling_server.requests import (
    Answer,
    Changed,
    ClaimMailbox,
    Forward,
    OpenMailbox,
    Refused,
    Request,
    Return,
    TakeSeat,
    Vacate,
)
from signaling_server.seats import NOBODY, Outcome, Room, Seat

ALONE: Final = "here"
"""The name of an instance that shares its rooms with no other."""


class Backplane(Protocol):
    """Rooms that may be shared between several hubs. Everything is called from the event loop of its server."""

    @property
    def instance(self) -> str:
        """The name of this server among those that share the rooms."""

    @property
    def is_ready(self) -> bool:
        """Whether a seat that is asked for now can be had."""

    async def start(self) -> None:
        """The server begins to listen; called once, before anything else."""

    def submit(self, request: Request, now: float) -> None:
        """Takes a request of the hub. What follows from it is told, in the order of the requests, now or later."""

    def deadline(self) -> float | None:
        """When `tick` is due, or None."""

    def tick(self, now: float) -> None:
        """Time has passed. Calling early or late is harmless."""

    async def close(self) -> None:
        """The server stops: lets go of what it holds."""


class MemoryBackplane:
    """The rooms of one server that is alone. It answers at once and does no I/O.

    Args:
        limits: see `ServerLimits`.
        pick: returns a random number from 0 up to, but not including, its argument.
        tell: called with each answer, from inside `submit` and `tick`.
    """

    instance: Final = ALONE
    is_ready: Final = True

    def __init__(self, limits: ServerLimits, pick: Callable[[int], int], tell: Callable[[Answer], None]) -> None:
        self._limits = limits
        self._pick = pick
        self._tell = tell
        self._rooms: dict[str, Room] = {}
        self._numbers: dict[int, str] = {}
        """The room behind the number of each mailbox that is open."""
        self._resting: dict[int, float] = {}
        self._due: list[tuple[float, str]] = []
        """A heap with an entry for each room that has a `due()`, and some that no longer hold."""
        self._serial = itertools.count(1)

    def submit(self, request: Request, now: float) -> None:
        """See `Backplane`."""
        match request:
            case TakeSeat(socket, peer, key, name):
                room = self._rooms.get(name, NOBODY)
                self._answer(socket, name, seats.join(room, peer, Seat(key, ALONE, socket), self._limits), now)
            case OpenMailbox(socket, peer, key):
                self._open(socket, peer, key, now)
            case ClaimMailbox(socket, peer, key, number, wait):
                name = self._numbers.get(number, "")
                room = self._rooms.get(name, NOBODY)
                self._answer(socket, name, seats.claim(room, peer, Seat(key, ALONE, socket), wait), now)
            case Vacate(name, peer, socket, reason):
                room = self._rooms.get(name, NOBODY)
                self._change(name, seats.vacate(room, peer, (ALONE, socket), reason, self._limits, now), now)
            case Forward() | Return():
                pass  # there is no other instance, to send something to or to be taken for gone by

    def deadline(self) -> float | None:
        """See `Backplane`."""
        while self._due and self._rooms.get(self._due[0][1], NOBODY).due() != self._due[0][0]:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def tick(self, now: float) -> None:
        """See `Backplane`."""
        while (due := self.deadline()) is not None and due <= now:
            name = self._due[0][1]
            self._change(name, seats.expire(self._rooms[name], now), now)

    async def start(self) -> None:
        """See `Backplane`."""

    async def close(self) -> None:
        """See `Backplane`."""

    def _open(self, socket: int, peer: str, key: str, now: float) -> None:
        self._resting = {number: until for number, until in self._resting.items() if until > now}
        taken = self._numbers.keys() | self._resting.keys()
        number = next((drawn for numbers in NUMBERS if (drawn := draw(numbers, taken, self._pick))), None)
        if number is None:
            refusal = seats.full(ErrorCode.TOO_MANY_ROOMS, "all mailboxes are in use", self._limits)
            self._tell(Refused(socket, refusal))
            return
        name = room_name(number, next(self._serial))
        room = seats.opened(number, peer, Seat(key, ALONE, socket), self._limits, now)
        self._answer(socket, name, room, now)

    def _answer(self, socket: int, name: str, outcome: Outcome, now: float) -> None:
        """Carries out what the rules say about somebody who wants a seat."""
        before = self._rooms.get(name, NOBODY)
        if isinstance(outcome, Room) and before is NOBODY and len(self._rooms) >= self._limits.rooms:
            outcome = seats.no_place(self._limits)
        if isinstance(outcome, Room):
            self._change(name, outcome, now)
        else:
            crowd = before if outcome.code is ErrorCode.CROWDED else NOBODY
            self._tell(Refused(socket, outcome, name, crowd))

    def _change(self, name: str, room: Room, now: float) -> None:
        before = self._rooms.get(name, NOBODY)
        if room is before:
            return
        if room.is_over:
            self._rooms.pop(name, None)
        else:
            self._rooms[name] = room
            if (due := room.due()) is not None:
                heapq.heappush(self._due, (due, name))
        if room.mailbox is not None:
            self._numbers[room.mailbox.number] = name
        elif before.mailbox is not None:
            del self._numbers[before.mailbox.number]
            self._resting[before.mailbox.number] = now + self._limits.mailbox_rest_seconds
        self._tell(Changed(name, room))
