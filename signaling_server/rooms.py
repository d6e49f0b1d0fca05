"""Who is in which room, and what is passed on between them: the hub of a signaling server.

Rules
    1. Time is an argument: seconds of a monotonic clock. A socket is a number that its owner never uses twice.
    2. After each call, carry out `poll()` until it returns None, then call `tick` at `deadline()` at the latest.
    3. A socket has at most one seat. A message is passed on to a member of the sender's room and to nobody else.
    4. A peer id in a room belongs to the key that took it first. The same id and key over another socket takes the
       seat over, and nobody else is told: the seat never was free.
    5. A mailbox is a room with two seats that is found by its number (`signaling_server.mailboxes`). A third client is
       refused, and those inside are told: somebody may be guessing.
    6. Whatever arrives is answered, refused with a reason or ends its own socket. It never touches another one.

A socket's life
    OPEN ── hello ──> GREETED ── join, allocate, claim ──> SEATED ── leave, mailbox expired ──> GREETED
      └── no seat after join_seconds ─┘   └── silent, rude, replaced, server stops ──> closed with a reason
"""

from __future__ import annotations

import heapq
import hmac
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from p2pchat.protocol.signaling import (
    MESSAGE_BYTES,
    VERSION,
    Allocate,
    Allocated,
    Claim,
    Error,
    ErrorCode,
    FromClient,
    FromServer,
    Hello,
    Join,
    Joined,
    Leave,
    Malformed,
    PeerJoined,
    PeerLeft,
    Ping,
    Pong,
    Relay,
    Relayed,
    Welcome,
    decode_from_client,
    encode,
)
from signaling_server.buckets import Bucket
from signaling_server.clients import Client
from signaling_server.limits import ServerLimits
from signaling_server.mailboxes import SEATS, Mailbox, Mailboxes

AGENT: Final = "p2pchat-server"
"""What the server calls itself in `welcome`."""


@dataclass(frozen=True, slots=True)
class Send:
    """Write this to the socket, after everything that was sent to it before."""

    socket: int
    message: FromServer


@dataclass(frozen=True, slots=True)
class Close:
    """End the socket once what was sent to it is written. The hub has forgotten it already."""

    socket: int
    code: ErrorCode
    reason: str


Output = Send | Close


