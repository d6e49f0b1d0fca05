"""What the operator can measure, as text for Prometheus (exposition format 0.0.4).

Labels are words of the protocol only, so that their number is bounded: nothing that a client chooses becomes one.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from p2pchat.protocol.signaling import Allocated, Error, ErrorCode, FromServer, Joined, Relayed, Report

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

CONNECT_BUCKETS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""Upper ends of the histogram of the time to connect, in seconds: a LAN takes 0.2, a path through a relay a few."""

_JOIN_CODES: Final = frozenset(
    {
        ErrorCode.PEER_ID_TAKEN,
        ErrorCode.ROOM_FULL,
        ErrorCode.TOO_MANY_ROOMS,
        ErrorCode.NO_SUCH_MAILBOX,
        ErrorCode.CROWDED,
        ErrorCode.UNAVAILABLE,
    }
)
"""Refusals that only a join, a claim or an allocation can have."""

_JOIN_LIMITS: Final = ("joins", "room-joins", "mailboxes")


class Metrics:
    """What has been counted since the server was started."""

    def __init__(self) -> None:
        self._joins: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._relayed_messages = 0
        self._relayed_bytes = 0
        self._slow_consumers = 0
        self._connect_counts = [0] * (len(CONNECT_BUCKETS) + 1)
        self._connect_seconds = 0.0

    def sent(self, message: FromServer, size: int) -> None:
        """A message was put on its way to a client.

        Args:
            message: which one.
            size: its length in bytes.
        """
        match message:
            case Relayed():
                self._relayed_messages += 1
                self._relayed_bytes += size
            case Joined() | Allocated():
                self._joins["ok"] += 1
            case Error(code=code):
                self._refusals[code] += 1
                if code in _JOIN_CODES:
                    self._joins[code] += 1

    def dropped_slow_consumer(self) -> None:
        """A client was cut off because it read too slowly; it is not told so with a message."""
        self._slow_consumers += 1
        self._refusals[ErrorCode.SLOW_CONSUMER] += 1

    def reported(self, report: Report) -> None:
        """A client says what became of an attempt to connect. It is the word of a client, and no more."""
        self._outcomes[report.outcome] += 1
        if report.outcome != "failed":
            seconds = report.ms / 1000
            self._connect_counts[bisect_left(CONNECT_BUCKETS, seconds)] += 1
            self._connect_seconds += seconds

    def text(self, gauges: Mapping[str, float], limited: Mapping[str, int]) -> str:
        """Returns everything as text.

        Args:
            gauges: what is the case at this moment, by the part of its name that follows `p2pchat_`.
            limited: how often each limit of the gate was met.
        """
        joins = Counter(self._joins)
        joins["rate-limited"] = sum(limited.get(limit, 0) for limit in _JOIN_LIMITS)
        lines = [line for name, value in gauges.items() for line in _metric(f"p2pchat_{name}", "gauge", [("", value)])]
        lines += _metric("p2pchat_joins_total", "counter", _labelled("result", joins))
        lines += _metric("p2pchat_refusals_total", "counter", _labelled("code", self._refusals))
        lines += _metric("p2pchat_limited_total", "counter", _labelled("limit", limited))
        lines += _metric("p2pchat_relayed_messages_total", "counter", [("", self._relayed_messages)])
        lines += _metric("p2pchat_relayed_bytes_total", "counter", [("", self._relayed_bytes)])
        lines += _metric("p2pchat_slow_consumers_total", "counter", [("", self._slow_consumers)])
        lines += _metric("p2pchat_connections_total", "counter", _labelled("outcome", self._outcomes))
        lines += _metric("p2pchat_connect_seconds", "histogram", self._histogram())
        lines += _metric("process_resident_memory_bytes", "gauge", [("", resident_bytes())])
        return "\n".join(lines) + "\n"

    def _histogram(self) -> Iterator[tuple[str, float]]:
        below = 0
        for bound, count in zip((*map(str, CONNECT_BUCKETS), "+Inf"), self._connect_counts, strict=True):
            below += count
            yield f'_bucket{{le="{bound}"}}', below
        yield "_sum", self._connect_seconds
        yield "_count", below


def resident_bytes() -> int:
    """Returns the memory that this process has in use; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _labelled(label: str, counts: Mapping[str, int]) -> Iterator[tuple[str, float]]:
    return ((f'{{{label}="{value}"}}', count) for value, count in sorted(counts.items()))


def _metric(name: str, kind: str, samples: Iterable[tuple[str, float]]) -> list[str]:
    return [
        f"# TYPE {name} {kind}",
        *(
            # In full: a sum that is rounded stands still when it is large.
            f"{name}{suffix} {value}"
            for suffix, value in samples
        ),
    ]
