"""Where a line can be cut, and what one erasure takes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.protocol.rtt.graphemes import CLUSTER_CHARACTERS, count, erase_last, split, unicode_version
from tests.protocol.rtt.scripts import text_of_many_scripts


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", ""),
        ("abc", "ab"),
        ("cafe\u0301", "caf"),
        ("a👨\u200d👩\u200d👧", "a"),
        ("a🇸🇪🇩🇪", "a🇸🇪"),
        ("a1\ufe0f\u20e3", "a"),
        ("한\u1112\u1161\u11ab", "한"),
        ("न\u0915\u094d\u0937\u093f", "न"),
        ("שלום", "שלו"),
    ],
)
def test_one_erasure_takes_what_a_person_calls_a_character(text: str, left: str) -> None:
    assert erase_last(text) == left


def test_a_code_point_gateway_takes_less() -> None:
    assert erase_last("e\u0301", "c") == "e"
    assert count("e\u0301", "c") == 2


def test_an_unknown_unit_is_taken_for_clusters() -> None:
    assert count("e\u0301", "something new") == 1


def test_an_endless_cluster_is_cut() -> None:
    units = split("e" + "\u0301" * 1000)
    assert max(map(len, units)) == CLUSTER_CHARACTERS
    assert len(units) == 32


@settings(deadline=None)
@given(text_of_many_scripts)
def test_units_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text


@settings(deadline=None)
@given(text_of_many_scripts, st.integers(0, 300))
def test_a_cut_between_two_units_changes_neither_side(text: str, at: int) -> None:
    units = split(text)
    assert split("".join(units[:at])) == units[:at]
    assert split("".join(units[at:])) == units[at:]


@settings(deadline=None)
@given(st.lists(text_of_many_scripts, max_size=8))
def test_a_line_that_grows_is_cut_like_a_line_read_at_once(parts: list[str]) -> None:
    units: list[str] = []
    for part in parts:
        last = units.pop() if units else ""
        units += split(last + part)
    assert units == split("".join(parts))


def test_the_version_of_unicode_is_one_that_knows_conjuncts_of_indic_scripts() -> None:
    assert tuple(map(int, unicode_version().split("."))) >= (15, 1)
    assert count("क्षि") == 1
