"""How far our own live line has come, in words: `typed 2 s ago`, `sent`, `shown by ben`. Knows nothing of Textual.

RFC 5194 §6.2.4.1 and RAUR requirement 11b want it to be seen what was typed and what has been sent. Times are seconds
of the monotonic clock that keys are timed by; an event that is about an older key says nothing of the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from p2pchat.node.events import LiveTextSent, LiveTextShown, PeerInfo, PeerState

WAIT_SECONDS: Final = 1.0
"""From so long a wait on, in seconds, it is said: a shorter one nobody notices (RFC 5194 R10)."""


class OwnLine:
    """What is known of our line at each peer."""

    def __init__(self) -> None:
        self._now = 0.0
        self._typed_at: float | None = None
        """When the newest key of the line was pressed; None while there is no line."""
        self._sent: dict[str, float] = {}
        """For each peer the time of the newest key that has left."""
        self._shown: dict[str, float] = {}
        """For each peer the time of the newest key that its user has seen."""
        self._waiting: dict[str, int] = {}
        """For each peer that takes no more for now, the characters that wait."""

    def typed(self, text: str, at: float) -> None:
        """Our line reads `text`, by a key that was pressed at this time."""
        self._typed_at = at if text else None
        self.tick(at)

    def tick(self, now: float) -> None:
        """Time has passed."""
        self._now = max(self._now, now)

    def finished(self) -> None:
        """The line is a message now. What still waits of it is told until it has left."""
        self._typed_at = None

    def sent(self, event: LiveTextSent) -> None:
        """It has left for a peer, or is held back."""
        self._waiting.pop(event.peer, None)
        if event.waiting:
            self._waiting[event.peer] = event.waiting
        if event.typed_at is not None:
            self._sent[event.peer] = event.typed_at

    def shown(self, event: LiveTextShown) -> None:
        """A peer's user has seen what was sent."""
        if event.peer in self._sent:
            self._shown[event.peer] = self._sent[event.peer]

    def away(self, peer: str) -> None:
        """The link to a peer is gone: what it has of the line is not known any more."""
        for known in (self._sent, self._shown, self._waiting):
            known.pop(peer, None)

    def words(self, peers: Collection[PeerInfo], called: Callable[[PeerInfo], str]) -> str:
        """What to say of the line; empty when there is none, or nobody sees it for another reason than a lost link.

        Args:
            peers: everybody who is here or should be.
            called: what a peer is called.
        """
        seeing = [info for info in peers if info.state is PeerState.CONNECTED and info.sees_keys]
        waiting = max((self._waiting.get(info.peer, 0) for info in seeing), default=0)
        if waiting:
            return f"catching up: {waiting:,} characters"
        if self._typed_at is None:
            return ""
        if not seeing:
            away = [info for info in peers if info.state in (PeerState.LOST, PeerState.CONNECTING)]
            if not away or len(away) < len(peers):
                return ""
            who = f"{called(away[0])} is" if len(away) == 1 else "they are"
            return f"not connected: kept until {who} back"
        if any(self._sent.get(info.peer, -1.0) < self._typed_at for info in seeing):
            wait = self._now - self._typed_at
            return "typed" if wait < WAIT_SECONDS else f"typed {wait:.0f} s ago"
        reached = [info for info in seeing if self._shown.get(info.peer, -1.0) >= self._typed_at]
        if not reached:
            return "sent"
        return f"shown by {called(seeing[0])}" if len(seeing) == 1 else f"shown by {len(reached)} of {len(seeing)}"
