"""Captions: what was said last, in large letters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.strip import Strip
from textual.theme import Theme

from p2pchat.node.events import LineState
from p2pchat.tui.captions import Kind, Utterance, letter_size, page, utterances
from p2pchat.tui.large_letters import CELL_ROWS, Size, clusters, has_all, letters, measure
from p2pchat.tui.screens.captions import CaptionPage, CaptionsScreen
from p2pchat.tui.screens.chat import ChatScreen
from tests.fake_node import FakeNode
from tests.tui.stage import BEN, CYD, here, said, sent, shown, stage, typing, until, until_shown
from tests.tui.test_hostile_text import CONTROLS, HOSTILE
from tests.tui.test_model import Talk
from tests.tui.test_theme import COLOURED, colours, contrast

SIZES = st.sampled_from(Size)

WRITTEN = st.text() | st.text(st.sampled_from("aÄÖé ,.!\n\t\x1b\x9b‮👨‍👩‍👧é́سلام שלום हिन्दी図字"), max_size=80)
"""Any text, and text in which scripts, controls and line ends are frequent."""


def said_by(name: str, *texts: str) -> list[Utterance]:
    """Finished lines of somebody."""
    return [Utterance(name, text) for text in texts]


# Letters


@pytest.mark.parametrize(
    "text", ["Grüße", "déjà vu", "Łódź, świeże", "smørrebrød", "Þórr æfði", "çok güzel ığ", "Őű", "Î"]
)
def test_the_languages_of_europe_that_write_latin_letters_are_there(text: str) -> None:
    assert has_all(text)
    assert len({letters(part, Size.LARGE) for part in text if part != " "}) == len(set(text) - {" "})


@pytest.mark.parametrize("text", ["سلام", "שלום", "हिन्दी", "図", "🙂", "1️⃣", "é́", "ế", "мир"])
def test_what_the_font_does_not_have_is_said_so(text: str) -> None:
    assert not has_all(f"a {text}")


def test_every_printable_character_of_ascii_looks_different() -> None:
    ascii = [chr(code) for code in range(0x20, 0x7F)]
    assert has_all("".join(ascii))
    for size in Size:
        assert len({letters(character, size) for character in ascii}) == len(ascii)


def test_an_accent_stands_above_its_letter_whether_composed_or_not() -> None:
    assert letters("é", Size.LARGE) == letters("e\u0301", Size.LARGE) != letters("e", Size.LARGE)
    assert letters("é", Size.LARGE)[1:] == letters("e", Size.LARGE)[1:]


@given(st.text(st.sampled_from("abcÄöß Wi.!▌�"), max_size=30), SIZES)
def test_letters_are_as_wide_as_they_are_measured(text: str, size: Size) -> None:
    rows = letters(text, size)
    assert len(rows) == CELL_ROWS
    assert {len(row) for row in rows} == {measure(text, size)}
    assert measure(text, size) <= sum(measure(part, size) for part in clusters(text))


# The page


@given(st.lists(st.tuples(WRITTEN, st.booleans()), max_size=5), st.integers(8, 130), st.integers(1, 50), SIZES)
def test_no_row_is_wider_than_the_screen_or_holds_a_control_character(
    texts: list[tuple[str, bool]], width: int, height: int, size: Size
) -> None:
    rows = page([Utterance("ben", text, live) for text, live in texts], width, height, size)
    assert len(rows) == height
    assert all(cell_len(row.text) <= width for row in rows)
    assert not any(CONTROLS.search(row.text) for row in rows)


def test_the_newest_line_is_at_the_bottom_and_the_oldest_leaves_whole() -> None:
    rows = page(said_by("ben", "one", "two", "three"), 80, 14, Size.LARGE)
    assert [row.text for row in rows[:4]] == ["", "", "", "ben"]
    assert tuple(row.text for row in rows[4:9]) == letters("two", Size.LARGE)
    assert tuple(row.text for row in rows[9:]) == letters("three", Size.LARGE)


def test_lines_break_between_words_and_only_longer_words_are_cut() -> None:
    rows = page(said_by("ben", "wait a bit Donaudampfschiff"), 40, 30, Size.LARGE)
    expected = [letters(text, Size.LARGE) for text in ("wait a", "bit", "Donaud", "ampfsc", "hiff")]
    assert [row.text for row in rows[-26:]] == ["ben", *(row for line in expected for row in line)]


def test_a_line_in_another_script_is_plain_with_its_words_in_order_and_space_around_them() -> None:
    rows = page(said_by("ben", "Hello\nسلام يا صديقي\nbye"), 80, 15, Size.LARGE)
    kinds = [row.kind for row in rows]
    assert kinds == [*[Kind.PLAIN] * 2, Kind.SPEAKER, *[Kind.LARGE] * 5, *[Kind.PLAIN] * 2, *[Kind.LARGE] * 5]
    assert [row.text for row in rows[8:10]] == ["سلام  يا  صديقي", ""]


def test_only_the_words_that_the_font_does_not_have_are_plain() -> None:
    rows = page(said_by("ben", "Great 🙂 thanks"), 80, 13, Size.LARGE)
    assert tuple(row.text for row in rows[1:6]) == letters("Great", Size.LARGE)
    assert [row.text for row in rows[6:8]] == ["🙂", ""]
    assert tuple(row.text for row in rows[8:]) == letters("thanks", Size.LARGE)


def test_who_speaks_stands_above_the_first_line_and_at_each_change() -> None:
    rows = page([*said_by("ben", "a", "b"), *said_by("cyd", "c")], 80, 40, Size.LARGE)
    assert [row.text for row in rows if row.kind is Kind.SPEAKER] == ["ben", "cyd"]
    rows = page([*said_by("ben", "a", "b"), *said_by("cyd", "c")], 80, 6, Size.LARGE)
    assert [row.text for row in rows if row.kind is Kind.SPEAKER] == ["cyd"]


def test_who_types_much_does_not_push_the_other_who_types_off_the_screen() -> None:
    said = [Utterance("ben is typing", "yes", live=True), Utterance("cyd is typing", "and so on " * 40, live=True)]
    rows = page(said, 80, 22, Size.LARGE)
    assert [row.text for row in rows if row.kind is Kind.SPEAKER] == ["ben is typing", "cyd is typing"]


def test_a_growing_line_changes_only_its_own_rows() -> None:
    before, after = (
        page([*said_by("cyd", "hi"), Utterance("ben is typing", text, True)], 80, 22, Size.LARGE)
        for text in ("I wil", "I will")
    )
    assert before[:-5] == after[:-5]


def test_live_lines_come_last_and_own_lines_only_when_wanted() -> None:
    talk = Talk(BEN, CYD).hears(said(BEN, "Hello"), sent("Hi"), typing(CYD, "wait"))
    talk.hears(typing(BEN, "cut o", LineState.INTERRUPTED, line=3))
    heard = [
        Utterance("ben", "Hello"),
        Utterance("cyd is typing", "wait", True),
        Utterance("ben (interrupted)", "cut o"),
    ]
    assert utterances(talk.conversation) == heard
    assert utterances(talk.conversation, everybody=True) == [heard[0], Utterance("you", "Hi"), *heard[1:]]


def test_letters_are_large_where_there_is_space() -> None:
    assert letter_size(80, 24) is letter_size(120, 40) is Size.LARGE
    assert letter_size(79, 40) is letter_size(120, 23) is Size.MEDIUM


# The screen


def big(text: str, size: Size = Size.LARGE) -> str:
    """One row of large letters, as it is on the screen."""
    return letters(text, size)[3].rstrip()


async def with_captions(pilot: Pilot[Any]) -> CaptionPage:
    """The page of captions, once it is there."""
    pilot.app.push_screen(CaptionsScreen(pilot.app.screen._conversation))  # type: ignore[attr-defined]
    await until_shown(pilot, "Esc back")
    return pilot.app.screen.query_one(CaptionPage)


async def test_live_text_is_seen_in_large_letters_as_it_grows_and_escape_goes_back() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(BEN))
        await until_shown(pilot, "ben")
        await with_captions(pilot)
        await until_shown(pilot, "What others write appears here.")
        node.tell(typing(BEN, "I will"))
        await until_shown(pilot, "ben is typing", big("I will"))
        node.tell(typing(BEN, "I will add"))
        await until_shown(pilot, big("I will add"))
        node.tell(typing(BEN, "I will add it", LineState.FINAL))
        await until(pilot, lambda: "is typing" not in shown(pilot.app) and big("I will add it") in shown(pilot.app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))


async def test_only_what_changed_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(BEN, CYD), said(CYD, "Hello"), typing(BEN, "I wil"))
        await until_shown(pilot, "I wil")
        captions = await with_captions(pilot)
        await until_shown(pilot, big("I wil"))
        await pilot.pause()
        drawn: list[int] = []
        render = CaptionPage.render_line

        def watched(self: CaptionPage, y: int) -> Strip:
            drawn.append(y)
            return render(self, y)

        monkeypatch.setattr(CaptionPage, "render_line", watched)
        node.tell(typing(BEN, "I will"))
        await until_shown(pilot, big("I will"))
        assert drawn
        assert min(drawn) >= captions.size.height - CELL_ROWS


@pytest.mark.parametrize("theme", COLOURED, ids=lambda theme: str(theme.name))
def test_captions_have_a_contrast_of_seven_in_every_theme(theme: Theme) -> None:
    found = colours(theme)
    assert contrast(found["foreground"], found["background"]) >= 7


async def test_o_shows_own_lines_as_well() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(BEN), said(BEN, "Hello"), sent("mine"))
        await until_shown(pilot, "mine")
        await with_captions(pilot)
        await until_shown(pilot, "own lines: not shown", big("Hello"))
        assert big("mine") not in shown(pilot.app)
        await pilot.press("o")
        await until_shown(pilot, "own lines: shown", big("mine"))
        await pilot.press("o")
        await until(pilot, lambda: big("mine") not in shown(pilot.app))


async def test_a_small_terminal_gets_smaller_letters_and_hostile_text_is_text() -> None:
    node = FakeNode()
    async with stage(node, size=(40, 15)) as pilot:
        node.tell(*here(replace(BEN, name=HOSTILE)), said(BEN, "Hello"))
        await until_shown(pilot, "Hello")
        await with_captions(pilot)
        await until_shown(pilot, big("Hello", Size.MEDIUM))
        node.tell(typing(BEN, HOSTILE))
        await until_shown(pilot, "is typing")
        assert not CONTROLS.search(shown(pilot.app))
