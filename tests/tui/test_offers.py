"""Somebody wants to send a file, and the list of transfers."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import OptionList

from p2pchat.errors import StorageFailed
from p2pchat.node.events import Direction, Item, TransferProgressed, TransferState
from p2pchat.tui.widgets.composer import Composer
from p2pchat.tui.widgets.offer_panel import OfferPanel
from tests.fake_node import FakeNode
from tests.tui.stage import (
    AT,
    BEN,
    CYD,
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

PHOTOS = (Item("photos/2026/a.jpg", 10**8), Item("photos/2026/b.jpg", 10**8), Item("photos/film.mov", 12 * 10**8))


async def test_an_offer_says_who_offers_what_and_into_which_folder() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(BEN), offered(items=PHOTOS))
        await until_shown(
            pilot,
            "▤ ben·m2xd (verified) offers 3 files, 1.4 GB",
            "photos/2026/a.jpg  photos/2026/b.jpg  photos/film.mov",
            "into /home/ana/Downloads",
            "free here: 1.0 GB",
            "Tab to answer",
        )


async def test_an_offer_does_not_take_the_keys() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        await write(pilot, "od")
        node.tell(offered())
        await until_shown(pilot, "Tab to answer")
        await write(pilot, "do")
        assert pilot.app.screen.query_one(Composer).text == "oddo"
        await pilot.press("enter")
        await until_called(pilot, node, "say", "lab", "oddo")
    assert not [call for call in node.calls if call[0] in ("accept", "decline")]


@pytest.mark.parametrize(
    ("key", "call"), [("enter", ("accept", "t1", None)), ("d", ("decline", "t1", ""))], ids=["accept", "decline"]
)
async def test_tab_and_a_key_answer_and_the_keys_go_back_to_the_composer(key: str, call: tuple[object, ...]) -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(offered())
        await until_shown(pilot, "Tab to answer")
        await pilot.press("tab")
        await until_shown(pilot, "Enter accept   s choose   o other folder   d decline   p preserve times", "Tab back")
        await pilot.press(key)
        await until_called(pilot, node, *call)
        await until(pilot, lambda: isinstance(pilot.app.focused, Composer))
        assert "Tab" not in shown(pilot.app)


async def test_tab_again_leaves_the_offer_as_it_is() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(offered())
        await until_shown(pilot, "Tab to answer")
        await pilot.press("tab", "tab", "x")
        await until_shown(pilot, "Tab to answer")
        assert pilot.app.screen.query_one(Composer).text == "x"


async def test_a_command_accepts_into_another_folder_and_completes_it(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(offered())
        await until_shown(pilot, "Tab to answer")
        pilot.app.screen.query_one(Composer).replace_text(f"/accept {tmp_path}/in")
        await pilot.press("tab", "enter")
        await until_called(pilot, node, "accept", "t1", tmp_path / "inbox")


async def test_offers_queue_and_each_is_answered_on_its_own() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(offered("t1"), offered("t2", peer=CYD))
        await until_shown(pilot, "1 of 2")
        await pilot.press("tab", "enter")
        await until_shown(pilot, "▤ cyd·p0aw")
        await pilot.press("d")
        await until_called(pilot, node, "decline", "t2", "")
    assert ("accept", "t1", None) in node.calls


async def test_a_key_on_its_way_does_not_answer_the_offer_behind_a_withdrawn_one() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(offered("t1"), offered("t2", peer=CYD))
        await until_shown(pilot, "1 of 2")
        await pilot.press("tab")
        node.tell(changed(transfer("t1", TransferState.CANCELLED)))
        await until_shown(pilot, "▤ cyd·p0aw", "Tab to answer")
        await pilot.press("enter", "d")
        assert pilot.app.screen.query_one(Composer).text == "d"
    assert not [call for call in node.calls if call[0] in ("accept", "decline")]


async def test_commands_answer_the_offer_shown() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(offered("t1"), offered("t2"))
        await until_shown(pilot, "Tab to answer")
        await write(pilot, "/accept")
        await pilot.press("enter")
        await until_called(pilot, node, "accept", "t1", None)
        await write(pilot, "/decline")
        await pilot.press("enter")
        await until_called(pilot, node, "decline", "t2", "")


async def test_an_answer_that_fails_is_told_and_the_offer_comes_back() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(offered())
        await until_shown(pilot, "Tab to answer")
        node.fail_next = StorageFailed("The disk is full", "Choose another folder")
        await pilot.press("tab", "enter")
        await until_shown(pilot, "! The disk is full. Choose another folder", "Tab to answer")


async def test_a_transfer_moves_in_its_line() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(changed(transfer("t1", TransferState.WAITING, Direction.SEND)))
        await until_shown(pilot, "you  ▤ draft.pdf  4.2 MB to ben  waiting for an answer")
        node.tell(changed(transfer("t1", TransferState.ACTIVE, Direction.SEND)))
        node.tell(TransferProgressed("t1", Direction.SEND, 2_982_000, 4_200_000, 9.8e6, AT))
        await until_shown(pilot, "▤ draft.pdf  4.2 MB  ━━━━━━━━━━━━━", "71 %  9.8 MB/s  0:01")
        node.tell(changed(transfer("t1", TransferState.DONE, Direction.SEND, confirmed=4_200_000, seconds=0.5)))
        await until_shown(pilot, "delivered in 0.5 s, verified")
        assert shown(pilot.app).count("draft.pdf") == 1


async def test_the_list_of_files_has_a_key_for_everything() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(
            offered("t1"),
            offered("t2"),
            changed(transfer("t3", TransferState.ACTIVE)),
            changed(transfer("t4", TransferState.PAUSED, reason="paused here")),
        )
        await until_shown(pilot, "paused here")
        await pilot.press("f4")
        await until_shown(pilot, "4 transfers", "▸↓ draft.pdf")
        await pilot.press("p", "c", "down", "r", "down", "enter", "down", "c")
        await until_called(pilot, node, "decline", "t1", "")
        asked = [call for call in node.calls if call[0] in ("accept", "decline", "pause", "resume", "cancel")]
        assert asked == [
            ("pause", "t3"),
            ("cancel", "t3"),
            ("resume", "t4"),
            ("accept", "t2", None),
            ("decline", "t1", ""),
        ]


async def test_keys_that_make_no_sense_for_a_transfer_do_nothing() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(changed(transfer("t1", TransferState.DONE, seconds=0.5, saved=("/srv/downloads/draft.pdf",))))
        await until_shown(pilot, "saved as /srv/downloads/draft.pdf")
        await pilot.press("f4", "p", "r", "c", "x")
        await until_shown(pilot, "✓ draft.pdf", "saved as /srv/downloads/draft.pdf in 0.5 s, verified")
    assert [call[0] for call in node.calls] == ["start", "join", "stop"]


async def test_the_chosen_transfer_stays_chosen_when_another_comes() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(offered("t1"), offered("t2"))
        await until_shown(pilot, "1 of 2")
        await pilot.press("f4", "down")
        node.tell(offered("t3"), TransferProgressed("t1", Direction.RECEIVE, 1, 2, 3.0, AT))
        await until_shown(pilot, "3 transfers")
        options = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: options.highlighted_option is not None and options.highlighted_option.id == "t1")
        await pilot.press("c")
        await until_called(pilot, node, "decline", "t1", "")


async def test_an_empty_list_says_how_to_send() -> None:
    async with stage(FakeNode()) as pilot:
        await pilot.press("f4", "enter", "c")
        await until_shown(pilot, "Nothing has been offered yet", "^O or /send")


async def test_the_focus_is_seen_without_colour() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(offered())
        await until_shown(pilot, " │ ▤")
        await pilot.press("tab")
        await until_shown(pilot, " ┃ ▤")
        assert isinstance(pilot.app.focused, OfferPanel)
