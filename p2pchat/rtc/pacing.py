"""How much file data may be in the transport.

aiortc has one queue for all channels of a connection, and takes no notice of what the receiver can take: a keystroke
waits for every byte of a file that was handed over before it, whether that byte still waits here or already queues on
the way. So file data may fill what the path itself holds (rate times shortest round trip), and on top of that a queue
of about `BULK_SECONDS`, of at least `BULK_BYTES_MIN` and never more than `BULK_BYTES`.

The window grows by itself: as long as the queue is empty, the rate it leads to is above the rate it was made for.
"""

from __future__ import annotations

from p2pchat.protocol.limits import BULK_BYTES, BULK_BYTES_MIN, BULK_SECONDS

MEASURE_SECONDS = 0.1
"""Least time over which the rate is taken: many packets, yet short against a change of the network."""

REFILL_SECONDS = 0.002
"""Time between two looks while the window is full: a fraction of a queue that lasts 6 ms at 40 MB/s."""


class Pacer:
    """The file data of one link. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._handed_over = 0
        self._counted = 0
        self._counted_at: float | None = None
        self._rate = 0.0
        self._round_trip = 0.0

    def handed_over(self, size: int) -> None:
        """So many bytes were given to the transport."""
        self._handed_over += size

    def measured(self, round_trip: float) -> None:
        """A ping took so many seconds. The shortest one tells the path's own delay from that of our queue."""
        self._round_trip = min(self._round_trip, round_trip) if self._round_trip else round_trip

    def room(self, in_transport: int, now: float) -> int:
        """Returns how many bytes may be handed over now, while so many wait here or are on the way."""
        delivered = self._handed_over - in_transport
        if self._counted_at is None:
            self._counted_at, self._counted = now, delivered
        elif now - self._counted_at >= max(MEASURE_SECONDS, self._round_trip):
            self._rate = max(0.0, delivered - self._counted) / (now - self._counted_at)
            self._counted_at, self._counted = now, delivered
        queue = min(BULK_BYTES, max(BULK_BYTES_MIN, int(self._rate * BULK_SECONDS)))
        return max(0, queue + int(self._rate * self._round_trip) - in_transport)
