"""What a hub asks of the rooms that it shares with other servers, and what it is told of them.

A hub shows at once what concerns its own sockets only. Who has a seat is decided where all servers look: in a
backplane (`signaling_server.backplane`). The hub asks, and `Changed` or `Refused` answers, at once or later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from p2pchat.protocol.signaling import Error, Relayed
from signaling_server.gate import Refusal
from signaling_server.seats import NOBODY, Room


@dataclass(frozen=True, slots=True)
class TakeSeat:
    """A socket wants to join a room."""

    socket: int
    peer: str
    key: str
    """A digest: see `signaling_server.seats.digest`."""
    room: str


@dataclass(frozen=True, slots=True)
class OpenMailbox:
    """A socket wants a mailbox of its own."""

    socket: int
    peer: str
    key: str


@dataclass(frozen=True, slots=True)
class ClaimMailbox:
    """A socket wants a seat in a mailbox."""

    socket: int
    peer: str
    key: str
    number: int
    wait: float
    """Seconds that it has to wait first, unless the seat is its own: it has tried too many numbers; often 0."""


SeatRequest: TypeAlias = TakeSeat | OpenMailbox | ClaimMailbox


@dataclass(frozen=True, slots=True)
class Vacate:
    """A socket is gone, or gives its seat up. Nothing is answered when the seat is no longer its own."""

    room: str
    peer: str
    socket: int
    reason: str
    """`left`, `lost`, or the error code for which the socket was ended."""


@dataclass(frozen=True, slots=True)
class Return:
    """A socket is there, although its seat says it is not. Nothing is answered when the seat is no longer its own."""

    socket: int
    peer: str
    key: str
    room: str


@dataclass(frozen=True, slots=True)
class Forward:
    """A message for a member whose socket is at another instance."""

    instance: str
    room: str
    to: str
    message: Relayed | Error


Request: TypeAlias = SeatRequest | Vacate | Return | Forward


@dataclass(frozen=True, slots=True)
class Changed:
    """A room of which this hub has members is now like this. It may skip states between, and never goes back."""

    name: str
    room: Room


@dataclass(frozen=True, slots=True)
class Refused:
    """A socket did not get the seat that it asked for."""

    socket: int
    refusal: Refusal
    name: str = ""
    room: Room = NOBODY
    """Whose members are to be told as well: a mailbox that is crowded."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A message from another instance for a member that should be here."""

    room: str
    to: str
    message: Relayed | Error


Answer: TypeAlias = Changed | Refused | Forwarded
