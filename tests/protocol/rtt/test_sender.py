"""Our live line on its way to one peer."""

from __future__ import annotations

from typing import Self

import pytest

from p2pchat.protocol.limits import CPS_WINDOW, LIVE_LINE_CHARACTERS, T140_MESSAGE_BYTES
from p2pchat.protocol.rtt.sender import INTERVAL_MAX, Sender

BOM = "\ufeff"
END = "\u2028"


class Typing:
    """Somebody types on a virtual clock; every message that leaves must be expected, or the test fails."""

    def __init__(self, interval: float = 0.3, cps: int = 30, unit: str = "g") -> None:
        self.cps = cps
        self.unit = unit
        self.sender = Sender(interval, cps, unit)
        self.now = 100.0
        self.opened()

    def opened(self) -> Self:
        assert self.sender.poll(self.now) == BOM
        return self

    def sent(self) -> list[str]:
        messages: list[str] = []
        while (message := self.sender.poll(self.now)) is not None:
            messages.append(message)
        return messages

    def reads(self, text: str, *expected: str) -> Self:
        self.sender.set_text(text, self.now)
        assert self.sent() == list(expected)
        return self

    def commits(self, *expected: str) -> Self:
        self.sender.commit(self.now)
        assert self.sent() == list(expected)
        return self

    def after(self, seconds: float, *expected: str) -> Self:
        """Lets time pass, waking the sender exactly when it asks for it."""
        until = self.now + seconds
        messages: list[str] = []
        while (due := self.sender.deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            woken = self.sent()
            assert woken, "woken for nothing"
            messages += woken
        self.now = until
        assert messages == list(expected)
        return self

    def loses_the_link_for(self, seconds: float) -> Self:
        self.now += seconds
        return self

    def reopened(self, *expected: str) -> Self:
        self.sender.reopened(self.now, self.cps, self.unit)
        assert self.sent() == list(expected)
        return self


def test_the_first_key_leaves_at_once_and_the_next_ones_together() -> None:
    Typing().reads("h", "h").after(0.1).reads("he").after(0.1).reads("hel").after(0.2, "el").after(5.0)


def test_a_key_after_a_pause_leaves_at_once() -> None:
    Typing().reads("a", "a").after(0.3).reads("ab", "b").after(60.0).reads("abc", "c")


def test_nothing_to_send_is_no_reason_to_wake_up() -> None:
    typing = Typing()
    assert typing.sender.deadline() is None
    typing.reads("a", "a")
    assert typing.sender.deadline() is None
    assert typing.sender.outstanding == 0


def test_a_typo_that_is_corrected_in_time_never_leaves() -> None:
    Typing().reads("t", "t").after(0.1).reads("th3").after(0.1).reads("the").after(0.2, "he")


def test_a_correction_rewrites_the_tail() -> None:
    Typing().reads("teh cat", "teh cat").after(1.0).reads("the cat", "\b\b\b\b\b\bhe cat")


def test_a_retracted_line_is_erased() -> None:
    Typing().reads("no", "no").after(1.0).reads("", "\b\b")


def test_a_commit_ends_the_line_and_begins_the_next() -> None:
    typing = Typing()
    assert typing.sender.line == 0
    typing.reads("one", "one").after(1.0).commits(END)
    assert typing.sender.line == 1
    typing.reads("two").after(0.3, "two").commits().after(0.3, END)
    assert typing.sender.line == 2


def test_lines_that_are_committed_quickly_keep_their_order_and_their_numbers() -> None:
    typing = Typing().reads("a", "a").reads("ab").commits().reads("cd").commits()
    assert (typing.sender.line, typing.sender.unfinished) == (2, 2)
    typing.reads("e")
    assert typing.sender.outstanding == len(f"b{END}cd{END}e")
    typing.after(0.3, f"b{END}cd{END}e")
    assert (typing.sender.line, typing.sender.unfinished, typing.sender.outstanding) == (2, 0, 0)


def test_a_line_break_inside_a_line_is_a_space_to_t140() -> None:
    Typing().reads("one\ntwo\r\nthree\u2028", "one two three ")


def test_codes_that_were_pasted_do_not_leave() -> None:
    Typing().reads("a\x1b[2Jb\x07\x08\x9bc\ufeff\x7f\td", "a[2Jbc d")
    Typing().reads("a\ud800b", "a\ufffdb")


def test_text_leaves_composed() -> None:
    Typing().reads("e", "e").after(1.0).reads("e\u0301", "\bé").after(1.0).reads("\u1112\u1161\u11ab", "\b한")


def test_more_of_a_character_replaces_it_whole() -> None:
    Typing().reads("👍", "👍").after(1.0).reads("👍🏽", "\b👍🏽")
    Typing(unit="c").reads("👍", "👍").after(1.0).reads("👍🏽", "🏽")


def test_a_paste_leaves_in_messages_of_whole_characters() -> None:
    family = "👨\u200d👩\u200d👧"
    typing = Typing(cps=1000)
    typing.sender.set_text(family * 100, typing.now)
    messages = typing.sent()
    assert "".join(messages) == family * 100
    assert all(len(message.encode()) <= T140_MESSAGE_BYTES for message in messages)
    assert all(message == family * (len(message) // len(family)) for message in messages)


def test_what_the_peer_accepts_holds_the_rest_back() -> None:
    typing = Typing(cps=2)
    typing.reads("x" * 50, "x" * 19)  # the BOM was the first of twenty
    assert typing.sender.outstanding == 31
    typing.after(9.9).after(0.2, "x" * 20).after(10.0, "x" * 11)


def test_a_correction_overtakes_what_is_held_back() -> None:
    Typing(cps=2).reads("x" * 50, "x" * 19).after(5.0).reads("x" * 20).after(5.0, "x")


def test_a_character_that_the_peer_can_never_accept_does_not_block_the_line() -> None:
    Typing(cps=1).reads("👨🏽\u200d👩🏽\u200d👧🏽\u200d👦🏽 ok", "\ufffd ok")


def test_a_line_is_sent_as_far_as_a_peer_keeps_it() -> None:
    typing = Typing(interval=0.1, cps=10_000)
    typing.sender.set_text("é" * (LIVE_LINE_CHARACTERS + 5), typing.now)
    assert "".join(typing.sent()) == "é" * LIVE_LINE_CHARACTERS


def test_a_new_channel_begins_with_a_bom_and_repeats_nothing() -> None:
    typing = Typing().reads("hello", "hello").loses_the_link_for(7.0).reopened(BOM)
    assert typing.sender.line == 0
    typing.reads("hello you", " you").after(1.0).commits(END)


def test_what_was_typed_while_the_link_was_lost_is_sent() -> None:
    typing = Typing().reads("hello", "hello").loses_the_link_for(7.0)
    typing.sender.set_text("hello again", typing.now)
    typing.reopened(BOM + " again")


def test_text_from_before_the_loss_is_not_erased_on_the_new_channel() -> None:
    typing = Typing().reads("hello", "hello").loses_the_link_for(7.0).reopened(BOM)
    typing.reads("help", "p").after(1.0).reads("he", "\b").after(1.0).reads("hello", *[])


def test_a_second_loss_repeats_nothing_either() -> None:
    typing = Typing().reads("one ", "one ").reopened(BOM).reads("one two ", "two ")
    typing.reopened(BOM).reads("one two three", "three")


def test_a_line_that_was_committed_before_it_could_leave_is_finished_on_the_new_channel() -> None:
    typing = Typing().reads("a", "a").commits().after(0.3, END).reads("b").commits().after(0.1)
    assert (typing.sender.line, typing.sender.unfinished) == (2, 1)
    typing.reopened(f"{BOM}b{END}")
    assert (typing.sender.line, typing.sender.unfinished) == (1, 0)


def test_the_peers_rate_holds_over_channels() -> None:
    Typing(cps=1).reads("x" * 20, "x" * 9).loses_the_link_for(5.0).reopened().after(CPS_WINDOW, BOM + "x" * 9)


@pytest.mark.parametrize(("interval", "cps"), [(0.0, 30), (INTERVAL_MAX + 0.01, 30), (0.3, 0)])
def test_an_interval_or_a_rate_that_cannot_be_kept_is_refused(interval: float, cps: int) -> None:
    with pytest.raises(ValueError, match="cannot be kept"):
        Sender(interval, cps)
