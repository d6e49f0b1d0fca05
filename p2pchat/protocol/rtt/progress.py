"""How far our line has come: what the user is told of it, so that nobody takes for sent what still waits.

RFC 5194 §6.2.4.1 and RAUR requirement 11b want text that was typed and not sent to be noticed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

BEHIND_EVERY: Final = 1.0
"""Least time between two reports of what the peer's rate holds back, in seconds: nobody reads a number faster."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Our line has left for the peer, or waits because the peer takes no more."""

    waiting: int
    """Characters that the peer's rate holds back, when they are more than it takes in a second; 0 when all has left."""

    typed_at: float | None
    """When the newest key was pressed that has left with all before it; None while some are held back."""


class Progress:
    """What was told of our line, and what is news."""

    def __init__(self) -> None:
        self._up_to: float | None = None
        self._behind_at = -math.inf

    def news(self, up_to: float | None, behind: int, now: float) -> Sent | None:
        """Returns what there is to tell, once everything that may leave now has left.

        Args:
            up_to: `Outgoing.sent_up_to`.
            behind: `Outgoing.behind`.
            now: the time.
        """
        if behind:
            if now < self._behind_at + BEHIND_EVERY:
                return None
            self._up_to, self._behind_at = None, now
            return Sent(behind, None)
        if up_to is None or up_to == self._up_to:
            return None
        self._up_to, self._behind_at = up_to, -math.inf
        return Sent(0, up_to)
