"""Who is in the room, as far as a server makes sense: what it says is believed when it fits what it said before."""

from __future__ import annotations

from typing import Final

from p2pchat.protocol import signaling as wire
from p2pchat.protocol.untrusted import safe_line
from p2pchat.signaling.events import PeerAway, PeerBack, PeerJoined, PeerLeft, Refused, Relayed, SignalingEvent
from p2pchat.signaling.refusals import CODE_CHARACTERS

PEERS_ACCEPTED: Final = 256
"""Most members of a room that a server may name; more than any room it can offer."""


class Members:
    """The members of one room without ourselves.

    Args:
        us: our peer id.
    """

    def __init__(self, us: str) -> None:
        self.present: set[str] = set()
        self.away: set[str] = set()
        """Those of them who have lost the server."""
        self._us = us

    def replace(self, answer: wire.Joined | wire.Allocated) -> None:
        """We have the seat, for the first time or again: what the server says now is what counts."""
        there = answer.peers[:PEERS_ACCEPTED] if isinstance(answer, wire.Joined) else []
        away = answer.away if isinstance(answer, wire.Joined) else []
        self.present = set(there) - {self._us}
        self.away = self.present & set(away)

    def understand(self, message: wire.FromServer) -> SignalingEvent | None:
        """Returns the event for a message, or None when the message makes no sense at this point."""
        match message:
            case wire.PeerJoined(peer=peer) if peer not in self.present and peer != self._us:
                if len(self.present) < PEERS_ACCEPTED:
                    self.present.add(peer)
                    return PeerJoined(peer)
            case wire.PeerLeft(peer=peer, reason=reason) if peer in self.present:
                self.present.remove(peer)
                self.away.discard(peer)
                return PeerLeft(peer, safe_line(reason, CODE_CHARACTERS))
            case wire.PeerAway(peer=peer) if peer in self.present - self.away:
                self.away.add(peer)
                return PeerAway(peer)
            case wire.PeerBack(peer=peer) if peer in self.away:
                self.away.remove(peer)
                return PeerBack(peer)
            case wire.Relayed(sender=sender, body=body) if sender in self.present:
                return Relayed(sender, body)
            case wire.Error(code=code, message=text):
                return Refused(safe_line(code, CODE_CHARACTERS), safe_line(text))
        return None
