"""Who is who, by keyboard: safety words, contacts, warnings and invites."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events

from p2pchat.errors import PeerUnreachable, StorageFailed, UsageError
from p2pchat.node.events import PeerInfo, PeerState, Problem, Trust
from p2pchat.tui.app import ChatApp
from p2pchat.tui.widgets.composer import Composer
from p2pchat.tui.widgets.field import Field
from tests.fake_node import FakeNode
from tests.tui.stage import (
    AT,
    BEN,
    BENS_KEY,
    CHANGED_KEY,
    CONTACTS,
    CYD,
    CYDS_KEY,
    DOWNLOADS,
    EVES_KEY,
    ROOM,
    here,
    offered,
    proved,
    shown,
    stage,
    until,
    until_called,
    until_shown,
    write,
)

KNOWN_BEN = replace(BEN, trust=Trust.KNOWN)


def decisions(node: FakeNode) -> list[tuple[object, ...]]:
    """What the node was told about people."""
    return [call for call in node.calls if call[0] not in ("start", "join", "stop", "inspect")]


@pytest.fixture
def node() -> FakeNode:
    """A node with three contacts."""
    node = FakeNode()
    node.known_contacts = list(CONTACTS)
    return node


# --- who is here


async def test_a_peer_that_proves_its_key_is_listed_once(node: FakeNode) -> None:
    seat = PeerInfo("seat4711", "seat4711", PeerState.CONNECTING)
    async with stage(node, size=(120, 24)) as pilot:
        node.tell(*here(seat))
        await until_shown(pilot, "seat4711 ◌ connecting")
        node.tell(proved(replace(BEN, name=BEN.peer, state=PeerState.CONNECTING), seat.peer), *here(BEN))
        await until_shown(pilot, "ben·m2xd joined, connected directly, verified", " ● ben·m2xd✓")
        assert "seat4711" not in shown(pilot.app)
        assert shown(pilot.app).count("direct 12 ms") == 2


async def test_what_is_known_of_a_key_stands_beside_each_peer_in_words(node: FakeNode) -> None:
    async with stage(node, size=(120, 24)) as pilot:
        node.tell(*here(BEN, CYD, replace(KNOWN_BEN, peer="d4n00000", name="dan")))
        await until_shown(
            pilot,
            "ben·m2xd✓ ● direct 12 ms",
            "cyd·p0aw ● relayed 48 ms",
            "direct 12 ms, verified",
            "relayed 48 ms, new key",
            "direct 12 ms, known",
        )


# --- safety words


async def test_safety_words_are_numbered_and_one_key_says_that_they_are_the_same(node: FakeNode) -> None:
    async with stage(node) as pilot:
        node.tell(*here(KNOWN_BEN, CYD))
        await until_shown(pilot, "ben·m2xd joined")
        await pilot.press("f5")
        await until_shown(
            pilot,
            "▸ ben·m2xd",
            "Compare these words with ben over another channel",
            *(f"{number}   {word}" for number, word in enumerate(BEN.words, 1)),
        )
        await pilot.press("down")
        await until_shown(pilot, "▸ cyd·p0aw", "1   acid")
        await pilot.press("up", "enter")
        await until_called(pilot, node, "verify", ROOM, BEN.peer)
        await until_shown(pilot, "· ben·m2xd is verified")
        node.tell(*here(BEN))
        await until_shown(pilot, "ben·m2xd✓", "You have verified ben")
        await pilot.press("v", "escape")
        await until_shown(pilot, "ben·m2xd is verified now", "Enter sends")
    assert decisions(node) == [("verify", ROOM, BEN.peer)]


async def test_different_words_are_explained_and_blocking_is_offered(node: FakeNode) -> None:
    async with stage(node) as pilot:
        node.tell(*here(KNOWN_BEN))
        await until_shown(pilot, "ben·m2xd joined")
        await pilot.press("f5", "d")
        await until_shown(pilot, "Different words: somebody may sit between you and ben", "y block ben·m2xd", "n leave")
        await pilot.press("escape")
        await until_shown(pilot, "Compare these words with ben")
        await pilot.press("d", "y")
        await until_called(pilot, node, "block_contact", BENS_KEY, True)
        await until_shown(pilot, "· ben·m2xd is blocked")
    assert decisions(node) == [("block_contact", BENS_KEY, True)]


async def test_a_peer_that_keeps_no_key_cannot_be_blocked_and_that_is_said(node: FakeNode) -> None:
    node.known_contacts = []
    async with stage(node) as pilot:
        node.tell(*here(CYD))
        await until_shown(pilot, "cyd·p0aw joined")
        await pilot.press("f5", "d", "y")
        await until_shown(pilot, "! cyd·p0aw keeps no key that could be blocked")
    assert decisions(node) == []


async def test_what_the_node_refuses_is_said_where_the_user_looks(node: FakeNode) -> None:
    async with stage(node) as pilot:
        node.tell(*here(CYD))
        await until_shown(pilot, "cyd·p0aw joined")
        await pilot.press("f5")
        node.fail_next = PeerUnreachable("no such peer is connected", "wait until it is back")
        await pilot.press("v")
        await until_shown(pilot, "1   acid", "! no such peer is connected. Wait until it is back")


async def test_a_key_on_its_way_does_not_verify_the_next_one_when_a_peer_has_gone(node: FakeNode) -> None:
    async with stage(node) as pilot:
        node.tell(*here(KNOWN_BEN, CYD))
        await until_shown(pilot, "cyd·p0aw joined")
        await pilot.press("f5")
        await until_shown(pilot, "1   marble")
        node.tell(*here(replace(KNOWN_BEN, state=PeerState.LEFT)))
        await until_shown(pilot, "Up and Down choose somebody")
        await pilot.press("enter", "v", "d")
        await until_shown(pilot, "Up and Down choose somebody")
        await pilot.press("down", "v")
        await until_called(pilot, node, "verify", ROOM, CYD.peer)
    assert decisions(node) == [("verify", ROOM, CYD.peer)]


async def test_without_words_nothing_can_be_verified(node: FakeNode) -> None:
    async with stage(node) as pilot:
        await pilot.press("f5", "enter", "d")
        await until_shown(pilot, "Nobody is connected, so there are no words to compare")
        node.tell(*here(replace(CYD, words=())))
        await until_shown(pilot, "cyd cannot be verified")
        await pilot.press("enter", "v", "d", "f5")
        await until_shown(pilot, "Enter sends")
    assert decisions(node) == []


@pytest.mark.parametrize(
    ("command", "texts"),
    [
        ("/verify", ["▸ ben·m2xd", "1   marble"]),
        ("/verify cyd", ["▸ cyd·p0aw", "1   acid"]),
        ("/verify cyd·p0aw", ["▸ cyd·p0aw", "1   acid"]),
        ("/verify zoe", ["! zoe is not connected. /who lists who is here", "▏ /verify zoe"]),
        ("/safety", ["cyd·p0aw, new key: acid bacon cabin daring eager", "ben·m2xd, verified: marble tundra"]),
    ],
)
async def test_safety_words_have_commands(node: FakeNode, command: str, texts: list[str]) -> None:
    async with stage(node) as pilot:
        node.tell(*here(BEN, CYD))
        await until_shown(pilot, "cyd·p0aw joined")
        pilot.app.screen.query_one(Composer).insert(command)
        await pilot.press("enter")
        await until_shown(pilot, *texts)
    assert decisions(node) == []


# --- contacts


async def test_contacts_are_listed_with_name_tag_state_and_when_they_were_met(node: FakeNode) -> None:
    async with stage(node) as pilot:
        node.tell(*here(BEN))
        await until_shown(pilot, "ben·m2xd joined")
        await write(pilot, "/contacts")
        await pilot.press("enter")
        await until_shown(
            pilot,
            "Contacts  3",
            "▸✓ ben  m2xdq7ra",
            "verified",
            "here now",
            "cyd from work  p0awz3ke",
            "calls itself cyd, last met today 12:02",
            "× eve  9tq3mmno",
            "blocked",
            "last met 3 November 2026",
        )


async def test_a_contact_is_given_a_name(node: FakeNode) -> None:
    async with stage(node) as pilot:
        await write(pilot, "/contacts")
        await pilot.press("enter")
        await until_shown(pilot, "▸✓ ben")
        await pilot.press("r", "b", "e", "n", "escape")
        await until_shown(pilot, "▸✓ ben")
        await pilot.press("r")
        await until_shown(pilot, "What do you want to call ben·m2xd?", "Enter keep")
        await write(pilot, "benny")
        await pilot.press("enter")
        await until_called(pilot, node, "rename_contact", BENS_KEY, "benny")
        await until_shown(pilot, "· ben·m2xd is called benny now", "▸✓ ben")
    assert decisions(node) == [("rename_contact", BENS_KEY, "benny")]


async def test_a_name_that_is_pasted_has_no_control_characters(node: FakeNode) -> None:
    async with stage(node) as pilot:
        await pilot.app.run_action("contacts")
        await until_shown(pilot, "▸✓ ben")
        await pilot.press("down", "r")
        await until_shown(pilot, "What do you want to call cyd from work·p0aw?")
        field = pilot.app.screen.query_one(Field)
        await pilot.press("ctrl+u")
        field.post_message(events.Paste("c\x1b[31md\u202e\ne"))
        await until(pilot, lambda: bool(field.value))
        await pilot.press("enter")
        await until_called(pilot, node, "rename_contact", CYDS_KEY, "c␛[31md e")


@pytest.mark.parametrize(
    ("keys", "question", "call"),
    [
        ("f", "Forget ben·m2xd?", ("forget_contact", BENS_KEY)),
        ("v", "Is this the key of ben?", ("verify_contact", BENS_KEY)),
    ],
)
async def test_what_is_hard_to_take_back_is_asked(
    node: FakeNode, keys: str, question: str, call: tuple[object, ...]
) -> None:
    async with stage(node) as pilot:
        await pilot.app.run_action("contacts")
        await until_shown(pilot, "▸✓ ben")
        for answer in ("n", "escape", "y"):
            await pilot.press(keys)
            await until_shown(pilot, question)
            await pilot.press("enter", answer)
            await until_shown(pilot, "▸✓ ben")
        await until_called(pilot, node, *call)
    assert decisions(node) == [call]


async def test_blocking_is_switched_and_the_list_is_fetched_again(node: FakeNode) -> None:
    async with stage(node) as pilot:
        await pilot.app.run_action("contacts")
        await until_shown(pilot, "▸✓ ben")
        node.known_contacts[0] = replace(CONTACTS[0], state="blocked")
        await pilot.press("b")
        await until_shown(pilot, "▸× ben", "· ben·m2xd is blocked")
        await pilot.press("b")
        await until_called(pilot, node, "block_contact", BENS_KEY, False)
        await pilot.press("down", "down", "b")
        await until_called(pilot, node, "block_contact", EVES_KEY, False)
    assert decisions(node)[0] == ("block_contact", BENS_KEY, True)


async def test_a_decision_that_fails_is_said_on_the_list(node: FakeNode) -> None:
    async with stage(node) as pilot:
        await pilot.app.run_action("contacts")
        await until_shown(pilot, "▸✓ ben")
        node.fail_next = StorageFailed("the contacts are busy", "try again")
        await pilot.press("b")
        await until_shown(pilot, "! the contacts are busy. Try again", "▸✓ ben")


async def test_without_contacts_it_is_said_how_one_gets_them(node: FakeNode) -> None:
    node.known_contacts = []
    async with stage(node) as pilot:
        await pilot.app.run_action("contacts")
        await until_shown(pilot, "Nobody yet. Whoever you are connected with")
        await pilot.press("r", "v", "f", "b")
        await until_shown(pilot, "Nobody yet")
    assert decisions(node) == []


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("/rename ben Ben from work", ("rename_contact", "ben", "Ben from work")),
        ('/rename "cyd from work·p0aw" ""', ("rename_contact", CYDS_KEY, "")),
        ("/block ben·m2xd", ("block_contact", BENS_KEY, True)),
        ("/block eve", ("block_contact", "eve", True)),
        ("/unblock 9tq3", ("block_contact", "9tq3", False)),
    ],
)
async def test_contacts_have_commands(node: FakeNode, command: str, call: tuple[object, ...]) -> None:
    async with stage(node) as pilot:
        pilot.app.screen.query_one(Composer).insert(command)
        await pilot.press("enter")
        await until_called(pilot, node, *call)
    assert decisions(node) == [call]


async def test_the_command_to_forget_asks_first(node: FakeNode) -> None:
    async with stage(node) as pilot:
        await write(pilot, "/forget eve")
        await pilot.press("enter")
        await until_shown(pilot, "Forget eve?", "y forget   n keep")
        await pilot.press("y")
        await until_called(pilot, node, "forget_contact", "eve")
        await until_shown(pilot, "· eve is forgotten")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("/rename", "/rename needs a name and a petname"),
        ("/rename ben", "/rename needs a name and a petname"),
        ("/rename ben's x", "A quotation mark has no partner"),
        ("/forget", "/forget needs a name"),
        ("/block", "/block needs a name"),
        ("/unblock", "/unblock needs a name"),
    ],
)
async def test_a_command_without_a_name_is_explained_and_comes_back(node: FakeNode, command: str, reason: str) -> None:
    async with stage(node) as pilot:
        pilot.app.screen.query_one(Composer).insert(command)
        await pilot.press("enter")
        await until_shown(pilot, f"! {reason}", f"▏ {command}")
    assert decisions(node) == []


# --- warnings


async def test_a_changed_key_stays_on_the_screen_until_it_is_put_away(node: FakeNode) -> None:
    async with stage(node) as pilot:
        node.tell(CHANGED_KEY, *here(BEN))
        await until_shown(
            pilot,
            "│ ! A key is not the one you know. Nobody was let in.",
            "│ this is not the ben you know: the key is 4wjxr2ep, and was m2xdq7ra",
            "│ Ask over another channel",
            "/dismiss",
        )
        await write(pilot, "xyz")
        assert pilot.app.screen.query_one(Composer).text == "xyz"
        await pilot.press("tab")
        await until_shown(pilot, "┃ ! A key is not", "x put away   Tab back")
        await pilot.press("tab", "tab", "x")
        await until(pilot, lambda: "A key is not" not in shown(pilot.app))
        await until_shown(pilot, "! this is not the ben you know")
        await pilot.press("a")
        assert pilot.app.screen.query_one(Composer).text == "xyza"


async def test_warnings_wait_for_one_another_and_offers_for_both(node: FakeNode) -> None:
    async with stage(node) as pilot:
        node.tell(CHANGED_KEY, replace(CHANGED_KEY, message="this is not the cyd you know"), *here(BEN), offered())
        await until_shown(pilot, "1 of 2", "ben·m2xd joined")
        assert "Tab to answer" not in shown(pilot.app)
        await write(pilot, "/accept")
        await pilot.press("enter")
        await until_shown(pilot, "A warning is shown before the offer")
        await pilot.press("escape", "escape")
        for _ in range(2):
            await write(pilot, "/dismiss")
            await pilot.press("enter")
        await until_shown(pilot, "▤ ben·m2xd (verified) offers", "Tab to answer")
    assert decisions(node) == []


async def test_putting_the_last_warning_away_does_not_hand_the_next_key_to_an_offer(node: FakeNode) -> None:
    async with stage(node) as pilot:
        node.tell(CHANGED_KEY, offered())
        await until_shown(pilot, "A key is not the one you know")
        await pilot.press("tab", "x", "d")
        await until_shown(pilot, "Tab to answer")
        assert pilot.app.screen.query_one(Composer).text == "d"
    assert decisions(node) == []


@pytest.mark.parametrize("size", [(40, 15), (80, 19), (80, 24), (120, 40)], ids=str)
async def test_a_warning_leaves_space_to_write(node: FakeNode, size: tuple[int, int]) -> None:
    async with stage(node, size=size) as pilot:
        node.tell(CHANGED_KEY, *here(BEN), offered())
        await until_shown(pilot, "! A key is not")
        await pilot.press(*["ctrl+j"] * 9, *"here")
        await until_shown(pilot, "! A key is not", "here", "Enter sends all lines", "F1 help")


async def test_forged_signals_are_counted(node: FakeNode) -> None:
    async with stage(node) as pilot:
        node.tell(*[Problem("forged-signal", "a sealed signal does not open", "", AT)] * 3)
        await until_shown(pilot, "! a sealed signal does not open (3 times)")


# --- invites


async def test_the_invite_link_is_shown_whole_and_copied_with_a_key(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = "p2pchat:wss://chat.example?room=book%20club#" + "k7qf" * 30
    copied: list[str] = []

    async def invite(conversation: str) -> str:
        return link

    monkeypatch.setattr(node, "invite", invite)
    async with stage(node) as pilot:
        monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
        await write(pilot, "/invite")
        await pilot.press("enter")
        await until_shown(pilot, "Invite somebody to lab", "Whoever has this link", "p2pchat chat --invite")
        assert link in "".join(shown(pilot.app).split())
        await pilot.press("c")
        await until_shown(pilot, "· Handed to the terminal")
        assert copied == [link]
        await pilot.press("escape")
        await until_shown(pilot, "Enter sends")


async def test_a_room_without_a_secret_has_no_invite(node: FakeNode) -> None:
    async with stage(node) as pilot:
        node.fail_next = UsageError("this room has no secret", "join it with --new-secret")
        await write(pilot, "/invite")
        await pilot.press("enter")
        await until_shown(pilot, "! this room has no secret. Join it with --new-secret")


async def test_a_room_with_a_secret_is_joined_with_it_and_names_no_other_way_in(node: FakeNode) -> None:
    app = ChatApp(node, ROOM, downloads=DOWNLOADS, secret=b"s" * 16, wall=lambda: AT)
    async with app.run_test() as pilot:
        await until_called(pilot, node, "join", ROOM, b"s" * 16)
        await until_shown(pilot, "Nobody else is here yet", "/invite shows the link")
        assert "--server" not in shown(app)
