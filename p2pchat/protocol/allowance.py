"""How much somebody may do: so many a second on average, and a burst after a pause (a token bucket)."""

from __future__ import annotations


class Allowance:
    """One allowance. It starts full.

    Args:
        rate: units per second that come back.
        burst: units that can be saved up.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at: float | None = None

    def take(self, now: float, units: float = 1.0) -> bool:
        """Uses units at `now` (seconds, monotonic). Returns False, and uses nothing, when there are too few."""
        if self._at is not None and now > self._at:
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now if self._at is None else max(self._at, now)
        if self._left < units:
            return False
        self._left -= units
        return True

    def wait(self, units: float = 1.0) -> float:
        """Seconds until so many units are there, as of the last `take`."""
        return max(0.0, (units - self._left) / self._rate)
