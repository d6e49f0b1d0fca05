"""What one source may do, and that the others do not notice."""

from __future__ import annotations

from dataclasses import replace

from p2pchat.protocol.signaling import ErrorCode
from signaling_server.buckets import Buckets
from signaling_server.gate import Gate, Refusal
from signaling_server.limits import ServerLimits
from signaling_server.sources import ANYWHERE, Source

LIMITS = ServerLimits()
ANA, EVA = Source("192.0.2.1"), Source("2001:db8::/64")


def code_of(refusal: Refusal | None) -> ErrorCode | None:
    return refusal.code if refusal is not None else None


def test_a_source_has_a_number_of_sockets_and_gets_them_back() -> None:
    gate = Gate(replace(LIMITS, sockets_per_source=2))
    assert [code_of(gate.opened(socket, EVA)) for socket in (1, 2, 3)] == [None, None, ErrorCode.TOO_MANY_SOCKETS]
    assert gate.opened(4, ANA) is None
    gate.closed(3, EVA)
    gate.closed(1, EVA)
    assert gate.opened(5, EVA) is None


def test_a_flood_of_sockets_is_turned_away_before_they_are_opened() -> None:
    gate = Gate(replace(LIMITS, sockets_per_source=2))
    for socket in range(4):
        assert gate.has_room_for(EVA) is None
        gate.opened(socket, EVA)
    refusal = gate.has_room_for(EVA)
    assert refusal is not None
    assert (refusal.code, refusal.retry_after) == (ErrorCode.TOO_MANY_SOCKETS, LIMITS.full_retry_seconds)
    assert gate.has_room_for(ANA) is None
    assert gate.limited["sockets"] == 3


def test_sockets_that_say_nothing_are_counted_together() -> None:
    gate = Gate(replace(LIMITS, pending_sockets=2))
    gate.opened(1, ANYWHERE)
    gate.opened(2, ANYWHERE)
    assert code_of(gate.has_room_for(ANA)) is ErrorCode.RATE_LIMITED
    gate.welcomed(1)
    assert gate.has_room_for(ANA) is None
    gate.opened(3, ANA)
    gate.closed(3, ANA)
    assert gate.pending == 1


def test_joins_of_one_source_are_limited_and_those_of_another_are_not() -> None:
    gate = Gate(replace(LIMITS, joins_per_minute=3))
    assert [gate.joins(EVA, "room", 0.0) for _ in range(3)] == [None] * 3
    refusal = gate.joins(EVA, "room", 0.0)
    assert refusal is not None
    assert (refusal.code, refusal.retry_after) == (ErrorCode.RATE_LIMITED, 20.0)
    assert gate.joins(ANA, "room", 0.0) is None
    assert gate.joins(EVA, "room", 20.0) is None
    assert gate.limited["joins"] == 1


def test_joins_of_one_room_are_limited_and_one_source_cannot_use_them_up() -> None:
    gate = Gate(replace(LIMITS, room_joins_per_minute=3))
    assert [code_of(gate.joins(ANYWHERE, "red", 0.0)) for _ in range(4)] == [None] * 3 + [ErrorCode.RATE_LIMITED]
    assert gate.joins(ANYWHERE, "blue", 0.0) is None
    assert LIMITS.room_joins_per_minute >= 3 * LIMITS.joins_per_minute


def test_mailboxes_of_one_source_are_limited() -> None:
    gate = Gate(replace(LIMITS, source_mailbox_requests_per_minute=2))
    answers = [code_of(gate.uses_mailboxes(EVA, 0.0)) for _ in range(3)]
    assert answers == [None, None, ErrorCode.RATE_LIMITED]
    assert gate.uses_mailboxes(ANA, 0.0) is None


def test_a_token_is_taken_from_the_request_or_from_hello() -> None:
    gate = Gate(LIMITS, lambda token: token == "right")
    assert gate.greeted(ANA, "right", 0.0) is None
    assert gate.greeted(replace(ANA, token="right"), "", 0.0) is None
    for shown in ("", "wrong"):
        assert code_of(gate.greeted(ANA, shown, 0.0)) is ErrorCode.UNAUTHORIZED


def test_who_guesses_tokens_waits_even_with_the_right_one_and_the_others_do_not() -> None:
    gate = Gate(replace(LIMITS, wrong_tokens_per_minute=2), lambda token: token == "right")
    answers = [code_of(gate.greeted(EVA, f"guess {n}", 0.0)) for n in range(3)]
    assert answers == [ErrorCode.UNAUTHORIZED] * 2 + [ErrorCode.RATE_LIMITED]
    refusal = gate.greeted(EVA, "right", 0.0)
    assert refusal is not None
    assert (refusal.code, refusal.retry_after) == (ErrorCode.RATE_LIMITED, 30.0)
    assert gate.greeted(ANA, "right", 0.0) is None
    assert gate.greeted(EVA, "right", 30.0) is None


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    buckets = Buckets(per_minute=1, count=100)
    for number in range(10_000):
        assert buckets.take(f"source {number}", 0.0) == 0.0
    assert len(buckets) == 100
    assert buckets.take("source 9999", 0.0) > 0
    assert buckets.take("source 1", 0.0) == 0.0


def test_who_is_active_is_not_forgotten() -> None:
    buckets = Buckets(per_minute=1, count=2)
    buckets.take("eva", 0.0)
    for number in range(10):
        buckets.take(f"source {number}", 0.0)
        assert buckets.take("eva", 0.0) > 0
