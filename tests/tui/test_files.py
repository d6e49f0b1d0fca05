"""Choosing from offers, picking files, dropping them, and what was interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual import events

from p2pchat.errors import UsageError
from p2pchat.node.answers import Landing, Leftover
from p2pchat.node.events import Direction, Item, TransferProgressed, TransferState
from p2pchat.tui import measures
from p2pchat.tui.screens.choose import ChooseScreen
from p2pchat.tui.screens.picker import FilePicker, FolderPicker
from p2pchat.tui.widgets.composer import Composer
from p2pchat.tui.widgets.field import Field
from p2pchat.tui.widgets.offer_panel import OfferPanel
from tests.fake_node import FakeNode
from tests.tui.stage import (
    AT,
    BEN,
    CONTACTS,
    CYD,
    DOWNLOADS,
    ROOM,
    changed,
    here,
    offered,
    shown,
    stage,
    transfer,
    until,
    until_called,
    until_shown,
    write,
)

TREE = (
    Item("photos/2026/a.jpg", 10**8),
    Item("photos/2026/b.jpg", 2 * 10**8),
    Item("photos/film.mov", 10**9),
    Item("photos/empty", 0, folder=True),
    Item("run [1].sh", 100, executable=True),
)
LANDING = Landing(DOWNLOADS, needed=1000, free=212 * 10**9, existing=2, examples=(("a.jpg", "a (1).jpg"),))
FILM = Leftover("0123456789abcdef", BEN.peer, "ben", "film.mov", DOWNLOADS, 1_400_000_000, 412_000_000, AT)


def with_offer(node: FakeNode, items: tuple[Item, ...] = TREE, **rest: Any) -> None:
    """Ben offers these."""
    offer = offered(items=items, **rest)
    node.known_transfers = [offer.info]
    node.tell(*here(BEN), offer)


async def test_an_offer_says_what_it_meets_and_a_key_changes_what_becomes_of_names_that_are_taken() -> None:
    node = FakeNode()
    node.landing = LANDING
    async with stage(node) as pilot:
        with_offer(node)
        await until_shown(pilot, "free here: 212 GB", '2 names exist: kept as "a (1).jpg"', "executable: run [1].sh")
        await pilot.press("tab", "e")
        await until_shown(pilot, "2 names exist: skipped where the content is the same", "e existing: skip")
        await pilot.press("e", "p")
        await until_shown(pilot, "2 names exist: replaced", "times and executable bits kept")
        await pilot.press("enter")
        await until_called(pilot, node, "accept", "t1", None, "overwrite", "preserve")
    assert node.calls.count(("inspect", "t1", None)) == 1


async def test_an_offer_that_does_not_fit_says_what_is_needed_and_stays_answerable() -> None:
    node = FakeNode()
    node.landing = replace(LANDING, needed=3_100_000_000, free=400_000_000, existing=0)
    async with stage(node) as pilot:
        with_offer(node)
        await until_shown(pilot, "! needs 3.1 GB, only 400 MB free")
        assert "free here" not in shown(pilot.app)
        await pilot.press("tab", "e", "d")
        await until_called(pilot, node, "decline", "t1", "")


async def test_a_folder_where_nothing_can_be_stored_is_named() -> None:
    node = FakeNode()
    node.landing = replace(LANDING, fault="read-only file system")
    async with stage(node) as pilot:
        with_offer(node)
        await until_shown(pilot, "! cannot be stored there: read-only file system")


async def test_an_interrupted_offer_goes_on_or_is_discarded_after_a_question() -> None:
    node = FakeNode()
    node.landing = replace(LANDING, existing=0, resumable=412_000_000)
    async with stage(node) as pilot:
        with_offer(node, resumable=412_000_000)
        await until_shown(pilot, "412 MB are here already")
        await pilot.press("tab")
        await until_shown(pilot, "Enter go on", "x discard")
        await pilot.press("x")
        await until_shown(pilot, "Discard what is here of photos/2026/a.jpg and 4 more?")
        await pilot.press("n")
        await until_shown(pilot, "x discard")
        assert not [call for call in node.calls if call[0] == "discard"]
        await pilot.press("x")
        await until_shown(pilot, "y discard")
        node.landing = replace(LANDING, existing=0)
        await pilot.press("y")
        await until_called(pilot, node, "discard", "t1")
        await until(pilot, lambda: "x discard" not in shown(pilot.app) and "Enter accept" in shown(pilot.app))


async def test_nothing_is_discarded_where_nothing_is() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        with_offer(node)
        await until_shown(pilot, "Tab to answer")
        await pilot.press("tab", "x", "d")
        await until_called(pilot, node, "decline", "t1", "")
    assert not [call for call in node.calls if call[0] == "discard"]


async def test_another_folder_is_picked_and_looked_at(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    node = FakeNode()
    node.landing = replace(LANDING, folder=tmp_path)
    async with stage(node) as pilot:
        with_offer(node)
        await until_shown(pilot, "names exist")
        await pilot.press("tab", "o")
        await until_shown(pilot, "Receive into", "▸inbox/")
        await pilot.press("right")
        await until_shown(pilot, "/inbox")
        await until(pilot, lambda: isinstance(pilot.app.screen, FolderPicker) and not pilot.app.screen.entries)
        await pilot.press("enter")
        await until_called(pilot, node, "inspect", "t1", tmp_path / "inbox")
        await until(pilot, lambda: isinstance(pilot.app.focused, OfferPanel))
        await pilot.press("enter")
        await until_called(pilot, node, "accept", "t1", tmp_path / "inbox")


async def test_a_folder_that_is_typed_may_be_new(tmp_path: Path) -> None:
    node = FakeNode()
    node.landing = replace(LANDING, folder=tmp_path)
    async with stage(node) as pilot:
        with_offer(node)
        await until_shown(pilot, "names exist")
        await pilot.press("tab", "o")
        await until_shown(pilot, "Receive into")
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(pilot.app.focused, Field))
        pilot.app.screen.query_one(Field).value = str(tmp_path / "new")
        await pilot.press("enter")
        await until_shown(pilot, "does not exist yet, and will be made")
        await pilot.press("enter")
        await until_called(pilot, node, "inspect", "t1", tmp_path / "new")


async def test_files_and_folders_of_an_offer_are_chosen() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        with_offer(node)
        await until_shown(pilot, "Tab to answer")
        await pilot.press("tab", "s")
        await until_shown(pilot, "chosen: 4 of 4 files, 1.3 GB of 1.3 GB", "[x] ▸ photos/", "executable")
        await pilot.press("right", "down", "space")
        await until_shown(pilot, "chosen: 2 of 4 files, 1.0 GB of 1.3 GB", "[~] ▾ photos/", "[ ]   ▸ 2026/")
        await pilot.press("end", "space")
        await until_shown(pilot, "chosen: 1 of 4 files")
        await pilot.press("enter")
        await until_called(pilot, node, "accept", "t1", None, ("photos/film.mov", "photos/empty/"))


async def test_everything_chosen_is_no_choice_and_nothing_chosen_is_not_accepted() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        with_offer(node)
        await until_shown(pilot, "Tab to answer")
        await pilot.press("tab", "s")
        await until_shown(pilot, "chosen: 4 of 4")
        await pilot.press("n", "enter")
        await until_shown(pilot, "chosen: 0 of 4")
        assert isinstance(pilot.app.screen, ChooseScreen)
        await pilot.press("a", "enter")
        await until_called(pilot, node, "accept", "t1", None)


async def test_a_pattern_lists_what_to_choose_and_escape_leads_back_step_by_step() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        with_offer(node)
        await until_shown(pilot, "Tab to answer")
        await pilot.press("tab", "s")
        await until_shown(pilot, "chosen: 4 of 4")
        await pilot.press("n", "slash", *"a*.JPG", "enter")
        await until_shown(pilot, "listed: 1 file for a*.JPG", "photos/2026/a.jpg")
        await pilot.press("a", "escape")
        await until_shown(pilot, "chosen: 1 of 4", "run [1].sh")
        await pilot.press("enter")
        await until_called(pilot, node, "accept", "t1", None, ("photos/2026/a.jpg",))


async def test_leaving_the_choice_leaves_the_offer_as_it_is() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        with_offer(node)
        await until_shown(pilot, "Tab to answer")
        await pilot.press("tab", "s")
        await until_shown(pilot, "chosen: 4 of 4")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.focused, OfferPanel))
        assert not [call for call in node.calls if call[0] == "accept"]


async def test_two_hundred_thousand_entries_are_listed_and_chosen() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        with_offer(node, tuple(Item(f"tree/{n // 200}/{n}.txt", 1) for n in range(200_000)))
        await until_shown(pilot, "Tab to answer")
        await pilot.press("tab", "s")
        await until_shown(pilot, "chosen: 200,000 of 200,000 files")
        await until(pilot, lambda: "still listing" not in shown(pilot.app))
        await pilot.press("n", "down", "right", "down", "space", "enter")
        await until_called(pilot, node, "accept", "t1", None, ("tree/0/0.txt",))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: two files, a hidden one, and a folder with a file of 30 bytes."""
    for name, size in (("a.txt", 10), ("b.txt", 20), (".hidden", 5), ("more/c.txt", 30)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_files_and_folders_are_picked_and_offered_to_everybody(home: Path) -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(BEN, CYD))
        await until_shown(pilot, "cyd·p0aw ●")
        await pilot.press("ctrl+o")
        await until_shown(pilot, "to: [everybody] / ben·m2xd / cyd·p0aw", "▸[ ] more/", "nothing chosen")
        assert ".hidden" not in shown(pilot.app)
        await pilot.press("space", "space")
        await until_shown(pilot, "chosen: 2 files, 40 B")
        await pilot.press("enter")
        await until_called(pilot, node, "offer", ROOM, (home / "more", home / "a.txt"), None)


