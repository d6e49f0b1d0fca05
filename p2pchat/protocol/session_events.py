"""What a session asks for and tells: see `p2pchat.protocol.session`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from p2pchat.protocol import frames
from p2pchat.protocol.heartbeat import State as Pulse
from p2pchat.protocol.introduction import Greeted
from p2pchat.protocol.rtt.conversation import Alerted, Directed, LineRead, Sent, Shown
from p2pchat.protocol.transfer.exchange import TransferOutput


@dataclass(frozen=True, slots=True)
class SendControl:
    """Send these bytes on `ctl`."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SendText:
    """Send this string on `t140`."""

    text: str


@dataclass(frozen=True, slots=True)
class CloseLink:
    """Close the link once what was sent before has left. `reason` may be shown; `code` is a stable word."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """The peer said goodbye; `reason` is untrusted text."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class PulseChanged:
    """The peer fell silent or is back; see `heartbeat`. When it is LOST, close the link."""

    pulse: Pulse
    silence: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A ping came back after so many seconds."""

    round_trip: float


@dataclass(frozen=True, slots=True)
class Signalled:
    """The peer says something about another link, as it does through the server; see `negotiation`."""

    body: Any
    """Untrusted values."""


@dataclass(frozen=True, slots=True)
class MessageRead:
    """A message arrived for the first time, and belongs to no live line. Its text is untrusted."""

    message: frames.Message


@dataclass(frozen=True, slots=True)
class Delivered:
    """The peer has a message of ours."""

    id: str


Output: TypeAlias = (
    SendControl
    | SendText
    | CloseLink
    | Greeted
    | Left
    | PulseChanged
    | Measured
    | Signalled
    | MessageRead
    | Delivered
    | LineRead
    | Alerted
    | Directed
    | Shown
    | Sent
    | TransferOutput
)
