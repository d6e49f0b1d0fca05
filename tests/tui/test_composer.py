"""Writing by whole characters as people see them, recalling what was written, and writing in an editor."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from textual.pilot import Pilot

from p2pchat.errors import P2PChatError, StorageFailed, UsageError
from p2pchat.node.events import ServerChanged
from p2pchat.protocol.limits import MESSAGE_CHARACTERS
from p2pchat.protocol.rtt.graphemes import GRAPHEME, split
from p2pchat.tui import clusters, editor
from p2pchat.tui.recall import Recall
from p2pchat.tui.widgets.composer import Composer
from tests.fake_node import FakeNode
from tests.protocol.rtt.scripts import text_of_many_scripts
from tests.tui.stage import AT, BEN, ROOM, here, stage, until, until_called, until_shown, write

CHARACTERS = {
    "family": "👨\u200d👩\u200d👧",
    "skin": "👍\U0001f3fd",
    "flag": "🇸🇪",
    "accent": "e\u0301",
    "devanagari": "\u0915\u094d\u0937\u093f",
    "jamo": "\u1112\u1161\u11ab",
}

each_character = pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)


def composer(pilot: Pilot[Any]) -> Composer:
    return pilot.app.screen.query_one(Composer)


def spoken(node: FakeNode) -> list[tuple[object, ...]]:
    return [call for call in node.calls if call[0] in ("say", "set_live_text", "commit_live_text")]


@each_character
async def test_backspace_and_delete_take_a_whole_character(character: str) -> None:
    async with stage(FakeNode()) as pilot:
        field = composer(pilot)
        field.insert(f"a{character}{character}b")
        await pilot.press("left", "backspace")
        assert field.text == f"a{character}b"
        await pilot.press("home", "right", "delete")
        assert field.text == "ab"


@each_character
async def test_arrows_go_from_character_to_character(character: str) -> None:
    async with stage(FakeNode()) as pilot:
        field = composer(pilot)
        field.insert(f"{character}x{character}")
        places = [field.cursor_location[1]]
        for _ in range(3):
            await pilot.press("left")
            places.append(field.cursor_location[1])
        width = len(character)
        assert places == [2 * width + 1, width + 1, width, 0]
        for expected in (width, width + 1, 2 * width + 1):
            await pilot.press("right")
            assert field.cursor_location[1] == expected


@each_character
async def test_the_cursor_never_comes_to_stand_inside_a_character(character: str) -> None:
    async with stage(FakeNode()) as pilot:
        field = composer(pilot)
        field.insert(f"{character}\nabcdefgh")
        for column in range(len(character) + 1):
            field.move_cursor((0, column))
            assert field.cursor_location[1] in (0, len(character))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("cafe\u0301", ""),
        ("see cafe\u0301 ", "see "),
        ("a \u0915\u094d\u0937\u093f\u0915", "a "),
        ("ok 👨\u200d👩\u200d👧🇸🇪", "ok "),
        ("ok👍\U0001f3fd", "ok"),
    ],
)
async def test_control_w_takes_a_word_and_no_half_of_a_character(text: str, left: str) -> None:
    async with stage(FakeNode()) as pilot:
        field = composer(pilot)
        field.insert(text)
        await pilot.press("ctrl+w")
        assert field.text == left


async def test_a_word_to_the_right_is_deleted_whole() -> None:
    async with stage(FakeNode()) as pilot:
        field = composer(pilot)
        field.insert("cafe\u0301 au lait")
        await pilot.press("home", "alt+delete")
        assert field.text == " au lait"


@given(text_of_many_scripts)
def test_every_step_is_at_the_border_of_characters(text: str) -> None:
    line = text.replace("\n", " ")
    borders = [0]
    for unit in split(line, GRAPHEME):
        borders.append(borders[-1] + len(unit))
    for place in borders:
        assert clusters.border(line, place) == place
        for step in (clusters.before, clusters.after, clusters.word_before, clusters.word_after):
            assert step(line, place) in borders
        assert clusters.before(line, place) < place or place == 0
        assert clusters.after(line, place) > place or place == len(line)


# --- what was written before


def test_looking_back_and_on_keeps_what_was_being_written() -> None:
    recall = Recall()
    recall.sent("one")
    recall.sent("two")
    assert recall.older("half") == "two"
    assert recall.older("two") == "one"
    assert recall.older("one") is None
    assert recall.looking_back
    assert (recall.newer("one, changed"), recall.newer("two")) == ("two", "half")
    assert not recall.looking_back
    assert recall.newer("half") is None
    assert (recall.older("half"), recall.older("two")) == ("two", "one, changed")
    recall.sent("one, changed")
    assert recall.older("") == "one, changed"


def test_the_same_twice_and_blank_text_are_not_remembered_twice() -> None:
    recall = Recall()
    for text in ("one", "one", "  "):
        recall.sent(text)
    assert recall.older("") == "one"
    assert recall.older("one") is None


async def test_recalled_text_is_held_until_enter_and_down_brings_the_live_line_back() -> None:
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        node.tell(*here(BEN))
        await write(pilot, "hi")
        await pilot.press("enter")
        await until_called(pilot, node, "commit_live_text", ROOM)
        node.calls.clear()
        await pilot.press("n", "up")
        await until_shown(pilot, "▏ hi", "held, recalled: Enter sends it as a message")
        await pilot.press("down")
        await until_shown(pilot, "ben sees each key")
        assert spoken(node) == [("set_live_text", ROOM, "n")]
        await pilot.press("o", "up", "enter")
        await until_called(pilot, node, "say", ROOM, "hi")
    assert spoken(node) == [
        ("set_live_text", ROOM, "n"),
        ("set_live_text", ROOM, "no"),
        ("set_live_text", ROOM, ""),
        ("say", ROOM, "hi"),
    ]


async def test_in_several_lines_up_and_down_move_the_cursor_first() -> None:
    async with stage(FakeNode()) as pilot:
        field = composer(pilot)
        await write(pilot, "old")
        await pilot.press("enter")
        field.insert("one\ntwo")
        await pilot.press("up")
        assert (field.text, field.cursor_location[0]) == ("one\ntwo", 0)
        await pilot.press("up")
        assert field.text == "old"
        await pilot.press("down")
        assert field.text == "one\ntwo"


async def test_keys_behind_up_in_one_burst_go_into_what_was_recalled() -> None:
    async with stage(FakeNode()) as pilot:
        await write(pilot, "ab")
        await pilot.press("enter", "up", "c")
        assert composer(pilot).text == "abc"


# --- an editor


def script(folder: Path, code: str) -> list[str]:
    """An editor that does what `code` says to the file `path`."""
    program = folder / "editor.py"
    program.write_text(f"import pathlib, sys\npath = pathlib.Path(sys.argv[1])\n{code}\n")
    return [sys.executable, str(program)]


def test_the_file_is_for_its_owner_only_and_gone_afterwards(tmp_path: Path) -> None:
    code = (
        "mode = path.stat().st_mode & 0o777\npath.write_text(path.read_text() + f' {mode:o} {path}\\nmore\\n', 'utf-8')"
    )
    edited = editor.edit("text", script(tmp_path, code), str(tmp_path))
    text, mode, where = edited.split("\n")[0].split(" ")
    assert (text, mode, edited.split("\n")[1:]) == ("text", "600", ["more"])
    assert Path(where).parent == tmp_path
    assert not Path(where).exists()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("sys.exit(3)", P2PChatError),
        ("path.unlink()", StorageFailed),
        (f"path.write_text('x' * {MESSAGE_CHARACTERS + 1})", StorageFailed),
    ],
)
def test_an_editor_that_fails_leaves_nothing_behind(tmp_path: Path, code: str, error: type[P2PChatError]) -> None:
    program = script(tmp_path, code)
    with pytest.raises(error):
        editor.edit("text", program, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["editor.py"]


def test_what_is_no_text_does_no_harm(tmp_path: Path) -> None:
    assert editor.edit("", script(tmp_path, "path.write_bytes(b'a\\xff')"), str(tmp_path)) == "a\ufffd"


@pytest.mark.parametrize("environment", [{}, {"EDITOR": " "}, {"VISUAL": "'vi"}])
def test_without_an_editor_it_is_said_what_to_set(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="no editor") as raised:
        editor.command(environment)
    assert "EDITOR=nano" in raised.value.hint


def test_visual_goes_before_editor_and_may_have_arguments() -> None:
    assert editor.command({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    with pytest.raises(UsageError, match="cannot be started"):
        editor.edit("", ["no-such-editor-anywhere"])


async def test_f9_brings_the_editors_text_back_and_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = " ".join(script(tmp_path, "path.write_text(path.read_text() + '\\nthere\\x1b[31m')"))
    monkeypatch.setenv("VISUAL", program)
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        monkeypatch.setattr(pilot.app, "suspend", nullcontext)
        await write(pilot, "hi")
        await pilot.press("f9")
        await until_shown(pilot, "held, from the editor: Enter sends it as a message")
        await pilot.press("enter")
        await until(pilot, lambda: any(call[0] == "say" for call in node.calls))
    assert spoken(node)[2:] == [("set_live_text", ROOM, ""), ("say", ROOM, "hi\nthere␛[31m")]


async def test_without_an_editor_the_text_stays_and_it_is_said_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    async with stage(FakeNode()) as pilot:
        await write(pilot, "hi")
        await pilot.press("f9")
        await until_shown(pilot, "! There is no editor to write in", "▏ hi")
        monkeypatch.setenv("EDITOR", "vi")
        await pilot.press("f9")
        await until_shown(pilot, "! An editor needs a terminal", "▏ hi")


# --- stopping always works


async def test_live_text_can_be_left_while_nobody_is_there_and_the_server_is_away() -> None:
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        node.tell(ServerChanged(ROOM, False, "it does not answer", AT))
        await until_shown(pilot, "server away", "LIVE on")
        await write(pilot, "hi")
        await pilot.press("escape", "escape", "f2")
        await until_shown(pilot, "live off")
        await until_called(pilot, node, "share_live_text", ROOM, False)
    assert spoken(node)[-1] == ("set_live_text", ROOM, "")
