"""Live text on the full screen: who sees keys, composing in private, latecomers, guests and alerts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pchat.node.events import Alerted, GuestAsks, LineState, LiveTextAsked, PeerInfo, PeerState, Trust
from p2pchat.tui.rows import MessageRow, NoticeRow
from p2pchat.tui.widgets.composer import Composer
from tests.fake_node import FakeNode
from tests.tui.stage import AT, BEN, CYD, ROOM, here, shown, stage, typing, until, until_called, until_shown, write
from tests.tui.test_model import Talk

LATE_CYD = replace(CYD, live_text=True)
"""Somebody who takes live text, and does not see our keys."""

GUEST = PeerInfo("seat4711", "eve", PeerState.CONNECTED, Trust.NONE, "direct", live_text=True, sees_keys=True)


def requests(node: FakeNode) -> list[tuple[object, ...]]:
    """What the node was asked about live text, in order."""
    return [call for call in node.calls if call[0] not in ("start", "join", "stop", "inspect")]


async def test_f2_lets_everybody_here_see_the_keys_before_the_first_one_leaves_and_takes_it_back() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        await write(pilot, "h")
        await pilot.press("f2", "i", "f2")
        await until_called(pilot, node, "share_live_text", ROOM, False)
    assert requests(node) == [
        ("share_live_text", ROOM, True),
        ("set_live_text", ROOM, "h"),
        ("set_live_text", ROOM, "hi"),
        ("set_live_text", ROOM, ""),
        ("share_live_text", ROOM, False),
    ]


async def test_who_takes_live_text_and_does_not_see_our_keys_is_not_said_to_see_them() -> None:
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        node.tell(*here(BEN, LATE_CYD))
        await until_shown(pilot, "ben sees each key, cyd finished lines")
        node.tell(*here(replace(BEN, sees_keys=False)))
        await until_shown(pilot, "ben and cyd do not see your keys, only finished lines")
        node.tell(*here(BEN, replace(LATE_CYD, sees_keys=True)))
        await until_shown(pilot, "ben and cyd see each key")


@pytest.mark.parametrize(
    ("command", "shared", "answer"),
    [
        ("/live cyd", True, "cyd·p0aw may see what you type live"),
        ("/live cyd·p0aw on", True, "cyd·p0aw may see what you type live"),
        ("/live cyd off", False, "cyd·p0aw does not see what you type live"),
    ],
)
async def test_a_latecomer_is_told_of_and_let_see_by_name(command: str, shared: bool, answer: str) -> None:
    node = FakeNode()
    async with stage(node, live=True, size=(120, 24)) as pilot:
        node.tell(*here(LATE_CYD), LiveTextAsked(ROOM, CYD.peer, "cyd", AT))
        await until_shown(pilot, "cyd came while you type live, and does not see your keys. /live cyd lets it.")
        pilot.app.screen.query_one(Composer).insert(command)
        await pilot.press("enter")
        await until_shown(pilot, answer)
    assert requests(node) == [("share_live_text", ROOM, shared, CYD.peer)]


def test_a_name_that_ends_like_a_word_of_the_command_is_named_with_its_tag() -> None:
    liar = replace(LATE_CYD, name="ben off")
    talk = Talk(BEN, liar).hears(LiveTextAsked(ROOM, CYD.peer, "ben off", AT))
    assert [row.hint for row in talk.conversation.rows.values() if isinstance(row, NoticeRow)][-1] == (
        "/live ben off·p0aw lets it."
    )


@pytest.mark.parametrize(("command", "admitted"), [("/admit eve", True), ("/admit", True), ("/refuse eve", False)])
async def test_somebody_without_a_key_is_let_in_or_sent_away_by_name(command: str, admitted: bool) -> None:
    node = FakeNode()
    async with stage(node, size=(120, 24)) as pilot:
        node.tell(GuestAsks(ROOM, GUEST.peer, "eve", AT))
        await until_shown(
            pilot, "! eve speaks only real-time text and cannot prove who it is.", "/admit eve lets it in"
        )
        await write(pilot, command)
        await pilot.press("enter")
        await until_shown(pilot, "eve is let in" if admitted else "eve is sent away")
        if admitted:
            node.tell(*here(GUEST))
            await until_shown(pilot, "eve·seat joined, connected directly, no key")
    assert requests(node) == [("admit_guest", ROOM, GUEST.peer, admitted)]


async def test_nobody_is_let_in_who_does_not_ask_and_of_two_none_is_guessed() -> None:
    node = FakeNode()
    async with stage(node, size=(120, 24)) as pilot:
        await write(pilot, "/admit eve")
        await pilot.press("enter")
        await until_shown(pilot, "! Nobody of that name asks to come in", "▏ /admit eve")
        await pilot.press("escape", "escape")
        node.tell(GuestAsks(ROOM, "seat4711", "eve", AT), GuestAsks(ROOM, "seat9999", "eve", AT))
        await until_shown(pilot, "eve·seat speaks only")
        await write(pilot, "/admit")
        await pilot.press("enter")
        await until_shown(pilot, "! Several ask to come in")
    assert requests(node) == []


def test_a_guest_that_goes_does_not_ask_any_more() -> None:
    talk = Talk().hears(GuestAsks(ROOM, GUEST.peer, "eve", AT))
    assert talk.conversation.guests == {GUEST.peer: "eve"}
    talk.hears(*here(replace(GUEST, state=PeerState.LEFT)))
    assert talk.conversation.guests == {}


async def test_f6_composes_in_private_and_says_so_in_two_places() -> None:
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        node.tell(*here(BEN))
        await until_shown(pilot, "ben sees each key · F2 stop · F6 hold")
        await pilot.press("f6")
        await until(pilot, lambda: shown(pilot.app).count("HOLD: nobody sees this") == 2)
        await pilot.press("x", "f6")
        await until_shown(pilot, "LIVE on", "ben sees each key")
        await until_called(pilot, node, "live_text_mode", ROOM, "live")
    assert requests(node) == [
        ("live_text_mode", ROOM, "hold"),
        ("set_live_text", ROOM, "x"),
        ("live_text_mode", ROOM, "live"),
    ]


async def test_f6_with_live_text_off_says_that_nobody_sees_anything() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        await pilot.press("f6")
        await until_shown(pilot, "! Live text is off, and nobody sees what you type. F2 shows each key", "live off")
    assert requests(node) == []


async def test_who_composes_in_private_has_a_row_that_says_so() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(replace(BEN, live_mode="hold"), CYD))
        await until_shown(pilot, " ben  ▏ composing privately")
        node.tell(typing(BEN, "I will"))
        await until_shown(pilot, " ben  ▏ I will (composing privately)")
        node.tell(*here(BEN))
        await until_shown(pilot, " ben  ▏ I will▌")


async def test_an_alert_is_asked_for_and_told() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        await write(pilot, "/alert")
        await pilot.press("enter")
        await until_shown(pilot, "The others are alerted")
        node.tell(*here(BEN), Alerted(ROOM, BEN.peer, "ben", AT))
        await until_shown(pilot, "ben asks for your attention")
    assert requests(node) == [("alert", ROOM)]


@pytest.mark.parametrize("mark", ["corrected", "restored"])
def test_what_became_of_a_line_is_said_in_a_word(mark: str) -> None:
    talk = Talk(BEN).hears(typing(BEN, "I wll"))
    final = typing(BEN, "I will", LineState.FINAL)
    talk.hears(replace(final, corrected=mark == "corrected", restored=mark == "restored"))
    assert talk.says[-1] == f"ben: I will {mark}"


def test_an_interrupted_line_whose_end_came_back_is_marked_as_restored() -> None:
    talk = Talk(BEN).hears(typing(BEN, "I", LineState.INTERRUPTED), typing(BEN, "n", line=1))
    assert talk.says[-1] == "ben: I interrupted"
    talk.hears(replace(typing(BEN, "I will", LineState.FINAL), restored=True))
    (row,) = [row for row in talk.conversation.rows.values() if isinstance(row, MessageRow)]
    assert (row.text, row.mark) == ("I will", "restored")
