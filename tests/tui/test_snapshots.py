"""What the screens look like. After a change that is meant: `pytest tests/tui/test_snapshots.py --snapshot-update`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from p2pchat.node.answers import Landing, Leftover
from p2pchat.node.events import (
    Alerted,
    Direction,
    Item,
    LineState,
    LiveTextSent,
    MessageDelivered,
    PeerState,
    Problem,
    TransferState,
    Trust,
)
from p2pchat.tui.preferences import Presentation
from p2pchat.tui.screens.captions import CaptionsScreen
from tests.fake_node import FakeNode
from tests.tui.stage import (
    AT,
    BEN,
    CHANGED_KEY,
    CONTACTS,
    CYD,
    DOWNLOADS,
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
from tests.tui.test_statistics import BENS, CYDS, LINKS

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
    paused = replace(backup, files=1204, wanted_files=1204, reason="disk full, needs 3.1 GB, has 0.4 GB")
    for event in (changed(done), changed(paused), offered("t4", items=PHOTOS), offered("t5", peer=CYD)):
        node.tell(replace(event, at=AT + 86_460))


def six_kinds(node: FakeNode) -> None:
    """Running to one and to two, paused for want of space, done, failed, an offer; and two that were interrupted."""
    transfers(node)
    film = (Item("film.mov", 1_400_000_000),)
    node.known_leftovers = [
        Leftover("0" * 16, BEN.peer, "ben", "film.mov", DOWNLOADS, 1_400_000_000, 412_000_000, AT),
        Leftover("1" * 16, CYD.peer, "cyd", "backup/ and 3 more", DOWNLOADS / "b", 9 * 10**9, 10**9, AT),
    ]
    kinds = [
        transfer("t6", TransferState.ACTIVE, Direction.SEND, items=film, confirmed=512_000_000, rate=41e6),
        transfer("t7", TransferState.FAILED, items=(Item("notes.txt", 9000),), reason="checksum of block 3 is wrong"),
        transfer("t8", TransferState.ACTIVE, items=film, confirmed=9 * 10**8, rate=8e6, automatic=True),
    ]
    node.tell(*[replace(changed(info), at=AT + 86_460) for info in kinds])


def met(node: FakeNode, landing: Landing, **rest: Any) -> None:
    """An offer that meets something in the folder."""
    node.landing = landing
    items = (*PHOTOS, Item("photos/" + "long " * 30 + "name.jpg", 5), Item("install.sh", 900, executable=True))
    offer = offered("t9", items=items, **rest)
    node.known_transfers = [offer.info]
    node.tell(replace(offer, at=AT + 86_460))


EMPTY = Landing(DOWNLOADS, needed=1_400_000_000, free=212 * 10**9, existing=0)
TAKEN = replace(EMPTY, existing=2, examples=(("photos/2026/a.jpg", "photos/2026/a (1).jpg"),))
LANDINGS = {
    "taken": (TAKEN, {}),
    "resumable": (replace(EMPTY, resumable=412_000_000, needed=988_000_000), {"resumable": 412_000_000}),
    "too-full": (replace(EMPTY, free=400_000_000), {}),
}
"""What an offer may meet."""


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
    presentation: Presentation | None = None,
    first: Callable[[Pilot[Any]], Awaitable[None]] | None = None,
) -> bool:
    """Compares the app after more events, `first`, these keys, and this text typed; `then` is shown at the end."""
    node = FakeNode()
    node.known_contacts = CONTACTS
    conversation(node)
    more(node)

    async def play(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, wait or "The disk is nearly full")
        if first is not None:
            await first(pilot)
        await pilot.press(*keys)
        await write(pilot, text)
        await until_shown(pilot, then)
        await pilot.pause(0.1)

    return snap_compare(chat(node, live=live, presentation=presentation), terminal_size=size, run_before=play)


SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")


@SIZES
def test_conversation(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, text="the figure is in the shared fold")


@SIZES
def test_offer(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, *(["tab"] if size[0] > 100 else []), more=transfers, wait="1 of 2")


ALL_SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 15)], ids=lambda size: f"{size[0]}x{size[1]}")


@ALL_SIZES
@pytest.mark.parametrize("kind", LANDINGS)
def test_what_an_offer_meets(snap_compare: Compare, size: tuple[int, int], kind: str) -> None:
    landing, rest = LANDINGS[kind]
    words = "Tab back"
    assert screen(snap_compare, size, "tab", more=lambda node: met(node, landing, **rest), wait="offers 5", then=words)


@ALL_SIZES
def test_choosing(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("tab", "s", "right", "down", "right", "down", "space")
    assert screen(snap_compare, size, *keys, more=lambda node: met(node, EMPTY), wait="offers 5", then="[~]")


@ALL_SIZES
def test_picking_files(
    snap_compare: Compare,
    size: tuple[int, int],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path_factory.mktemp("home")
    for name, bytes_ in (
        ("photos/a.jpg", 4000),
        ("a " + "very " * 20 + "long name.txt", 20),
        ("draft.pdf", 4200),
        (".x", 1),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x" * bytes_)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(Path, "home", lambda: folder)
    keys = ("ctrl+o", "space", "down")
    assert screen(snap_compare, size, *keys, more=lambda node: node.tell(*here(CYD)), then="chosen: 1 file, 4.0 kB")


@ALL_SIZES
def test_all_kinds_of_transfers(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, "f4", more=six_kinds, wait="1 of 2", then="running")


def spoken(node: FakeNode) -> None:
    """Lines in three scripts and an emoji; one is still being typed."""
    node.tell(said(CYD, "Great 🙂", "s1"), said(BEN, "أراك غدا يا صديقي", "s2"), said(CYD, "Gern, schöne Grüße!", "s3"))
    node.tell(typing(BEN, "I will add it tonig", line=1))


async def show_captions(pilot: Pilot[Any]) -> None:
    """Shows the captions, as the key for the next layout does."""
    pilot.app.push_screen(CaptionsScreen(pilot.app._conversation))  # type: ignore[attr-defined]
    await until_shown(pilot, "Esc back")


@ALL_SIZES
def test_captions(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, more=spoken, first=show_captions, then="ben is typing")


@pytest.mark.parametrize("size", [(80, 24), (40, 15)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_search(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert screen(snap_compare, size, "f3", text="the figure is", then="of 1")


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


@ALL_SIZES
def test_statistics(snap_compare: Compare, size: tuple[int, int]) -> None:
    def measured(node: FakeNode) -> None:
        node.known_stats = LINKS
        node.known_live_text_stats = [BENS, CYDS]

    assert screen(snap_compare, size, "f8", more=measured, then="ben·m2xd")


@SIZES
def test_state_of_the_own_line(snap_compare: Compare, size: tuple[int, int]) -> None:
    def held_back(node: FakeNode) -> None:
        node.tell(LiveTextSent(ROOM, BEN.peer, 240, None, AT))

    assert screen(snap_compare, size, text="the figure", more=held_back, then="catching up: 240 characters")


def test_recalled(snap_compare: Compare) -> None:
    keys = ("h", "i", "enter", "up")
    assert screen(snap_compare, (80, 24), *keys, then="held, recalled")


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


@pytest.mark.parametrize("theme", ["high-contrast-dark", "high-contrast-light", "mono"])
def test_theme(snap_compare: Compare, theme: str) -> None:
    keys = ("t", "h", "e", "space", "f", "i", "g", "shift+left", "shift+left", "shift+left")
    assert screen(snap_compare, (80, 24), *keys, presentation=Presentation(theme), then="the fig")


def test_no_color(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    chosen = Presentation("high-contrast-light")
    keys = ("f4", "down")
    assert screen(snap_compare, (80, 24), *keys, more=six_kinds, presentation=chosen, wait="1 of 2", then="running")


@ALL_SIZES
def test_alerts(snap_compare: Compare, size: tuple[int, int]) -> None:
    def ring(node: FakeNode) -> None:
        at = AT + 86_460
        node.tell(Alerted(ROOM, BEN.peer, "ben", at), Alerted(ROOM, BEN.peer, "ben", at + 4))

    assert screen(snap_compare, size, "g", "o", more=ring, wait="(2", then="go")


def both_typing(node: FakeNode) -> None:
    """Two who type at once in many scripts, one of them after a loss; one composes in private."""
    node.tell(*here(BEN, replace(CYD, live_text=True, sees_keys=True), replace(DAN, live_mode="hold")))
    node.tell(said(DAN, "Who has the figure?", "11"), sent("It is in the shared folder.", "12"))
    node.tell(
        typing(CYD, "See the \ufffd page", LineState.FINAL, line=2), said(BEN, "مرحبا, שלום and cafe\u0301", "13")
    )
    node.tell(typing(BEN, "I will add it tonight 👨‍👩‍👧 مرحبا", line=3))
    node.tell(typing(CYD, "wait, I \ufffd have the source 🇸🇪 שלום cafe\u0301", line=3))


DAN = replace(CYD, peer="d4n00000", name="dan")


@pytest.mark.parametrize(
    ("layout", "size"),
    [
        *((layout, size) for layout in ("stack", "columns", "inline") for size in ((80, 24), (120, 40))),
        ("stack", (40, 15)),
        ("inline", (40, 15)),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]}x{value[1]}",
)
def test_layout(snap_compare: Compare, layout: str, size: tuple[int, int]) -> None:
    keys = ("slash", *"layout", "space", *layout, "enter")
    words = "composing privately"
    assert screen(snap_compare, size, *keys, text="ok, then cyd sends it", more=both_typing, wait=words, then=words)
