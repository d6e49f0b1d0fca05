"""One line for the reader, however its two halves arrive."""

from __future__ import annotations

import pytest

from p2pchat.protocol.rtt.lines import REMEMBERED_LINES, Claim, LineLog


def test_a_message_finishes_the_line_that_it_names() -> None:
    log = LineLog()
    assert log.changed(0, "hello", "live")
    assert log.changed(0, "hello", "final")
    assert log.claimed_by("hello", 0) == Claim(0)


def test_a_message_may_come_before_its_line() -> None:
    log = LineLog()
    assert log.claimed_by("hello", 0) == Claim(0)
    assert not log.changed(0, "hel", "live")
    assert not log.changed(0, "hello", "final")
    assert log.changed(1, "next", "live")


def test_a_message_that_finishes_no_line_is_one_of_its_own() -> None:
    log = LineLog()
    log.changed(0, "half a li", "live")
    assert log.claimed_by("something else", None) is None
    assert log.claimed_by("half a line", None) is None, "the line is not ended: its own message is still to come"


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ("the bridge is op", "the bridge is open"),
        ("two lines", "two\nlines"),
        ("cafe\u0301", "caf\u00e9"),
        ("sent \ufffd later", "sent in between, later"),
    ],
)
def test_a_message_over_a_new_link_finds_the_line_that_was_interrupted(seen: str, text: str) -> None:
    log = LineLog()
    log.changed(3, seen, "interrupted")
    log.changed(3, seen + "\ufffd", "live")
    assert log.claimed_by(text, None) == Claim(3, healed=True)


def test_a_line_is_claimed_once() -> None:
    log = LineLog()
    log.changed(0, "yes", "final")
    assert log.claimed_by("yes", None) == Claim(0)
    assert log.claimed_by("yes", None) is None


def test_a_line_that_is_opened_again_is_not_claimed_by_its_old_text() -> None:
    log = LineLog()
    log.changed(0, "yes", "final")
    log.changed(0, "ye", "live")
    assert log.claimed_by("yes", None) is None


def test_an_empty_line_is_no_beginning_of_anything() -> None:
    log = LineLog()
    log.changed(0, "", "final")
    assert log.claimed_by("hello", None) is None


def test_memory_is_bounded() -> None:
    log = LineLog()
    for line in range(10 * REMEMBERED_LINES):
        log.changed(line, f"line {line}", "final")
        log.claimed_by("nothing like it", line + 1_000_000)
    assert log.claimed_by("line 0", None) is None
    assert log.claimed_by(f"line {10 * REMEMBERED_LINES - 1}", None) is not None
