"""What the peer's clock shows when ours shows something: to measure how long text took in one direction.

Each answered ping says what the peer's clock showed between two moments of ours. The halfway point is wrong by half the
round trip at most, so the answer that came back fastest is believed (the minimum filter of NTP, RFC 5905 §10).
"""

from __future__ import annotations

from collections import deque
from typing import Final

SAMPLES: Final = 64
"""Answers among which the fastest is believed: two minutes of pings, in which clocks part by some 6 ms at most."""


class PeerClock:
    """The clock of the peer on one link."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=SAMPLES)
        """Round trips, and how far the peer's clock was ahead of ours."""

    def answered(self, round_trip: float, at: float, now: float) -> None:
        """A ping came back.

        Args:
            round_trip: seconds since it was sent.
            at: what the peer's clock showed when it answered.
            now: the time.
        """
        self._samples.append((round_trip, at - (now - round_trip / 2)))

    @property
    def known(self) -> bool:
        """Whether there was an answer yet."""
        return bool(self._samples)

    @property
    def error(self) -> float:
        """How wrong `ours` may be, in seconds; 0 while nothing is known."""
        return min(self._samples)[0] / 2 if self._samples else 0.0

    def ours(self, at: float) -> float:
        """Our time when the peer's clock shows `at`. `known` must be True."""
        return at - min(self._samples)[1]
