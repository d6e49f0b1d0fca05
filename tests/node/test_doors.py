"""`send --to` finds a chat that is open: the doors of a node for its contacts, at its own hub."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from p2pchat.errors import PeerUnreachable
from p2pchat.node import seats
from p2pchat.node.doors import Door
from p2pchat.node.events import (
    Event,
    MessageDelivered,
    MessageReceived,
    PeerChanged,
    PeerState,
    Problem,
    TransferChanged,
    TransferInfo,
    TransferOffered,
    TransferState,
)
from p2pchat.signaling.client import SignalingClient
from p2pchat.signaling.local_network import LocalNetwork
from tests.node.files import digest, some_progress
from tests.node.player import PATIENCE, ROOM, Player, connected, on_guarded_loop
from tests.signaling.neighbours import Cable
from tests.signaling.stage import EVA

LETTER = "by hand\n"


@pytest.fixture(autouse=True)
def cables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is announced but what a test says."""
    monkeypatch.setattr(seats, "LocalNetwork", Cable)


class Neighbour(Player):
    """A player in a room of the local network; `who` has the profile, `program` tells several of one profile apart."""

    def __init__(self, who: str, folder: Path, **more: Any) -> None:
        super().__init__(who, "", folder, **{"lan": True, **more})

    def hears(self, *others: Neighbour) -> None:
        """The others are announced to this one."""
        for other in others:
            _cable(self).hears(_cable(other).service)


class Alone(Neighbour):
    """A program that joins no room, as `send` and `receive` are."""

    async def enter(self) -> None:
        network = self.node._seats.local
        assert network is not None
        await network.start()


def _cable(player: Player) -> Cable:
    network: LocalNetwork | None = player.node._seats.local
    assert isinstance(network, Cable)
    return network


def doors(player: Player) -> list[Door]:
    return list(player.node._doors._open.values())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def chatting(folder: Path, **bens: Any) -> AsyncIterator[tuple[Neighbour, Neighbour]]:
    """Ana and Ben in one room, and so contacts."""
    async with Neighbour("ana", folder) as ana, Neighbour("ben", folder, **bens) as ben:
        ana.hears(ben)
        ben.hears(ana)
        await connected(ana, ben)
        yield ana, ben


@asynccontextmanager
async def at_the_door(folder: Path, who: str, contact: str, *of: Neighbour) -> AsyncIterator[tuple[Alone, str]]:
    """Another program of somebody, which goes to the meeting with a contact; and the name of that meeting."""
    async with Alone(who, folder) as visitor:
        conversation = await visitor.node.meet(contact)
        visitor.hears(*of)
        yield visitor, conversation


async def visit(visitor: Alone, conversation: str, letter: Path) -> str:
    """Sends what `send` does once somebody is connected; returns the transfer's id."""
    info = (await visitor.until_peer(PeerState.CONNECTED)).info
    (transfer,) = await visitor.node.offer(conversation, [letter], info.peer)
    return transfer


async def ended(player: Player) -> TransferInfo:
    return (await player.until(TransferChanged, lambda event: event.info.state.final)).info


def about_transfers(event: Event) -> bool:
    return type(event).__name__.startswith("Transfer")


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.txt"
    path.write_text(LETTER)
    return path


@on_guarded_loop
async def test_a_chat_gets_the_offer_of_a_contact_s_other_program_as_one_of_the_chat(
    tmp_path: Path, letter: Path
) -> None:
    async with chatting(tmp_path) as (ana, ben):
        (in_the_chat,) = await ben.node.peers(ROOM)
        told = len(ben.told)
        async with at_the_door(tmp_path, "ana", "ben", ana, ben) as (visitor, conversation):
            await visit(visitor, conversation, letter)
            offer = (await ben.until(TransferOffered)).info
            assert (offer.conversation, offer.name, offer.peer) == (ROOM, "ana", in_the_chat.peer)
            assert [peer.peer for peer in await ben.node.peers(ROOM)] == [in_the_chat.peer]
            assert len(await ben.node.stats()) == 1
            await ben.node.accept(offer.transfer)
            assert (await ended(visitor)).state is TransferState.DONE
            assert (await ended(ben)).saved == (str(ben.downloads / "letter.txt"),)
        assert (ben.downloads / "letter.txt").read_text() == LETTER
        await until(lambda: all(door.idle for door in doors(ben)))
        at_door = [event for event in ben.told[told:] if not about_transfers(event)]
        assert {type(event).__name__ for event in at_door} <= {"PeerMeasured"}
        assert not ana.all(TransferOffered)
        await ben.node.say(ROOM, "thanks")
        assert (await ana.until(MessageReceived)).text == "thanks"


@on_guarded_loop
async def test_the_sender_s_own_chat_is_in_nobody_s_way_and_nobody_is_told_of_it(tmp_path: Path, letter: Path) -> None:
    async with chatting(tmp_path) as (ana, ben), at_the_door(tmp_path, "ana", "ben", ana) as (visitor, conversation):
        own = (await visitor.until_peer(PeerState.LEFT)).info
        assert own.reason.startswith("another p2pchat of yours")
        visitor.hears(ben)
        await visit(visitor, conversation, letter)
        await ben.until(TransferOffered)
        for player in (ana, ben, visitor):
            assert player.all(Problem) == []


