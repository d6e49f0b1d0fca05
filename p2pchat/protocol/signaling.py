"""The messages that a client and a signaling server exchange: JSON objects, told apart by `type`.

    client                              server
      │  hello {version, peer, key}  ──>  │   who I am in this session; `key` reserves the seat for me
      │  <──  welcome {version, limits}   │
      │  join {room}                 ──>  │
      │  <──  joined {room, peers}        │   those who are there already; I offer to each of them
      │  <──  peer-joined {peer}          │   somebody new, who will offer to me
      │  relay {to, body}            ──>  │   only to a member of the same room
      │  <──  relay {from, body}          │   `from` is written by the server
      │  <──  peer-away {peer}            │   its socket is lost; its seat is kept for a while
      │  <──  peer-back {peer}            │   it is there again, over another socket
      │  <──  peer-left {peer}            │
      │  leave {}                    ──>  │
      │  ping / pong                      │
      │  <──  error {code, message, ...}  │

Two who have no room in common meet in a mailbox, a room with two seats under a number that is quickly said:

      │  allocate {}                 ──>  │   in place of join
      │  <──  allocated {mailbox}         │   I have the first seat; the number is mine for a while
      │  claim {mailbox}             ──>  │   in place of join, from the other one
      │  <──  joined {room, peers}        │   and so on, as in a room

Unknown keys are ignored, so that a later version may add some; an unknown `type` is refused with `unknown-type`.
This is the one module that the server shares with the client.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from p2pchat.protocol.limits import (
    MAILBOXES,
    PEER_ID_CHARACTERS,
    ROOM_CHARACTERS,
    SIGNALING_MESSAGE_BYTES,
    SIGNALING_VERSION,
)

VERSION: Final = SIGNALING_VERSION
MESSAGE_BYTES: Final = SIGNALING_MESSAGE_BYTES
LAST_MAILBOX: Final = MAILBOXES

BODY_DEPTH: Final = 16
"""Deepest nesting inside the body of a `relay`: clients need two levels, and readers of JSON fail near a thousand."""

PeerId = Annotated[str, Meta(pattern=rf"^[a-z2-7]{{{PEER_ID_CHARACTERS}}}\Z")]
"""A peer's address inside a room: base32 in lower case, chosen at random by the client for one run."""

RoomName = Annotated[str, Meta(min_length=1, max_length=ROOM_CHARACTERS, pattern=r"^[^\x00-\x1f\x7f-\x9f]+\Z")]
"""A room's name as the server sees it: printable, compared code point by code point."""

MailboxNumber = Annotated[int, Meta(ge=1, le=MAILBOXES)]

SeatKey = Annotated[str, Meta(min_length=16, max_length=64)]
"""A random secret that lets its owner take its own seat again, over a new socket, while the old one seems alive."""

RequestId = Annotated[int, Meta(ge=0, le=2**53)]


class ErrorCode(StrEnum):
    """Why the server refused. The words are stable; `message` beside them is for people."""

    MALFORMED = "malformed"
    UNKNOWN_TYPE = "unknown-type"
    TOO_LARGE = "too-large"
    VERSION = "version"
    NOT_GREETED = "not-greeted"
    NOT_JOINED = "not-joined"
    ALREADY_JOINED = "already-joined"
    NO_SUCH_PEER = "no-such-peer"
    PEER_ID_TAKEN = "peer-id-taken"
    ROOM_FULL = "room-full"
    TOO_MANY_ROOMS = "too-many-rooms"
    RATE_LIMITED = "rate-limited"
    TIMED_OUT = "timed-out"
    SLOW_CONSUMER = "slow-consumer"
    REPLACED = "replaced"
    SHUTTING_DOWN = "shutting-down"
    NO_SUCH_MAILBOX = "no-such-mailbox"
    CROWDED = "crowded"
    MAILBOX_EXPIRED = "mailbox-expired"
    UNAUTHORIZED = "unauthorized"
    TOO_MANY_SOCKETS = "too-many-sockets"
    UNAVAILABLE = "unavailable"


