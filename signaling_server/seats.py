"""The rules of a room: who gets a seat, who keeps it, and when it is free. Nothing here is ever changed in place.

Rules
    1. A `Room` is a value. Each function returns the room as it is afterwards, the same object when nothing changed,
       or a `Refusal`. Whoever keeps rooms decides how two changes at the same time are put in order.
    2. Time is an argument: seconds of the clock that all who share the rooms have in common.
    3. A seat belongs to the key that took it first, and is held by a socket of an instance (one server process). The
       same key over another socket takes it over.
    4. A seat whose socket is lost is kept for its owner, who is away. In a room that is full, a newcomer gets the seat
       of whoever has been away longest. A seat that is given up, or whose socket was ended for its manners, is free at
       once.
    5. A mailbox is a room with two seats that is found by a number. Whoever allocated it owns it. It is gone when its
       owner leaves, when its owner was lost and has not come back in time, or when nobody claimed it in time. Who else
       is inside keeps the seat; no number leads there any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from p2pchat.protocol.signaling import ErrorCode
from signaling_server.gate import Refusal
from signaling_server.limits import ServerLimits

MAILBOX_SEATS: Final = 2
"""The owner's and the other one's."""

LOST: Final = "lost"
"""Why a seat is free whose owner did not come back, and why one is kept whose socket is gone."""

_KEPT_FOR: Final = frozenset({LOST, ErrorCode.TIMED_OUT, ErrorCode.SLOW_CONSUMER})
"""Ends of a socket after which its owner is away: the network did it, not the owner."""


class Seat(Struct, frozen=True, array_like=True, gc=False):
    """A member's place in a room."""

    key: str
    """A digest of the owner's key; the key itself is nobody's business but the owner's and its server's."""
    instance: str
    """The server process that has the owner's socket; empty while the owner is away."""
    socket: int
    """Its number there."""
    away_until: float | None = None
    """Until when the seat is kept for an owner that is away; None while the owner is there."""


class Mailbox(Struct, frozen=True, array_like=True, gc=False):
    """What makes a room a mailbox."""

    number: int
    owner: str
    key: str
    unclaimed_until: float | None
    """When it is gone because nobody claimed it; None once somebody has."""
    away_until: float | None = None
    """When it is gone because its owner did not come back; None while the owner is there."""

    def belongs_to(self, peer: str, key: str) -> bool:
        """Whether this is the client that allocated it, perhaps over another socket."""
        return (peer, key) == (self.owner, self.key)

    def due(self) -> float | None:
        """When it is gone if nothing happens; None when it stays."""
        return min((time for time in (self.unclaimed_until, self.away_until) if time is not None), default=None)


class Room(Struct, frozen=True):
    """A room at one moment, and what the change that led here was about."""

    seats: dict[str, Seat] = {}
    """By peer id, in the order in which they were taken."""
    mailbox: Mailbox | None = None
    left: dict[str, str] = {}
    """Whose seats became free in the last change, and why: the word of `peer-left`."""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to keep."""
        return not self.seats and self.mailbox is None

    def due(self) -> float | None:
        """When `expire` has something to do; None when there is nothing to wait for."""
        times = [seat.away_until for seat in self.seats.values() if seat.away_until is not None]
        if self.mailbox is not None and (due := self.mailbox.due()) is not None:
            times.append(due)
        return min(times, default=None)

    def held_at(self, instance: str) -> dict[str, Seat]:
        """The seats whose sockets are at an instance."""
        return {peer: seat for peer, seat in self.seats.items() if seat.instance == instance}


NOBODY: Final = Room()
"""A room that does not exist."""

Outcome: TypeAlias = Room | Refusal


def digest(key: str) -> str:
    """What is kept of a seat's key: enough to recognise it, and nothing to take the seat with."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def join(room: Room, peer: str, seat: Seat, limits: ServerLimits) -> Outcome:
    """Takes a seat in a room, that of somebody who is away when there is no other, or takes one's own again."""
    if (refusal := _taken(room, peer, seat)) is not None:
        return refusal
    if peer in room.seats or len(room.seats) < limits.room_peers:
        return _back(room, peer, seat)
    away = {other: kept.away_until for other, kept in room.seats.items() if kept.away_until is not None}
    if not away:
        return full(ErrorCode.ROOM_FULL, f"the room has {limits.room_peers} peers already", limits)
    longest = min(away, key=away.__getitem__)  # all are kept for the same time
    return Room({**_without(room, {longest}), peer: seat}, room.mailbox, {longest: LOST})


def opened(number: int, peer: str, seat: Seat, limits: ServerLimits, now: float) -> Room:
    """A mailbox with its owner in it."""
    return Room({peer: seat}, Mailbox(number, peer, seat.key, now + limits.mailbox_seconds))