@on_guarded_loop
async def test_what_waits_for_a_chat_is_not_offered_to_the_other_program(tmp_path: Path, letter: Path) -> None:
    async with Neighbour("ben", tmp_path, patience=60.0) as ben, Neighbour("ana", tmp_path) as ana:
        ana.hears(ben)
        ben.hears(ana)
        await connected(ana, ben)
        (back,) = await ben.node.offer(ROOM, [letter])
        await ana.until(TransferOffered)
        for peer in ben.node._conversations[ROOM].peers.values():
            peer.present = False  # so that the link, once it is cut, is not made again
            peer._connector.drop("pulled the plug")
        await ben.until_peer(PeerState.LOST)
        async with at_the_door(tmp_path, "ana", "ben", ben) as (visitor, conversation):
            await visit(visitor, conversation, letter)
            await ben.node.accept((await ben.until(TransferOffered)).info.transfer)
            assert (await ended(visitor)).state is TransferState.DONE
            assert visitor.all(TransferOffered) == []
        (waiting,) = [info for info in await ben.node.transfers() if info.transfer == back]
        assert not waiting.state.final


@on_guarded_loop
async def test_a_link_that_is_lost_comes_back_and_the_transfer_with_it(tmp_path: Path) -> None:
    film = tmp_path / "film.mov"
    film.write_bytes(os.urandom(12_000_000))
    async with chatting(tmp_path) as (_, ben), at_the_door(tmp_path, "ana", "ben", ben) as (visitor, conversation):
        await visit(visitor, conversation, film)
        await ben.node.accept((await ben.until(TransferOffered)).info.transfer)
        await some_progress(ben)
        for peer in visitor.node._conversations[conversation].peers.values():
            peer._connector.drop("pulled the plug")
        await ben.until(TransferChanged, lambda event: event.info.state is TransferState.PAUSED)
        assert (await ended(visitor)).state is TransferState.DONE
        assert len(ben.all(TransferOffered)) == 1
    assert digest(ben.downloads / "film.mov") == digest(film)


@on_guarded_loop
async def test_it_is_declined_like_any_other(tmp_path: Path, letter: Path) -> None:
    async with chatting(tmp_path) as (_, ben), at_the_door(tmp_path, "ana", "ben", ben) as (visitor, conversation):
        await visit(visitor, conversation, letter)
        await ben.node.decline((await ben.until(TransferOffered)).info.transfer, "not now")
        assert ((end := await ended(visitor)).state, end.reason) == (TransferState.DECLINED, "not now")


@on_guarded_loop
async def test_a_small_one_comes_by_itself_where_the_user_wants_that(tmp_path: Path, letter: Path) -> None:
    async with chatting(tmp_path) as (_, ben), at_the_door(tmp_path, "ana", "ben", ben) as (visitor, conversation):
        await ben.node.auto_accept("ana", 1000)
        await visit(visitor, conversation, letter)
        assert (await ben.until(TransferOffered)).info.automatic
        assert (await ended(ben)).state is TransferState.DONE


@on_guarded_loop
async def test_who_is_there_before_the_door_is_met_all_the_same(tmp_path: Path, letter: Path) -> None:
    async with chatting(tmp_path):
        pass
    async with Neighbour("ben", tmp_path) as ben:
        await ben.node.leave(ROOM)
        async with at_the_door(tmp_path, "ana", "ben", ben) as (visitor, conversation):
            await until(lambda: bool(_cable(ben).rooms))
            assert doors(ben) == [], "without a chat there is nobody to take it"
            await ben.node.join(ROOM)
            await visit(visitor, conversation, letter)
            await ben.node.accept((await ben.until(TransferOffered)).info.transfer)
            assert (await ended(visitor)).state is TransferState.DONE


@on_guarded_loop
async def test_a_receiver_and_a_chat_of_one_contact_are_both_met_and_one_gets_it(tmp_path: Path, letter: Path) -> None:
    async with chatting(tmp_path) as (_, ben), Alone("ben", tmp_path) as receiver:
        await receiver.node.meet("ana")
        receiver.hears(ben)
        async with at_the_door(tmp_path, "ana", "ben", ben, receiver) as (visitor, conversation):
            receiver.hears(visitor)
            await until(lambda: len({event.info.peer for event in _connected(visitor)}) == 2)
            await visit(visitor, conversation, letter)
            await until(lambda: len(ben.all(TransferOffered) + receiver.all(TransferOffered)) == 1)
            taker = ben if ben.all(TransferOffered) else receiver
            await taker.node.accept(taker.all(TransferOffered)[0].info.transfer)
            assert (await ended(visitor)).state is TransferState.DONE
            assert len(ben.all(TransferOffered) + receiver.all(TransferOffered)) == 1
        for player in (ben, receiver, visitor):
            assert player.all(Problem) == [], "that two programs of one profile meet is no problem"