async def test_one_person_is_picked_and_hidden_files_are_shown(home: Path) -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(BEN, CYD))
        await until_shown(pilot, "cyd·p0aw ●")
        await write(pilot, "/send")
        await pilot.press("enter")
        await until_shown(pilot, "to: [everybody]", "▸[ ] more/")
        await pilot.press("t", "t", "full_stop")
        await until_shown(pilot, "[cyd·p0aw]", ".hidden")
        await pilot.press("down", "enter")
        await until_called(pilot, node, "offer", ROOM, (home / ".hidden",), CYD.peer)


async def test_a_folder_is_gone_into_and_left_and_a_path_can_be_typed(home: Path) -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        await pilot.press("ctrl+o")
        await until_shown(pilot, "▸[ ] more/", "nobody is here")
        await pilot.press("enter")
        await until_shown(pilot, "▸[ ] c.txt")
        await pilot.press("left")
        await until_shown(pilot, "▸[ ] more/")
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(pilot.app.focused, Field))
        await pilot.press(*"b.txt", "enter")
        await until_shown(pilot, "▸[x] b.txt", "chosen: 1 file, 20 B")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, FilePicker))
    assert not [call for call in node.calls if call[0] == "offer"]


async def paste(home: Path, text: str, node: FakeNode, *keys: str, before: str = "") -> str:
    """Pastes a text, answers with keys, and returns what is in the composer then."""
    async with stage(node, live=True) as pilot:
        node.tell(*here(BEN))
        await until_shown(pilot, "ben·m2xd")
        await write(pilot, before)
        composer = pilot.app.screen.query_one(Composer)
        composer.post_message(events.Paste(text))
        if keys:
            await until_shown(pilot, "to ben·m2xd?", "Enter offer")
            await pilot.press(*keys)
            await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await until(pilot, lambda: bool(composer.text) or bool(keys))
        await pilot.pause()
        return composer.text


