"""Two who talk stay connected: over a path that is cut, a link that dies, a server that is gone."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from p2pchat.node import attempts, connector, renewal
from p2pchat.node.conversation import Conversation
from p2pchat.node.events import (
    LineState,
    LiveTextChanged,
    MessageReceived,
    PeerChanged,
    PeerInfo,
    PeerState,
    ServerChanged,
    TransferChanged,
    TransferState,
)
from p2pchat.node.peer import Peer
from p2pchat.rtc.loop import DatagramFilter
from tests.node.files import digest, ended, offered, peers_of, some_progress
from tests.node.player import ROOM, Player, connected, on_guarded_loop
from tests.server_process import ServerProcess


class Air:
    """What carries the datagrams of all links; the server is reached without it."""

    def __init__(self) -> None:
        self.cut = False
        """Whether nothing gets through."""
        self.sockets: set[DatagramFilter] = set()
        self.dead: set[DatagramFilter] = set()

    def kill_sockets(self) -> None:
        """As when an address is gone: what was opened until now hears nothing any more."""
        self.dead |= self.sockets


@pytest.fixture
def air(monkeypatch: pytest.MonkeyPatch) -> Iterator[Air]:
    made = Air()
    receive = DatagramFilter.datagram_received

    def datagram_received(self: DatagramFilter, data: bytes, addr: tuple[str, int]) -> None:
        made.sockets.add(self)
        if not made.cut and self not in made.dead:
            receive(self, data, addr)

    monkeypatch.setattr(DatagramFilter, "datagram_received", datagram_received)
    yield made
    made.sockets.clear()


def states(player: Player, name: str) -> list[PeerState]:
    """The states that a peer was told to be in, from when it was connected first."""
    told = [event.info for event in player.all(PeerChanged) if event.info.name == name]
    changes = [info.state for info in told]
    return [state for number, state in enumerate(changes) if number == 0 or changes[number - 1] is not state]


def peer_of(player: Player) -> Peer:
    (peer,) = peers_of(player)
    return peer


def link_of(player: Player) -> bytes:
    """What tells the present link from others."""
    link = peer_of(player).link
    assert link is not None
    return link.our_fingerprint


async def another_link(player: Player, before: PeerInfo) -> None:
    """Waits until the session has moved: each link has safety words of its own."""
    await player.until(PeerChanged, lambda event: event.info.words not in ((), before.words))


async def said_and_heard(speaker: Player, listener: Player, text: str) -> None:
    await speaker.node.say(ROOM, text)
    await listener.until(MessageReceived, lambda event: event.text == text)


def heard(player: Player) -> list[str]:
    return [event.text for event in player.all(MessageReceived)]


@pytest.mark.parametrize("seconds", [8.0, pytest.param(30.0, marks=pytest.mark.soak)])
@on_guarded_loop
async def test_a_path_that_is_cut_loses_nothing_and_repeats_nothing(
    signaling_server: str, tmp_path: Path, air: Air, seconds: float
) -> None:
    original = tmp_path / "film.mov"
    original.write_bytes(os.urandom(30_000_001))
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        await some_progress(ben)
        await ana.node.set_live_text(ROOM, "I was just wri")
        await ben.until(LiveTextChanged, lambda event: event.text == "I was just wri")
        air.cut = True
        texts: list[str] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            texts.append(f"message {len(texts)}")
            await ana.node.say(ROOM, texts[-1])
            await asyncio.sleep(seconds / 16)
        await ana.node.set_live_text(ROOM, "I was just writing")
        air.cut, back = False, time.monotonic()
        await ben.until(MessageReceived, lambda event: event.text == texts[-1])
        print(f"\ncut for {seconds:.0f} s: the messages are there {time.monotonic() - back:.1f} s later")
        assert heard(ben) == texts
        await ben.until(LiveTextChanged, lambda event: event.text == "I was just writing")
        await ana.node.commit_live_text(ROOM)
        await ben.until(LiveTextChanged, lambda event: event.state is LineState.FINAL)
        end = (await ben.until(TransferChanged, ended)).info
        assert end.state is TransferState.DONE
        assert digest(ben.downloads / "film.mov") == digest(original)
        assert heard(ben) == texts


@on_guarded_loop
async def test_a_link_whose_address_is_gone_is_replaced_before_anybody_notices(
    signaling_server: str, tmp_path: Path, air: Air
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await said_and_heard(ana, ben, "before")
        old, changed = link_of(ana), time.monotonic()
        air.kill_sockets()
        ana.node._look_around(frozenset({"192.0.2.1"}))
        await ana.node.say(ROOM, "meanwhile")
        await ben.until(MessageReceived, lambda event: event.text == "meanwhile")
        print(f"\nan address is gone: the next message is there {time.monotonic() - changed:.1f} s later")
        await said_and_heard(ben, ana, "after")
        assert link_of(ana) != old
        assert states(ana, "ben") == states(ben, "ana") == [PeerState.CONNECTED]
        assert heard(ben) == ["before", "meanwhile"]


@on_guarded_loop
async def test_who_has_another_address_makes_another_link_as_soon_as_the_server_is_reached_from_it(
    signaling_server: str, tmp_path: Path, air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "GONE_SECONDS", 3600.0)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await said_and_heard(ana, ben, "before")
        old, changed = link_of(ana), time.monotonic()
        air.kill_sockets()
        ana.node._look_around(frozenset({"127.0.0.1", "::1"}))
        await ana.node.say(ROOM, "meanwhile")
        await ben.until(MessageReceived, lambda event: event.text == "meanwhile")
        print(f"\nthe address of all is gone: the next message is there {time.monotonic() - changed:.1f} s later")
        await said_and_heard(ben, ana, "after")
        assert link_of(ana) != old
        assert [event.info.reason for event in ana.all(PeerChanged) if "nothing heard" in event.info.reason] == []
        assert heard(ben) == ["before", "meanwhile"]


def conversation_of(player: Player) -> Conversation:
    return player.node._conversations[ROOM]


def it_is_back(here: Player, there: Player) -> None:
    peer_of(here).way.hurry()


def the_seat_is_taken_again(here: Player, there: Player) -> None:
    conversation_of(here)._server_is_back([peer_of(here).seat], [])


def the_network_has_changed(here: Player, there: Player) -> None:
    here.node._look_around(frozenset())


def the_other_offers(here: Player, there: Player) -> None:
    peer_of(there).way.begin()


@pytest.mark.parametrize("event", [it_is_back, the_seat_is_taken_again, the_network_has_changed, the_other_offers])
@on_guarded_loop
async def test_an_attempt_whose_offer_was_lost_is_not_waited_out(
    signaling_server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    event: Callable[[Player, Player], None],
) -> None:
    monkeypatch.setattr(connector, "CROSSING_SECONDS", 0.0)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        here, there = sorted((ana, ben), key=lambda player: conversation_of(player)._us)  # the offer of here stands
        before = {player: peer_of(player).info for player in (here, there)}
        lost = asyncio.Event()

        def loses(peer: str, body: Any) -> None:
            if body["kind"] == "offer":
                lost.set()

        with monkeypatch.context() as dead:
            dead.setattr(conversation_of(there)._client, "relay", lambda peer, body: None)
            dead.setattr(conversation_of(here)._client, "relay", loses)
            peer_of(here).way.drop("cut", for_good=False)
            await asyncio.wait_for(lost.wait(), 20)
        event(here, there)
        for player in (here, there):
            await another_link(player, before[player])
        await said_and_heard(here, there, "once more")
        reasons = [told.info.reason for player in (here, there) for told in player.all(PeerChanged)]
        assert [reason for reason in reasons if "no connection within" in reason] == []


@on_guarded_loop
async def test_an_attempt_gets_through_while_addresses_change_all_the_time(
    signaling_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "JITTER_SECONDS", 0.0)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        before = peer_of(ana).info

        async def containers_come_and_go() -> None:
            while True:
                ana.node._look_around(frozenset({"192.0.2.1"}))
                await asyncio.sleep(0.02)

        changing = asyncio.create_task(containers_come_and_go())
        peer_of(ana).way.drop("cut", for_good=False)
        await another_link(ana, before)
        await said_and_heard(ana, ben, "through")
        changing.cancel()


@on_guarded_loop
async def test_who_has_left_is_not_said_to_be_tried_again(
    signaling_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        for player in (ana, ben):
            monkeypatch.setattr(conversation_of(player)._client, "relay", lambda peer, body: None)
        peer_of(ana).way.drop("cut", for_good=False)
        await ana.until_peer(PeerState.LOST, "ben")
        for _ in range(10):
            peer_of(ana).way.closed("no route")
        assert peer_of(ana).info.state is PeerState.FAILED
        assert "trying again" in peer_of(ana).info.reason
        conversation_of(ana)._gone(peer_of(ana).seat, "left the room")
        assert (peer_of(ana).info.state, peer_of(ana).info.reason) == (PeerState.LEFT, "left the room")


@on_guarded_loop
async def test_a_link_that_dies_without_a_sign_is_replaced_while_it_is_suspect(
    signaling_server: str, tmp_path: Path, air: Air
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        air.kill_sockets()
        died = time.monotonic()
        await said_and_heard(ana, ben, "hello?")
        print(f"\na link has died: the next message is there {time.monotonic() - died:.1f} s later")
        assert states(ana, "ben") == states(ben, "ana") == [PeerState.CONNECTED]
        why = {event.info.reason for event in ana.all(PeerChanged) if event.info.state is PeerState.CONNECTED}
        assert why <= {"", "nothing heard for 6 s; trying another link"}


@on_guarded_loop
async def test_a_link_that_answers_is_kept_when_addresses_change(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await said_and_heard(ana, ben, "before")
        old = link_of(ana)
        ana.node._look_around(frozenset({"192.0.2.1"}))
        await asyncio.sleep(1.5)  # longer than it has to answer
        await said_and_heard(ana, ben, "after")
        assert link_of(ana) == old


@on_guarded_loop
async def test_another_link_is_negotiated_over_the_one_that_is_there_while_the_server_is_away(tmp_path: Path) -> None:
    with ServerProcess() as server:
        async with Player("ana", server.url, tmp_path) as ana, Player("ben", server.url, tmp_path) as ben:
            await connected(ana, ben)
            server.process.kill()
            for player in (ana, ben):
                await player.until(ServerChanged, lambda event: not event.online)
            await ana.node.set_live_text(ROOM, "still ty")
            await ben.until(LiveTextChanged, lambda event: event.text == "still ty")
            old = peer_of(ben).info
            peer_of(ana).way.suspect()
            for number in range(20):
                await ana.node.say(ROOM, str(number))
            await another_link(ben, old)
            await ana.node.set_live_text(ROOM, "still typing")
            await ben.until(LiveTextChanged, lambda event: event.text == "still typing")
            await ben.until(MessageReceived, lambda event: event.text == "19")
            assert heard(ben) == [str(number) for number in range(20)]
            assert states(ana, "ben") == states(ben, "ana") == [PeerState.CONNECTED]


@on_guarded_loop
async def test_who_is_lost_while_the_server_is_away_is_told_why_and_comes_back_with_it(
    tmp_path: Path, air: Air
) -> None:
    with ServerProcess() as first:
        async with Player("ana", first.url, tmp_path) as ana, Player("ben", first.url, tmp_path) as ben:
            await connected(ana, ben)
            first.process.kill()
            await ana.until(ServerChanged, lambda event: "trying again every" in event.reason)
            air.kill_sockets()
            await ana.until_peer(PeerState.LOST, "ben")
            await ana.until(PeerChanged, lambda event: event.info.reason.startswith("the server is away"))
            await ana.node.say(ROOM, "waiting")
            with ServerProcess(first.port):
                back = time.monotonic()
                await ben.until(MessageReceived, lambda event: event.text == "waiting")
                print(f"\nthe server is back: the message is there {time.monotonic() - back:.1f} s later")
                async with Player("cyd", first.url, tmp_path) as cyd:
                    await connected(ana, ben, cyd)
            assert heard(ben) == ["waiting"]


@on_guarded_loop
async def test_a_server_that_is_killed_and_restarted_disturbs_neither_talk_nor_transfer(tmp_path: Path) -> None:
    original = tmp_path / "film.mov"
    original.write_bytes(os.urandom(60_000_001))
    with ServerProcess() as first:
        async with Player("ana", first.url, tmp_path) as ana, Player("ben", first.url, tmp_path) as ben:
            await connected(ana, ben)
            _, offer = await offered(ana, ben, original)
            await ben.node.accept(offer.transfer)
            await some_progress(ben)
            first.process.kill()
            await ana.node.say(ROOM, "the server is gone")
            await ana.until(ServerChanged, lambda event: not event.online)
            with ServerProcess(first.port):
                back = time.monotonic()
                async with Player("cyd", first.url, tmp_path) as cyd:
                    for player in (ana, ben):
                        await player.until_peer(PeerState.CONNECTED, "cyd")
                        await cyd.until_peer(PeerState.CONNECTED, player.name)
                    print(f"\nthe server is back: who comes now is connected {time.monotonic() - back:.1f} s later")
                    await ana.node.say(ROOM, "and back")
                    await cyd.until(MessageReceived, lambda event: event.text == "and back")
                    await ben.until(MessageReceived, lambda event: event.text == "and back")
                    end = (await ben.until(TransferChanged, ended)).info
                    assert end.state is TransferState.DONE
            assert digest(ben.downloads / "film.mov") == digest(original)
            assert heard(ben) == ["the server is gone", "and back"]
            assert states(ana, "ben") == [PeerState.CONNECTED]
            assert not [event for event in ben.all(TransferChanged) if event.info.state is TransferState.PAUSED]
