"""The three layouts: where what is said and what is being written stands, and that nothing jumps or flickers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.content import Content
from textual.pilot import Pilot

from p2pchat.node.events import LineState, MessageDelivered
from p2pchat.tui.app import ChatApp
from p2pchat.tui.layouts.live_slots import PAUSE_SECONDS, RESTED_SECONDS, LiveSlots
from p2pchat.tui.layouts.side_by_side import Geometry, most_columns
from p2pchat.tui.preferences import Layout, Presentation, Remembered
from p2pchat.tui.rows import LiveRow
from p2pchat.tui.widgets.composer import Composer
from tests.fake_node import FakeNode
from tests.tui.stage import (
    AT,
    BEN,
    CYD,
    DOWNLOADS,
    ROOM,
    here,
    offered,
    said,
    sent,
    shown,
    typing,
    until,
    until_called,
    until_shown,
    write,
)

LAYOUTS = pytest.mark.parametrize("layout", [Layout.STACK, Layout.COLUMNS, Layout.INLINE], ids=str)
DAN = replace(BEN, peer="d4n00000", name="dan")
EVE = replace(BEN, peer="e4e00000", name="eve")


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def laid_out(
    layout: Layout, node: FakeNode, clock: Clock, folder: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[Any]]:
    """The app in a layout, with live text on."""
    Remembered(folder).change(layout=layout)
    presentation = Presentation(folder=folder)
    app = ChatApp(node, ROOM, live=True, downloads=DOWNLOADS, presentation=presentation, clock=clock, wall=lambda: AT)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until_called(pilot, node, "join", ROOM)
        yield pilot


def line_of(pilot: Pilot[Any], text: str) -> int:
    """The line of the screen on which a text is."""
    return next(number for number, line in enumerate(shown(pilot.app).split("\n")) if text in line)


def frames(pilot: Pilot[Any], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What each frame shows that is painted from now on."""
    app, painted = pilot.app, list[str]()
    paint = app._display

    def record(*args: Any) -> None:
        if not app._batch_count:
            painted.append(shown(app))
        paint(*args)

    monkeypatch.setattr(app, "_display", record)
    return painted


