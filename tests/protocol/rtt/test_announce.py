"""Live text as somebody hears it."""

from __future__ import annotations

import time
from typing import Self

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.protocol.rtt.announce import IDLE_SECONDS, Announce, Announcer, Size


class Listening:
    """Ben types, and everything that is said must be expected."""

    def __init__(self) -> None:
        self.announcer = Announcer(0.0)
        self.now = 0.0

    def said(self) -> list[tuple[str, str]]:
        said: list[tuple[str, str]] = []
        while (announcement := self.announcer.poll()) is not None:
            assert announcement.peer == "ben"
            said.append((announcement.kind, announcement.text))
        return said

    def reads(self, text: str, *expected: tuple[str, str], line: int = 0) -> Self:
        self.announcer.changed("ben", line, text, False, self.now)
        assert self.said() == list(expected)
        return self

    def ends(self, text: str, *expected: tuple[str, str], line: int = 0) -> Self:
        self.announcer.changed("ben", line, text, True, self.now)
        assert self.said() == list(expected)
        return self

    def pauses(self, *expected: tuple[str, str]) -> Self:
        due = self.announcer.deadline()
        self.now += IDLE_SECONDS
        if due is not None:
            assert due <= self.now
            self.announcer.tick(due)
        assert self.said() == list(expected)
        return self


def typing(text: str) -> tuple[str, str]:
    return ("typing", text)


def corrected(text: str) -> tuple[str, str]:
    return ("corrected", text)


def final(text: str) -> tuple[str, str]:
    return ("final", text)


def test_letters_are_kept_until_the_sentence_ends() -> None:
    Listening().reads("I").reads("I will add it.").reads("I will add it. T", typing("I will add it."))


def test_a_point_inside_a_word_ends_nothing() -> None:
    Listening().reads("version 3.14 of a.b").ends("version 3.14 of a.b", final("version 3.14 of a.b"))


def test_sentences_end_in_other_scripts_too() -> None:
    Listening().reads("好的。", typing("好的。")).reads("好的。क्या? हाँ।", typing("क्या?"), typing("हाँ।"))


def test_a_long_sentence_is_said_in_parts_of_whole_words() -> None:
    part = "it goes on and on without any sign of an end to the"
    Listening().reads(part).reads(part + " ", typing(part)).reads(part + " story")


def test_after_a_pause_what_is_there_is_said_once() -> None:
    listening = Listening().reads("hello").pauses(typing("hello")).pauses()
    assert listening.announcer.deadline() is None
    listening.reads("hello you").pauses(typing("you"))


def test_the_end_of_a_line_says_what_was_not_said() -> None:
    Listening().reads("Yes. Tom", typing("Yes.")).ends("Yes. Tomorrow", final("Tomorrow"))


def test_a_line_that_was_said_whole_needs_no_end() -> None:
    Listening().reads("hello").pauses(typing("hello")).ends("hello")


def test_a_correction_is_said_once_and_not_the_way_to_it() -> None:
    listening = Listening().reads("I will add it tonight").pauses(typing("I will add it tonight"))
    listening.reads("I will add it").reads("I will add it on Fri").pauses(corrected("I will add it on Fri"))
    listening.ends("I will add it on Friday", final("day"))


def test_a_correction_in_the_middle_is_said_from_its_group_on() -> None:
    listening = Listening().reads("One. Two. Three. ", typing("One."), typing("Two."), typing("Three."))
    listening.reads("One. 2. Three. ").pauses(corrected("2. Three."))


def test_a_correction_is_said_at_once_when_it_is_as_long_as_what_was_said() -> None:
    listening = Listening().reads("See you. ", typing("See you."))
    listening.reads("See ").reads("See them later. A", corrected("See them later."))


def test_a_correction_that_is_taken_back_is_not_said() -> None:
    listening = Listening().reads("hello").pauses(typing("hello")).reads("hel").reads("hello").pauses()
    listening.ends("hello there", final("there"))


def test_a_line_that_is_taken_back_is_said_to_be_gone() -> None:
    Listening().reads("never mind").pauses(typing("never mind")).reads("").pauses(corrected("")).pauses()


