"""How far our own live line has come: typed, sent, shown; what waits, and what is kept for somebody who is away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pchat.node.events import LiveTextSent, LiveTextShown, PeerInfo, PeerState
from p2pchat.tui.own_line import OwnLine
from tests.fake_node import FakeNode
from tests.tui.stage import AT, BEN, CYD, ROOM, here, sent, shown, stage, until, until_shown, write

DAN = replace(CYD, peer="d4n00000", name="dan", sees_keys=True)
CYD_SEES = replace(CYD, sees_keys=True)


def left(peer: PeerInfo, typed_at: float) -> LiveTextSent:
    """Everything up to this key has left."""
    return LiveTextSent(ROOM, peer.peer, 0, typed_at, AT)


def behind(peer: PeerInfo, waiting: int) -> LiveTextSent:
    """So much waits."""
    return LiveTextSent(ROOM, peer.peer, waiting, None, AT)


def seen(peer: PeerInfo) -> LiveTextShown:
    """A peer's user has it."""
    return LiveTextShown(ROOM, peer.peer, AT)


class Line:
    """Our line, and who is here."""

    def __init__(self, *peers: PeerInfo) -> None:
        self.own = OwnLine()
        self.peers = peers

    def __call__(self, now: float = 0.0) -> str:
        self.own.tick(now)
        return self.own.words(self.peers, lambda info: info.name)


def test_a_line_is_typed_then_sent_then_shown() -> None:
    line = Line(BEN)
    assert line() == ""
    line.own.typed("h", 5.0)
    assert line() == "typed"
    line.own.sent(left(BEN, 5.0))
    assert line() == "sent"
    line.own.shown(seen(BEN))
    assert line() == "shown by ben"
    line.own.typed("hi", 5.5)
    assert line() == "typed"


def test_a_key_that_does_not_leave_says_for_how_long() -> None:
    line = Line(BEN)
    line.own.typed("h", 5.0)
    assert (line(5.9), line(6.0), line(8.2)) == ("typed", "typed 1 s ago", "typed 3 s ago")


def test_what_is_told_of_an_older_key_says_nothing_of_the_newest() -> None:
    line = Line(BEN)
    line.own.typed("h", 5.0)
    line.own.typed("hi", 5.1)
    line.own.sent(left(BEN, 5.0))
    line.own.shown(seen(BEN))
    assert line() == "typed"
    line.own.sent(left(BEN, 5.1))
    assert line() == "sent"


def test_with_several_it_is_said_how_many_have_seen_it() -> None:
    line = Line(BEN, CYD_SEES, DAN)
    line.own.typed("h", 5.0)
    for peer in (BEN, CYD_SEES):
        line.own.sent(left(peer, 5.0))
        line.own.shown(seen(peer))
    assert line() == "typed"
    line.own.sent(left(DAN, 5.0))
    assert line() == "shown by 2 of 3"


def test_what_the_slowest_takes_no_more_of_is_said_even_after_enter() -> None:
    line = Line(BEN, CYD_SEES)
    line.own.typed("x" * 300, 5.0)
    line.own.sent(behind(BEN, 40))
    line.own.sent(behind(CYD_SEES, 1240))
    line.own.finished()
    assert line() == "catching up: 1,240 characters"
    line.own.sent(left(CYD_SEES, 5.0))
    assert line() == "catching up: 40 characters"
    line.own.sent(left(BEN, 5.0))
    assert line() == ""


@pytest.mark.parametrize(
    ("peers", "words"),
    [
        ((), ""),
        ((replace(BEN, state=PeerState.LOST, sees_keys=False),), "not connected: kept until ben is back"),
        ((replace(BEN, state=PeerState.LOST), replace(CYD, state=PeerState.CONNECTING)), "kept until they are back"),
        ((replace(BEN, sees_keys=False),), ""),
    ],
)
def test_nobody_there_to_see_it(peers: tuple[PeerInfo, ...], words: str) -> None:
    line = Line(*peers)
    line.own.typed("h", 5.0)
    assert line().endswith(words)
    assert bool(line()) is bool(words)


def test_after_an_outage_nothing_counts_as_sent_before_it_is() -> None:
    line = Line(BEN)
    line.own.typed("h", 5.0)
    line.own.sent(left(BEN, 5.0))
    line.own.shown(seen(BEN))
    line.own.away(BEN.peer)
    assert line() == "typed"


async def test_the_line_under_the_composer_says_it_at_its_right_end() -> None:
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        node.tell(*here(BEN))
        await until_shown(pilot, "ben sees each key")
        await write(pilot, "hi")
        await until_shown(pilot, "· F6 hold", " typed \n")
        node.tell(left(BEN, 0.0))
        await until_shown(pilot, " sent \n")
        node.tell(seen(BEN))
        await until_shown(pilot, "  shown by ben \n")
        node.tell(behind(BEN, 240))
        await until_shown(pilot, "  catching up: 240 characters \n")
        node.tell(left(BEN, 0.0), seen(BEN), *here(replace(BEN, state=PeerState.LOST, sees_keys=False)))
        await until_shown(pilot, "  not connected: kept until ben is back \n", "nobody sees your k")


@pytest.mark.parametrize("keys", [["f6"], ["home", "slash"], ["escape", "escape"], ["f2"]])
async def test_nothing_is_said_of_a_line_that_others_do_not_see_as_it_is_typed(keys: list[str]) -> None:
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        node.tell(*here(BEN))
        await write(pilot, "hi")
        await until_shown(pilot, " typed \n")
        await pilot.press(*keys)
        await until(pilot, lambda: " typed \n" not in shown(pilot.app))


async def test_a_finished_line_is_a_message_whose_state_stands_in_the_timeline() -> None:
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        node.tell(*here(BEN))
        await write(pilot, "hi")
        await until_shown(pilot, " typed \n")
        await pilot.press("enter")
        node.tell(sent("hi"))
        await until(pilot, lambda: " typed \n" not in shown(pilot.app))


async def test_on_a_narrow_terminal_who_sees_the_keys_is_still_to_be_read() -> None:
    node = FakeNode()
    async with stage(node, live=True, size=(40, 15)) as pilot:
        node.tell(*here(BEN))
        await write(pilot, "hi")
        await until_shown(pilot, " ben sees each key", " typed \n")
        node.tell(*here(replace(BEN, state=PeerState.LOST, sees_keys=False)))
        await until_shown(pilot, "nobody sees you", "not connected: kept… \n")
