"""Text of others never reaches the terminal as anything but text."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot

from p2pchat.errors import ServerRefused
from p2pchat.node.answers import Landing, Leftover
from p2pchat.node.events import Item, LineState, PeerState, Problem, ServerChanged, TransferState, Trust
from p2pchat.tui.widgets.composer import Composer
from tests.fake_node import FakeNode
from tests.tui.stage import (
    AT,
    BEN,
    CHANGED_KEY,
    CONTACTS,
    CYD,
    ROOM,
    RefusingNode,
    changed,
    chat,
    here,
    offered,
    said,
    shown,
    stage,
    transfer,
    until,
    until_shown,
    write,
)
from tests.tui.stage import typing as typing_

HOSTILE = "\x1b]0;x\x07\x1b[2J\x1bc\x9b31m\x9d0;y\x9c\x85\u2028\u202e\u2066[@click=app.quit]z[/][bold red]w[/]"

OWN_SEQUENCES = re.compile(
    r"\x1b\[[0-9;]*[mH]|\x1b\[\?(?:2026|25|1004|2004)[hl]|\x1b\]22;\w+\x07|\x1b\]8;[^\x1b]*\x1b\\"
)
"""What Textual itself writes: colours, cursor positions, modes, the shape of the pointer, links."""

CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everything that the app writes to its terminal."""
    pieces: list[str] = []
    monkeypatch.setattr(HeadlessDriver, "is_headless", False)
    monkeypatch.setattr(HeadlessDriver, "write", lambda driver, data: pieces.append(data))
    monkeypatch.setattr("textual.app.App.bell", lambda app: None)
    return pieces


def text_in(pieces: list[str]) -> str:
    """What was written, without Textual's own sequences."""
    return OWN_SEQUENCES.sub("", "".join(pieces))


async def until_written(pilot: Pilot[Any], pieces: list[str]) -> None:
    """Waits until the markup has reached the terminal, as text."""
    await until(pilot, lambda: "[@click=app.quit]" in re.sub(r"\s", "", text_in(pieces)))


def check(pieces: list[str]) -> None:
    """Fails on every control character, and every control of direction, that is not Textual's own."""
    assert set(CONTROLS.findall(text_in(pieces))) == set()


async def test_the_conversation_shows_text_and_nothing_else(written: list[str]) -> None:
    node = FakeNode(name=HOSTILE)
    ben = replace(BEN, name=HOSTILE, path=HOSTILE)
    cyd = replace(CYD, state=PeerState.LOST, reason=HOSTILE)
    async with stage(node, size=(120, 60), live=True) as pilot:
        node.tell(
            *here(ben, cyd), said(ben, HOSTILE), typing_(ben, HOSTILE), typing_(cyd, HOSTILE, LineState.INTERRUPTED)
        )
        node.tell(typing_(ben, HOSTILE, LineState.FINAL, line=7), ServerChanged(ROOM, False, HOSTILE, AT))
        node.tell(Problem("x", HOSTILE, HOSTILE, AT), offered(peer=ben, items=(Item(HOSTILE, 5), Item("b", 6))))
        node.tell(changed(transfer("t2", TransferState.FAILED, peer=ben, items=(Item(HOSTILE, 5),), reason=HOSTILE)))
        node.tell(changed(transfer("t3", TransferState.DONE, peer=ben, items=(Item(HOSTILE, 5),), saved=(HOSTILE,))))
        await until_shown(pilot, "Tab to answer", "▌", "[@click=app.quit]z[/]")
        await pilot.press("tab")
        await until_shown(pilot, "other folder")
        await pilot.press("tab")
        await write(pilot, "/who")
        await pilot.press("enter", "f4")
        await until_shown(pilot, "3 transfers", "[@click=app.quit]z[/]")
        await until_written(pilot, written)
    check(written)


async def test_everything_about_trust_shows_text_and_nothing_else(written: list[str]) -> None:
    node = FakeNode()
    node.known_contacts = [replace(CONTACTS[0], name=HOSTILE, petname=HOSTILE), replace(CONTACTS[1], name=HOSTILE)]
    ben = replace(BEN, name=HOSTILE, trust=Trust.KNOWN)
    async with stage(node, size=(120, 60)) as pilot:
        node.tell(*here(ben), replace(CHANGED_KEY, message=HOSTILE, hint=HOSTILE))
        await until_shown(pilot, "Nobody was let in", "[@click=app.quit]z[/]")
        await pilot.press("f5")
        await until_shown(pilot, "Compare these words with ␛]0;x")
        await pilot.press("d")
        await until_shown(pilot, "Different words", "y block ␛]0;x")
        await pilot.press("escape", "escape")
        await write(pilot, "/contacts")
        await pilot.press("enter")
        await until_shown(pilot, "Contacts  2", "[@click=app.quit]z[/]")
        for key, text in (("r", "It calls itself"), ("v", "Is this the key"), ("f", "Forget")):
            await pilot.press(key)
            await until_shown(pilot, text, "[@click=app.quit]z[/]")
            await pilot.press("escape")
        await pilot.press("b")
        await until_shown(pilot, "is blocked")
        await until_written(pilot, written)
    check(written)


