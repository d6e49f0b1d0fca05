"""The members at one hub: who of its sockets sits where, and what they are told when their rooms change.

Rules
    1. Whatever a member hears about others follows from how its room was and how it is now, so that it always fits what
       it heard before, also when states between the two were missed.
    2. A member hears of a seat of its own before it hears anything of that room.
    3. What is sent to somebody who is away waits with the sender, and goes on its way when the other one is back. It is
       lost with the sender, who would begin anew anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from msgspec import structs

from p2pchat.protocol.signaling import (
    Allocated,
    Error,
    ErrorCode,
    FromServer,
    Joined,
    PeerAway,
    PeerBack,
    PeerJoined,
    PeerLeft,
    Relayed,
)
from signaling_server.clients import Client
from signaling_server.kept import Kept
from signaling_server.limits import ServerLimits
from signaling_server.requests import ClaimMailbox, Forward, OpenMailbox, Request, Return, SeatRequest, TakeSeat, Vacate
from signaling_server.seats import LOST, Room, Seat


class Answering(Protocol):
    """What members need of their hub."""

    def send(self, socket: int, message: FromServer, data: bytes | None = None) -> None:
        """Writes to a socket; `data` is the message as it is written, when that is known."""

    def end(self, client: Client, code: ErrorCode, message: str, retry_after: float | None = None) -> None:
        """Says why, and ends a socket."""

    def ask(self, request: Request) -> None:
        """Passes a request on to where rooms are kept."""


class Attended:
    """A room with members here."""

    __slots__ = ("clients", "room")

    def __init__(self, room: Room) -> None:
        self.room = room
        self.clients: dict[int, Client] = {}


class Members:
    """All sockets of a hub that have a seat or want one.

    Args:
        instance: the name of this hub among those that share the rooms.
        limits: how much may wait for those who are away.
        hub: to speak through.
        client: finds the client of a socket; None when the socket is gone.
    """

    def __init__(
        self, instance: str, limits: ServerLimits, hub: Answering, client: Callable[[int], Client | None]
    ) -> None:
        self._instance = instance
        self._limits = limits
        self._hub = hub
        self._client = client
        self.rooms: dict[str, Attended] = {}

    # Coming and going

    def ask(self, client: Client, request: SeatRequest) -> None:
        """A client that has no seat wants one; `changed` or `refused` follows."""
        client.asked = request
        self._hub.ask(request)

    def leave(self, client: Client, reason: str) -> None:
        """A client gives its seat up, or is gone; does nothing when it has none."""
        # Without this, the seat that it has asked for would be given to it later.
        client.asked = None
        if client.room:
            name = client.room
            self._stand_up(client)
            self._hub.ask(Vacate(name, client.peer, client.socket, reason))

    def refused(self, socket: int, name: str, room: Room) -> bool:
        """A client does not get the seat that it asked for.

        Returns:
            Whether it still wants to know.
        """
        client = self._client(socket)
        asked = client is not None and client.asked is not None
        if client is not None:
            client.asked = None
        for peer, seat in room.seats.items():
            self._deliver(name, peer, seat, Error(ErrorCode.CROWDED, "somebody else tried to claim this mailbox"))
        return asked

    def changed(self, name: str, room: Room) -> None:
        """A room is now like this: seats whoever waited for it, and tells the others."""
        attended = self.rooms.get(name)
        if attended is None:
            attended = self.rooms[name] = Attended(room)
        before, attended.room = attended.room, room
        for client in list(attended.clients.values()):
            self._check_seat(client, room)
        for about, message in differences(before, room):
            for client in attended.clients.values():
                if client.peer != about:
                    self._hub.send(client.socket, message)
        for peer, seat in room.held_at(self._instance).items():
            if seat.socket not in attended.clients:
                self._sit_down(name, attended, peer, seat)
        if attended.clients:
            self.rooms[name] = attended  # whoever stood up as the last one has removed it
        else:
            self.rooms.pop(name, None)
        for client in attended.clients.values():
            self._send_kept(client)

    def dismiss(self) -> None:
        """The server stops: nobody has a seat here any more, and nobody is told."""
        for attended in list(self.rooms.values()):
            for client in list(attended.clients.values()):
                self._stand_up(client)

    def held(self) -> dict[str, Room]:
        """All rooms with members here, and everybody who is here in the seat."""
        return {name: self._as_attended(attended) for name, attended in self.rooms.items()}

    def _as_attended(self, attended: Attended) -> Room:
        here = {client.peer: Seat(client.key, self._instance, client.socket) for client in attended.clients.values()}
        return structs.replace(attended.room, seats={**attended.room.seats, **here})

    # Messages

    def has(self, client: Client, peer: str) -> bool:
        """Whether a peer id is one of somebody else in the client's room, there or away."""
        attended = self.rooms.get(client.room)
        return attended is not None and peer != client.peer and peer in attended.room.seats

    def pass_on(self, client: Client, to: str, message: Relayed, size: int, data: bytes | None = None) -> None:
        """Sends a message to somebody whom the client's room `has`, at once or when that one is back.

        Args:
            client: who sends it.
            to: the peer id of the other one.
            message: what is sent.
            size: its length in bytes, as it is written.
            data: the message as it is written, when that is known: most are long, and are encoded once.
        """
        seat = self.rooms[client.room].room.seats[to]
        if not self._deliver(client.room, to, seat, message, data):
            client.kept = client.kept or Kept(self._limits.kept_messages, self._limits.kept_bytes)
            client.kept.put(to, message, size)

    def forwarded(self, name: str, to: str, message: Relayed | Error) -> None:
        """A message came from another instance; whoever has just lost the seat does not get it."""
        attended = self.rooms.get(name)
        seat = attended.room.seats.get(to) if attended is not None else None
        if seat is not None and seat.instance == self._instance:
            self._deliver(name, to, seat, message)

    def _deliver(self, name: str, to: str, seat: Seat, message: Relayed | Error, data: bytes | None = None) -> bool:
        """Sends a message to whoever holds a seat; returns False when nobody is there."""
        if seat.away_until is not None:
            return False
        if seat.instance != self._instance:
            self._hub.ask(Forward(seat.instance, name, to, message))
            return True
        attended = self.rooms.get(name)
        if attended is None or seat.socket not in attended.clients:
            return False
        self._hub.send(seat.socket, message, data)
        return True

    def _send_kept(self, client: Client) -> None:
        """Tries again what was kept for those who were away; what is for somebody who left is given up."""
        if client.kept is None:
            return
        kept, client.kept = client.kept, None
        for to, message, size in kept:
            if self.has(client, to):
                self.pass_on(client, to, message, size)

    # Seats

    def _check_seat(self, client: Client, room: Room) -> None:
        """Ends what the client believes to have when the seat is no longer its own."""
        seat = room.seats.get(client.peer)
        if seat is not None and seat.key == client.key:
            if seat.away_until is not None:  # another server took this one for gone
                self._hub.ask(Return(client.socket, client.peer, client.key, client.room))
            elif (seat.instance, seat.socket) != (self._instance, client.socket):
                self._stand_up(client)
                text = "the seat was taken over by its owner on another socket"
                self._hub.end(client, ErrorCode.REPLACED, text)
            return
        self._stand_up(client)
        if room.left.get(client.peer) == ErrorCode.MAILBOX_EXPIRED:
            self._hub.send(client.socket, Error(ErrorCode.MAILBOX_EXPIRED, "nobody claimed the mailbox in time"))
        else:
            text = "the seat was given up while this server was cut off from the others"
            self._hub.end(client, ErrorCode.TIMED_OUT, text, self._limits.shutdown_retry_seconds)

    def _sit_down(self, name: str, attended: Attended, peer: str, seat: Seat) -> None:
        """Somebody here has a new seat, and hears of it, unless it was given up before it was given."""
        client = self._client(seat.socket)
        asked = client.asked if client is not None else None
        if client is None or client.room or asked is None or not _is_answer(asked, name, attended.room):
            self._hub.ask(Vacate(name, peer, seat.socket, LOST if client is None else "left"))
            return
        client.asked, client.room, client.join_by = None, name, None
        attended.clients[client.socket] = client
        others = {other: there for other, there in attended.room.seats.items() if other != peer}
        match asked:
            case OpenMailbox() if attended.room.mailbox is not None:
                self._hub.send(client.socket, Allocated(attended.room.mailbox.number))
            case _:
                shown = f"mailbox {asked.number}" if isinstance(asked, ClaimMailbox) else name
                away = [other for other, there in others.items() if there.away_until is not None]
                self._hub.send(client.socket, Joined(shown, list(others), away))

    def _stand_up(self, client: Client) -> None:
        attended = self.rooms[client.room]
        del attended.clients[client.socket]
        if not attended.clients:
            del self.rooms[client.room]
        client.room, client.kept = "", None


def differences(before: Room, after: Room) -> Iterator[tuple[str, FromServer]]:
    """What has become of the seats between two states of a room: each peer id, and what the others hear about it."""
    for peer, seat in before.seats.items():
        if peer not in after.seats or after.seats[peer].key != seat.key:
            yield peer, PeerLeft(peer, after.left.get(peer, LOST))
    for peer, seat in after.seats.items():
        earlier = before.seats.get(peer)
        if earlier is None or earlier.key != seat.key:
            yield peer, PeerJoined(peer)
            earlier = NEVER_AWAY
        if (earlier.away_until is None) != (seat.away_until is None):
            yield peer, PeerBack(peer) if seat.away_until is None else PeerAway(peer)


NEVER_AWAY = Seat("", "", 0)


def _is_answer(asked: SeatRequest, name: str, room: Room) -> bool:
    """Whether a seat in a room is what was asked for."""
    match asked:
        case TakeSeat(room=wanted):
            return name == wanted
        case OpenMailbox(peer=peer):
            return room.mailbox is not None and room.mailbox.owner == peer
        case ClaimMailbox(number=number):
            return room.mailbox is not None and room.mailbox.number == number