@LAYOUTS
async def test_a_finished_line_stays_where_it_is_in_every_frame(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = FakeNode()
    async with laid_out(layout, node, Clock(), tmp_path) as pilot:
        node.tell(*here(BEN), *(said(BEN, f"message {number} is here", str(number)) for number in range(40)))
        node.tell(typing(BEN, "I will add it ton"))
        await until_shown(pilot, "message 39 is here", "I will add it ton")
        history, line = line_of(pilot, "message 39 is here"), line_of(pilot, "I will add it ton")
        painted = frames(pilot, monkeypatch)
        for length in range(18, 22):
            node.tell(typing(BEN, "I will add it tonight"[:length]))
            await until_shown(pilot, "I will add it tonight"[:length])
        node.tell(typing(BEN, "I will add it tonight", LineState.FINAL))
        await until(pilot, lambda: bool(painted) and "tonight▌" not in painted[-1] and "tonight…" not in painted[-1])
        assert painted
        for frame in painted:
            lines = frame.split("\n")
            assert "message 39 is here" in lines[history], frame
            assert "I will add it ton" in lines[line], frame
            assert frame.count("I will add it ton") == 1, frame


@LAYOUTS
async def test_who_erases_everything_keeps_the_place_while_others_type_and_gives_it_back_at_a_pause(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, clock = FakeNode(), Clock()
    async with laid_out(layout, node, clock, tmp_path) as pilot:
        node.tell(*here(BEN, CYD), *(said(BEN, f"message {number} is here", str(number)) for number in range(40)))
        node.tell(typing(BEN, "one two"), typing(CYD, "wai"))
        await until_shown(pilot, "one two", "wai")
        history, line = line_of(pilot, "message 39"), line_of(pilot, "wai")
        node.tell(typing(BEN, ""), typing(CYD, "wait"))
        await until_shown(pilot, "wait")
        assert "one two" not in shown(pilot.app)
        assert (line_of(pilot, "message 39"), line_of(pilot, "wait")) == (history, line)
        clock.now += PAUSE_SECONDS
        places = 0 if layout is Layout.COLUMNS else 1
        await until(pilot, lambda: line_of(pilot, "message 39") == history + places)
        assert line_of(pilot, "wait") == line


@LAYOUTS
async def test_a_line_that_gets_shorter_keeps_its_height_until_a_pause(layout: Layout, tmp_path: Path) -> None:
    node, clock = FakeNode(), Clock()
    async with laid_out(layout, node, clock, tmp_path) as pilot:
        node.tell(*here(BEN), *(said(BEN, f"message {number} is here", str(number)) for number in range(40)))
        node.tell(typing(BEN, "word " * 30))
        await until_shown(pilot, "word word")
        history = line_of(pilot, "message 39")
        node.tell(typing(BEN, "other"))
        await until_shown(pilot, "other")
        assert line_of(pilot, "message 39") == history
        clock.now += PAUSE_SECONDS
        await until(pilot, lambda: line_of(pilot, "message 39") > history)


@LAYOUTS
async def test_every_layout_says_in_words_what_became_of_a_line_and_who_composes_in_private(
    layout: Layout, tmp_path: Path
) -> None:
    node = FakeNode()
    async with laid_out(layout, node, Clock(), tmp_path) as pilot:
        node.tell(*here(BEN, CYD, replace(DAN, live_mode="hold")))
        node.tell(said(DAN, "hello", "1"), typing(BEN, "I �will", LineState.INTERRUPTED), typing(CYD, "on", line=1))
        node.tell(replace(typing(CYD, "on it", LineState.FINAL, line=1), corrected=True))
        await until_shown(pilot, "(interrupted)", "(corrected)", "composing privately", "�")


@LAYOUTS
async def test_every_layout_shows_four_at_most_and_counts_the_others(layout: Layout, tmp_path: Path) -> None:
    node = FakeNode()
    peers = [replace(BEN, peer=f"peer{number}", name=f"p{number}") for number in range(6)]
    async with laid_out(layout, node, Clock(), tmp_path, (150, 24)) as pilot:
        node.tell(*here(*peers), *(typing(peer, "hello") for peer in peers))
        await until_shown(pilot, "+2 typing")
        assert shown(pilot.app).count("hello") == 4


@LAYOUTS
async def test_the_cursor_of_the_terminal_stays_in_the_composer(layout: Layout, tmp_path: Path) -> None:
    node = FakeNode()
    async with laid_out(layout, node, Clock(), tmp_path) as pilot:
        composer = pilot.app.screen.query_one(Composer)
        await write(pilot, "so")
        for number in range(3):
            node.tell(*here(BEN), typing(BEN, "one\ntwo " * number + "x"), said(CYD, "hi", str(number)))
            await until(pilot, lambda number=number: shown(pilot.app).count("hi ") >= number)  # type: ignore[misc]
            assert composer.region.contains_point(pilot.app.cursor_position)
            assert pilot.app.cursor_position == composer.cursor_screen_offset


async def test_f7_goes_through_the_layouts_says_which_and_remembers_all_but_the_captions(tmp_path: Path) -> None:
    node = FakeNode()
    async with laid_out(Layout.STACK, node, Clock(), tmp_path) as pilot:
        node.tell(*here(BEN), said(BEN, "hello"))
        await until_shown(pilot, "14:02  ben  hello")
        await pilot.press("f7")
        await until_shown(pilot, "Layout columns: a column for each who takes part", " you ", "│ hello")
        assert Remembered(tmp_path).now.layout is Layout.COLUMNS
        await pilot.press("f7")
        await until_shown(pilot, "Layout inline: one field, turn by turn", "\nben: hello")
        await pilot.press("f7")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "CaptionsScreen")
        assert Remembered(tmp_path).now.layout is Layout.INLINE
        await pilot.press("f7")
        await until_shown(pilot, "Layout stack: what others type stands in rows", "14:02  ben  hello")
        assert Remembered(tmp_path).now.layout is Layout.STACK


async def test_a_layout_is_chosen_by_name_and_captions_lead_back_to_it(tmp_path: Path) -> None:
    node = FakeNode()
    async with laid_out(Layout.STACK, node, Clock(), tmp_path) as pilot:
        await write(pilot, "/layout inline")
        await pilot.press("enter")
        await until_shown(pilot, "Layout inline")
        await write(pilot, "/layout captions")
        await pilot.press("enter")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "CaptionsScreen")
        await pilot.press("escape")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "ChatScreen")
        await write(pilot, "/layout round")
        await pilot.press("enter")
        await until_shown(pilot, "There is no layout round. There are stack, columns, inline, captions")
    assert Remembered(tmp_path).now.layout is Layout.INLINE


