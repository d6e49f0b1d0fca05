"""What one peer types, as the one who reads it sees it."""

from __future__ import annotations

import re
import time
from typing import Self

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from p2pchat.protocol.limits import ALERT_SECONDS, LIVE_LINE_CHARACTERS, T140_MESSAGE_BYTES_ACCEPTED
from p2pchat.protocol.rtt.parser import SEQUENCE_SECONDS
from p2pchat.protocol.rtt.t140 import (
    KEPT_LINES,
    Alert,
    Interrupted,
    LineChanged,
    Loss,
    Output,
    Receiver,
)
from p2pchat.protocol.untrusted import safe_text
from tests.protocol.rtt.scripts import PIECES, text_of

CODES = ["\b", "\r", "\n", "\r\n", "\u2028", "\u2029", "\x85", "\a", "\ufeff", "\ufffd", "\x00", "\t", "\x7f"]
SEQUENCES = ["\x1b", "\x1ba", "\x1b[", "\x1bX", "\x1b\\", "\x9b", "\x9b1m", "m", "\x98", "\x9c", "\x98hidden\x9c"]

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
"""What must not reach a terminal: `safe_text` keeps newlines only."""

codes_and_text = text_of(PIECES + CODES + SEQUENCES, 60)


def live(line: int, text: str) -> LineChanged:
    return LineChanged(line, text, final=False)


def final(line: int, text: str) -> LineChanged:
    return LineChanged(line, text, final=True)


def drained(receiver: Receiver) -> list[Output]:
    outputs: list[Output] = []
    while (output := receiver.poll()) is not None:
        outputs.append(output)
    return outputs


class Reading:
    """A peer types, and every output must be expected."""

    def __init__(self, unit: str = "g") -> None:
        self.receiver = Receiver(unit)
        self.now = 0.0

    def after(self, seconds: float) -> Self:
        self.now += seconds
        return self

    def types(self, data: str | bytes, *expected: Output) -> Self:
        self.receiver.receive(data, self.now)
        assert drained(self.receiver) == list(expected)
        return self

    def link_lost(self, *expected: Output) -> Self:
        self.receiver.interrupted(self.now)
        assert drained(self.receiver) == list(expected)
        return self

    def reopened(self, *expected: Output) -> Self:
        self.receiver.reopened(self.now)
        assert drained(self.receiver) == list(expected)
        return self


def test_a_line_grows_and_ends() -> None:
    Reading().types("\ufeff").types("hel", live(0, "hel")).types("lo", live(0, "hello")).types(
        "\u2028", final(0, "hello")
    ).types("next", live(1, "next"))


def test_a_rewritten_tail_is_one_change() -> None:
    Reading().types("hello world", live(0, "hello world")).types("\b\b\b\b\bbrave world", live(0, "hello brave world"))


def test_what_changes_nothing_tells_nothing() -> None:
    Reading().types("a", live(0, "a")).types("").types("b\b").types("\x9b1m").types(b"\xef\xbb\xbf")


def test_one_message_may_end_several_lines() -> None:
    Reading().types("one\u2028two\r\nthree", final(0, "one"), final(1, "two"), live(2, "three"))


def test_an_empty_line_is_a_line() -> None:
    Reading().types("\u2028\u2028", final(0, ""), final(1, ""))


def test_erasing_beyond_the_start_of_a_line_opens_the_line_before() -> None:
    reading = Reading().types("one\u2028tw", final(0, "one"), live(1, "tw"))
    reading.types("\b\b\b", live(1, ""), live(0, "one"))
    reading.types("\bly\u2028", final(0, "only"))


def test_a_finished_line_that_is_opened_and_ended_again_in_one_message_is_told_once() -> None:
    Reading().types("on\u2028", final(0, "on")).types("\be\u2028", final(0, "one"))


def test_lines_that_are_rewritten_in_one_message_are_told_in_order() -> None:
    Reading().types("a\u2028", final(0, "a")).types("b\u2028\b\b\bX\u2028Y\u2028", final(0, "aX"), final(1, "Y"))


