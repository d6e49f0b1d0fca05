"""What is counted, and that Prometheus can read it."""

from __future__ import annotations

import re

from p2pchat.protocol.signaling import Allocated, Error, ErrorCode, Joined, Ping, Relayed, Report
from signaling_server.metrics import Metrics, resident_bytes

LINE = re.compile(
    r'(?:# TYPE [a-z0-9_]+ (?:gauge|counter|histogram)|[a-z0-9_]+(?:\{[a-z]+="[A-Za-z0-9.+-]+"\})? [0-9.e+-]+)'
)


def samples(metrics: Metrics, **gauges: float) -> dict[str, float]:
    text = metrics.text(gauges, {"joins": 2, "sockets": 1})
    assert text.endswith("\n")
    lines = text.splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    return {name: float(value) for name, value in (line.split() for line in lines if not line.startswith("#"))}


def test_messages_are_counted_by_what_they_mean() -> None:
    metrics = Metrics()
    for message in (
        Joined("red", []),
        Allocated(7),
        Error(ErrorCode.ROOM_FULL, "full"),
        Error(ErrorCode.MALFORMED, "?"),
    ):
        metrics.sent(message, 50)
    metrics.sent(Relayed("anaanaaa", {}), 120)
    metrics.sent(Ping(1), 20)
    metrics.dropped_slow_consumer()
    found = samples(metrics, sockets=3)
    assert found["p2pchat_sockets"] == 3
    assert found['p2pchat_joins_total{result="ok"}'] == 2
    assert found['p2pchat_joins_total{result="room-full"}'] == 1
    assert found['p2pchat_joins_total{result="rate-limited"}'] == 2
    assert found['p2pchat_refusals_total{code="malformed"}'] == 1
    assert found['p2pchat_refusals_total{code="slow-consumer"}'] == found["p2pchat_slow_consumers_total"] == 1
    assert (found["p2pchat_relayed_messages_total"], found["p2pchat_relayed_bytes_total"]) == (1, 120)
    assert found['p2pchat_limited_total{limit="sockets"}'] == 1
    assert found["process_resident_memory_bytes"] == resident_bytes() or resident_bytes() > 0


def test_what_clients_report_makes_a_histogram() -> None:
    metrics = Metrics()
    for outcome, ms in (("direct", 100), ("direct", 101), ("relay", 3_000), ("relay", 90_000), ("failed", 30_000)):
        metrics.reported(Report(outcome, ms))  # type: ignore[arg-type]
    found = samples(metrics)
    assert found['p2pchat_connections_total{outcome="failed"}'] == 1
    assert found['p2pchat_connections_total{outcome="relay"}'] == 2
    assert found['p2pchat_connect_seconds_bucket{le="0.1"}'] == 1
    assert found['p2pchat_connect_seconds_bucket{le="0.2"}'] == 2
    assert found['p2pchat_connect_seconds_bucket{le="5.0"}'] == 3
    assert found['p2pchat_connect_seconds_bucket{le="+Inf"}'] == found["p2pchat_connect_seconds_count"] == 4
    assert abs(found["p2pchat_connect_seconds_sum"] - 93.201) < 1e-3
