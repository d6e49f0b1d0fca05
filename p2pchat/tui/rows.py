"""The rows that a conversation is made of, as data. `at` is unix seconds; text is as the event brought it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from p2pchat.node.events import TransferInfo


@dataclass(frozen=True, slots=True)
class DayRow:
    """The line before the first row of a day."""

    key: str
    at: float


@dataclass(frozen=True, slots=True)
class UnreadRow:
    """The line between what was read and what was not."""

    key: str
    at: float


@dataclass(frozen=True, slots=True)
class MessageRow:
    """Something that somebody said."""

    key: str
    at: float
    peer: str
    """The speaker's key tag; empty for ourselves."""
    label: str
    text: str
    mark: str = ""
    """`interrupted`, `corrected` or `restored`, for a line of real-time text to which that happened."""
    awaited: frozenset[str] = frozenset()
    """Own messages: key tags of the peers that were connected when it was sent."""
    delivered: frozenset[str] = frozenset()
    """Own messages: key tags of the peers that have it."""

    @property
    def state(self) -> str:
        """How far an own message has come, in words; empty for those of others."""
        if self.peer:
            return ""
        if not self.delivered:
            return "waiting"
        if self.awaited <= self.delivered:
            return "delivered"
        return f"{len(self.delivered & self.awaited)} of {len(self.awaited)}"

    def renamed(self, was: str, peer: str) -> MessageRow:
        """The same row once a peer is called something else."""
        return replace(
            self,
            peer=peer if self.peer == was else self.peer,
            awaited=_renamed(self.awaited, was, peer),
            delivered=_renamed(self.delivered, was, peer),
        )


@dataclass(frozen=True, slots=True)
class TransferRow:
    """Files under way, in either direction."""

    key: str
    at: float
    peer: str
    """The key tag of the peer that offers them; empty when we do."""
    label: str
    """The other side."""
    info: TransferInfo

    def renamed(self, was: str, peer: str) -> TransferRow:
        """The same row once a peer is called something else."""
        info = replace(self.info, peer=peer) if self.info.peer == was else self.info
        return replace(self, peer=peer if self.peer == was else self.peer, info=info)


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """Something that happened and that nobody said."""

    key: str
    at: float
    text: str
    hint: str = ""
    problem: bool = False
    times: int = 1
    """How often it happened."""


Row: TypeAlias = DayRow | UnreadRow | MessageRow | TransferRow | NoticeRow


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A line that a peer is still typing."""

    peer: str
    line: int
    label: str
    text: str
    at: float
    changed_at: float
    """When it last changed, in seconds of a monotonic clock."""
    interrupted_at: float | None = None
    """When the link was lost, by the same clock; None while it is live."""


def _renamed(peers: frozenset[str], was: str, peer: str) -> frozenset[str]:
    return peers - {was} | {peer} if was in peers else peers