def claim(room: Room, peer: str, seat: Seat, wait: float) -> Outcome:
    """Takes the other seat of a mailbox, or takes one's own again.

    Args:
        room: what its number leads to, or `NOBODY`.
        peer: the peer id.
        seat: to be taken.
        wait: seconds that whoever is a stranger here has to wait before trying another number.
    """
    mailbox, holder = room.mailbox, room.seats.get(peer)
    owns = mailbox is not None and mailbox.belongs_to(peer, seat.key)
    returns = owns or (holder is not None and holder.key == seat.key)
    if wait and not returns:
        return Refusal(ErrorCode.RATE_LIMITED, "too many mailboxes", wait)
    if mailbox is None or not (returns or _is_there(room, mailbox.owner)):
        return Refusal(ErrorCode.NO_SUCH_MAILBOX, "nobody waits in this mailbox")
    if holder is None and len(room.seats) >= MAILBOX_SEATS:
        return Refusal(ErrorCode.CROWDED, "two are in this mailbox already")
    if (refusal := _taken(room, peer, seat)) is not None:
        return refusal
    if not owns:
        mailbox = msgspec.structs.replace(mailbox, unclaimed_until=None)
    return _back(msgspec.structs.replace(room, mailbox=mailbox), peer, seat)


def vacate(room: Room, peer: str, holder: tuple[str, int], reason: str, limits: ServerLimits, now: float) -> Room:
    """A socket is gone, or has given its seat up.

    Args:
        room: in which it had a seat; it may have lost that long ago.
        peer: its peer id.
        holder: the instance and the number of the socket.
        reason: `left`, `lost` or the error code for which the socket was ended.
        limits: how long the seat is kept.
        now: seconds of the clock in common.
    """
    seat = room.seats.get(peer)
    if seat is None or (seat.instance, seat.socket) != holder:
        return room
    if reason in _KEPT_FOR and limits.away_seconds:
        away = msgspec.structs.replace(seat, instance="", socket=0, away_until=now + limits.away_seconds)
        seats, left = {**room.seats, peer: away}, {}
    else:
        seats, left = _without(room, {peer}), {peer: reason}
    mailbox = room.mailbox
    if mailbox is not None and peer == mailbox.owner:
        until = now + max(limits.away_seconds, limits.mailbox_away_seconds)
        mailbox = None if reason == "left" else msgspec.structs.replace(mailbox, away_until=until)
    return Room(seats, mailbox, left)


def expire(room: Room, now: float) -> Room:
    """Frees what was kept long enough."""
    left = {peer: LOST for peer, seat in room.seats.items() if seat.away_until is not None and seat.away_until <= now}
    mailbox = room.mailbox
    if mailbox is not None and (due := mailbox.due()) is not None and due <= now:
        if mailbox.owner in room.seats:
            left[mailbox.owner] = LOST if mailbox.away_until is not None else ErrorCode.MAILBOX_EXPIRED
        mailbox = None
    if not left and mailbox is room.mailbox:
        return room
    return Room(_without(room, left), mailbox, left)


def abandon(room: Room, instances: Collection[str], limits: ServerLimits, now: float) -> Room:
    """Server processes are gone: all who had their sockets there are away."""
    for peer, seat in room.seats.items():
        if seat.instance in instances:
            room = _following(room, vacate(room, peer, (seat.instance, seat.socket), LOST, limits, now))
    return room


def reclaim(room: Room, peer: str, seat: Seat) -> Room:
    """The owner of a seat was taken for away, and is there."""
    kept = room.seats.get(peer)
    if kept is None or kept.key != seat.key or kept.away_until is None:
        return room
    return _back(room, peer, seat)


def restore(room: Room, known: Room, instance: str, limits: ServerLimits, now: float) -> Room:
    """An instance was cut off for a while, and says what it knows of a room.

    Who has a socket there is there again. Who has lost the seat meanwhile has lost it. Of a room that is gone, as when
    whoever kept it has forgotten everything, all come back, those of other instances as away: their instance will tell.
    """
    if room.is_over:
        elsewhere = {seat.instance for seat in known.seats.values()} - {instance, ""}
        return abandon(msgspec.structs.replace(known, left={}), elsewhere, limits, now)
    for peer, seat in known.held_at(instance).items():
        room = reclaim(room, peer, seat)
    for peer, seat in room.held_at(instance).items():
        if peer not in known.held_at(instance):
            room = _following(room, vacate(room, peer, (instance, seat.socket), LOST, limits, now))
    return room


def full(code: ErrorCode, message: str, limits: ServerLimits) -> Refusal:
    """The refusal for something that has no place at present."""
    return Refusal(code, message, limits.full_retry_seconds)


def no_place(limits: ServerLimits) -> Refusal:
    """The refusal of a new room."""
    return full(ErrorCode.TOO_MANY_ROOMS, "the server has no place for another room", limits)


def _back(room: Room, peer: str, seat: Seat) -> Room:
    """The room with the owner of a seat in it."""
    mailbox = room.mailbox
    if mailbox is not None and mailbox.belongs_to(peer, seat.key):
        mailbox = msgspec.structs.replace(mailbox, away_until=None)
    return Room({**room.seats, peer: seat}, mailbox)


def _following(before: Room, after: Room) -> Room:
    """Two changes as one: what was said about the first one is not lost."""
    return after if after is before else msgspec.structs.replace(after, left=before.left | after.left)


def _taken(room: Room, peer: str, seat: Seat) -> Refusal | None:
    holder = room.seats.get(peer)
    if holder is None or holder.key == seat.key:
        return None
    return Refusal(ErrorCode.PEER_ID_TAKEN, "somebody else in the room has this peer id")


def _is_there(room: Room, peer: str) -> bool:
    seat = room.seats.get(peer)
    return seat is not None and seat.away_until is None


def _without(room: Room, peers: Collection[str]) -> dict[str, Seat]:
    return {peer: seat for peer, seat in room.seats.items() if peer not in peers}
