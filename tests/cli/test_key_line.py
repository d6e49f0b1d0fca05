"""Keys of a terminal whose cursor only moves forward."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.cli.key_line import Ended, Entered, Key, KeyLine, Repeat, TakenBack, Typed
from p2pchat.protocol.limits import MESSAGE_CHARACTERS, PASTE_CHARACTERS


def pressed(*chunks: str | bytes) -> list[Key]:
    line = KeyLine()
    return [key for chunk in chunks for key in line.feed(chunk.encode() if isinstance(chunk, str) else chunk)]


def test_each_key_is_shown_and_enter_finishes_the_line() -> None:
    assert pressed("h", "i", "\n", "x") == [
        Typed("h", "h", held=False),
        Typed("hi", "i", held=False),
        Entered("hi", held=False, rewritten=False),
        Typed("x", "x", held=False),
    ]


def test_keys_that_come_together_are_one_change() -> None:
    assert pressed("hi\rx") == [
        Typed("hi", "hi", held=False),
        Entered("hi", held=False, rewritten=False),
        Typed("x", "x", held=False),
    ]


def test_backspace_takes_a_whole_character_and_writes_nothing() -> None:
    assert pressed("a👩‍👩‍👧\x7f\n") == [
        Typed("a👩‍👩‍👧", "a👩‍👩‍👧", held=False),
        Typed("a", "", held=False),
        Entered("a", held=False, rewritten=True),
    ]


def test_words_and_lines_can_be_taken_away() -> None:
    assert pressed("one two three", "\x17", "\x17", "\x15") == [
        Typed("one two three", "one two three", held=False),
        Typed("one two ", "", held=False),
        Typed("one ", "", held=False),
        Typed("", "", held=False),
    ]


def test_the_line_is_said_again_when_asked_for() -> None:
    assert pressed("abc\x7f\x12")[-1] == Repeat("ab")


def test_escape_twice_takes_the_line_back_and_once_does_nothing() -> None:
    assert pressed("abc", "\x1b", "\x1b", "\n") == [
        Typed("abc", "abc", held=False),
        TakenBack(),
        Entered("", held=False, rewritten=False),
    ]


def test_keys_that_move_the_cursor_do_nothing() -> None:
    assert pressed("\x1b[A\x1b[1;5C\x1bOP\x1b[3~\x1bbx") == [Typed("x", "x", held=False)]


def test_the_end_is_told_on_an_empty_line_only() -> None:
    assert pressed("a\x04", "\x7f", "\x04")[-1] == Ended()
    assert Ended() not in pressed("a\x04")


def test_commands_and_long_pastes_are_held() -> None:
    assert pressed("/quit") == [Typed("/quit", "/quit", held=True)]
    paste = "x" * (PASTE_CHARACTERS + 1)
    assert pressed(paste, "y\n", "z") == [
        Typed(paste, paste, held=True),
        Typed(paste + "y", "y", held=True),
        Entered(paste + "y", held=True, rewritten=False),
        Typed("z", "z", held=False),
    ]


def test_a_character_may_come_in_parts_and_bytes_that_are_none_are_replaced() -> None:
    assert pressed(b"\xc3", b"\xa9\xff") == [Typed("é\ufffd", "é\ufffd", held=False)]


def test_a_line_is_no_longer_than_a_message() -> None:
    (typed,) = pressed("x" * (MESSAGE_CHARACTERS + 10))
    assert isinstance(typed, Typed)
    assert len(typed.text) == MESSAGE_CHARACTERS


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_whatever_is_pressed_the_echo_has_no_control_codes(chunks: list[bytes]) -> None:
    for key in pressed(*chunks):
        if isinstance(key, Typed):
            assert not any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in key.echo + key.text)
