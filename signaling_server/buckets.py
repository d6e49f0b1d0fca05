"""How often somebody may do something: a token bucket, and one for each of many."""

from __future__ import annotations

from collections import OrderedDict


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
        self._fill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def is_empty(self, now: float) -> bool:
        """Whether `take` would fail."""
        self._fill(now)
        return self._tokens < 1

    def wait(self) -> float:
        """Seconds from the last `take` until the next one can succeed; zero when it can at once."""
        return max(0.0, (1 - self._tokens) / self._rate)

    def _fill(self, now: float) -> None:
        elapsed = max(0.0, now - self._counted_at)
        self._tokens = min(self._burst, self._tokens + elapsed * self._rate)
        self._counted_at = now


class Buckets:
    """A bucket for each key. The one that was unused longest is forgotten when there are too many.

    Args:
        per_minute: tokens that each gains in a minute, and holds when full; at least one.
        count: buckets that are kept. Whoever has more keys than that gains as many full buckets, and no memory.
    """

    def __init__(self, per_minute: float, count: int) -> None:
        self._per_minute = per_minute
        self._count = count
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: float) -> float:
        """Takes a token of this key; returns 0, or the seconds until there is one."""
        bucket = self._bucket(key, now)
        return 0.0 if bucket.take(now) else bucket.wait()

    def wait(self, key: str, now: float) -> float:
        """Seconds until this key has a token; 0 when it has one."""
        bucket = self._buckets.get(key)
        return bucket.wait() if bucket is not None and bucket.is_empty(now) else 0.0

    def _bucket(self, key: str, now: float) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._per_minute / 60, self._per_minute, now)
            if len(self._buckets) > self._count:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket
