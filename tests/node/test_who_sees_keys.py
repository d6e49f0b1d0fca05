"""Who sees each key that is typed, between real nodes: what leaves on `t140` is watched where it goes onto the link."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p2pchat.errors import PeerUnreachable, UsageError
from p2pchat.node.connector import Connector
from p2pchat.node.events import (
    Alerted,
    LineState,
    LiveTextAsked,
    LiveTextChanged,
    LiveTextShown,
    MessageDelivered,
    MessageReceived,
    PeerChanged,
    PeerInfo,
    PeerState,
)
from p2pchat.protocol.codec import decode
from p2pchat.protocol.frames import Hello, LiveTextFeatures
from p2pchat.protocol.rtt.parser import BACKSPACE, BOM, NEW_LINE
from p2pchat.rtc.channels import Channel
from p2pchat.rtc.link import Link
from tests.node.player import PATIENCE, ROOM, Player, connected, on_guarded_loop

Left = list[tuple[str, bool, str]]
"""What left on `t140`: to whom, whether it saw keys at that moment by what front ends were told, and the text."""


class Typist(Player):
    """A player whose `t140` messages are watched."""

    left: Left

    def sees(self, name: str) -> bool:
        """Whether the indicator says that a peer sees our keys: by the last event about it."""
        said = [event.info.sees_keys for event in self.all(PeerChanged) if event.info.name == name]
        return bool(said) and said[-1]

    async def info(self, name: str) -> PeerInfo:
        return next(info for info in await self.node.peers(ROOM) if info.name == name)

    async def until_true(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def until_sees(self, name: str, sees: bool) -> None:
        await self.until_true(lambda: self.sees(name) is sees)

    async def until_rests(self, name: str, mode: str) -> None:
        """Waits until a peer is said to be in this mode."""
        said = [event.info.live_mode for event in self.all(PeerChanged) if event.info.name == name]
        if said[-1] != mode:
            told = len(self.told)
            await self.until(PeerChanged, lambda event: event in self.told[told:] and event.info.live_mode == mode)

    async def until_left(self, name: str, text: str) -> None:
        await self.until_true(lambda: text in self.left_to(name))

    def left_to(self, name: str) -> str:
        return "".join(text for who, _, text in self.left if who == name)

    def nobody_saw_keys_unsaid(self) -> bool:
        """Whether nothing but erasures and ends of lines went to a peer that was not said to see keys."""
        return all(sees or not set(text) - {BACKSPACE, NEW_LINE, BOM} for _, sees, text in self.left)


@pytest.fixture
def typist(monkeypatch: pytest.MonkeyPatch, signaling_server: str, tmp_path: Path) -> Typist:
    player = Typist("ana", signaling_server, tmp_path)
    player.left = []
    send = Connector.send

    def watched(connector: Connector, channel: Channel, data: Any) -> None:
        conversation = player.node._conversations[ROOM]
        if channel is Channel.TEXT and connector._us == conversation._us:
            info = conversation.peers[connector._them].info
            player.left.append((info.name, info.sees_keys, data))
        send(connector, channel, data)

    monkeypatch.setattr(Connector, "send", watched)
    return player


@on_guarded_loop
async def test_the_indicator_is_right_and_nothing_leaves_without_it_in_every_combination(
    typist: Typist, signaling_server: str, tmp_path: Path
) -> None:
    async with typist as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        sharings: list[tuple[str, list[tuple[bool, str | None]], bool]] = [
            ("nothing was said", [], True),
            ("yes to everybody", [(True, None)], True),
            ("no to everybody", [(False, None)], False),
            ("no, but yes to this one", [(False, None), (True, "ben")], True),
            ("yes, but no to this one", [(True, None), (False, "ben")], False),
        ]
        expected, typed = set(), map(chr, itertools.count(0x4E00))
        for (what, said, shared), policy, mode, theirs in itertools.product(
            sharings, ("off", "ask", "on"), ("live", "hold", "off"), ("live", "off", "hold")
        ):
            for answer in said:
                await ana.node.share_live_text(ROOM, *answer)
            await ana.node.live_text_policy("ben", policy)
            await ana.node.live_text_mode(ROOM, mode)
            await ben.node.live_text_mode(ROOM, theirs)
            await ana.until_rests("ben", {"live": ""}.get(theirs, theirs))
            sees = shared and policy != "off" and mode == "live" and theirs != "off"
            assert (await ana.info("ben")).sees_keys is sees, (what, policy, mode, theirs)
            await ana.until_sees("ben", sees)
            character = next(typed)
            await ana.node.set_live_text(ROOM, character)
            if sees:
                expected.add(character)
                await ana.until_left("ben", character)
            await ana.node.set_live_text(ROOM, "")
        assert set(ana.left_to("ben")) - {BACKSPACE, BOM} == expected
        assert ana.nobody_saw_keys_unsaid()


@on_guarded_loop
async def test_everybody_sees_keys_until_something_was_said(
    typist: Typist, signaling_server: str, tmp_path: Path
) -> None:
    async with typist as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        assert ana.sees("ben")
        await ana.node.set_live_text(ROOM, "hello")
        await ben.until(LiveTextChanged, lambda event: event.text == "hello")
        assert ana.all(LiveTextAsked) == []


@on_guarded_loop
async def test_who_comes_later_is_asked_about_once_and_not_sent_one_byte(
    typist: Typist, signaling_server: str, tmp_path: Path
) -> None:
    async with typist as ana:
        await ana.node.share_live_text(ROOM, True)
        async with Player("ben", signaling_server, tmp_path) as ben:
            await connected(ana, ben)
            asked = await ana.until(LiveTextAsked)
            assert (asked.name, asked.peer) == ("ben", (await ana.info("ben")).peer)
            await ana.node.set_live_text(ROOM, "for cyd only")
            sent = await ana.node.commit_live_text(ROOM)
            assert (await ben.until(MessageReceived)).text == "for cyd only"
            await ana.until(MessageDelivered, lambda event: event.id == sent)
            assert ana.left == []
        async with Player("ben", signaling_server, tmp_path) as ben:
            await ben.until_peer(PeerState.CONNECTED)
            await ana.until_true(lambda: [e.info.state for e in ana.all(PeerChanged)][-1] is PeerState.CONNECTED)
            assert not ana.sees("ben")
            assert len(ana.all(LiveTextAsked)) == 1
            await ana.node.set_live_text(ROOM, "now for you, too")
            await ana.node.share_live_text(ROOM, True, "ben")
            assert (await ben.until(LiveTextChanged)).text == "now for you, too"
            assert ana.sees("ben")
        async with Player("ben", signaling_server, tmp_path) as ben:
            assert (await ben.until(LiveTextChanged)).text == "now for you, too"  # it is the same key
        assert ana.nobody_saw_keys_unsaid()


@on_guarded_loop
async def test_a_contact_with_the_policy_on_sees_keys_when_it_comes_later_and_one_with_off_never(
    typist: Typist, signaling_server: str, tmp_path: Path
) -> None:
    async with typist as ana:
        async with Player("ben", signaling_server, tmp_path) as ben, Player("cyd", signaling_server, tmp_path) as cyd:
            await connected(ana, ben, cyd)
        await ana.node.live_text_policy("ben", "on")
        await ana.node.live_text_policy("cyd", "off")
        assert {contact.name: contact.live_text for contact in await ana.node.contacts()} == {"ben": "on", "cyd": "off"}
        await ana.node.share_live_text(ROOM, True)
        ana.told.clear()
        ana.left.clear()
        async with Player("ben", signaling_server, tmp_path) as ben, Player("cyd", signaling_server, tmp_path) as cyd:
            await connected(ana, ben, cyd)
            await ana.node.share_live_text(ROOM, True, "cyd")
            await ana.node.set_live_text(ROOM, "among us")
            await ben.until(LiveTextChanged, lambda event: event.text == "among us")
            await ana.node.commit_live_text(ROOM)
            assert (await cyd.until(MessageReceived)).text == "among us"
            assert (ana.sees("ben"), ana.sees("cyd")) == (True, False)
            assert ana.left_to("cyd") == ""
            assert ana.all(LiveTextAsked) == []
            assert cyd.all(LiveTextChanged) == []
            await ana.node.live_text_policy("ben", "off")
            await ana.until_sees("ben", False)


@on_guarded_loop
async def test_the_greeting_does_not_tell_who_is_refused(
    typist: Typist, monkeypatch: pytest.MonkeyPatch, signaling_server: str, tmp_path: Path
) -> None:
    greetings: list[tuple[str, str]] = []

    def watched(link: Link, channel: Channel, data: Any) -> bool:
        match decode(data) if channel is Channel.CONTROL else None:
            case Hello(name="ana", live_text=LiveTextFeatures(direction=direction, why=why)):
                greetings.append((direction, why))
        return send(link, channel, data)

    send = Link.send
    monkeypatch.setattr(Link, "send", watched)
    async with typist as ana:
        async with Player("ben", signaling_server, tmp_path) as ben, Player("cyd", signaling_server, tmp_path) as cyd:
            await connected(ana, ben, cyd)
        await ana.node.live_text_policy("ben", "off")
        ana.told.clear()
        async with Player("ben", signaling_server, tmp_path) as ben, Player("cyd", signaling_server, tmp_path) as cyd:
            await connected(ana, ben, cyd)
            await ana.until_sees("cyd", True)
            assert not ana.sees("ben")
    assert greetings == [("recvonly", "")] * 4


@on_guarded_loop
async def test_no_to_everybody_takes_the_line_back_also_from_one_who_was_allowed(
    typist: Typist, signaling_server: str, tmp_path: Path
) -> None:
    async with typist as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ana.node.share_live_text(ROOM, True, "ben")
        await ana.node.set_live_text(ROOM, "wait, no")
        await ben.until(LiveTextChanged, lambda event: event.text == "wait, no")
        await ana.node.share_live_text(ROOM, False)
        await ben.until(LiveTextChanged, lambda event: event.text == "")
        assert not (await ana.info("ben")).sees_keys
        await ana.node.set_live_text(ROOM, "wait, not yet")
        await ana.node.commit_live_text(ROOM)
        assert (await ben.until(MessageReceived)).text == "wait, not yet"
        assert ana.nobody_saw_keys_unsaid()
        assert {event.info.live_mode for event in ben.all(PeerChanged)} == {""}


@on_guarded_loop
async def test_only_who_may_see_keys_learns_that_they_are_held_back_by_choice(
    typist: Typist, signaling_server: str, tmp_path: Path
) -> None:
    def modes(player: Player) -> list[str]:
        return [event.info.live_mode for event in player.all(PeerChanged) if event.info.name == "ana"]

    async def sees_ana_again(player: Player) -> None:
        lost = await player.until_peer(PeerState.LOST, "ana")
        states = (PeerState.CONNECTED, "ana")
        await player.until(
            PeerChanged, lambda event: event.at > lost.at and (event.info.state, event.info.name) == states
        )

    async with (
        typist as ana,
        Player("ben", signaling_server, tmp_path) as ben,
        Player("cyd", signaling_server, tmp_path) as cyd,
    ):
        await connected(ana, ben, cyd)
        await ana.node.share_live_text(ROOM, True)
        await ana.node.share_live_text(ROOM, False, "cyd")
        await ana.node.live_text_mode(ROOM, "hold")
        await ben.until(PeerChanged, lambda event: event.info.live_mode == "hold")
        for peer in ana.node._conversations[ROOM].peers.values():
            peer._connector.drop("pulled out")
        await sees_ana_again(ben)
        await sees_ana_again(cyd)
        assert modes(ben)[-1] == "hold", "a new link begins with it"
        await ana.node.share_live_text(ROOM, False, "ben")
        await ana.until_true(lambda: modes(ben)[-1] == "")
        assert set(modes(cyd)) == {""}


@on_guarded_loop
async def test_held_text_stays_and_the_rest_follows_when_it_is_live_again(
    typist: Typist, signaling_server: str, tmp_path: Path
) -> None:
    async with typist as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ana.node.set_live_text(ROOM, "I think")
        await ben.until(LiveTextChanged, lambda event: event.text == "I think")
        await ana.node.live_text_mode(ROOM, "hold")
        held = await ben.until(PeerChanged, lambda event: event.info.live_mode == "hold")
        assert held.info.sees_keys  # it goes on reading: our keys still go there
        await ana.node.set_live_text(ROOM, "I think not")
        assert ben.all(LiveTextChanged)[-1].text == "I think"
        await ana.node.live_text_mode(ROOM, "live")
        await ben.until(LiveTextChanged, lambda event: event.text == "I think not")
        await ana.node.live_text_mode(ROOM, "off")
        taken_back = await ben.until(LiveTextChanged, lambda event: event.text == "")
        assert taken_back.state is LineState.LIVE
        assert (await ben.until(PeerChanged, lambda event: event.info.live_mode == "off")).info.sees_keys is False
        await ana.node.commit_live_text(ROOM)
        assert (await ben.until(MessageReceived)).text == "I think not"


@on_guarded_loop
async def test_what_was_decided_holds_over_a_new_link(typist: Typist, signaling_server: str, tmp_path: Path) -> None:
    async with typist as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ana.node.share_live_text(ROOM, False)
        for peer in ana.node._conversations[ROOM].peers.values():
            peer._connector.drop("pulled out")
        await ana.until_peer(PeerState.LOST)
        await ana.node.set_live_text(ROOM, "typed meanwhile")
        await ana.until_true(lambda: ana.all(PeerChanged)[-1].info.state is PeerState.CONNECTED)
        assert not (await ana.info("ben")).sees_keys
        await ana.node.commit_live_text(ROOM)
        assert (await ben.until(MessageReceived)).text == "typed meanwhile"
        assert ana.nobody_saw_keys_unsaid()


@on_guarded_loop
async def test_a_peer_whose_link_is_lost_sees_no_keys(typist: Typist, signaling_server: str, tmp_path: Path) -> None:
    async with typist as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        assert ana.sees("ben")
        for peer in ana.node._conversations[ROOM].peers.values():
            peer._connector.drop("pulled out")
        lost = await ana.until_peer(PeerState.LOST)
        assert not lost.info.sees_keys
        await ana.until_sees("ben", True)
        for event in ana.all(PeerChanged):
            assert not event.info.sees_keys or event.info.state is PeerState.CONNECTED


@on_guarded_loop
async def test_an_alert_goes_to_those_who_see_keys_and_not_again_at_once(
    typist: Typist, signaling_server: str, tmp_path: Path
) -> None:
    async with (
        typist as ana,
        Player("ben", signaling_server, tmp_path) as ben,
        Player("cyd", signaling_server, tmp_path) as cyd,
    ):
        await connected(ana, ben, cyd)
        await ana.node.share_live_text(ROOM, False)
        assert not await ana.node.alert(ROOM)
        await ana.node.share_live_text(ROOM, True, "ben")
        assert await ana.node.alert(ROOM)
        assert (await ben.until(Alerted)).name == "ana"
        assert not await ana.node.alert(ROOM)
        assert cyd.all(Alerted) == []
        assert "\a" not in ana.left_to("cyd")


@on_guarded_loop
async def test_the_writer_learns_that_a_line_was_shown_and_how_long_it_took(
    typist: Typist, signaling_server: str, tmp_path: Path
) -> None:
    async with typist as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        pressed = time.monotonic() - 2.0
        await ana.node.set_live_text(ROOM, "seen?", pressed)
        shown = await ana.until(LiveTextShown)
        assert shown.peer == (await ana.info("ben")).peer
        (stats,) = await ana.node.live_text_stats(ROOM)
        assert (stats.name, stats.measured.key_to_send.count) == ("ben", 1)
        assert stats.measured.key_to_send.p50 >= 2.0  # counted from the key
        (theirs,) = await ben.node.live_text_stats(ROOM)
        assert theirs.measured.characters_received == len("\ufeffseen?")


@on_guarded_loop
async def test_impossible_wishes_are_refused_with_a_reason(typist: Typist) -> None:
    async with typist as ana:
        with pytest.raises(UsageError, match="no mode"):
            await ana.node.live_text_mode(ROOM, "loud")
        with pytest.raises(UsageError, match="no policy"):
            await ana.node.live_text_policy("ben", "perhaps")
        with pytest.raises(PeerUnreachable):
            await ana.node.share_live_text(ROOM, True, "ben")
        assert await ana.node.live_text_stats(ROOM) == []
