"""What the screens look like. After a change that is meant: `pytest tests/tui/test_snapshots.py --snapshot-update`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from p2pchat.node.events import (
    Direction,
    Item,
    LineState,
    MessageDelivered,
    PeerState,
    Problem,
    TransferState,
)
from tests.fake_node import FakeNode
from tests.tui.stage import (
    AT,
    BEN,
    CYD,
    ROOM,
    changed,
    chat,
    here,
    offered,
    said,
    sent,
    transfer,
    typing,
    until_shown,
    write,
)

Compare = Callable[..., bool]

PHOTOS = (Item("photos/2026/a.jpg", 10**8), Item("photos/2026/b.jpg", 10**8), Item("photos/film.mov", 12 * 10**8))


def conversation(node: FakeNode) -> None:
    """Two peers, some history in two scripts, a running transfer, and both are typing."""
    node.tell(*here(BEN, replace(CYD, state=PeerState.CONNECTING, reason="trying a relay")))
    node.tell(said(BEN, "Got the draft?"), sent("Yes, sending it now."), MessageDelivered(ROOM, "1", BEN.peer, AT))
    node.tell(changed(transfer("t1", TransferState.ACTIVE, Direction.SEND, confirmed=2_982_000, rate=9.8e6)))
    node.tell(said(BEN, "Thanks! One thing: on page 3 the second figure is missing. 図が足りません 🙂", "2", AT + 60))
    node.tell(typing(CYD, "hi bo", LineState.FINAL), typing(CYD, "hi both", LineState.FINAL))
    node.tell(sent("I see. The figure is in the shared folder, next to the numbers.\nOr ask cyd.", "2", AT + 86_400))
    node.tell(Problem("storage", "The disk is nearly full", "Free some space", AT + 86_400))
    node.tell(typing(BEN, "I will add it tonig", line=1), typing(CYD, "wait, I have", LineState.INTERRUPTED, line=1))


def transfers(node: FakeNode) -> None:
    """One of each kind, and an offer."""
    done = transfer("t2", TransferState.DONE, confirmed=4_200_000, seconds=0.5, saved=("/srv/downloads/draft.pdf",))
    backup = transfer(
        "t3", TransferState.PAUSED, peer=CYD, items=(Item("backup", 0, True), Item("backup/x", 9 * 10**9))
    )
    paused = replace(backup, files=1204, reason="disk full, needs 3.1 GB, has 0.4 GB")
    for event in (changed(done), changed(paused), offered("t4", items=PHOTOS), offered("t5", peer=CYD)):
        node.tell(replace(event, at=AT + 86_460))


def screen(
    snap_compare: Compare, size: tuple[int, int], *keys: str, text: str = "", wait: str = "", live: bool = True
) -> bool:
    """Compares the app after these keys, or after typing this text."""
    node = FakeNode()
    conversation(node)
    if wait:
        transfers(node)

    async def play(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "The disk is nearly full", wait)
        await pilot.press(*keys)
        await write(pilot, text)
        await pilot.pause(0.1)

    return snap_compare(chat(node, live=live), terminal_size=size, run_before=play)


SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")


@SIZES
def test_conversation(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, text="the figure is in the shared fold")


@SIZES
def test_offer(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, *(["tab"] if size[0] > 100 else []), wait="1 of 2")


@SIZES
def test_files(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, "f4", "down", wait="1 of 2")


@SIZES
def test_help(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, "f1")


def test_small_terminal(snap_compare: Compare) -> None:
    assert screen(snap_compare, (40, 15), live=False)


def test_light_theme(snap_compare: Compare) -> None:
    assert screen(snap_compare, (80, 24), "slash", *"theme", "enter", live=False)
