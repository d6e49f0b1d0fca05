"""What a node answers when a front end asks: frozen, and safe to show where nothing else is said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from p2pchat.protocol.rtt.statistics import Statistics


@dataclass(frozen=True, slots=True)
class PeerStats:
    """What is measured of the link to one peer."""

    peer: str
    path: str
    """`direct` or `relay`; empty while not connected."""
    rtt_ms: float | None
    sent: int
    """Bytes of user data handed to the link, over all links to this peer."""
    received: int
    rate: float
    """Bytes per second sent and received together, over the last seconds."""
    loss: float | None = None
    """The part of the last minute's heartbeats that were lost on the way and repeated, 0 to 1; None until there were a
    few."""
    addresses: str = ""
    """The path in a few words, such as `IPv4, same network`; see `p2pchat.rtc.path`. Empty until it is known."""
    local: str = ""
    """What our end of the path is: `host`, `srflx`, `prflx` or `relay` (RFC 8445 §4)."""
    remote: str = ""
    """The same of the peer's end."""


@dataclass(frozen=True, slots=True)
class ContactInfo:
    """A peer whose key was seen before."""

    tag: str
    """Its key tag: eight characters."""
    key: str
    """Its public key in hexadecimal."""
    petname: str
    """What the user calls it; empty until there is one."""
    name: str
    """What it called itself last; safe to show."""
    state: str
    """`known`, `verified` or `blocked`."""
    first_seen: float
    """Unix seconds."""
    last_seen: float
    auto_accept: int = 0
    """Offers of this contact with at most so many bytes are accepted by themselves; 0 for none."""
    live_text: str = "ask"
    """Whether it sees what we type: `off`, `ask` or `on`; see `NodeApi.live_text_policy`."""


@dataclass(frozen=True, slots=True)
class LiveTextStats:
    """How well real-time text with one peer works."""

    peer: str
    name: str
    measured: Statistics
    unicode: str = ""
    """The version of Unicode by which its program cuts characters, such as `17.0`; empty when it has not said."""


@dataclass(frozen=True, slots=True)
class Landing:
    """What files would meet in a folder, if they were accepted into it now."""

    folder: Path
    needed: int
    """Bytes that are still to come."""
    free: int
    """Bytes that may be used there; the reserve that stays free is not among them."""
    existing: int
    """Files of the offer whose names are taken there."""
    examples: tuple[tuple[str, str], ...] = ()
    """The first twenty of them: the path in the offer, and the name that the file would get. Safe to show."""
    resumable: int = 0
    """Bytes that are there already, of a transfer that was interrupted."""
    fault: str = ""
    """Why they cannot be stored there, in words; empty when they can."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A transfer to us that was interrupted, and of which something lies on the disk."""

    leftover: str
    """Its id on this machine: sixteen hexadecimal digits."""
    peer: str
    """The key tag of the one who sent it: it goes on when the same is offered by the same again."""
    name: str
    """What that one was called; safe to show."""
    title: str
    """What it is, `film.mov` or `backup/ and 3 more`; safe to show."""
    folder: Path
    total: int
    stored: int
    """Bytes of `total` that are here."""
    at: float
    """When something arrived last, unix seconds."""
