"""How well real-time text with one peer works: delays, losses, and what was healed.

`key-to-send` is from a change of our line to the message that carries the last of it; `key-to-remote` from the same
change to the moment when the peer's program handed it to its user, by its own word and a clock that is known to half a
round trip. A key that the peer's rate held back counts with its wait.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

SAMPLES: Final = 4096
"""Delays kept for the percentiles: the last hour of somebody who types a key a second. Count and maximum hold all."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Some delays, in seconds. The percentiles are over the last `SAMPLES`, the others over all; 0 without any."""

    count: int = 0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    max: float = 0.0


@dataclass(frozen=True, slots=True)
class Statistics:
    """Real-time text with one peer, over all links so far."""

    key_to_send: Spread = Spread()
    key_to_remote: Spread = Spread()
    clock_known: bool = False
    """Whether the peer's clock is known on the present link; without it no `key_to_remote` is measured."""
    clock_error: float = 0.0
    """How wrong a `key_to_remote` may be, in seconds: half the fastest round trip."""

    messages_sent: int = 0
    messages_received: int = 0
    """T.140 messages."""

    characters_sent: int = 0
    characters_received: int = 0
    """Code points, control codes included."""

    gaps: int = 0
    """Loss marks: those that came, and those set where a link was lost or something was too long."""

    healed: int = 0
    """Loss marks that were taken back, because a snapshot or the finished message brought what was missing."""

    desyncs: int = 0
    """Finished lines that had been shown otherwise than their message says, without a known loss."""

    alerts: int = 0
    """Alerts of the peer, told or not."""

    ignored: int = 0
    """Control codes and sequences of the peer that were skipped."""

    backlog: int = 0
    """Characters of ours that wait to be sent: more than a few mean that the peer's rate holds them back."""

    cps: int = 0
    """Characters a second that the peer takes, as mean over ten seconds; 0 until it has said so."""

    unit: str = ""
    """What one erasure takes at the peer: `g` a grapheme cluster, `c` a code point; empty until it has said so."""


class Delays:
    """Delays, as they are measured."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=SAMPLES)
        self._count = 0
        self._max = 0.0

    def add(self, seconds: float) -> None:
        """Notes one. Clocks that disagree may make it negative; then it is 0."""
        seconds = max(0.0, seconds)
        self._recent.append(seconds)
        self._count += 1
        self._max = max(self._max, seconds)

    def spread(self) -> Spread:
        """Returns what they come to. It sorts `SAMPLES` numbers: some 0.5 ms, not to be done for each key."""
        if not self._recent:
            return Spread()
        ordered = sorted(self._recent)
        p50, p95, p99 = (ordered[math.ceil(share * len(ordered)) - 1] for share in (0.5, 0.95, 0.99))
        return Spread(self._count, p50, p95, p99, self._max)
