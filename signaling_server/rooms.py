"""Who is in which room, and what is passed on between them: the hub of a signaling server.

Rules
    1. Time is an argument: seconds of a monotonic clock. A socket is a number that its owner never uses twice.
    2. After each call, carry out `poll()` until it returns None, then call `tick` at `deadline()` at the latest.
    3. A socket has at most one seat. A message is passed on to a member of the sender's room and to nobody else.
    4. A peer id in a room belongs to the key that took it first. The same id and key over another socket takes the
       seat over, and nobody else is told: the seat never was free.
    5. Whatever arrives is answered, refused with a reason or ends its own socket. It never touches another one.

A socket's life
    OPEN ── hello ──> GREETED ── join ──> SEATED ── leave ──> GREETED
      └── no seat after join_seconds ─┘      └── silent, rude, replaced, server stops ──> closed with a reason
"""

from __future__ import annotations

import heapq
import hmac
from collections import deque
from dataclasses import dataclass
from typing import Final

from p2pchat.protocol.signaling import (
    MESSAGE_BYTES,
    VERSION,
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
from signaling_server.limits import ServerLimits

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


class _Client:
    """What the hub knows of one socket: a few numbers and at most three short texts."""

    __slots__ = ("faults", "join_by", "key", "messages", "peer", "pings", "refusals", "room", "socket", "wake_at")

    def __init__(self, socket: int, limits: ServerLimits, now: float) -> None:
        self.socket = socket
        self.messages = Bucket(limits.messages_per_second, limits.message_burst, now)
        self.refusals = Bucket(limits.refusals_per_second, limits.refusal_burst, now)
        self.faults = Bucket(limits.faults_per_second, limits.fault_burst, now)
        self.join_by: float | None = now + limits.join_seconds
        """When it must have taken a seat; None once it has, even when it leaves later."""
        self.wake_at = now + limits.ping_seconds
        self.pings = 0
        """Pings sent since the last sign of life."""
        self.peer = ""
        self.key = ""
        self.room = ""

    def due(self) -> float:
        """When something has to be done about it. Only ever moves later."""
        return self.wake_at if self.join_by is None else min(self.wake_at, self.join_by)


class Hub:
    """All rooms of one server.

    Args:
        limits: what a socket may do; see `ServerLimits`.
    """

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._clients: dict[int, _Client] = {}
        self._rooms: dict[str, dict[str, int]] = {}
        """The socket of each peer id in each room; an empty room is no room."""
        self._due: list[tuple[float, int]] = []
        """A heap with one entry for each socket, at its `due()` or earlier, and some of sockets that are gone."""
        self._outputs: deque[Output] = deque()

    # What happens

    def connected(self, socket: int, now: float) -> None:
        """A socket was opened."""
        client = self._clients[socket] = _Client(socket, self._limits, now)
        heapq.heappush(self._due, (client.due(), socket))

    def received(self, socket: int, data: str | bytes, now: float) -> None:
        """A text message (str) or a binary one (bytes) arrived. Nothing is raised, whatever it is."""
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
        for socket in list(self._clients):
            self._end(self._clients[socket], ErrorCode.SHUTTING_DOWN, "the server is shutting down", retry_after)

    # What to do about it

    def poll(self) -> Output | None:
        """The next thing to do, or None when there is nothing left."""
        return self._outputs.popleft() if self._outputs else None

    def deadline(self) -> float | None:
        """When `tick` is due, or None while there is no socket."""
        while self._due and self._due[0][1] not in self._clients:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    # Messages

    def _handle(self, client: _Client, message: FromClient, now: float) -> None:
        if not client.peer and not isinstance(message, Hello):
            self._refuse(client, ErrorCode.NOT_GREETED, "the first message is hello", _id_of(message))
            return
        match message:
            case Hello():
                self._greet(client, message, now)
            case Join(room=room):
                self._join(client, room)
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

    def _greet(self, client: _Client, hello: Hello, now: float) -> None:
        if client.peer:
            self._fault(client, ErrorCode.MALFORMED, "hello is said once", now)
        elif hello.version != VERSION:
            self._end(client, ErrorCode.VERSION, f"this server speaks version {VERSION}")
        else:
            client.peer, client.key = hello.peer, hello.key
            self._send(client.socket, Welcome(VERSION, self._limits.told(), AGENT))

    def _join(self, client: _Client, room: str) -> None:
        if client.room:
            self._refuse(client, ErrorCode.ALREADY_JOINED, "a socket has one seat: leave the room first")
            return
        members = self._rooms.get(room, {})
        holder = members.get(client.peer)
        if holder is not None:
            if not hmac.compare_digest(self._clients[holder].key.encode(), client.key.encode()):
                self._refuse(client, ErrorCode.PEER_ID_TAKEN, "somebody else in the room has this peer id")
                return
        elif len(members) >= self._limits.room_peers:
            self._refuse_full(client, ErrorCode.ROOM_FULL, f"the room has {self._limits.room_peers} peers already")
            return
        elif not members and len(self._rooms) >= self._limits.rooms:
            self._refuse_full(client, ErrorCode.TOO_MANY_ROOMS, "the server has no place for another room")
            return
        self._rooms.setdefault(room, members)[client.peer] = client.socket
        client.room, client.join_by = room, None
        others = [peer for peer in members if peer != client.peer]
        self._send(client.socket, Joined(room, others))
        if holder is not None:
            replaced = self._clients[holder]
            replaced.room = ""
            self._end(replaced, ErrorCode.REPLACED, "the seat was taken over by its owner on another socket")
        else:
            self._tell(members, client.peer, PeerJoined(client.peer))

    def _relay(self, client: _Client, message: Relay) -> None:
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

    def _vacate(self, client: _Client, reason: str) -> None:
        """Frees the client's seat, if it has one, and tells the others of the room."""
        room, client.room = client.room, ""
        members = self._rooms.get(room, {})
        if members.pop(client.peer, None) is None:
            return
        if not members:
            del self._rooms[room]
        self._tell(members, client.peer, PeerLeft(client.peer, reason))

    def _check(self, client: _Client, now: float) -> None:
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

    def _refuse(self, client: _Client, code: ErrorCode, message: str, request: int | None = None) -> None:
        self._send(client.socket, Error(code, message, request))

    def _refuse_full(self, client: _Client, code: ErrorCode, message: str) -> None:
        self._send(client.socket, Error(code, message, retry_after=self._limits.full_retry_seconds))

    def _slow_down(self, client: _Client, now: float) -> None:
        """Answers a message that was over the rate and has not been read."""
        if client.refusals.take(now):
            wait = client.messages.wait()
            self._send(client.socket, Error(ErrorCode.RATE_LIMITED, "too many messages", retry_after=wait))
        else:
            self._end(client, ErrorCode.RATE_LIMITED, "far too many messages", client.refusals.wait())

    def _fault(self, client: _Client, code: ErrorCode, message: str, now: float) -> None:
        """Answers a message that breaks the protocol, and ends the socket when there were too many."""
        if client.faults.take(now):
            self._refuse(client, code, message)
        else:
            self._end(client, code, message)

    def _end(self, client: _Client, code: ErrorCode, message: str, retry_after: float | None = None) -> None:
        """Says why, frees the seat and forgets the socket."""
        self._send(client.socket, Error(code, message, retry_after=retry_after))
        self._outputs.append(Close(client.socket, code, message))
        self.disconnected(client.socket, code)


def _id_of(message: FromClient) -> int | None:
    return message.id if isinstance(message, Relay) else None