def _connected(player: Player) -> list[PeerChanged]:
    return [event for event in player.all(PeerChanged) if event.info.state is PeerState.CONNECTED]


@on_guarded_loop
async def test_a_message_at_a_door_is_refused_with_a_reason_and_not_confirmed(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (_, ben), at_the_door(tmp_path, "ana", "ben", ben) as (visitor, conversation):
        await visitor.until_peer(PeerState.CONNECTED)
        await visitor.node.say(conversation, "is anybody there?")
        assert "only files" in (await visitor.until_peer(PeerState.FAILED)).info.reason
        assert visitor.all(MessageDelivered) == []
        assert ben.all(MessageReceived) == []


@on_guarded_loop
async def test_live_text_neither_leaves_through_a_door_nor_comes_in(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (_, ben), at_the_door(tmp_path, "ana", "ben", ben) as (visitor, conversation):
        info = (await visitor.until_peer(PeerState.CONNECTED)).info
        assert not info.live_text
        await ben.node.set_live_text(ROOM, "a secret")
        await visitor.node.set_live_text(conversation, "and another")
        (peer,) = visitor.node._conversations[conversation].connected()
        assert not peer.text.sees_keys
        assert all(not peer.text.sees_keys for door in doors(ben) for peer in door.peers.values())


@on_guarded_loop
async def test_who_is_blocked_finds_no_door_and_one_that_is_open_closes(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (_, ben), at_the_door(tmp_path, "ana", "ben", ben) as (visitor, conversation):
        await visitor.until_peer(PeerState.CONNECTED)
        await ben.node.block_contact("ana")
        await visitor.until_peer(PeerState.FAILED)
        await until(lambda: doors(ben) == [])
        with pytest.raises(PeerUnreachable):
            await visitor.node.offer(conversation, [tmp_path])


@on_guarded_loop
async def test_doors_close_with_the_chat(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (_, ben), at_the_door(tmp_path, "ana", "ben", ben) as (visitor, _):
        await visitor.until_peer(PeerState.CONNECTED)
        await ben.node.leave(ROOM)
        await visitor.until_peer(PeerState.LEFT)
        assert doors(ben) == []


@on_guarded_loop
async def test_a_room_that_is_no_contact_s_opens_no_door(tmp_path: Path) -> None:
    async with chatting(tmp_path) as (ana, ben), Neighbour("cyd", tmp_path) as cyd:
        for one, other in ((ana, cyd), (ben, cyd)):
            one.hears(other)
            other.hears(one)
        await connected(ana, ben, cyd)
        async with at_the_door(tmp_path, "ana", "cyd", ben, cyd) as (visitor, _):
            await visitor.until_peer(PeerState.CONNECTED)
            assert [len(doors(player)) for player in (ben, cyd)] == [0, 1]


@on_guarded_loop
async def test_somebody_without_the_key_who_has_the_room_s_name_gets_nothing_and_is_in_nobody_s_way(
    tmp_path: Path, letter: Path
) -> None:
    async with chatting(tmp_path) as (_, ben):
        await until(lambda: bool(ben.node._doors._names))
        (room,) = ben.node._doors._names.values()
        network = _cable(ben)
        eva = SignalingClient(f"http://127.0.0.1:{network.port}", EVA, "k" * 32, "test")
        try:
            await eva.connect(room)
            await until(lambda: bool(doors(ben)))
            for body in ({"kind": "offer", "sdp": "v=0"}, "junk", {"sealed": "bm90aGluZw"}):
                eva.relay(network.us, body)
            async with at_the_door(tmp_path, "ana", "ben", ben) as (visitor, conversation):
                await visit(visitor, conversation, letter)
                await ben.node.accept((await ben.until(TransferOffered)).info.transfer)
                assert (await ended(visitor)).state is TransferState.DONE
        finally:
            await eva.close()
        assert ben.all(Problem) == []
        assert {event.info.name for event in ben.all(PeerChanged) if event.info.state == "connected"} == {"ana"}


@on_guarded_loop
async def test_a_door_that_nobody_is_at_gives_way_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2pchat.node.doors.KEPT", 0)
    async with chatting(tmp_path) as (_, ben), Neighbour("cyd", tmp_path) as cyd:
        cyd.hears(ben)
        ben.hears(cyd)
        await connected(ben, cyd)
        async with at_the_door(tmp_path, "ana", "ben", ben) as (visitor, _):
            await visitor.until_peer(PeerState.CONNECTED)
            (of_ana,) = doors(ben)
        await until(lambda: of_ana.idle)
        async with at_the_door(tmp_path, "cyd", "ben", ben) as (visitor, _):
            await visitor.until_peer(PeerState.CONNECTED)
            await until(lambda: len(doors(ben)) == 1 and doors(ben) != [of_ana])


@pytest.mark.parametrize("hidden", [{"ephemeral": True}, {"relay_only": True}, {"lan": False}])
def test_without_the_local_network_there_are_none(tmp_path: Path, hidden: dict[str, bool]) -> None:
    player = Neighbour("ben", tmp_path, **{"ice": ("turn:user:password@127.0.0.1:9",), **hidden})
    assert player.node._seats.local is None
