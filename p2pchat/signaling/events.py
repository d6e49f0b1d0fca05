"""What the signaling client tells: one stream of frozen events, in the order in which things happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class PeerJoined:
    """Somebody took a seat in the room, and will offer a connection to us."""

    peer: str


@dataclass(frozen=True, slots=True)
class PeerFound:
    """We came to where somebody is, after our seat was taken: it is for us to offer."""

    peer: str


@dataclass(frozen=True, slots=True)
class PeerLeft:
    """A seat is free. An established link to that peer does not care."""

    peer: str
    reason: str
    """`left`, `lost`, or the error code for which the server closed its socket; safe to show."""


@dataclass(frozen=True, slots=True)
class PeerAway:
    """A member has lost the server, and its seat is kept: nothing can be relayed to it. Links do not care."""

    peer: str


@dataclass(frozen=True, slots=True)
class PeerBack:
    """Who was away is back. It offers a connection to those whom it has none with."""

    peer: str


@dataclass(frozen=True, slots=True)
class Relayed:
    """A member of the room sent us something. Only the server vouches for the sender."""

    sender: str
    body: Any
    """JSON values; untrusted."""


@dataclass(frozen=True, slots=True)
class Offline:
    """The server is gone. The client goes on trying to reach it; `Online` tells when it has.

    It is told again when attempts fail for another reason.
    """

    reason: str
    """A few words for people."""


@dataclass(frozen=True, slots=True)
class Online:
    """The seat is taken again."""

    peers: tuple[str, ...]
    """Who else is in the room now. It replaces what was known of it."""
    away: tuple[str, ...] = ()
    """Those of them who have lost the server themselves; see `PeerAway`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server refused something, such as a relay to a peer that has just left."""

    code: str
    """A code of `p2pchat.protocol.signaling.ErrorCode`, or another word of a later server; safe to show."""
    message: str
    """What the server says about it; safe to show."""


SignalingEvent: TypeAlias = (
    PeerJoined | PeerFound | PeerLeft | PeerAway | PeerBack | Relayed | Offline | Online | Refused
)
