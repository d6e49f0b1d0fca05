"""How much file data may be in the transport, on a path whose rate and delay are given."""

from __future__ import annotations

from collections import deque

import pytest

from p2pchat.protocol.limits import BULK_BYTES, BULK_BYTES_MIN, BULK_SECONDS
from p2pchat.rtc.pacing import Pacer

PACKET = 1160
"""Bytes of user data in a packet."""


def play(seconds: float, rate: float, round_trip: float) -> tuple[int, float]:
    """Plays a path that takes `rate` bytes/s and acknowledges each packet `round_trip` after it left the bottleneck.

    Returns:
        The most that queued before the bottleneck in the second half, and the rate reached in it.
    """
    pacer = Pacer()
    pacer.measured(round_trip)
    acknowledgements: deque[float] = deque()
    free_at = now = 0.0
    longest_queue = delivered_late = 0
    while now < seconds:
        now += 0.001
        while acknowledgements and acknowledgements[0] <= now:
            acknowledgements.popleft()
            delivered_late += PACKET * (now > seconds / 2)
        for _ in range(pacer.room(len(acknowledgements) * PACKET, now) // PACKET):
            pacer.handed_over(PACKET)
            free_at = max(free_at, now) + PACKET / rate
            acknowledgements.append(free_at + round_trip)
        if now > seconds / 2:
            longest_queue = max(longest_queue, int((free_at - now) * rate))
    return longest_queue, delivered_late / (seconds / 2)


def test_nothing_is_known_at_first_and_a_little_may_go() -> None:
    assert Pacer().room(0, 0.0) == BULK_BYTES_MIN


@pytest.mark.parametrize(("rate", "round_trip"), [(40e6, 0.001), (10e6, 0.02), (3e6, 0.1), (1e6, 0.3)])
def test_the_path_is_filled_and_the_queue_stays_short(rate: float, round_trip: float) -> None:
    queue, reached = play(20.0, rate, round_trip)
    assert reached > 0.9 * rate
    assert queue <= max(BULK_BYTES_MIN, min(BULK_BYTES, rate * BULK_SECONDS)) * 1.2


def test_a_slow_path_holds_no_more_than_the_least_queue() -> None:
    queue, reached = play(20.0, 200e3, 0.05)
    assert reached > 180e3
    assert queue <= BULK_BYTES_MIN * 1.1


def test_the_shortest_round_trip_counts() -> None:
    pacer = Pacer()
    for round_trip in (0.3, 0.1, 0.5):
        pacer.measured(round_trip)
    pacer.room(0, 0.0)
    pacer.handed_over(1_000_000)
    assert pacer.room(0, 1.0) == BULK_BYTES_MIN + 100_000
