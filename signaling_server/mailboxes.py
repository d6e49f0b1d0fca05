"""Numbers for two people who have no room in common: which are taken, by whom, and until when.

Rules
    1. A mailbox is a room with two seats under a number that is quickly said. Whoever allocated it owns it.
    2. The number is drawn from those free of one digit; when none is free, of two, then of three.
    3. It is gone when its owner leaves, when its owner was lost and has not come back in time, or when nobody claimed
       it in time. The number then rests for a while, so that a late claim does not reach somebody else.
    4. Who sits in it is the hub's business. A room outlives its mailbox until its last member leaves; no number leads
       there any more.
"""

from __future__ import annotations

import heapq
import hmac
import itertools
from collections.abc import Callable
from typing import Final

from p2pchat.protocol.signaling import LAST_MAILBOX
from signaling_server.limits import ServerLimits

SEATS: Final = 2
"""The owner's and the other one's."""

_CLASSES: Final = (range(1, 10), range(10, 100), range(100, LAST_MAILBOX + 1))


class Mailbox:
    """One number, from its allocation until it is gone."""

    __slots__ = ("_key", "away_until", "number", "owner", "room", "unclaimed_until")

    def __init__(self, number: int, room: str, owner: str, key: str, unclaimed_until: float) -> None:
        self.number = number
        self.room = room
        """The hub's name for it, which no client can join and no other allocation has."""
        self.owner = owner
        self._key = key
        self.unclaimed_until: float | None = unclaimed_until
        """When it is gone because nobody claimed it; None once somebody has."""
        self.away_until: float | None = None
        """When it is gone because its owner did not come back; None while the owner is there."""

    def belongs_to(self, peer: str, key: str) -> bool:
        """Whether this is the client that allocated it, perhaps over another socket."""
        return peer == self.owner and hmac.compare_digest(key.encode(), self._key.encode())

    def due(self) -> float | None:
        """When it is gone if nothing happens; None when it stays."""
        times = [time for time in (self.unclaimed_until, self.away_until) if time is not None]
        return min(times, default=None)


class Mailboxes:
    """All mailboxes of a server.

    Args:
        limits: how long they last; see `ServerLimits`.
        pick: returns a random number from 0 up to, but not including, its argument.
    """

    def __init__(self, limits: ServerLimits, pick: Callable[[int], int]) -> None:
        self._limits = limits
        self._pick = pick
        self._open: dict[int, Mailbox] = {}
        self._by_room: dict[str, Mailbox] = {}
        self._resting: dict[int, float] = {}
        self._due: list[tuple[float, int]] = []
        """A heap with an entry for each mailbox that has a `due()`, and some that no longer hold."""
        self._serial = itertools.count(1)

    def allocate(self, owner: str, key: str, now: float) -> Mailbox | None:
        """Opens a mailbox for a peer id and its key; None when every number is taken."""
        self._resting = {number: until for number, until in self._resting.items() if until > now}
        for numbers in _CLASSES:
            free = [number for number in numbers if number not in self._open and number not in self._resting]
            if free:
                number = free[self._pick(len(free))]
                # A control character keeps it apart from all names that clients can give: see `RoomName`.
                room = f"\0mailbox {number} {next(self._serial)}"
                mailbox = Mailbox(number, room, owner, key, now + self._limits.mailbox_seconds)
                self._open[number] = self._by_room[room] = mailbox
                self._schedule(mailbox)
                return mailbox
        return None

    def get(self, number: int) -> Mailbox | None:
        """The mailbox with a number, if it is open."""
        return self._open.get(number)

    def entered(self, mailbox: Mailbox, peer: str) -> None:
        """A peer took a seat: the owner came back, or somebody claimed it."""
        if peer == mailbox.owner:
            mailbox.away_until = None
        else:
            mailbox.unclaimed_until = None
        self._schedule(mailbox)

    def vacated(self, room: str, peer: str, for_good: bool, now: float) -> None:
        """A peer's seat in a room is free; only that of an owner in a mailbox matters."""
        mailbox = self._by_room.get(room)
        if mailbox is None or peer != mailbox.owner:
            return
        if for_good:
            self._remove(mailbox, now)
        else:
            mailbox.away_until = now + self._limits.mailbox_away_seconds
            self._schedule(mailbox)

    def expired(self, now: float) -> list[Mailbox]:
        """Returns the mailboxes whose time is over. They are gone."""
        gone = []
        while (due := self.deadline()) is not None and due <= now:
            mailbox = self._open[self._due[0][1]]
            self._remove(mailbox, now)
            gone.append(mailbox)
        return gone

    def deadline(self) -> float | None:
        """When `expired` has something to return, or None."""
        while self._due and not self._holds(*self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def clear(self) -> None:
        """The server stops: there are none any more."""
        self._open.clear()
        self._by_room.clear()

    def _holds(self, due: float, number: int) -> bool:
        mailbox = self._open.get(number)
        return mailbox is not None and mailbox.due() == due

    def _schedule(self, mailbox: Mailbox) -> None:
        if (due := mailbox.due()) is not None:
            heapq.heappush(self._due, (due, mailbox.number))

    def _remove(self, mailbox: Mailbox, now: float) -> None:
        del self._open[mailbox.number], self._by_room[mailbox.room]
        self._resting[mailbox.number] = now + self._limits.mailbox_rest_seconds