CLOSE_CODES: Final[dict[ErrorCode, int]] = {
    ErrorCode.MALFORMED: 4000,
    ErrorCode.UNKNOWN_TYPE: 4001,
    ErrorCode.TOO_LARGE: 4002,
    ErrorCode.VERSION: 4003,
    ErrorCode.NOT_GREETED: 4004,
    ErrorCode.NOT_JOINED: 4005,
    ErrorCode.ALREADY_JOINED: 4006,
    ErrorCode.NO_SUCH_PEER: 4007,
    ErrorCode.PEER_ID_TAKEN: 4008,
    ErrorCode.ROOM_FULL: 4009,
    ErrorCode.TOO_MANY_ROOMS: 4010,
    ErrorCode.RATE_LIMITED: 4011,
    ErrorCode.TIMED_OUT: 4012,
    ErrorCode.SLOW_CONSUMER: 4013,
    ErrorCode.REPLACED: 4014,
    ErrorCode.SHUTTING_DOWN: 4015,
    ErrorCode.NO_SUCH_MAILBOX: 4016,
    ErrorCode.CROWDED: 4017,
    ErrorCode.MAILBOX_EXPIRED: 4018,
    ErrorCode.UNAUTHORIZED: 4019,
    ErrorCode.TOO_MANY_SOCKETS: 4020,
    ErrorCode.UNAVAILABLE: 4021,
}
"""The WebSocket close code (private use: RFC 6455 §7.4.2) with which a server ends a socket for a reason."""


class Limits(Struct, frozen=True, rename="kebab"):
    """What the server allows, told in `welcome`."""

    message_bytes: int
    messages_per_second: float
    message_burst: int
    room_peers: int
    ping_seconds: float
    """The server ends a socket that was silent for three times this long."""


class Hello(Struct, frozen=True, tag="hello"):
    """First message of a client."""

    version: int
    peer: PeerId
    key: SeatKey
    agent: Annotated[str, Meta(max_length=100)] = ""
    token: Annotated[str, Meta(max_length=256)] = ""
    """What a server that is not open to everybody asks for; one that is does not look at it."""


class IceServer(Struct, frozen=True):
    """A STUN or TURN server, as in RTCIceServer of WebRTC."""

    urls: Annotated[list[Annotated[str, Meta(max_length=300)]], Meta(max_length=8)]
    username: Annotated[str, Meta(max_length=300)] = ""
    credential: Annotated[str, Meta(max_length=300)] = ""


IceServerList = Annotated[list[IceServer], Meta(max_length=8)]


class Welcome(Struct, frozen=True, tag="welcome"):
    """The server's answer to `hello`."""

    version: int
    limits: Limits
    agent: str = ""
    notice: str = ""
    """A sentence of the operator for the users; untrusted text."""
    ice_servers: IceServerList = msgspec.field(name="ice-servers", default_factory=list)
    ice_seconds: float = msgspec.field(name="ice-seconds", default=0.0)
    """How long the credentials hold; 0 when there are none. Ask again with `ice-servers` before."""
    your_address: Annotated[str, Meta(max_length=64)] = msgspec.field(name="your-address", default="")
    """Where the client seems to come from, for diagnosis."""
    away_seconds: float = msgspec.field(name="away-seconds", default=0.0)
    """How long the seat of a socket that is lost is kept for its owner."""


class Join(Struct, frozen=True, tag="join"):
    """Take a seat in a room. A socket has one seat."""

    room: RoomName


class Joined(Struct, frozen=True, tag="joined"):
    """The seat is taken; `peers` were there before."""

    room: str
    peers: list[PeerId]
    away: list[PeerId] = []
    """Those of them whose socket is lost, and whose seat is kept."""


class Allocate(Struct, frozen=True, tag="allocate"):
    """Open a mailbox and take its first seat."""


class Allocated(Struct, frozen=True, tag="allocated"):
    """The mailbox is open, with nobody else in it."""

    mailbox: MailboxNumber


class Claim(Struct, frozen=True, tag="claim"):
    """Take the other seat of a mailbox, or one's own again. Answered with `joined`."""

    mailbox: MailboxNumber


class Leave(Struct, frozen=True, tag="leave"):
    """Give the seat up and keep the socket."""


class Relay(Struct, frozen=True, tag="relay"):
    """Pass `body` on to a member of my room. The server does not look into it."""

    to: PeerId
    body: Any
    id: RequestId | None = None
    """Returned in an `error` about this message."""


class Relayed(Struct, frozen=True, tag="relay"):
    """What another member sent; `sender` is `from` in JSON and is written by the server."""

    sender: PeerId = msgspec.field(name="from")
    body: Any = None


class PeerJoined(Struct, frozen=True, tag="peer-joined"):
    """Somebody took a seat."""

    peer: PeerId