async def test_everything_about_files_shows_text_and_nothing_else(
    written: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a\x1b[2J[@click=app.quit]z").write_text("x")
    monkeypatch.chdir(tmp_path)
    node = FakeNode()
    ben = replace(BEN, name=HOSTILE)
    node.landing = Landing(Path("/srv", HOSTILE), 5, 9, 1, ((HOSTILE, HOSTILE),), 3, HOSTILE)
    node.known_leftovers = [Leftover("0" * 16, BEN.peer, HOSTILE, HOSTILE, Path(HOSTILE), 9, 3, AT)]
    offer = offered(peer=ben, items=(Item(f"{HOSTILE}/{HOSTILE}", 5, executable=True), Item("b", 6)))
    done = transfer("t2", TransferState.DONE, peer=ben, items=offer.info.items, saved=(HOSTILE,), conversation=HOSTILE)
    node.known_transfers = [offer.info, done]
    async with stage(node, size=(120, 60)) as pilot:
        node.tell(*here(ben), offer, changed(done))
        await until_shown(pilot, "cannot be stored there", "Tab to answer")
        await pilot.press("tab", "x")
        await until_shown(pilot, "y discard", "[@click=app.quit]z[/]")
        await pilot.press("n", "s", "right")
        await until_shown(pilot, "chosen: 2 of 2", "[@click=app.quit]z[/")
        await pilot.press("escape", "o")
        await until_shown(pilot, "Receive into", "[@click=app.quit]z[/]")
        await pilot.press("escape", "tab", "ctrl+o")
        await until_shown(pilot, "a␛[2J[@click=app.quit]z")
        await pilot.press("escape", "f4")
        await until_shown(pilot, "2 transfers, 1 interrupted", "goes on when")
        await pilot.press("down", "enter")
        await until_shown(pilot, "look through it", "executable")
        await until_written(pilot, written)
    check(written)


async def test_the_welcome_shows_text_and_nothing_else(written: list[str]) -> None:
    async with stage(FakeNode(name=HOSTILE)) as pilot:
        await until_shown(pilot, "Nobody else is here yet")
        await until_written(pilot, written)
    check(written)


async def test_notifications_show_text_and_nothing_else(written: list[str]) -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        pilot.app.post_message(events.AppBlur())
        await until(pilot, lambda: not pilot.app.app_focus)
        node.tell(said(replace(BEN, name="b"), HOSTILE))
        await until(pilot, lambda: bool(pilot.app._notifications) and len(pilot.app.screen.query("Toast")) == 1)
        await until(pilot, lambda: shown(pilot.app).count("]0;x␇␛[2J") == 2)
        assert not CONTROLS.search(shown(pilot.app))
        await until_written(pilot, written)
    check(written)


async def test_a_failure_shows_text_and_nothing_else(written: list[str]) -> None:
    app = chat(RefusingNode(ServerRefused("x", HOSTILE, HOSTILE)))
    async with app.run_test() as pilot:
        await until_shown(pilot, "Cannot join")
        await until_written(pilot, written)
    check(written)


async def test_a_paste_shows_text_and_nothing_else(written: list[str]) -> None:
    async with stage(FakeNode(), size=(120, 24)) as pilot:
        pilot.app.screen.query_one(Composer).post_message(events.Paste(HOSTILE))
        await until_shown(pilot, "[@click=app.quit]z[/]")
        await until_written(pilot, written)
    check(written)


async def test_markup_of_others_is_no_action() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(said(BEN, "[@click=app.quit]click here[/]"))
        await until_shown(pilot, "[@click=app.quit]click here[/]")
        row = next(y for y, line in enumerate(shown(pilot.app).split("\n")) if "click here" in line)
        await pilot.click(offset=(34, row))
        await pilot.press("a")
        assert pilot.app.screen.query_one(Composer).text == "a"
        assert not pilot.app._exit