def test_erasing_ends_where_memory_ends() -> None:
    reading = Reading()
    reading.receiver.receive("x\u2028" * (KEPT_LINES + 1), 0.0)
    drained(reading.receiver)
    reading.receiver.receive("\b\b" * KEPT_LINES, 0.0)
    assert drained(reading.receiver)[-1] == live(1, "")
    assert reading.receiver.excess_erasures == 0
    reading.types("\b")
    assert reading.receiver.excess_erasures == 1


def test_a_character_that_is_completed_later_is_still_one() -> None:
    Reading().types("e", live(0, "e")).types("\u0301", live(0, "e\u0301")).types("\b", live(0, ""))


def test_bytes_and_text_may_take_turns() -> None:
    reading = Reading().types(b"caf\xc3", live(0, "caf")).types(b"\xa9", live(0, "café")).types("!", live(0, "café!"))
    reading.types(b"\xe2\x82", *[]).types("x", live(0, "café!\ufffdx"), Loss(1))


def test_alerts_are_told_at_most_every_few_seconds() -> None:
    reading = Reading().types("\a\a", Alert()).after(ALERT_SECONDS - 0.1).types("\a")
    reading.after(0.2).types("a\ab", Alert(), live(0, "ab"))
    assert reading.receiver.alerts == 4


def test_a_link_that_is_lost_inside_a_line_leaves_a_mark() -> None:
    reading = Reading().types("one\u2028two", final(0, "one"), live(1, "two"))
    reading.link_lost(Interrupted(1, "two")).after(20.0)
    reading.reopened(live(1, "two\ufffd"), Loss(1))
    reading.types("\ufeff\b\bthree\u2028", final(1, "two\ufffdthree"))
    assert reading.receiver.excess_erasures == 2


def test_a_link_that_is_lost_between_lines_leaves_none() -> None:
    Reading().types("one\u2028", final(0, "one")).link_lost().reopened().types("two", live(1, "two"))


def test_a_link_that_is_lost_twice_leaves_one_mark_unless_something_came_between() -> None:
    reading = Reading().types("a", live(0, "a")).link_lost(Interrupted(0, "a")).reopened(live(0, "a\ufffd"), Loss(1))
    reading.link_lost(Interrupted(0, "a\ufffd")).reopened(live(0, "a\ufffd"))
    reading.types("b", live(0, "a\ufffdb")).link_lost(Interrupted(0, "a\ufffdb"))
    reading.reopened(live(0, "a\ufffdb\ufffd"), Loss(1))


def test_a_sequence_that_the_old_channel_began_is_not_ended_by_the_new_one() -> None:
    Reading().types("\x98hid").link_lost().reopened(live(0, "\ufffd"), Loss(1)).types("m", live(0, "\ufffdm"))


def test_half_a_character_on_an_empty_line_is_a_loss_too() -> None:
    Reading().types(b"\xe2\x82").link_lost().reopened(live(0, "\ufffd"), Loss(1)).types(b"x", live(0, "\ufffdx"))


def test_the_senders_numbers_count_from_the_line_that_the_channel_began_with() -> None:
    reading = Reading().types("a\u2028b", final(0, "a"), live(1, "b"))
    assert reading.receiver.first_line_of_channel == 0
    reading.link_lost(Interrupted(1, "b")).reopened(live(1, "b\ufffd"), Loss(1))
    assert reading.receiver.first_line_of_channel == 1


def test_a_control_string_that_never_ends_is_given_up_in_time() -> None:
    reading = Reading().types("a\x98", live(0, "a")).after(1.0).types("swallowed")
    reading.after(SEQUENCE_SECONDS).types("b", live(0, "a\ufffdb"), Loss(1))


def test_a_sequence_that_never_ends_is_given_up_in_length() -> None:
    Reading().types("\x9b" + "1" * 65 + "m", live(0, "\ufffdm"), Loss(1))


def test_many_short_sequences_are_no_long_one() -> None:
    Reading().types("\x9b1m" * 100 + "\x98hidden\x9c" * 100 + "a", live(0, "a"))


def test_an_escape_sequence_ends_with_its_final_byte() -> None:
    Reading().types("\x1b([a\x1b(Xb", live(0, "ab"))


def test_a_colour_between_letters_does_not_part_them() -> None:
    Reading().types("e\x9b31m\u0301", live(0, "e\u0301")).types("\b", live(0, ""))