def test_a_finished_line_that_is_completed_later_is_corrected_at_once() -> None:
    Listening().ends("I will ad", final("I will ad")).ends("I will add it", final("d it"))
    Listening().ends("I wil ad", final("I wil ad")).ends("I will add", corrected("I will add"))


def test_the_line_breaks_of_the_finished_message_are_no_correction() -> None:
    Listening().reads("one two").pauses(typing("one two")).ends("one\ntwo")


def test_a_line_that_is_opened_again_is_not_said_again() -> None:
    listening = Listening().ends("one", final("one")).reads("t", line=1)
    listening.reads("", line=1).reads("one").reads("onl").pauses(corrected("onl"))


def test_who_is_gone_is_not_said() -> None:
    listening = Listening().reads("hello")
    listening.announcer.forget("ben")
    listening.pauses()
    assert listening.announcer.deadline() is None


def test_peers_are_kept_apart() -> None:
    announcer = Announcer(0.0)
    announcer.changed("ben", 0, "hel", False, 0.0)
    announcer.changed("cyd", 0, "hi. ", False, 1.0)
    announcer.changed("ben", 0, "hello", True, 2.0)
    assert announcer.poll() == Announce("cyd", "hi.", "typing")
    assert announcer.poll() == Announce("ben", "hello", "final")
    assert announcer.poll() is None


@settings(deadline=None)
@given(st.lists(st.text("ab. ", max_size=8), max_size=12), st.booleans())
def test_a_line_that_only_grows_is_said_once_from_beginning_to_end(parts: list[str], pause: bool) -> None:
    announcer = Announcer(0.0)
    text, said = "", []
    for now, part in enumerate(parts, 1):
        text += part
        announcer.changed("ben", 0, text, False, float(now))
        if pause:
            announcer.tick(now + IDLE_SECONDS)
    announcer.changed("ben", 0, text, True, 100.0)
    while (announcement := announcer.poll()) is not None:
        assert announcement.kind in ("typing", "final")
        said.append(announcement.text)
    assert "".join(said).replace(" ", "") == text.replace(" ", "")
    assert announcer.deadline() is None


def test_a_long_line_without_borders_costs_little() -> None:
    announcer = Announcer(0.0)
    before = time.process_time()
    for length in range(3900, 4000):
        announcer.changed("ben", 0, "x" * length, False, 0.0)
    # A few milliseconds; what looks for a border from every character takes many seconds.
    assert time.process_time() - before < 2.0


def listening_by(size: Size) -> Listening:
    listening = Listening()
    listening.announcer.size = size
    return listening


def test_by_word_each_word_is_said_when_it_is_complete() -> None:
    listening_by("word").reads("I").reads("I wi", ("typing", "I")).reads("I will ", ("typing", "will")).ends(
        "I will go", ("final", "go")
    )


def test_by_word_a_word_that_is_changed_is_corrected_once() -> None:
    listening_by("word").reads("teh ", ("typing", "teh")).reads("te").reads("the ", ("corrected", "the")).ends(
        "the end", ("final", "end")
    )


def test_by_line_nothing_is_said_before_the_end_however_long_it_rests() -> None:
    listening = listening_by("line").reads("One. Two. Three. ")
    assert listening.announcer.deadline() is None
    listening.ends("One. Two. Three. Four", ("final", "One. Two. Three. Four"))
    listening.ends("One. Two. Three. Five", ("corrected", "One. Two. Three. Five"))


def test_by_character_each_one_is_said_and_the_line_when_it_ends() -> None:
    listening = listening_by("char").reads("h", ("typing", "h")).reads("hi", ("typing", "i"))
    listening.reads("hi 👩‍👩‍👧", ("typing", "👩‍👩‍👧")).ends("hi 👩‍👩‍👧", ("final", "hi 👩‍👩‍👧")).ends("hi 👩‍👩‍👧")
    listening.ends("hi all", ("corrected", "hi all"))


def test_by_character_a_line_that_is_taken_back_is_said_to_be_gone() -> None:
    listening_by("char").reads("a", ("typing", "a")).reads("").ends("", ("corrected", ""))


def test_the_size_may_be_changed_in_the_middle_of_a_line() -> None:
    listening = listening_by("line").reads("One two ")
    listening.announcer.size = "word"
    listening.reads("One two t", ("typing", "One"), ("typing", "two"))
