"""How a link stands, in words for people who are no engineers. All front ends say it with these.

Sizes, times and rates are left to them: a screen has units, a voice has words.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from p2pchat.node.answers import PeerStats
from p2pchat.node.events import PeerInfo, PeerState
from p2pchat.protocol.untrusted import safe_line

_KINDS: Final = {
    "host": "of the machine itself",
    "srflx": "of a NAT, as a STUN server sees it",
    "prflx": "of a NAT, as the other side sees it",
    "relay": "of a relay",
}
"""Kinds of candidates (RFC 8445 §4)."""

TRYING: Final = "trying "
"""How what is done about a link that is not there begins, in a reason."""


def way(path: str, addresses: str = "") -> str:
    """Returns the way that packets take: `direct, IPv4, same network`, `through relay turn.example over TLS`.

    Args:
        path: `direct` or `relay`.
        addresses: the same more exactly (`PeerStats.addresses`); empty while that is not known.
    """
    exactly = safe_line(addresses)
    if path == "relay":
        return exactly or "through a relay"
    return f"direct, {exactly}" if exactly else "direct"


def loss(stats: PeerStats) -> int | None:
    """Returns how much is lost, in percent; None while too little was measured. What is lost at all is at least 1."""
    if stats.loss is None:
        return None
    return max(1, round(stats.loss * 100)) if stats.loss else 0


def ends(stats: PeerStats) -> list[tuple[str, str]]:
    """Returns of what kind the address at each end of the path is: which end, and the kind."""
    kinds = (("Address here", stats.local), ("Address there", stats.remote))
    return [(end, _KINDS.get(kind, safe_line(kind))) for end, kind in kinds if kind]


def reported(peers: Sequence[PeerInfo], measured: Collection[str]) -> list[PeerInfo]:
    """Returns those of whose links there is something to say: all but those who left, and who share another's link.

    Args:
        peers: everybody in the conversation.
        measured: the peers of whom something is measured.
    """
    return [info for info in peers if info.peer in measured or info.state not in (PeerState.CONNECTED, PeerState.LEFT)]


def next_step(reason: str) -> tuple[str, str]:
    """Takes the reason apart why a peer is not connected: what happened, and what is done about it.

    Either may be empty. `no route; trying again in 3 s` is `no route` and `trying again in 3 s`.
    """
    before, mark, after = reason.rpartition("; ")
    return (before, after) if mark and after.startswith(TRYING) else (reason, "")
