"""What the heartbeats of one link tell: how much goes over it, and how much of it is lost on the way."""

from __future__ import annotations

from collections import deque

from p2pchat.node.answers import PeerStats
from p2pchat.node.events import PeerInfo
from p2pchat.rtc.path import PathInfo

RATE_MEASUREMENTS = 3
"""Heartbeats over which the rate of a link is taken: the last four to six seconds."""

LOSS_MEASUREMENTS = 30
"""Heartbeats over which loss is taken: the last minute."""

LOSS_LEAST = 5
"""Heartbeats below which nothing is said about loss: ten seconds."""

REPEATED_AFTER = 1.0
"""A heartbeat that takes so many seconds more than the quickest one was lost on the way, or its answer was: SCTP does
not repeat a lone packet sooner (RTO.Min, RFC 9260 §16)."""


class Measurements:
    """The heartbeats of the present link, from its beginning."""

    def __init__(self) -> None:
        self._traffic: deque[tuple[float, int]] = deque(maxlen=RATE_MEASUREMENTS)
        self._round_trips: deque[float] = deque(maxlen=LOSS_MEASUREMENTS)

    def answered(self, round_trip: float, traffic: int, now: float) -> None:
        """A heartbeat was answered after so many seconds; so many bytes have gone over the link until now."""
        self._traffic.append((now, traffic))
        self._round_trips.append(round_trip)

    def begin_anew(self) -> None:
        """Another link."""
        self._traffic.clear()
        self._round_trips.clear()

    def stats(self, info: PeerInfo, sent: int, received: int, path: PathInfo | None, now: float) -> PeerStats:
        """Returns what is measured of a peer, of whom so many bytes went over all links until now."""
        since, before = self._traffic[0] if self._traffic else (now, 0)
        rate = (sent + received - before) / (now - since) if now > since else 0.0
        words, local, remote = ("", "", "") if path is None else (path.addresses, path.local, path.remote)
        return PeerStats(info.peer, info.path, info.rtt_ms, sent, received, rate, self.loss, words, local, remote)

    @property
    def loss(self) -> float | None:
        """The part of the heartbeats that had to be repeated, 0 to 1; None while there were too few."""
        if len(self._round_trips) < LOSS_LEAST:
            return None
        quickest = min(self._round_trips)
        repeated = sum(took - quickest >= REPEATED_AFTER for took in self._round_trips)
        return repeated / len(self._round_trips)
