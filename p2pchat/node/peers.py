"""Who is who among the peers of a conversation, and who of those that have left is still remembered."""

from __future__ import annotations

from typing import Final

from p2pchat.node.peer import Peer

DEPARTED: Final = 256
"""Peers that are remembered after they have left: they may come back under another seat, and what waits for them with
them. In a room that is open to all, anybody may come and leave as somebody else again and again."""


def is_ourselves(peers: dict[str, Peer], peer: Peer) -> bool:
    """Whether the other end of the link to a peer is another link of ours. Two programs with one key are not."""
    theirs = peer.link.their_fingerprint if peer.link is not None else None
    return any(other.link.our_fingerprint == theirs for other in peers.values() if other.link is not None)


def earlier_self(peers: dict[str, Peer], peer: Peer) -> Peer | None:
    """Returns the same key at an earlier seat, which it has lost: somebody who started the program again."""
    for other in peers.values():
        if other is not peer and other.key == peer.key and not other.seated and not other.connected:
            return other
    return None


def to_forget(peers: dict[str, Peer]) -> list[str]:
    """Returns the seats of those who have left: all that never proved a key, and the eldest of the others."""
    departed = [peer for peer in peers.values() if not (peer.present or peer.connected or peer.way.connector.busy)]
    known = [peer for peer in departed if peer.key is not None]
    strangers = [peer for peer in departed if peer.key is None]
    return [peer.seat for peer in (*strangers, *known[: max(0, len(known) - DEPARTED)])]
