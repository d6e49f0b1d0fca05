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
    Trust,
)
from tests.fake_node import FakeNode
from tests.tui.stage import (
    AT,
    BEN,
    CHANGED_KEY,
    CONTACTS,
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
    node.tell(said(BEN, "Thanks! One thing: on page 3 the second figure is missing. 図が足りません 🙂", "2"))
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


def lied_to(node: FakeNode) -> None:
    """Somebody came with the name of a contact and another key, and somebody without the secret knocked."""
    node.tell(replace(CHANGED_KEY, at=AT + 86_460))
    node.tell(*[Problem("forged-signal", "a sealed signal does not open", "", AT + 86_460)] * 3)


def screen(
    snap_compare: Compare,
    size: tuple[int, int],
    *keys: str,
    text: str = "",
    more: Callable[[FakeNode], None] = lambda node: None,
    wait: str = "",
    then: str = "",
    live: bool = True,
) -> bool:
    """Compares the app after more events, these keys, and typing this text; `then` is shown at the end."""
    node = FakeNode()
    node.known_contacts = CONTACTS
    conversation(node)
    more(node)

    async def play(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "The disk is nearly full", wait)
        await pilot.press(*keys)
        await write(pilot, text)
        await until_shown(pilot, then)
        await pilot.pause(0.1)

    return snap_compare(chat(node, live=live), terminal_size=size, run_before=play)


SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")


@SIZES
def test_conversation(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, text="the figure is in the shared fold")


@SIZES
def test_offer(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, *(["tab"] if size[0] > 100 else []), more=transfers, wait="1 of 2")


@SIZES
def test_files(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, "f4", "down", more=transfers, wait="1 of 2")


@SIZES
def test_help(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, "f1")


@SIZES
def test_safety_words(snap_compare: Compare, size: tuple[int, int]) -> None:
    def connect(node: FakeNode) -> None:
        node.tell(*here(CYD, replace(BEN, peer="d4n00000", name="dan", trust=Trust.KNOWN)))

    keys = ("f5", "down") if size[0] < 100 else ("f5",)
    assert screen(snap_compare, size, *keys, more=connect, then="Compare these words")


@SIZES
def test_contacts(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, "slash", *"contacts", "enter", "down", then="calls itself cyd")


@SIZES
def test_changed_key(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("tab",) if size[0] > 100 else ()
    assert screen(snap_compare, size, *keys, more=lied_to, wait="Nobody was let in", then="3 times")


def test_different_words(snap_compare: Compare) -> None:
    assert screen(snap_compare, (80, 24), "f5", "d", then="block ben")


def test_naming_a_contact(snap_compare: Compare) -> None:
    assert screen(snap_compare, (80, 24), "slash", *"contacts", "enter", "down", "r", then="What do you want to call")


def test_invite(snap_compare: Compare) -> None:
    assert screen(snap_compare, (80, 24), "slash", *"invite", "enter", then="Invite somebody")


def test_small_terminal(snap_compare: Compare) -> None:
    assert screen(snap_compare, (40, 15), live=False)


def test_light_theme(snap_compare: Compare) -> None:
    assert screen(snap_compare, (80, 24), "slash", *"theme", "enter", live=False)