async def test_dropped_files_are_offered_only_after_a_question(home: Path) -> None:
    node = FakeNode()
    (home / "my notes.txt").write_text("x")
    text = f"'{home}/my notes.txt' {(home / 'a.txt').as_uri()} {home}/more\n"
    assert await paste(home, text, node, "enter") == ""
    assert ("offer", ROOM, (home / "my notes.txt", home / "a.txt", home / "more"), None) in node.calls


async def test_dropped_files_are_neither_offered_nor_inserted_after_escape(home: Path) -> None:
    node = FakeNode()
    assert await paste(home, f"{home}/a.txt", node, "escape", before="hi") == "hi"
    assert not [call for call in node.calls if call[0] == "offer"]


async def test_a_pasted_path_can_be_text(home: Path) -> None:
    node = FakeNode()
    assert await paste(home, f"{home}/a.txt", node, "i", before="see ") == f"see {home}/a.txt"
    assert not [call for call in node.calls if call[0] == "offer"]


@pytest.mark.parametrize("text", ["a.txt", "look at /no/such/file", "it's", "{home}/a.txt and more"])
async def test_pasted_text_that_is_no_path_stays_text(home: Path, text: str) -> None:
    text = text.format(home=home)
    node = FakeNode()
    assert await paste(home, text, node) == text
    assert not [call for call in node.calls if call[0] == "offer"]


async def test_what_was_interrupted_is_listed_and_discarded_after_a_question() -> None:
    node = FakeNode()
    node.known_leftovers = [FILM]
    async with stage(node) as pilot:
        await pilot.press("f4")
        await until_shown(pilot, "film.mov  from ben·m2xd", "412 MB of 1.4 GB", "goes on when ben offers it again")
        await pilot.press("enter", "p", "x")
        await until_shown(pilot, "Discard what is here of film.mov?")
        node.known_leftovers = []
        await pilot.press("y")
        await until_called(pilot, node, "discard", FILM.leftover)
        await until_shown(pilot, "Nothing has been offered yet", "What was here of film.mov is removed")


