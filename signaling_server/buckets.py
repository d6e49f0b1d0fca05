"""How often somebody may do something: a token bucket."""

from __future__ import annotations


class Bucket:
    """Holds `burst` tokens when full and gains `rate` of them a second; everything that is done takes one.

    Args:
        rate: tokens per second, above zero.
        burst: tokens of a full bucket, at least one. It starts full.
        now: seconds of a monotonic clock.
    """

    __slots__ = ("_burst", "_counted_at", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._counted_at = now

    def take(self, now: float) -> bool:
        """Takes a token and returns True, or returns False when there is none."""
        elapsed = max(0.0, now - self._counted_at)
        self._tokens = min(self._burst, self._tokens + elapsed * self._rate)
        self._counted_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def wait(self) -> float:
        """Seconds from the last `take` until the next one can succeed; zero when it can at once."""
        return max(0.0, (1 - self._tokens) / self._rate)
