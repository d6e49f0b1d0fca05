"""The conversation, by keyboard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual import events

from p2pchat.errors import PeerUnreachable, ServerUnreachable, UsageError
from p2pchat.node.events import Item, LineState, MessageDelivered, PeerState, Problem
from p2pchat.tui.live_lines import INTERRUPTED_SECONDS
from p2pchat.tui.screens.chat import LOW
from p2pchat.tui.theme import LIGHT
from p2pchat.tui.widgets.composer import Composer
from tests.fake_node import FakeNode
from tests.tui.stage import (
    AT,
    BEN,
    CYD,
    ROOM,
    RefusingNode,
    chat,
    here,
    offered,
    said,
    sent,
    shown,
    stage,
    typing,
    until,
    until_called,
    until_shown,
    write,
)


def spoken(node: FakeNode) -> list[tuple[object, ...]]:
    """What the node was asked to say and to show."""
    return [call for call in node.calls if call[0] in ("say", "set_live_text", "commit_live_text")]


async def test_the_node_is_started_joined_and_stopped() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        await until_shown(pilot, "You are ana·k7qf in lab", "p2pchat chat lab --server ws://127.0.0.1:8080")
        await pilot.press("ctrl+q")
    assert node.calls == [("start",), ("join", ROOM), ("stop",)]


async def test_who_cannot_be_connected_is_told_with_the_whole_reason_where_nothing_was_said_yet() -> None:
    reason = "no route: symmetric NAT on both sides and no TURN server to relay; trying again in 7 s"
    node = FakeNode()
    async with stage(node) as pilot:
        await until_shown(pilot, "Nobody else is here yet")
        node.tell(*here(replace(BEN, state=PeerState.CONNECTING, reason=reason)))
        await until_shown(pilot, "Nobody is connected yet", "symmetric NAT on both sides", "trying again in 7 s")


@pytest.mark.parametrize("key", ["enter", "escape", "q", "ctrl+q"])
async def test_a_room_that_cannot_be_joined_is_a_screen_of_its_own_and_the_result(key: str) -> None:
    error = ServerUnreachable("Nothing answers at ws://x", "Check the address")
    node = RefusingNode(error)
    app = chat(node)
    async with app.run_test() as pilot:
        await until_shown(pilot, "Cannot join lab", "Nothing answers at ws://x", "Check the address", "Enter leaves")
        await pilot.press("f4", "f1", key)
        await pilot.pause()
    assert (app.return_value, app.return_code) == (error, 3)
    assert node.calls[-1] == ("stop",)


async def test_enter_sends_and_the_echo_is_what_is_shown() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(BEN))
        await write(pilot, "hi ben")
        await pilot.press("enter")
        await until_called(pilot, node, "say", ROOM, "hi ben")
        node.tell(sent("hi ben"))
        await until_shown(pilot, "14:02  you  hi ben", "waiting")
        node.tell(MessageDelivered(ROOM, "1", BEN.peer, AT))
        await until_shown(pilot, "delivered")
        assert shown(pilot.app).count("hi ben") == 1
    assert spoken(node) == [("say", ROOM, "hi ben")]


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter", "alt+enter"])
async def test_a_message_may_have_several_lines(key: str) -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        await pilot.press("a", key, "b")
        await until_shown(pilot, "Enter sends all lines")
        await pilot.press("enter")
        await until_called(pilot, node, "say", ROOM, "a\nb")


async def test_the_composer_grows_to_eight_rows() -> None:
    async with stage(FakeNode()) as pilot:
        composer = pilot.app.screen.query_one(Composer)
        await pilot.press(*["ctrl+j"] * 11)
        await until(pilot, lambda: composer.size.height == 8)


async def test_a_paste_arrives_intact_but_for_control_characters() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        pilot.app.screen.query_one(Composer).post_message(events.Paste("one\r\n\ttwo\x1b[31m"))
        await until_shown(pilot, "one", "two␛[31m")
        await pilot.press("enter")
        await until_called(pilot, node, "say", ROOM, "one\n    two␛[31m")


async def test_backspace_takes_a_whole_character_as_people_see_it() -> None:
    async with stage(FakeNode()) as pilot:
        composer = pilot.app.screen.query_one(Composer)
        composer.insert("a👩‍🔧e\u0301🇸🇪")
        left = []
        while composer.text:
            await pilot.press("backspace")
            left.append(composer.text)
        assert left == ["a👩‍🔧e\u0301", "a👩‍🔧", "a", ""]


async def test_keys_that_come_in_one_burst_keep_their_order() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        for key in ("a", "b", "backspace", "c", "ctrl+j", "d", "left", "e", "enter", "f", "g", "backspace", "enter"):
            pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until_called(pilot, node, "say", ROOM, "f")
    assert spoken(node) == [("say", ROOM, "ac\ned"), ("say", ROOM, "f")]


async def test_the_cursor_goes_over_whole_characters_and_line_ends() -> None:
    async with stage(FakeNode()) as pilot:
        composer = pilot.app.screen.query_one(Composer)
        composer.insert("👩‍🔧\nx")
        await pilot.press("left", "left", "left", "delete")
        assert composer.text == "\nx"
        await pilot.press("right", "right", "a")
        assert composer.text == "\nxa"


async def test_live_text_shows_each_key_and_enter_commits() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(BEN, replace(CYD, live_text=True, sees_keys=True)))
        await until_shown(pilot, "live off", "F2 lets others see you type")
        await pilot.press("f2")
        await until_shown(pilot, "LIVE on", "ben and cyd see each key · F2 stop · F6 hold")
        await write(pilot, "hi")
        await pilot.press("enter")
        await until_called(pilot, node, "commit_live_text", ROOM)
    assert spoken(node) == [
        ("set_live_text", ROOM, "h"),
        ("set_live_text", ROOM, "hi"),
        ("commit_live_text", ROOM),
    ]


async def test_who_cannot_see_keys_is_said() -> None:
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        await until_shown(pilot, "LIVE on", "nobody sees your keys yet")
        node.tell(*here(BEN, CYD))
        await until_shown(pilot, "ben sees each key, cyd finished lines")


async def test_escape_twice_takes_the_live_line_back() -> None:
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        await pilot.press("h", "escape")
        await until_shown(pilot, "Esc again gives the line up")
        await pilot.press("escape")
        await until_called(pilot, node, "set_live_text", ROOM, "")
        assert pilot.app.screen.query_one(Composer).text == ""
        await pilot.press("x", "escape", "y", "escape")
        assert pilot.app.screen.query_one(Composer).text == "xy"


async def test_a_long_paste_is_held_until_enter() -> None:
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        text = "word " * 50
        pilot.app.screen.query_one(Composer).post_message(events.Paste(text))
        await until_shown(pilot, "held: 250 pasted characters; Enter sends them as a message")
        assert spoken(node) == []
        await pilot.press("enter")
        await until_called(pilot, node, "say", ROOM, text)
    assert spoken(node) == [("say", ROOM, text)]


async def test_live_rows_come_go_and_turn_into_messages() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(BEN, CYD), typing(BEN, "I will add it ton"), typing(CYD, "wait"))
        await until_shown(pilot, " ben  ▏ I will add it ton▌", " cyd  ▏ wait▌")
        node.tell(typing(BEN, "I will add it tonight", LineState.FINAL), typing(CYD, ""))
        await until_shown(pilot, "14:02  ben  I will add it tonight")
        assert "▌" not in shown(pilot.app)


async def test_at_most_four_are_seen_typing() -> None:
    node = FakeNode()
    peers = [replace(BEN, peer=f"peer{number}", name=f"p{number}") for number in range(6)]
    async with stage(node) as pilot:
        node.tell(*here(*peers), *(typing(peer, "hello") for peer in peers))
        await until_shown(pilot, "+2 typing")
        assert shown(pilot.app).count("hello▌") == 4


@pytest.mark.parametrize("size", [(40, 15), (80, 19), (80, 24), (120, 40)], ids=str)
async def test_whatever_is_going_on_the_composer_stays_on_the_screen(size: tuple[int, int]) -> None:
    node = FakeNode()
    peers = [replace(BEN, peer=f"peer{number}", name=f"p{number}") for number in range(6)]
    async with stage(node, size=size) as pilot:
        node.tell(*here(*peers), *(typing(peer, "hello " * 60) for peer in peers))
        node.tell(offered(items=tuple(Item(f"photo{number}", 1) for number in range(9))))
        await until_shown(pilot, "typing", "▤ ben·m2xd")
        await pilot.press(*["ctrl+j"] * 9, *"here", "tab")
        await until_shown(pilot, "Tab back", "here", "Enter sends all lines", "F1 help")
        assert shown(pilot.app).count("▌") == min(4, size[1] // 4 - 1 if size[1] >= LOW else 1)


async def test_an_interrupted_line_is_marked_and_moves_to_the_timeline() -> None:
    node, now = FakeNode(), [0.0]
    async with stage(node, clock=lambda: now[0]) as pilot:
        node.tell(*here(BEN), typing(BEN, "I will", LineState.INTERRUPTED))
        await until_shown(pilot, " ben  ▏ I will (interrupted)")
        now[0] = INTERRUPTED_SECONDS
        await until_shown(pilot, "14:02  ben  I will ")
        assert "▏ I will" not in shown(pilot.app)


async def test_the_timeline_sticks_to_the_end_until_somebody_looks_back() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*(said(BEN, f"message {number}", str(number)) for number in range(60)))
        await until_shown(pilot, "message 59")
        await pilot.press("pageup")
        await until_shown(pilot, "▼ more below")
        node.tell(said(BEN, "and one", "60"), said(BEN, "and two", "61"))
        await until_shown(pilot, "▼ 2 new")
        assert "and two" not in shown(pilot.app)
        await pilot.press("ctrl+end")
        await until_shown(pilot, "── new ", "and one", "and two")
        assert "▼" not in shown(pilot.app)


async def test_looking_back_where_there_is_nothing_to_look_back_to_keeps_the_end_in_sight() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        await pilot.press("pageup", "pagedown")
        node.tell(*(said(BEN, f"message {number}", str(number)) for number in range(60)))
        await until_shown(pilot, "message 59")
        await pilot.press("pageup", "pagedown", "pagedown")
        node.tell(said(BEN, "the newest", "60"))
        await until_shown(pilot, "the newest")


async def test_only_the_newest_rows_are_kept() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        for start in range(0, 400, 100):
            node.tell(*(said(BEN, f"message {number}", str(number)) for number in range(start, start + 100)))
            await until_shown(pilot, f"message {start + 99}")
        await until(pilot, lambda: len(pilot.app.screen.query("Entry")) <= 150)
        assert "message 399" in shown(pilot.app)


async def test_more_peers_than_fit_are_counted() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(*(replace(BEN, peer=f"peer{number}", name=f"person{number}") for number in range(9))))
        await until_shown(pilot, "person1·peer", "+7")


async def test_why_somebody_is_not_connected_is_on_the_top_line() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(replace(BEN, state=PeerState.CONNECTING, reason="trying a relay")))
        await until_shown(pilot, "ben·m2xd ◌ connecting: trying a relay")
        node.tell(*here(replace(BEN, state=PeerState.LOST, reason="silent for 10 s")))
        await until_shown(pilot, "ben·m2xd ○ lost: silent for 10 s", "ben·m2xd was lost: silent for 10 s")


async def test_an_unknown_command_is_not_sent_and_stays_in_the_composer() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        await write(pilot, "/sned x")
        await pilot.press("enter")
        await until_shown(pilot, "There is no command /sned")
        assert pilot.app.screen.query_one(Composer).text == "/sned x"
    assert spoken(node) == []


async def test_two_slashes_send_text_that_begins_with_one() -> None:
    node = FakeNode()
    async with stage(node, live=True) as pilot:
        await write(pilot, "//etc")
        await pilot.press("enter")
        await until_called(pilot, node, "say", ROOM, "/etc")
    assert spoken(node) == [("say", ROOM, "/etc")]


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("/live", "LIVE on"),
        ("/live on", "LIVE on"),
        ("/live loud", "loud is not connected"),
        ("/help", "Keys and commands"),
        ("/files", "Files in lab"),
        ("/who", "ben·m2xd: direct 12 ms, verified"),
        ("/send", "Offer files  to: "),
        ("/send it's", "A quotation mark has no partner"),
        ("/accept", "There is no offer to answer"),
        ("/decline", "There is no offer to answer"),
    ],
)
async def test_commands_do_what_they_say(command: str, text: str) -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(BEN))
        await until_shown(pilot, "ben·m2xd joined")
        pilot.app.screen.query_one(Composer).insert(command)
        await pilot.press("enter")
        await until_shown(pilot, text)
    assert spoken(node) == []


async def test_the_theme_changes_and_quitting_quits() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        await write(pilot, "/theme")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.theme == LIGHT.name)
        await write(pilot, "/quit")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app._exit)


async def test_files_are_offered_with_completed_and_quoted_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my report.pdf").write_text("x")
    (tmp_path / "my song.ogg").write_text("x")
    monkeypatch.chdir(tmp_path)
    node = FakeNode()
    async with stage(node) as pilot:
        await write(pilot, "/se")
        await pilot.press("tab", "m", "tab")
        await until_shown(pilot, "my report.pdf  my song.ogg")
        await pilot.press("r", "tab", "enter")
        await until_called(pilot, node, "offer", ROOM, (Path("my report.pdf"),), None)


async def test_a_refused_offer_is_told_with_its_hint_and_the_command_comes_back() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.fail_next = PeerUnreachable("Nobody is connected", "Wait until somebody joins")
        await write(pilot, "/send x")
        await pilot.press("enter")
        await until_shown(pilot, "! Nobody is connected. Wait until somebody joins", "▏ /send x")


async def test_a_refused_message_comes_back() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.fail_next = UsageError("The message is too long", "Send it as a file")
        await write(pilot, "long")
        await pilot.press("enter")
        await until_shown(pilot, "! The message is too long. Send it as a file", "▏ long")


async def test_problems_are_in_the_timeline() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(Problem("storage", "The disk is full", "Free some space", AT))
        await until_shown(pilot, "! The disk is full. Free some space")


async def test_somebody_who_looks_elsewhere_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    node, bells = FakeNode(), []
    async with stage(node) as pilot:
        monkeypatch.setattr(pilot.app, "bell", lambda: bells.append(1))
        node.tell(said(BEN, "you are looking"))
        await until_shown(pilot, "you are looking")
        assert bells == []
        pilot.app.post_message(events.AppBlur())
        await until(pilot, lambda: not pilot.app.app_focus)
        node.tell(said(BEN, "[b]hello[/b]", "2"))
        await until(pilot, lambda: bells == [1])
        await until(pilot, lambda: "ben: [b]hello[/b]" in [note.message for note in pilot.app._notifications])
        await until_shown(pilot, "── new ──")


async def test_the_palette_finds_every_action() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        await pilot.press("f4")
        await until_shown(pilot, "Files in lab")
        await pilot.press("ctrl+p")
        await until_shown(pilot, "Search for commands")
        await write(pilot, "each key")
        await until_shown(pilot, "F2  /live [NAME] [on|off]")
        await pilot.press("enter", "enter")
        await until_shown(pilot, "LIVE on")


async def test_help_and_files_are_left_with_the_key_that_opened_them() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        for key, text in (("f1", "Keys and commands"), ("f4", "Files in lab")):
            await pilot.press(key)
            await until_shown(pilot, text)
            await pilot.press(key)
            await until_shown(pilot, "Enter sends")
        await pilot.press("f1", "escape", "a")
        assert pilot.app.screen.query_one(Composer).text == "a"


@pytest.mark.parametrize(("width", "sidebar"), [(40, False), (80, False), (120, True)])
async def test_what_there_is_space_for_is_shown(width: int, sidebar: bool) -> None:
    node = FakeNode()
    async with stage(node, size=(width, 24)) as pilot:
        node.tell(*here(BEN), said(BEN, "hello"))
        await until_shown(pilot, "ben  hello")
        assert ("People" in shown(pilot.app)) is sidebar
        assert ("14:02  ben" in shown(pilot.app)) is (width > 40)
        await pilot.resize_terminal(120 if width < 100 else 60, 24)
        await until(pilot, lambda: ("People" in shown(pilot.app)) is not sidebar)
        await until_shown(pilot, "14:02  ben  hello")