def test_what_is_too_long_for_a_line_is_dropped_marked_and_erased_first() -> None:
    reading = Reading()
    full = "x" * LIVE_LINE_CHARACTERS
    reading.types(full, live(0, full)).types("yz", live(0, full + "\ufffd"), Loss(1)).types("more")
    reading.types("\b" * 6, live(0, full)).types("\b", live(0, full[1:])).types("y", live(0, full[1:] + "y"))


def test_a_message_that_is_too_long_is_cut_and_marked() -> None:
    receiver = Receiver()
    receiver.receive(b"\r" + b"\0" * T140_MESSAGE_BYTES_ACCEPTED + b"hidden", 0.0)
    assert drained(receiver) == [final(0, ""), live(1, "\ufffd"), Loss(1)]


def test_a_long_conversation_does_not_grow_the_memory() -> None:
    receiver = Receiver()
    for _ in range(100):
        receiver.receive("line\u2028", 0.0)
        drained(receiver)
    assert len(receiver._told) <= KEPT_LINES + 1


def test_lost_links_do_not_grow_a_line() -> None:
    receiver = Receiver()
    for _ in range(100):
        receiver.receive("x" * LIVE_LINE_CHARACTERS, 0.0)
        receiver.reopened(0.0)
    longest = max(len(output.text) for output in drained(receiver) if isinstance(output, LineChanged))
    assert longest <= LIVE_LINE_CHARACTERS + 2


@pytest.mark.nightly
@settings(deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), st.text(max_size=40), codes_and_text, st.none()), max_size=20))
@example(["\ud800\udfff", b"\xff\xfe\xed\xa0\x80", None, "\x1b[\ud800"])
def test_nothing_a_peer_sends_raises_or_leaves_a_control_code(inputs: list[str | bytes | None]) -> None:
    receiver = Receiver()
    for now, data in enumerate(inputs):
        if data is None:
            receiver.interrupted(now)
            receiver.reopened(now)
        else:
            receiver.receive(data, now)
        for output in drained(receiver):
            if isinstance(output, LineChanged | Interrupted):
                output.text.encode()
                assert not CONTROL.search(safe_text(output.text))
                assert not set(output.text) & set("\0\a\b\n\r\x1b\x7f\x85\x98\x9b\x9c\u2028\u2029\ufeff")


@pytest.mark.nightly
@settings(deadline=None)
@given(st.one_of(codes_and_text.map(str.encode), st.binary(max_size=80)), st.data(), st.sampled_from("gc"))
def test_how_the_bytes_are_cut_into_messages_does_not_matter(stream: bytes, data: st.DataObject, unit: str) -> None:
    whole, cut = Receiver(unit), Receiver(unit)
    whole.receive(stream, 0.0)
    borders = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    for start, end in zip([0, *borders], [*borders, len(stream)], strict=True):
        cut.receive(stream[start:end], 0.0)
    assert as_shown(cut) == as_shown(whole)
    assert cut.losses == whole.losses
    assert cut.excess_erasures == whole.excess_erasures


def as_shown(receiver: Receiver) -> dict[int, tuple[str, bool]]:
    """What a front end has on the screen after everything told so far; an empty live line is no line."""
    lines: dict[int, tuple[str, bool]] = {}
    for output in drained(receiver):
        if isinstance(output, LineChanged):
            lines[output.line] = (output.text, output.final)
    return {number: line for number, line in lines.items() if line != ("", False)}


@pytest.mark.parametrize(
    "flood",
    [
        "\n" * T140_MESSAGE_BYTES_ACCEPTED,
        "🇸" * 4096,
        "漢" * 4000 + "\n\b" * 2000,
        "e" + "\u0301" * 8000,
        ("e" + "\u0301" * 30) * 260,
        "\x98" * T140_MESSAGE_BYTES_ACCEPTED,
    ],
    ids=["new lines", "flags", "ending and opening a long line", "one cluster", "long clusters", "control strings"],
)
def test_the_worst_message_costs_little(flood: str) -> None:
    receiver = Receiver()
    receiver.receive("漢" * 3000, 0.0)
    before = time.process_time()
    receiver.receive(flood, 0.0)
    drained(receiver)
    # A tenth of a second at most; what grows with the square of the length takes many seconds.
    assert time.process_time() - before < 2.0
