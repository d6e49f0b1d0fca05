"""What somebody else wrote, on its way to the screen."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from p2pchat.protocol.untrusted import MARKS_IN_A_ROW, REPLACEMENT, safe_line, safe_text

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

hostile_text = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs"]),
        st.sampled_from("\x00\t\r\n\x1b\x7f\x85\x9b\u2028\u2029 \xad\u0301\u034f\u200b\u200c\u200d\ufe0f\ufeff"),
        st.sampled_from(BIDI_CONTROLS + ENGLAND + "ae\u2800\u3164\ufdd0\uffff"),
    )
)
"""Any text, with what is dangerous alone or in company far more often than by chance."""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain words, [bold]not markup[/bold]",
        "two\nlines",
        "café, Zoë, ångström",
        "नमस्ते दुनिया",
        "می\u200cخواهم",  # Persian needs its zero-width non-joiner
        "שלום",
        "👨\u200d👩\u200d👧 👍🏽 1\ufe0f\u20e3 🇸🇪",
        f"a flag made of tags: {ENGLAND}",
        "葛\U000e0100城",  # an ideographic variant
        "e\u0301 decomposed",
    ],
)
def test_honest_text_is_left_as_it_is(text: str) -> None:
    assert safe_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\rc\u2028d\u2029e\x85f", "a\nb\nc\nd\ne\nf"),
        ("a\tb", "a    b"),
        ("\x1b[2Jgone", "␛[2Jgone"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x00\x08\x0b\x0c\x7f", "␀␈␋␌␡"),
        ("\x9b2J", "\\x9b2J"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("pay\u200bpal\ufeff \xadhere\u2060", "paypal here"),
        ("hidden\U000e0041\U000e0042 words", "hidden words"),
        ("\ud800 \udfff \ufdd0 \uffff \U0010ffff", "� � � � �"),
        ("be\u200dn", "ben"),
        ("\u0301accent", "◌\u0301accent"),
        ("one\n\u0301two", "one\n◌\u0301two"),
    ],
)
def test_what_a_terminal_obeys_or_hides_is_shown_or_removed(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_a_tower_of_marks_is_cut_to_a_bearable_height() -> None:
    assert safe_text("z" + "\u0335" * 500 + "algo") == "z" + "\u0335" * MARKS_IN_A_ROW + "algo"


def test_marks_do_not_hide_behind_invisible_characters() -> None:
    assert safe_text("z" + "\u0335\u200b" * 500) == "z" + "\u0335" * MARKS_IN_A_ROW


@pytest.mark.nightly
@settings(deadline=None)
@given(hostile_text)
@example("a\u200b\u200db")
@example("\r\u200b\n")
@example("\U0001f3f4\U000e0067\u200b\U000e0062\U000e0065\U000e007f")
def test_nothing_dangerous_comes_through_and_twice_is_no_more_than_once(text: str) -> None:
    shown = safe_text(text)
    assert safe_text(shown) == shown
    assert len(shown) <= 4 * len(text)
    assert {c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")} <= {"\n"}
    assert not set(shown) & set(BIDI_CONTROLS)
    shown.encode()


@pytest.mark.nightly
@settings(deadline=None)
@given(hostile_text, st.integers(1, 40))
def test_a_line_is_one_short_line_in_which_something_is_seen(text: str, limit: int) -> None:
    line = safe_line(text, limit)
    assert "\n" not in line
    assert len(line) <= limit
    assert line == line.strip()
    assert bool(line) == bool(text)
    assert safe_line(line, limit) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ben", "ben"),
        ("  ben\u3000", "ben"),
        ("first\nsecond", "first second"),
        ("", ""),
        (" \n\t ", REPLACEMENT),
        ("\u200b\u202e", REPLACEMENT),
        ("\u3164", REPLACEMENT),
        ("\u2800", REPLACEMENT),
        (" \u0301", "◌\u0301"),
    ],
)
def test_a_line_has_no_breaks_and_is_never_empty_to_the_eye(text: str, line: str) -> None:
    assert safe_line(text) == line


def test_a_long_line_is_cut_between_two_clusters() -> None:
    assert safe_line("abcdefgh", limit=5) == "abcd…"
    assert safe_line("ab👨\u200d👩\u200d👧cd", limit=5) == "ab…"
    assert safe_line("👨\u200d👩\u200d👧cd", limit=3) == "…"
    assert len(safe_line("word " * 100)) == 200