async def test_columns_are_a_stack_where_there_is_no_space_for_them(tmp_path: Path) -> None:
    node = FakeNode()
    async with laid_out(Layout.COLUMNS, node, Clock(), tmp_path, (50, 20)) as pilot:
        node.tell(*here(BEN), said(BEN, "hello"))
        await until_shown(pilot, "ben  hello")
        await write(pilot, "/layout columns")
        await pilot.press("enter")
        await until_shown(pilot, "Layout columns needs 60 cells")
        await pilot.resize_terminal(80, 20)
        await until_shown(pilot, "│ hello")
        await pilot.resize_terminal(50, 20)
        await until_shown(pilot, "ben  hello")


async def test_columns_keep_the_order_in_time_and_show_our_own_line_as_others_see_it(tmp_path: Path) -> None:
    node = FakeNode()
    async with laid_out(Layout.COLUMNS, node, Clock(), tmp_path) as pilot:
        node.tell(*here(BEN, CYD), said(CYD, "one", "1"), sent("two"), said(BEN, "three", "2"), offered())
        node.tell(typing(CYD, "fo"))
        await write(pilot, "five")
        await until_shown(pilot, "│ one", "two", "│ three", "▤ draft.pdf", "five▌", "fo▌", "1 waiting")
        assert line_of(pilot, "one") < line_of(pilot, "two") < line_of(pilot, "three") < line_of(pilot, "fo▌")
        assert line_of(pilot, "five▌") == line_of(pilot, "fo▌")
        await pilot.press("f6", "x")
        await until_shown(pilot, "five (held)", "▏ fivex")
        node.tell(MessageDelivered(ROOM, "1", BEN.peer, AT), MessageDelivered(ROOM, "1", CYD.peer, AT))
        await until(pilot, lambda: "waiting" not in shown(pilot.app).split("\n")[1])


async def test_those_without_a_column_have_rows_and_get_a_column_when_somebody_is_silent(tmp_path: Path) -> None:
    node, clock = FakeNode(), Clock()
    async with laid_out(Layout.COLUMNS, node, clock, tmp_path) as pilot:
        node.tell(*here(BEN, CYD, DAN, EVE), said(BEN, "one", "1"), said(CYD, "two", "2"))
        await until_shown(pilot, "│ one", "│ two")
        node.tell(said(DAN, "three", "3"), typing(EVE, "fo"))
        await until_shown(pilot, "  dan  three", " eve  ▏ fo▌", "+2 in rows")
        clock.now += 60
        node.tell(said(CYD, "five", "5"), said(DAN, "six", "6"))
        await until_shown(pilot, "│ three", "  ben  one", "│ five", "│ six")


async def test_inline_has_no_signs_but_words(tmp_path: Path) -> None:
    node = FakeNode()
    async with laid_out(Layout.INLINE, node, Clock(), tmp_path, (40, 15)) as pilot:
        node.tell(*here(BEN), said(BEN, "hello"), sent("hi"), offered(), typing(BEN, "are you the"))
        await until_shown(
            pilot,
            "\nben: hello",
            "\nyou: hi (waiting)",
            "\nben: draft.pdf, 4.2 MB, waits",
            "\nben: are you the…",
        )