class PeerAway(Struct, frozen=True, tag="peer-away"):
    """Somebody's socket is lost. The seat is kept for a while; `peer-back` or `peer-left` follows."""

    peer: PeerId


class PeerBack(Struct, frozen=True, tag="peer-back"):
    """Who was away has the seat again, over another socket."""

    peer: PeerId


class PeerLeft(Struct, frozen=True, tag="peer-left"):
    """Somebody's seat is free."""

    peer: PeerId
    reason: str = ""


class IceServersWanted(Struct, frozen=True, tag="ice-servers"):
    """Tell me the ICE servers again: the credentials are about to expire."""


class IceServers(Struct, frozen=True, tag="ice-servers"):
    """The answer; see `Welcome`."""

    servers: IceServerList
    seconds: float = 0.0


class Report(Struct, frozen=True, tag="report"):
    """What became of an attempt to connect to a peer, for the server's statistics. It is not answered."""

    outcome: Literal["direct", "relay", "failed"]
    ms: Annotated[int, Meta(ge=0, le=3_600_000)]
    """How long it took, in milliseconds."""


class Ping(Struct, frozen=True, tag="ping"):
    """Answer with `pong` and the same number."""

    n: RequestId = 0


class Pong(Struct, frozen=True, tag="pong"):
    """The answer to `ping`."""

    n: RequestId = 0


class Error(Struct, frozen=True, tag="error"):
    """Something was refused; the socket stays open unless the server closes it right after."""

    code: str
    message: str
    id: int | None = None
    retry_after: float | None = msgspec.field(name="retry-after", default=None)
    """Seconds after which trying again may help."""


FromClient = Hello | Join | Allocate | Claim | Leave | Relay | IceServersWanted | Report | Ping | Pong
FromServer = (
    Welcome
    | Joined
    | Allocated
    | Relayed
    | PeerJoined
    | PeerAway
    | PeerBack
    | PeerLeft
    | IceServers
    | Ping
    | Pong
    | Error
)

_from_client: msgspec.json.Decoder[FromClient] = msgspec.json.Decoder(FromClient)
_from_server: msgspec.json.Decoder[FromServer] = msgspec.json.Decoder(FromServer)
_encoder = msgspec.json.Encoder()


class Malformed(ValueError):
    """A signaling message that cannot be used.

    Args:
        code: the stable word to answer with.
        detail: what is wrong with it, for the log and for the other side. Never holds the message itself.
    """

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def encode(message: FromClient | FromServer) -> str:
    """Returns the message as one line of JSON."""
    return encode_bytes(message).decode()


def encode_bytes(message: FromClient | FromServer) -> bytes:
    """Returns the same in UTF-8, as it goes over a WebSocket."""
    return _encoder.encode(message)


def decode_from_client(text: str | bytes) -> FromClient:
    """Reads what a client sent.

    Raises:
        Malformed: for anything that is not exactly one message of the protocol. Nothing else is raised.
    """
    message = _decode(_from_client, text)
    if isinstance(message, Relay) and _is_deep(message.body):
        raise Malformed(ErrorCode.MALFORMED, f"a body may be {BODY_DEPTH} levels deep")
    return message


def decode_from_server(text: str | bytes) -> FromServer:
    """Reads what a server sent.

    Raises:
        Malformed: for anything that is not exactly one message of the protocol. Nothing else is raised.
    """
    return _decode(_from_server, text)


Message = TypeVar("Message")


def _decode(decoder: msgspec.json.Decoder[Message], text: str | bytes) -> Message:
    try:
        # The first length spares encoding what is far too long, the second one counts.
        if len(text) > MESSAGE_BYTES or len(data := text.encode() if isinstance(text, str) else text) > MESSAGE_BYTES:
            raise Malformed(ErrorCode.TOO_LARGE, f"a message may have {MESSAGE_BYTES} bytes")
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        unknown = "Invalid value" in str(error) and "$.type" in str(error)
        code = ErrorCode.UNKNOWN_TYPE if unknown else ErrorCode.MALFORMED
        raise Malformed(code, _without_values(str(error))) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Malformed(ErrorCode.MALFORMED, "a message is one JSON object") from None


def _is_deep(body: Any) -> bool:
    level = [body]
    for _ in range(BODY_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return False
        level = below
    return True


def _without_values(detail: str) -> str:
    """Keeps an unknown tag, which msgspec quotes, out: what the other side wrote must not come back."""
    return "the type is not one of the protocol" if detail.startswith("Invalid value") else detail
