"""What a link tells whoever uses it; see `p2pchat.rtc.link`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from p2pchat.protocol.frames import LiveTextFeatures
from p2pchat.rtc.channels import Channel


@dataclass(frozen=True, slots=True)
class Opened:
    """All channels are open; or, with `text_only`, `t140` is, and there will be no other."""

    path: str
    """`direct` or `relay`."""
    offered: bool
    """Whether we made the offer."""
    our_fingerprint: bytes
    """SHA-256 of the DTLS certificate that we use on this link (RFC 8122 §5)."""
    their_fingerprint: bytes
    """The same of the certificate that the peer showed: the one in use, whatever an SDP said."""
    text_only: bool = False
    """Whether the peer speaks nothing but real-time text."""
    label: str = ""
    """What the peer calls its own `t140` channel, if it says anything; untrusted text."""
    features: LiveTextFeatures | None = None
    """What the peer's session description says of that channel; None when it was opened with DCEP."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Candidates were found after our description was made: they are for the peer. Told before `Opened`, too."""

    candidates: tuple[str, ...]
    """Each as in SDP, from `candidate:` on."""
    last: bool = False
    """Whether there will be no more."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message came."""

    channel: Channel
    data: bytes | str
    participant: int | None = None
    """With `Channel.TEXT`: which participant behind the peer has written it; None for the peer itself."""


@dataclass(frozen=True, slots=True)
class TextOnly:
    """The peer closed the other channels of an open link, and never said anything on them."""


@dataclass(frozen=True, slots=True)
class ParticipantJoined:
    """The peer opened a further `t140` channel, for somebody behind it."""

    participant: int
    label: str
    """What it calls them; untrusted text."""


@dataclass(frozen=True, slots=True)
class ParticipantLeft:
    """The `t140` channel of a participant was closed."""

    participant: int


@dataclass(frozen=True, slots=True)
class TextRefused:
    """The peer opened a `t140` channel that cannot be used, for the `reason`; told once for a link."""

    reason: str


@dataclass(frozen=True, slots=True)
class Writable:
    """`bulk_room` had nothing left, and may have something by now."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The link is over. `reason` is a sentence without a full stop."""

    reason: str
    hint: str = ""
    """What the user can do about it, when no connection came about; empty when there is nothing."""


LinkEvent: TypeAlias = (
    Opened | Gathered | Received | Writable | TextOnly | ParticipantJoined | ParticipantLeft | TextRefused | Closed
)