def live(name: str, text: str, at: float, line: int = 0) -> LiveRow:
    return LiveRow(name, line, name, text, AT, changed_at=at)


def followed(slots: LiveSlots, now: float, *rows: LiveRow, ended: str = "", height: int = 10) -> list[str]:
    slots.follow({row.peer: row for row in rows}, lambda key: key == ended, height, now)
    return [row.peer for row in slots.shown.values()]


def test_who_has_a_place_keeps_it_until_somebody_has_rested() -> None:
    slots, four = LiveSlots(), [live(name, "x", 0.0) for name in "abcd"]
    assert followed(slots, 0.0, *four) == ["a", "b", "c", "d"]
    assert followed(slots, 1.0, *four, live("e", "x", 1.0)) == ["a", "b", "c", "d"]
    assert slots.more == 1
    typed = [live("a", "xy", 4.0), four[1], live("c", "xy", 4.0), live("d", "xy", 4.0), live("e", "xy", 5.0)]
    assert followed(slots, RESTED_SECONDS, *typed) == ["a", "e", "c", "d"]
    assert slots.more == 1


def test_a_finished_line_leaves_at_once_and_an_erased_one_at_a_pause() -> None:
    slots = LiveSlots()
    followed(slots, 0.0, live("a", "x", 0.0), live("b", "x", 0.0), live("c", "x", 0.0))
    assert followed(slots, 1.0, live("c", "xy", 1.0), ended="a") == ["b", "c"]
    assert [row.text for row in slots.shown.values()] == ["", "xy"]
    assert followed(slots, 1.0 + PAUSE_SECONDS, live("c", "xy", 1.0)) == ["c"]


def test_on_a_low_screen_there_are_fewer_places_and_the_rest_is_counted() -> None:
    slots, rows = LiveSlots(), [live(name, "x", 0.0) for name in "abcd"]
    assert followed(slots, 0.0, *rows, height=4) == ["a", "b", "c", "d"]
    assert followed(slots, 1.0, live("a", "xy", 1.0), *rows[1:], height=3) == ["a", "d"]
    assert slots.more == 2


FAMILY, FLAG, ARABIC, HEBREW, ACCENT = "👨‍👩‍👧", "🇸🇪", "مرحبا", "שלום", "e\u0301"


@pytest.mark.parametrize("text", ["plain", "図が", "🙂", ACCENT])
def test_texts_of_which_every_terminal_knows_the_width_stand_beside_each_other(text: str) -> None:
    geometry = Geometry.of(3, 79)
    (line,) = geometry.lines({0: Content("left"), 1: Content(text), 2: Content("right")})
    assert line.plain.startswith(" left")
    assert [cell_len(part) for part in line.plain.split("│")] == [geometry.cells + 2, geometry.cells + 2, 6]


@pytest.mark.parametrize("text", [FAMILY, FLAG, ARABIC, HEBREW, "❤️", "👍🏽"])
def test_a_text_of_which_terminals_disagree_is_the_last_on_its_line(text: str) -> None:
    lines = [line.plain for line in Geometry.of(3, 79).lines({0: Content("a"), 1: Content(text), 2: Content("b")})]
    assert [line.rstrip()[-len(text) :] for line in lines[:1]] == [text]
    assert lines[1].split("│")[-1].strip() == "b"
    assert text not in lines[1]
    assert lines[0].startswith(" a")
    assert lines[0].index("│") == lines[1].index("│")


@pytest.mark.parametrize("width", [59, 73, 79, 93, 119, 200])
def test_no_column_is_narrower_than_eighteen_cells_and_no_line_wider_than_the_screen(width: int) -> None:
    count = most_columns(width)
    geometry = Geometry.of(count, width)
    assert geometry.cells >= 18
    full = geometry.lines({number: Content("x" * geometry.cells) for number in range(count)})
    assert [cell_len(line.plain) <= width for line in full] == [True]
    assert Geometry.of(count + 1, width).cells < 18
