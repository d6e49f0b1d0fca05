"""Who is in which room, and what is passed on between them: the hub of a signaling server.

Rules
    1. Time is an argument: seconds of a monotonic clock. A socket is a number that its owner never uses twice.
    2. After each call, carry out `poll()` until it returns None, then call `tick` at `deadline()` at the latest.
    3. A socket has at most one seat. A message is passed on to a member of the sender's room and to nobody else.
    4. Who gets a seat is decided elsewhere, as other hubs may share the rooms (`signaling_server.backplane`). The hub
       asks with `Ask`, and takes the answers with `told`. What follows from them, `signaling_server.members` says.
    5. The same peer id and key over another socket takes its own seat over: nobody else is told, or `peer-back` when
       its owner was away.
    6. A mailbox is a room with two seats that is found by its number (`signaling_server.mailboxes`). A third client is
       refused, and those inside are told: somebody may be guessing.
    7. Whatever arrives is answered, refused with a reason or ends its own socket. It never touches another one.

A socket's life
    OPEN ── hello ──> GREETED ── join, allocate, claim ──> SEATED ── leave, mailbox expired ──> GREETED
      └── no seat after join_seconds ─┘   └── silent, rude, replaced, server stops ──> closed with a reason
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from p2pchat.protocol.signaling import (
    MESSAGE_BYTES,
    VERSION,
    Allocate,
    Claim,
    Error,
    ErrorCode,
    FromClient,
    FromServer,
    Hello,
    IceServersWanted,
    Join,
    Leave,
    Malformed,
    Ping,
    Pong,
    Relay,
    Relayed,
    Report,
    Welcome,
    decode_from_client,
    encode_bytes,
)
from signaling_server.backplane import ALONE
from signaling_server.buckets import Bucket
from signaling_server.clients import Client
from signaling_server.gate import Gate, Refusal
from signaling_server.limits import ServerLimits
from signaling_server.members import Members
from signaling_server.requests import (
    Answer,
    Changed,
    ClaimMailbox,
    Forwarded,
    OpenMailbox,
    Refused,
    Request,
    TakeSeat,
)
from signaling_server.seats import LOST, Room, digest
from signaling_server.sources import ANYWHERE, Source

AGENT: Final = "p2pchat-server"
"""What the server calls itself in `welcome`."""


@dataclass(frozen=True, slots=True)
class Send:
    """Write this to the socket, after everything that was sent to it before."""

    socket: int
    message: FromServer
    data: bytes
    """The message as it is written."""


@dataclass(frozen=True, slots=True)
class Close:
    """End the socket once what was sent to it is written. The hub has forgotten it already."""

    socket: int
    code: ErrorCode
    reason: str


@dataclass(frozen=True, slots=True)
class Reported:
    """The client at this socket says what became of an attempt to connect to a peer: for the statistics."""

    socket: int
    report: Report


@dataclass(frozen=True, slots=True)
class Ask:
    """Pass this on to the backplane; what it answers goes to `Hub.told`."""

    request: Request


Output = Send | Close | Reported | Ask


class Hub:
    """All sockets of one server.

    Args:
        limits: what a socket may do; see `ServerLimits`.
        pick: returns a random number from 0 up to, but not including, its argument.
        gate: who may come in, and how often; one that lets everybody in when left out.
        instance: the name of this server among those that share its rooms.
    """

    def __init__(
        self, limits: ServerLimits, pick: Callable[[int], int], gate: Gate | None = None, instance: str = ALONE
    ) -> None:
        self._limits = limits
        self._pick = pick
        self._gate = gate or Gate(limits)
        self._mailbox_requests = Bucket(limits.all_mailbox_requests_per_second, limits.all_mailbox_request_burst, 0.0)
        self._clients: dict[int, Client] = {}
        self._members = Members(instance, limits, self, self._clients.get)
        self._due: list[tuple[float, int]] = []
        """A heap with one entry for each socket, at its `due()` or earlier, and some of sockets that are gone."""
        self._outputs: deque[Output] = deque()

    # What happens

    def connected(self, socket: int, now: float, source: Source = ANYWHERE) -> None:
        """A socket was opened, from somewhere."""
        client = self._clients[socket] = Client(socket, self._limits, now, source)
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

    def disconnected(self, socket: int, reason: str = LOST) -> None:
        """A socket is gone, or its owner ends it: its seat is kept for a while, or free, depending on the reason.

        Args:
            socket: one that may be unknown already.
            reason: the word that the others of the room are told in `peer-left`.
        """
        client = self._clients.pop(socket, None)
        if client is not None:
            self._members.leave(client, reason)

    def told(self, answer: Answer) -> None:
        """The backplane answers."""
        match answer:
            case Changed(name, room):
                self._members.changed(name, room)
            case Refused(socket, refusal, name, room):
                if self._members.refused(socket, name, room):
                    self._is_refused(self._clients[socket], refusal)
            case Forwarded(room, to, message):
                self._members.forwarded(room, to, message)

    def held(self) -> dict[str, Room]:
        """The rooms with members here as the hub knows them: to be restored where rooms are kept."""
        return self._members.held()

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
        """The server stops: everybody is told, and every socket ends. Their seats are kept by other servers only."""
        self._members.dismiss()
        for socket in list(self._clients):
            # Each waits another while, so that they do not all come back at the same moment.
            retry_after = self._limits.shutdown_retry_seconds + self._pick(self._limits.shutdown_spread_ms) / 1000
            self.end(self._clients[socket], ErrorCode.SHUTTING_DOWN, "the server is shutting down", retry_after)

    # What to do about it

    def poll(self) -> Output | None:
        """The next thing to do, or None when there is nothing left."""
        return self._outputs.popleft() if self._outputs else None

    def deadline(self) -> float | None:
        """When `tick` is due, or None while there is no socket."""
        while self._due and self._due[0][1] not in self._clients:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def counts(self) -> tuple[int, int]:
        """How many rooms have members here, and how many members that are: for the statistics."""
        rooms = self._members.rooms.values()
        return len(rooms), sum(len(attended.clients) for attended in rooms)

    def room_names(self) -> frozenset[str]:
        """The names of the rooms that have members here."""
        return frozenset(self._members.rooms)

    # Messages

    def _handle(self, client: Client, message: FromClient, now: float) -> None:
        if not client.peer and not isinstance(message, Hello):
            self._refuse(client, ErrorCode.NOT_GREETED, "the first message is hello", _id_of(message))
            return
        match message:
            case Hello():
                self._greet(client, message, now)
            case Join(room=room):
                self._join(client, room, now)
            case Allocate():
                self._allocate(client, now)
            case Claim(mailbox=number):
                self._claim(client, number, now)
            case Leave():
                if client.room or client.asked is not None:
                    self._members.leave(client, "left")
                else:
                    self._refuse(client, ErrorCode.NOT_JOINED, "there is no room to leave")
            case Relay():
                self._relay(client, message)
            case IceServersWanted():
                self.send(client.socket, self._gate.ice_servers(client.peer))
            case Report():
                self._outputs.append(Reported(client.socket, message))
            case Ping(n=number):
                self.send(client.socket, Pong(number))
            case Pong():
                pass

    def _greet(self, client: Client, hello: Hello, now: float) -> None:
        if client.peer:
            self._fault(client, ErrorCode.MALFORMED, "hello is said once", now)
        elif hello.version != VERSION:
            self.end(client, ErrorCode.VERSION, f"this server speaks version {VERSION}")
        elif (refusal := self._gate.greeted(client.source, hello.token, now)) is not None:
            self.end(client, refusal.code, refusal.message, refusal.retry_after)
        else:
            client.peer, client.key = hello.peer, digest(hello.key)
            ice = self._gate.ice_servers(hello.peer)
            self.send(
                client.socket,
                Welcome(
                    VERSION,
                    self._limits.told(),
                    AGENT,
                    ice_servers=ice.servers,
                    ice_seconds=ice.seconds,
                    your_address=client.source.address,
                    away_seconds=self._limits.away_seconds,
                ),
            )

    def _join(self, client: Client, room: str, now: float) -> None:
        if not (self._has_seat(client) or self._is_refused(client, self._gate.joins(client.source, room, now))):
            self._members.ask(client, TakeSeat(client.socket, client.peer, client.key, room))

    def _allocate(self, client: Client, now: float) -> None:
        if self._has_seat(client):
            return
        if wait := self._mailbox_wait(client, now):
            self._is_refused(client, Refusal(ErrorCode.RATE_LIMITED, "too many mailboxes", wait))
        else:
            self._members.ask(client, OpenMailbox(client.socket, client.peer, client.key))

    def _claim(self, client: Client, number: int, now: float) -> None:
        if not self._has_seat(client):
            wait = self._mailbox_wait(client, now)
            self._members.ask(client, ClaimMailbox(client.socket, client.peer, client.key, number, wait))

    def _relay(self, client: Client, message: Relay) -> None:
        if not client.room:
            self._refuse(client, ErrorCode.NOT_JOINED, "only members of a room can relay", message.id)
            return
        if not self._members.has(client, message.to):
            self._refuse(client, ErrorCode.NO_SUCH_PEER, "nobody else in the room has this peer id", message.id)
            return
        relayed = Relayed(client.peer, message.body)
        # Numbers such as 1e15 grow when they are written again: the receiver must never get more than it accepts.
        data = encode_bytes(relayed)
        if len(data) > MESSAGE_BYTES:
            self._refuse(client, ErrorCode.TOO_LARGE, f"it has more than {MESSAGE_BYTES} bytes as relayed", message.id)
            return
        self._members.pass_on(client, message.to, relayed, len(data), data)

    # Limits

    def _has_seat(self, client: Client) -> bool:
        """Whether the client has a seat, or waits for one; refuses another one."""
        if not client.room and client.asked is None:
            return False
        self._refuse(client, ErrorCode.ALREADY_JOINED, "a socket has one seat: leave the room first")
        return True

    def _mailbox_wait(self, client: Client, now: float) -> float:
        """Takes what a claim or an allocation costs, as numbers are few and can be tried one by one.

        Returns:
            0, or the seconds until it may be done.
        """
        if (refusal := self._gate.uses_mailboxes(client.source, now)) is not None:
            return refusal.retry_after or self._limits.full_retry_seconds
        for bucket in (client.mailbox_requests, self._mailbox_requests):
            if not bucket.take(now):
                return bucket.wait()
        return 0.0

    def _check(self, client: Client, now: float) -> None:
        if client.join_by is not None and now >= client.join_by:
            self.end(client, ErrorCode.TIMED_OUT, "no room was joined in time")
        elif now >= client.wake_at:
            client.pings += 1
            if client.pings >= self._limits.silent_pings:
                self.end(client, ErrorCode.TIMED_OUT, "nothing was heard for too long")
                return
            client.wake_at = now + self._limits.ping_seconds
            self.send(client.socket, Ping(client.pings))

    # Answers

    def send(self, socket: int, message: FromServer, data: bytes | None = None) -> None:
        """See `signaling_server.members.Answering`."""
        self._outputs.append(Send(socket, message, encode_bytes(message) if data is None else data))

    def _refuse(self, client: Client, code: ErrorCode, message: str, request: int | None = None) -> None:
        self.send(client.socket, Error(code, message, request))

    def _is_refused(self, client: Client, refusal: Refusal | None) -> bool:
        """Passes a refusal of the gate on, if there is one."""
        if refusal is not None:
            self.send(client.socket, Error(refusal.code, refusal.message, retry_after=refusal.retry_after))
        return refusal is not None

    def _slow_down(self, client: Client, now: float) -> None:
        """Answers a message that was over the rate and has not been read."""
        if client.refusals.take(now):
            wait = client.messages.wait()
            self.send(client.socket, Error(ErrorCode.RATE_LIMITED, "too many messages", retry_after=wait))
        else:
            self.end(client, ErrorCode.RATE_LIMITED, "far too many messages", client.refusals.wait())

    def _fault(self, client: Client, code: ErrorCode, message: str, now: float) -> None:
        """Answers a message that breaks the protocol, and ends the socket when there were too many."""
        if client.faults.take(now):
            self._refuse(client, code, message)
        else:
            self.end(client, code, message)

    def ask(self, request: Request) -> None:
        """See `signaling_server.members.Answering`."""
        self._outputs.append(Ask(request))

    def end(self, client: Client, code: ErrorCode, message: str, retry_after: float | None = None) -> None:
        """Says why, gives the seat up and forgets the socket."""
        self.send(client.socket, Error(code, message, retry_after=retry_after))
        self._outputs.append(Close(client.socket, code, message))
        self.disconnected(client.socket, code)


def _id_of(message: FromClient) -> int | None:
    return message.id if isinstance(message, Relay) else None
