"""Who is admitted: keys pinned at first contact, verified, changed, blocked; rooms with a secret."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from p2pchat.errors import UsageError
from p2pchat.node.events import MessageReceived, PeerChanged, PeerState, Problem, Trust
from tests.node.player import ROOM, Player, connected, on_guarded_loop


class Member(Player):
    """A player in a room with a secret."""

    secret = b"s" * 16

    async def enter(self) -> None:
        await self.node.join(ROOM, self.secret)


class Stranger(Member):
    secret = b"x" * 16


async def meet(server: str, folder: Path) -> tuple[Trust, Trust]:
    """Ana and Ben meet; returns what each is to the other."""
    async with Player("ana", server, folder) as ana, Player("ben", server, folder) as ben:
        at_ana = await ana.until_peer(PeerState.CONNECTED, "ben")
        at_ben = await ben.until_peer(PeerState.CONNECTED, "ana")
        assert at_ana.info.words == at_ben.info.words
        return at_ana.info.trust, at_ben.info.trust


@on_guarded_loop
async def test_a_key_is_new_the_first_time_and_known_from_then_on(signaling_server: str, tmp_path: Path) -> None:
    assert await meet(signaling_server, tmp_path) == (Trust.NEW, Trust.NEW)
    assert await meet(signaling_server, tmp_path) == (Trust.KNOWN, Trust.KNOWN)


@on_guarded_loop
async def test_a_peer_is_told_by_its_seat_first_and_by_its_key_from_then_on(
    signaling_server: str, tmp_path: Path
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        seat, renamed, *later = ana.all(PeerChanged)
        assert (renamed.was, renamed.info.state) == (seat.info.peer, PeerState.CONNECTING)
        assert {event.info.peer for event in later} == {renamed.info.peer}
        (contact,) = await ana.node.contacts()
        assert (contact.tag, contact.name, contact.state) == (renamed.info.peer, "ben", "known")


@on_guarded_loop
async def test_comparing_the_words_verifies_for_good(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ana.node.verify(ROOM, "ben")
        await ana.until(PeerChanged, lambda event: event.info.trust is Trust.VERIFIED)
    assert await meet(signaling_server, tmp_path) == (Trust.VERIFIED, Trust.KNOWN)


@on_guarded_loop
async def test_a_known_name_with_another_key_is_stopped_and_explained(signaling_server: str, tmp_path: Path) -> None:
    await meet(signaling_server, tmp_path)
    shutil.rmtree(tmp_path / "ben")
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        problem = await ana.until(Problem, lambda event: event.code == "changed-key")
        assert "not the ben you know" in problem.message
        assert problem.hint
        assert (await ana.until_peer(PeerState.FAILED)).info.reason == problem.message
        await ben.node.say(ROOM, "it is me, honestly")
        assert (await ben.until_peer(PeerState.FAILED)).info.reason
        assert ana.all(MessageReceived) == []
        assert [(contact.name, contact.state) for contact in await ana.node.contacts()] == [("ben", "known")]


@on_guarded_loop
async def test_a_change_of_key_that_the_user_accepts_is_admitted(signaling_server: str, tmp_path: Path) -> None:
    await meet(signaling_server, tmp_path)
    shutil.rmtree(tmp_path / "ben")
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path):
        problem = await ana.until(Problem, lambda event: event.code == "changed-key")
        await ana.node.replace_contact("ben", problem.hint.split()[-1])
    assert await meet(signaling_server, tmp_path) == (Trust.KNOWN, Trust.KNOWN)


@on_guarded_loop
async def test_a_blocked_contact_is_not_admitted(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ana.node.block_contact("ben")
        assert "blocked" in (await ana.until_peer(PeerState.FAILED)).info.reason
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        assert "blocked" in (await ana.until_peer(PeerState.FAILED)).info.reason
        await ana.node.block_contact("ben", blocked=False)
    assert (await meet(signaling_server, tmp_path))[0] is Trust.KNOWN


@on_guarded_loop
async def test_a_petname_is_shown_in_place_of_what_a_peer_calls_itself(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ana.node.rename_contact("ben", "Benjamin from work")
        await ana.until(PeerChanged, lambda event: event.info.name == "Benjamin from work")
        await ben.node.say(ROOM, "hi")
        assert (await ana.until(MessageReceived)).name == "Benjamin from work"
        await ana.node.forget_contact("Benjamin from work")
        assert await ana.node.contacts() == []


@on_guarded_loop
async def test_two_terminals_of_one_profile_talk(signaling_server: str, tmp_path: Path) -> None:
    async with (
        Player("ana", signaling_server, tmp_path) as first,
        Player("ana", signaling_server, tmp_path) as second,
        Player("ana", signaling_server, tmp_path) as third,
    ):
        players = (first, second, third)
        for player in players:
            await player.until(PeerChanged, lambda event: event.info.peer.endswith("-2") and event.info.name == "ana")
            await player.until(PeerChanged, lambda event: event.info.peer.endswith("-3") and event.info.name == "ana")
        await first.node.say(ROOM, "from the other terminal")
        for player in (second, third):
            assert (await player.until(MessageReceived)).text == "from the other terminal"


@on_guarded_loop
async def test_who_has_the_secret_is_in_and_nobody_else(signaling_server: str, tmp_path: Path) -> None:
    async with (
        Member("ana", signaling_server, tmp_path) as ana,
        Member("ben", signaling_server, tmp_path) as ben,
        Stranger("cyd", signaling_server, tmp_path) as cyd,
        Player("dan", signaling_server, tmp_path) as dan,
    ):
        await connected(ana, ben)
        await ana.node.say(ROOM, "among us")
        assert (await ben.until(MessageReceived)).text == "among us"
        assert cyd.all(PeerChanged) == dan.all(PeerChanged) == []
        link = await ana.node.invite(ROOM)
        assert link.startswith("p2pchat:")
        assert link.partition("#")[2]
        with pytest.raises(UsageError, match="no secret"):
            await dan.node.invite(ROOM)


@on_guarded_loop
async def test_somebody_who_starts_again_is_the_same_peer(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana:
        async with Player("ben", signaling_server, tmp_path):
            first = await ana.until_peer(PeerState.CONNECTED, "ben")
            await ana.until_peer(PeerState.CONNECTED, "ben")
        await ana.until_peer(PeerState.LEFT)
        async with Player("ben", signaling_server, tmp_path) as again:
            await again.until_peer(PeerState.CONNECTED, "ana")
            await ana.until(PeerChanged, lambda event: event.info.peer == first.info.peer and event.was != "")
            assert len([info for info in await ana.node.peers(ROOM) if info.name == "ben"]) == 1
