"""Two people with a one-time code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from p2pchat.errors import ServerRefused, UsageError
from p2pchat.node import way
from p2pchat.node.events import (
    CodeChanged,
    MessageReceived,
    PeerChanged,
    PeerState,
    Problem,
    TransferChanged,
    TransferOffered,
    TransferState,
)
from p2pchat.protocol.codes import Code, word_list
from tests.node.player import Player, on_guarded_loop


class Guest(Player):
    """A player that joins nothing by itself."""

    async def enter(self) -> None:
        pass


def wrong(code: str) -> str:
    """The same mailbox with another word."""
    right = Code.parse(code)
    other = next(word for word in word_list() if word != right.words[0])
    return str(Code(right.mailbox, (other, *right.words[1:])))


@asynccontextmanager
async def host_and_guest(server: str, folder: Path) -> AsyncIterator[tuple[Guest, Guest, str, str]]:
    """The two, the name of the host's conversation, and the code."""
    async with Guest("ana", server, folder) as ana, Guest("ben", server, folder) as ben:
        conversation = await ana.node.host_code()
        yield ana, ben, conversation, (await ana.until(CodeChanged)).code


@on_guarded_loop
async def test_two_with_the_same_code_meet_and_hand_a_file_over(signaling_server: str, tmp_path: Path) -> None:
    original = tmp_path / "draft.txt"
    original.write_text("hello")
    async with host_and_guest(signaling_server, tmp_path) as (ana, ben, conversation, code):
        await ben.node.use_code(code)
        at_ana = await ana.until_peer(PeerState.CONNECTED, "ben")
        at_ben = await ben.until_peer(PeerState.CONNECTED, "ana")
        assert at_ana.info.words == at_ben.info.words
        await ana.node.offer(conversation, [original])
        await ben.node.accept((await ben.until(TransferOffered)).info.transfer)
        done = await ana.until(TransferChanged, lambda event: event.info.state.final)
        assert done.info.state is TransferState.DONE
        assert (ben.downloads / "draft.txt").read_text() == "hello"


@on_guarded_loop
async def test_the_link_of_a_code_does_as_well(signaling_server: str, tmp_path: Path) -> None:
    async with host_and_guest(signaling_server, tmp_path) as (ana, ben, _, _):
        there = await ben.node.use_code((await ana.until(CodeChanged)).link)
        await ana.until_peer(PeerState.CONNECTED)
        await ben.until_peer(PeerState.CONNECTED)
        await ben.node.say(there, "made it")
        assert (await ana.until(MessageReceived)).text == "made it"


@on_guarded_loop
async def test_a_wrong_code_is_told_to_both_and_a_fresh_one_is_made(signaling_server: str, tmp_path: Path) -> None:
    async with host_and_guest(signaling_server, tmp_path) as (ana, ben, _, code):
        mistaken = await ben.node.use_code(wrong(code))
        for player in (ana, ben):
            assert (await player.until(Problem)).code == "wrong-code"
        fresh = await ana.until(CodeChanged, lambda event: event.code != code)
        assert "wrong" in fresh.reason
        assert ana.all(PeerChanged) == ben.all(PeerChanged) == []
        await ben.node.leave(mistaken)
        await ben.node.use_code(fresh.code)
        await ana.until_peer(PeerState.CONNECTED, "ben")


@on_guarded_loop
async def test_a_third_one_is_turned_away_and_the_two_are_told(signaling_server: str, tmp_path: Path) -> None:
    async with host_and_guest(signaling_server, tmp_path) as (ana, ben, _, code):
        await ben.node.use_code(code)
        await ana.until_peer(PeerState.CONNECTED, "ben")
        async with Guest("cyd", signaling_server, tmp_path) as cyd:
            with pytest.raises(ServerRefused):
                await cyd.node.use_code(code)
        assert (await ana.until(Problem)).code == "server-crowded"
        assert [event.info.state for event in ana.all(PeerChanged)][-1] is PeerState.CONNECTED


@on_guarded_loop
async def test_a_code_that_nobody_waits_with_is_refused_at_once(signaling_server: str, tmp_path: Path) -> None:
    async with Guest("ben", signaling_server, tmp_path) as ben:
        with pytest.raises(ServerRefused):
            await asyncio.wait_for(ben.node.use_code("999-marble-tunnel-oyster"), 20)
        with pytest.raises(UsageError, match="tunel"):
            await ben.node.use_code("7-marble-tunel-oyster")


@asynccontextmanager
async def contacts(server: str, folder: Path) -> AsyncIterator[tuple[Guest, Guest]]:
    """Two who have met with a code, and have left that meeting."""
    async with host_and_guest(server, folder) as (ana, ben, conversation, code):
        there = await ben.node.use_code(code)
        await ana.until_peer(PeerState.CONNECTED, "ben")
        await ben.until_peer(PeerState.CONNECTED, "ana")
        await ana.node.leave(conversation)
        await ben.node.leave(there)
        yield ana, ben


@on_guarded_loop
async def test_contacts_meet_without_a_code_where_nobody_else_is_let_in(signaling_server: str, tmp_path: Path) -> None:
    async with contacts(signaling_server, tmp_path) as (ana, ben):
        at_ana = await ana.node.meet("ben")
        assert await ana.node.meet((await ana.node.contacts())[0].key) == at_ana
        async with Guest("ana", signaling_server, tmp_path) as second_terminal:
            await second_terminal.node.meet("ben")
            own = await ana.until(
                PeerChanged, lambda event: (event.conversation, event.info.state) == (at_ana, PeerState.LEFT)
            )
            assert own.info.reason.startswith("another p2pchat of yours")
            assert ana.all(Problem) == []
        at_ben = await ben.node.meet("ana")
        await ben.until(PeerChanged, lambda event: (event.conversation, event.info.state) == (at_ben, "connected"))
        await ben.node.say(at_ben, "no code this time")
        assert (await ana.until(MessageReceived)).text == "no code this time"
        with pytest.raises(UsageError):
            await ana.node.invite(at_ana)
        await ana.node.block_contact("ben")
        for nobody in ("ben", "cyd"):
            with pytest.raises(UsageError):
                await ana.node.meet(nobody)


@on_guarded_loop
async def test_who_gets_back_to_the_server_offers_at_once_to_whom_the_code_led(
    signaling_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(way, "OFFER_SECONDS", 3600.0)
    async with host_and_guest(signaling_server, tmp_path) as (ana, ben, conversation, code):
        await ben.node.use_code(code)
        await ben.until_peer(PeerState.CONNECTED, "ana")
        before = (await ana.until_peer(PeerState.CONNECTED, "ben")).info
        host, (guest,) = ana.node._conversations[conversation], ben.node._conversations.values()
        (bens_peer,), (anas_peer,) = guest.peers.values(), host.peers.values()
        bens_peer.way.give_up()
        monkeypatch.setattr(bens_peer.way, "closed", lambda reason: None)  # only the server brings ana back
        monkeypatch.setattr(anas_peer.way, "closed", lambda reason: None)
        anas_peer.way.drop("cut", for_good=False)
        await ana.until_peer(PeerState.LOST, "ben")
        host._server_is_back([anas_peer.seat], [])
        await ana.until(PeerChanged, lambda event: event.info.words not in ((), before.words))