class Hub:
    """All rooms of one server.

    Args:
        limits: what a socket may do; see `ServerLimits`.
        pick: returns a random number from 0 up to, but not including, its argument.
    """

    def __init__(self, limits: ServerLimits, pick: Callable[[int], int]) -> None:
        self._limits = limits
        self._mailboxes = Mailboxes(limits, pick)
        self._mailbox_requests = Bucket(limits.all_mailbox_requests_per_second, limits.all_mailbox_request_burst, 0.0)
        self._now = 0.0
        """The time of the last call that told it: what is done when a socket is lost needs no better one."""
        self._clients: dict[int, Client] = {}
        self._rooms: dict[str, dict[str, int]] = {}
        """The socket of each peer id in each room; an empty room is no room."""
        self._due: list[tuple[float, int]] = []
        """A heap with one entry for each socket, at its `due()` or earlier, and some of sockets that are gone."""
        self._outputs: deque[Output] = deque()

    # What happens

    def connected(self, socket: int, now: float) -> None:
        """A socket was opened."""
        self._now = now
        client = self._clients[socket] = Client(socket, self._limits, now)
        heapq.heappush(self._due, (client.due(), socket))

    def received(self, socket: int, data: str | bytes, now: float) -> None:
        """A text message (str) or a binary one (bytes) arrived. Nothing is raised, whatever it is."""
        self._now = now
        client = self._clients.get(socket)
        if client is None:
            return
        client.pings = 0
        client.wake_at = now + self._limits.ping_seconds
        if not client.messages.take(now):
            self._slow_down(client, now)
            return
        if isinstance(data, bytes):
            self._fault(client, ErrorCode.MALFORMED, "a message is text, not binary", now)
            return
        try:
            message = decode_from_client(data)
        except Malformed as problem:
            self._fault(client, problem.code, problem.detail, now)
            return
        self._handle(client, message, now)

    def disconnected(self, socket: int, reason: str = "lost") -> None:
        """A socket is gone, or its owner ends it: its seat is free.

        Args:
            socket: one that may be unknown already.
            reason: the word that the others of the room are told in `peer-left`.
        """
        client = self._clients.pop(socket, None)
        if client is not None:
            self._vacate(client, reason)

    def tick(self, now: float) -> None:
        """Time has passed. Call at `deadline()`; calling early or late is harmless."""
        self._now = now
        for mailbox in self._mailboxes.expired(now):
            self._dismiss(mailbox)
        while self._due and self._due[0][0] <= now:
            _, socket = heapq.heappop(self._due)
            client = self._clients.get(socket)
            if client is None:
                continue
            self._check(client, now)
            if socket in self._clients:
                heapq.heappush(self._due, (client.due(), socket))

    def shut_down(self) -> None:
        """The server stops: everybody is told, and every socket ends."""
        retry_after = self._limits.shutdown_retry_seconds
        self._rooms.clear()
        self._mailboxes.clear()
        for socket in list(self._clients):
            self._end(self._clients[socket], ErrorCode.SHUTTING_DOWN, "the server is shutting down", retry_after)

    # What to do about it

    def poll(self) -> Output | None:
        """The next thing to do, or None when there is nothing left."""
        return self._outputs.popleft() if self._outputs else None

    def deadline(self) -> float | None:
        """When `tick` is due, or None while there is neither a socket nor a mailbox."""
        while self._due and self._due[0][1] not in self._clients:
            heapq.heappop(self._due)
        times = [self._due[0][0]] if self._due else []
        if (due := self._mailboxes.deadline()) is not None:
            times.append(due)
        return min(times, default=None)

    # Messages

    def _handle(self, client: Client, message: FromClient, now: float) -> None:
        if not client.peer and not isinstance(message, Hello):
            self._refuse(client, ErrorCode.NOT_GREETED, "the first message is hello", _id_of(message))
            return
        match message:
            case Hello():
                self._greet(client, message, now)
            case Join(room=room):
                self._join(client, room)
            case Allocate():
                self._allocate(client, now)
            case Claim(mailbox=number):
                self._claim(client, number, now)
            case Leave():
                if client.room:
                    self._vacate(client, "left")
                else:
                    self._refuse(client, ErrorCode.NOT_JOINED, "there is no room to leave")
            case Relay():
                self._relay(client, message)
            case Ping(n=number):
                self._send(client.socket, Pong(number))
            case Pong():
                pass

    def _greet(self, client: Client, hello: Hello, now: float) -> None:
        if client.peer:
            self._fault(client, ErrorCode.MALFORMED, "hello is said once", now)
        elif hello.version != VERSION:
            self._end(client, ErrorCode.VERSION, f"this server speaks version {VERSION}")
        else:
            client.peer, client.key = hello.peer, hello.key
            self._send(client.socket, Welcome(VERSION, self._limits.told(), AGENT))

    def _join(self, client: Client, room: str) -> None:
        if not self._may_sit(client, room):
            return
        members = self._rooms.get(room, {})
        if client.peer not in members and len(members) >= self._limits.room_peers:
            self._refuse_full(client, ErrorCode.ROOM_FULL, f"the room has {self._limits.room_peers} peers already")
        elif members or self._has_place_for_a_room(client):
            self._sit_down(client, room, room)

    def _allocate(self, client: Client, now: float) -> None:
        if not (self._may_sit(client) and self._may_use_mailboxes(client, now) and self._has_place_for_a_room(client)):
            return
        mailbox = self._mailboxes.allocate(client.peer, client.key, now)
        if mailbox is None:
            self._refuse_full(client, ErrorCode.TOO_MANY_ROOMS, "all mailboxes are in use")
            return
        self._rooms[mailbox.room] = {client.peer: client.socket}
        client.room, client.join_by = mailbox.room, None
        self._send(client.socket, Allocated(mailbox.number))

    def _claim(self, client: Client, number: int, now: float) -> None:
        mailbox = self._mailboxes.get(number)
        returns = mailbox is not None and mailbox.belongs_to(client.peer, client.key)
        if not (self._may_sit(client) and (returns or self._may_use_mailboxes(client, now))):
            return
        members = self._rooms.get(mailbox.room, {}) if mailbox is not None else {}
        if mailbox is None or not (returns or mailbox.owner in members):
            self._refuse(client, ErrorCode.NO_SUCH_MAILBOX, "nobody waits in this mailbox")
        elif client.peer not in members and len(members) >= SEATS:
            self._refuse(client, ErrorCode.CROWDED, "two are in this mailbox already")
            for socket in members.values():
                self._send(socket, Error(ErrorCode.CROWDED, "somebody else tried to claim this mailbox"))
        elif self._may_sit(client, mailbox.room) and (members or self._has_place_for_a_room(client)):
            self._sit_down(client, mailbox.room, f"mailbox {number}")
            self._mailboxes.entered(mailbox, client.peer)

    def _relay(self, client: Client, message: Relay) -> None:
        if not client.room:
            self._refuse(client, ErrorCode.NOT_JOINED, "only members of a room can relay", message.id)
            return
        receiver = self._rooms[client.room].get(message.to)
        if receiver is None or receiver == client.socket:
            self._refuse(client, ErrorCode.NO_SUCH_PEER, "nobody else in the room has this peer id", message.id)
            return
        relayed = Relayed(client.peer, message.body)
        # Numbers such as 1e15 grow when they are written again: the receiver must never get more than it accepts.
        if len(encode(relayed).encode()) > MESSAGE_BYTES:
            self._refuse(client, ErrorCode.TOO_LARGE, f"it has more than {MESSAGE_BYTES} bytes as relayed", message.id)
            return
        self._send(receiver, relayed)

    # Seats

    def _may_sit(self, client: Client, room: str = "") -> bool:
        """Whether the client has no seat, and its peer id's seat in the room is free or its own; refuses it if not."""
        holder = self._rooms.get(room, {}).get(client.peer)
        if client.room:
            self._refuse(client, ErrorCode.ALREADY_JOINED, "a socket has one seat: leave the room first")
        elif holder is not None and not hmac.compare_digest(self._clients[holder].key.encode(), client.key.encode()):
            self._refuse(client, ErrorCode.PEER_ID_TAKEN, "somebody else in the room has this peer id")
        else:
            return True
        return False

    def _has_place_for_a_room(self, client: Client) -> bool:
        if len(self._rooms) < self._limits.rooms:
            return True
        self._refuse_full(client, ErrorCode.TOO_MANY_ROOMS, "the server has no place for another room")
        return False

    def _may_use_mailboxes(self, client: Client, now: float) -> bool:
        """Takes what a claim or an allocation costs, or refuses it: numbers are few and can be tried one by one."""
        for bucket in (client.mailbox_requests, self._mailbox_requests):
            if not bucket.take(now):
                wait = bucket.wait()
                self._send(client.socket, Error(ErrorCode.RATE_LIMITED, "too many mailboxes", retry_after=wait))
                return False
        return True

    def _sit_down(self, client: Client, room: str, shown: str) -> None:
        """Gives the client the seat of its peer id, which it `_may_sit` on, and tells everybody who has to know."""
        members = self._rooms.setdefault(room, {})
        holder = members.get(client.peer)
        members[client.peer] = client.socket
        client.room, client.join_by = room, None
        others = [peer for peer in members if peer != client.peer]
        self._send(client.socket, Joined(shown, others))
        if holder is not None:
            replaced = self._clients[holder]
            replaced.room = ""
            self._end(replaced, ErrorCode.REPLACED, "the seat was taken over by its owner on another socket")
        else:
            self._tell(members, client.peer, PeerJoined(client.peer))

    def _dismiss(self, mailbox: Mailbox) -> None:
        """A mailbox is gone for its age: tells its owner and frees the seat, if the owner is there."""
        socket = self._rooms.get(mailbox.room, {}).get(mailbox.owner)
        if socket is not None:
            owner = self._clients[socket]
            self._vacate(owner, "left")
            self._refuse(owner, ErrorCode.MAILBOX_EXPIRED, "nobody claimed the mailbox in time")

    def _vacate(self, client: Client, reason: str) -> None:
        """Frees the client's seat, if it has one, and tells the others of the room."""
        room, client.room = client.room, ""
        members = self._rooms.get(room, {})
        if members.pop(client.peer, None) is None:
            return
        self._mailboxes.vacated(room, client.peer, reason == "left", self._now)
        if not members:
            del self._rooms[room]
        self._tell(members, client.peer, PeerLeft(client.peer, reason))

    def _check(self, client: Client, now: float) -> None:
        if client.join_by is not None and now >= client.join_by:
            self._end(client, ErrorCode.TIMED_OUT, "no room was joined in time")
        elif now >= client.wake_at:
            client.pings += 1
            if client.pings >= self._limits.silent_pings:
                self._end(client, ErrorCode.TIMED_OUT, "nothing was heard for too long")
                return
            client.wake_at = now + self._limits.ping_seconds
            self._send(client.socket, Ping(client.pings))

    # Answers

    def _send(self, socket: int, message: FromServer) -> None:
        self._outputs.append(Send(socket, message))

    def _tell(self, members: dict[str, int], about: str, message: FromServer) -> None:
        for peer, socket in members.items():
            if peer != about:
                self._send(socket, message)

    def _refuse(self, client: Client, code: ErrorCode, message: str, request: int | None = None) -> None:
        self._send(client.socket, Error(code, message, request))

    def _refuse_full(self, client: Client, code: ErrorCode, message: str) -> None:
        self._send(client.socket, Error(code, message, retry_after=self._limits.full_retry_seconds))

    def _slow_down(self, client: Client, now: float) -> None:
        """Answers a message that was over the rate and has not been read."""
        if client.refusals.take(now):
            wait = client.messages.wait()
            self._send(client.socket, Error(ErrorCode.RATE_LIMITED, "too many messages", retry_after=wait))
        else:
            self._end(client, ErrorCode.RATE_LIMITED, "far too many messages", client.refusals.wait())

    def _fault(self, client: Client, code: ErrorCode, message: str, now: float) -> None:
        """Answers a message that breaks the protocol, and ends the socket when there were too many."""
        if client.faults.take(now):
            self._refuse(client, code, message)
        else:
            self._end(client, code, message)

    def _end(self, client: Client, code: ErrorCode, message: str, retry_after: float | None = None) -> None:
        """Says why, frees the seat and forgets the socket."""
        self._send(client.socket, Error(code, message, retry_after=retry_after))
        self._outputs.append(Close(client.socket, code, message))
        self.disconnected(client.socket, code)


def _id_of(message: FromClient) -> int | None:
    return message.id if isinstance(message, Relay) else None
