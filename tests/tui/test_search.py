"""Searching the conversation: what matches, how it is marked, and where one gets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content
from textual.pilot import Pilot

from p2pchat.node.events import Problem
from p2pchat.tui.finding import found, marked, occurrences
from p2pchat.tui.widgets.composer import Composer
from p2pchat.tui.widgets.search_line import SearchField
from p2pchat.tui.widgets.timeline import Timeline
from tests.fake_node import FakeNode
from tests.tui.stage import AT, BEN, here, offered, said, sent, shown, stage, typing, until, until_shown, write
from tests.tui.test_hostile_text import CONTROLS, HOSTILE
from tests.tui.test_model import Talk

# What matches


@pytest.mark.parametrize(
    ("text", "wanted", "parts"),
    [
        ("The Figure, the figure", "FIGURE", ["Figure", "figure"]),
        ("Große Straße", "STRASSE", ["Straße"]),
        ("ΣΟΦΟΣ σοφός", "σοφος", ["ΣΟΦΟΣ"]),
        ("resume résumé", "resume", ["resume"]),
        ("cafe\u0301 café", "caf\u00e9", ["cafe\u0301", "café"]),
        ("cafe\u0301", "e", []),
        ("a  b\n   c", "a b c", ["a  b\n   c"]),
        ("aaa", "aa", ["aa"]),
        ("السلام عليكم", "عليكم", ["عليكم"]),
        ("👨‍👩‍👧 👩", "👩", ["👩"]),
        ("anything", "  ", []),
    ],
)
def test_case_is_ignored_and_accents_are_not(text: str, wanted: str, parts: list[str]) -> None:
    assert [text[start:end] for start, end in occurrences(text, wanted)] == parts


@given(st.text(), st.text(min_size=1, max_size=4))
def test_every_occurrence_lies_in_the_text_and_after_the_one_before(text: str, wanted: str) -> None:
    places = [0, *(at for place in occurrences(text, wanted) for at in place), len(text)]
    assert places == sorted(places)


@given(st.text("ab ßÄ\n", max_size=20))
def test_a_text_is_found_in_itself(text: str) -> None:
    assert bool(occurrences(text, text)) is bool(text.strip())


def test_messages_notices_and_transfers_are_searched_newest_first() -> None:
    talk = Talk(BEN).hears(said(BEN, "the draft"), sent("a draft?"), offered("t1"), said(BEN, "no", "2"))
    talk.hears(Problem("storage", "No space for drafts", "Free some", AT))
    keys = found(talk.conversation.rows, "DRAFT")
    assert [key.partition(":")[0] for key in keys] == ["notice", "transfer", "own", "message"]
    assert found(talk.conversation.rows, "absent") == found(talk.conversation.rows, " ") == []


def test_a_match_that_is_wrapped_is_marked_without_the_indent_between() -> None:
    content = marked(Content(" ben  the shared\n      folder"), "shared folder", here=True)
    assert content.plain == "▸ben  the shared\n      folder"
    assert [content.plain[span.start : span.end] for span in content.spans if "reverse" in str(span.style)] == [
        "shared",
        "folder",
    ]


# On the screen


def talked(node: FakeNode, count: int = 60) -> None:
    """A conversation of several screens, in which every twentieth line is about oysters."""
    node.tell(*here(BEN))
    node.tell(*(said(BEN, f"line {n}{', Oysters' if n % 20 == 0 else ''}", str(n), AT + n) for n in range(count)))


def inverted(pilot: Pilot[Any]) -> list[str]:
    """What is drawn inverted in the timeline, but for its scrollbar."""
    region = pilot.app.screen.query_one(Timeline).region
    strips = pilot.app.screen._compositor.render_strips()[region.y : region.bottom]
    parts = [part.text for strip in strips for part in strip if part.style and part.style.reverse]
    return [part for part in parts if part.strip(" ▁▂▃▄▅▆▇")]


async def test_what_is_typed_is_marked_counted_and_gone_through_and_escape_goes_back() -> None:
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        talked(node)
        await until_shown(pilot, "line 59")
        await pilot.press("f3")
        await write(pilot, "oyster")
        await until_shown(pilot, "▸14:02  ben  line 40, Oysters", "1 of 3")
        await until(pilot, lambda: inverted(pilot) == ["Oyster"])
        await pilot.press("enter")
        await until_shown(pilot, "▸14:02  ben  line 20, Oysters", "2 of 3")
        await pilot.press("f3")
        await until_shown(pilot, "▸14:02  ben  line 0, Oysters", "3 of 3")
        await pilot.press("up")
        await pilot.press("shift+f3")
        await until_shown(pilot, "▸14:02  ben  line 20, Oysters", "2 of 3")
        await pilot.press("escape")
        await until(pilot, lambda: "line 59" in shown(pilot.app) and not inverted(pilot))
        assert isinstance(pilot.app.focused, Composer)
        assert pilot.app.screen.query_one(Timeline).at_end
    assert not [call for call in node.calls if call[0] in ("set_live_text", "say")]


async def test_who_was_looking_back_is_where_they_were() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        talked(node)
        await until_shown(pilot, "line 59")
        await pilot.press("pageup")
        timeline = pilot.app.screen.query_one(Timeline)
        await until(pilot, lambda: not timeline.at_end)
        at = timeline.scroll_y
        await pilot.press("f3")
        await write(pilot, "line 0")
        await until_shown(pilot, "▸14:02  ben  line 0, Oysters", "1 of 1")
        assert isinstance(pilot.app.focused, SearchField)
        await pilot.press("escape")
        await until(pilot, lambda: timeline.scroll_y == at)


async def test_find_begins_with_what_follows_it() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        talked(node)
        await until_shown(pilot, "line 59")
        await write(pilot, "/find line 0")
        await pilot.press("enter")
        await until_shown(pilot, "▸14:02  ben  line 0, Oysters", "1 of 1")
        assert isinstance(pilot.app.focused, SearchField)
        assert pilot.app.screen.query_one(Composer).text == ""


async def test_nothing_found_is_said_with_how_much_was_searched_until_it_is_said() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        talked(node, 5)
        await until_shown(pilot, "line 4")
        await pilot.press("f3")
        await write(pilot, "mussel")
        await until_shown(pilot, "not in the")
        assert "lines kept here" in shown(pilot.app)
        node.tell(said(BEN, "Mussels!", "m"))
        await until_shown(pilot, "1 of 1", "▸")
        node.tell(said(BEN, "More mussels", "n"))
        await until_shown(pilot, "2 of 2")


async def test_what_is_searched_for_and_found_is_text() -> None:
    node = FakeNode()
    async with stage(node, size=(40, 15)) as pilot:
        node.tell(*here(BEN), said(BEN, HOSTILE))
        await until_shown(pilot, "app.quit")
        await pilot.press("f3")
        pilot.app.screen.query_one(SearchField).insert_text_at_cursor("[/][BOLD RED]W")
        await until_shown(pilot, "1 of 1")
        await until(pilot, lambda: inverted(pilot) == ["[/][bold", "red]w"])
        assert not CONTROLS.search(shown(pilot.app))


async def test_the_composer_takes_over_when_the_user_goes_back_to_it_by_another_way() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        talked(node, 5)
        await pilot.press("f3")
        await write(pilot, "oy")
        await until_shown(pilot, "1 of 1")
        await pilot.press("f4")
        await until_shown(pilot, "Nothing has been offered")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.focused, Composer) and not inverted(pilot))
        assert " find " not in shown(pilot.app)


@pytest.mark.parametrize("layout", ["columns", "inline"])
async def test_every_layout_is_searched(layout: str) -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        talked(node)
        await until_shown(pilot, "line 59")
        await write(pilot, f"/layout {layout}")
        await pilot.press("enter", "f3")
        await write(pilot, "line 0, oyst")
        await until_shown(pilot, "line 0, Oysters", "1 of 1")
        await until(pilot, lambda: inverted(pilot) == ["line 0, Oyst"])
        await pilot.press("escape")
        await until(pilot, lambda: "line 59" in shown(pilot.app) and not inverted(pilot))


async def test_a_search_stays_where_it_is_while_others_write() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        talked(node)
        await until_shown(pilot, "line 59")
        await pilot.press("f3")
        await write(pilot, "line 20")
        await until_shown(pilot, "▸14:02  ben  line 20", "1 of 1")
        node.tell(said(BEN, "line 20 was good", "n"), typing(BEN, "and line 20 ag", line=1))
        await until_shown(pilot, "▸14:02  ben  line 20", "2 of 2", "and line 20 ag")
        await pilot.press("escape")
        await until_shown(pilot, "line 20 was good")