async def test_what_runs_stands_above_what_is_over_and_the_heading_sums_up() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(BEN))
        node.tell(changed(transfer("t1", TransferState.ACTIVE, Direction.SEND, confirmed=2_100_000, rate=2e6)))
        node.tell(changed(transfer("t2", TransferState.DONE, items=(Item("done.pdf", 5),), seconds=1.0)))
        await pilot.press("f4")
        await until_shown(pilot, "2 transfers, 1 running, 2.0 MB/s", "2.1 MB of 4.2 MB   50 %  2.0 MB/s  0:02  direct")
        lines = shown(pilot.app)
        assert lines.index("draft.pdf") < lines.index("done.pdf")


async def test_what_is_offered_to_several_stands_together() -> None:
    class Room(FakeNode):
        async def offer(self, *args: object, **rest: object) -> list[str]:
            return ["t1", "t2"]

    node = Room()
    async with stage(node) as pilot:
        film = (Item("film.mov", 10**9),)
        node.tell(*here(BEN, CYD))
        await write(pilot, "/send film.mov")
        await pilot.press("enter")
        node.tell(changed(transfer("t1", TransferState.DONE, Direction.SEND, items=film, seconds=9.0)))
        node.tell(changed(transfer("t3", TransferState.WAITING, Direction.SEND)))
        active = transfer("t2", TransferState.ACTIVE, Direction.SEND, CYD, film, confirmed=5 * 10**8)
        node.tell(changed(active))
        await until_shown(pilot, "film.mov")
        await pilot.press("f4")
        await until_shown(pilot, "▤ film.mov  to 2 people, 1 of them has it", "↑ to cyd·p0aw", "✓ to ben·m2xd")


async def test_a_transfer_shows_what_it_consists_of_and_where_it_is() -> None:
    node = FakeNode()
    done = transfer("t1", TransferState.DONE, items=TREE, seconds=2.0, saved=("/srv/downloads/photos/film.mov",))
    node.known_transfers = [done]
    async with stage(node) as pilot:
        node.tell(changed(done))
        await until_shown(pilot, "verified")
        await pilot.press("f4", "enter")
        await until_shown(pilot, "in /srv/downloads/photos", "photos/2026/b.jpg", "photos/empty/", "executable")


async def test_a_line_says_why_nothing_moves_what_was_chosen_and_that_it_was_automatic() -> None:
    node = FakeNode()
    async with stage(node, size=(120, 40)) as pilot:
        info = transfer(
            "t1",
            TransferState.ACTIVE,
            items=(Item("a", 2_100_000), Item("b", 2_100_000)),
            wanted=2_100_000,
            wanted_files=1,
            automatic=True,
        )
        node.tell(changed(info), TransferProgressed("t1", Direction.RECEIVE, 1_050_000, 2_100_000, 1e6, AT))
        await until_shown(pilot, "1 of them, 2.1 MB, accepted by itself", "50 %  1.0 MB/s  0:02")
        node.tell(changed(replace(info, confirmed=1_050_000, reason="the disk is slow")))
        await until_shown(pilot, "50 %, stalled: the disk")
        node.tell(changed(replace(info, state=TransferState.PAUSED, reason="disk full: needs 3.1 GB, has 0.4 GB")))
        await until_shown(pilot, "0 %, paused: disk full:", "needs 3.1 GB, has 0.4 GB")


async def test_a_contact_gets_a_size_below_which_nobody_is_asked() -> None:
    node = FakeNode()
    node.known_contacts = [replace(CONTACTS[0], auto_accept=5 * 10**7), CONTACTS[1]]
    async with stage(node) as pilot:
        await write(pilot, "/contacts")
        await pilot.press("enter")
        await until_shown(pilot, "files up to 50 MB without asking")
        await pilot.press("a")
        await until_shown(pilot, "Accept files of ben·m2xd without asking?", "50 MB")
        field = pilot.app.screen.query_one(Field)
        field.value = "much"
        await pilot.press("enter")
        await until_shown(pilot, "much is no size")
        await pilot.press("a")
        await until_shown(pilot, "without asking?")
        pilot.app.screen.query_one(Field).value = "1.5 GB"
        await pilot.press("enter")
        await until_called(pilot, node, "auto_accept", CONTACTS[0].key, 1_500_000_000)
        await until_shown(pilot, "Offers of ben·m2xd up to 1.5 GB are accepted by themselves")


@pytest.mark.parametrize(
    ("text", "size"),
    [("50 MB", 50_000_000), ("1.5gb", 1_500_000_000), ("2 MiB", 2 * 1024**2), ("800", 800), ("", 0), ("off", 0)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert measures.read_size(text) == size


@pytest.mark.parametrize("text", ["-1", "much", "5 XB", "1e9", "9" * 400])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        measures.read_size(text)
