"""Transfers outlive their links: a lost connection, a program that was started again, a disk that was full."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from p2pchat.errors import StorageFailed, UsageError
from p2pchat.node.events import (
    Direction,
    TransferChanged,
    TransferOffered,
    TransferProgressed,
    TransferState,
)
from p2pchat.node.peer import Peer
from tests.node.files import digest, ended, lose_link, offered, paused, peers_of, some_progress
from tests.node.player import PATIENCE, ROOM, Player, connected, on_guarded_loop

SIZE = 20_000_001


def rewrite(path: Path) -> None:
    path.write_bytes(os.urandom(SIZE))


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.mark.parametrize("cutter", ["ana", "ben"])
@on_guarded_loop
async def test_a_transfer_goes_on_by_itself_over_a_new_link(
    signaling_server: str, tmp_path: Path, original: Path, cutter: str
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        transfer, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        await some_progress(ben)
        lose_link(ana if cutter == "ana" else ben)
        for player in (ana, ben):
            interrupted = (await player.until(TransferChanged, paused)).info
            assert interrupted.reason.startswith("the connection was lost: ")
            assert interrupted.transfer == (transfer if player is ana else offer.transfer)
        for player in (ana, ben):
            end = (await player.until(TransferChanged, ended)).info
            assert (end.state, end.confirmed) == (TransferState.DONE, SIZE)
        assert len(ben.all(TransferOffered)) == 1
        assert digest(ben.downloads / "large.bin") == digest(original)


@on_guarded_loop
async def test_an_offer_that_waits_survives_its_link(signaling_server: str, tmp_path: Path, original: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        lose_link(ana)
        await ben.node.accept(offer.transfer)
        assert (await ben.until(TransferChanged, ended)).info.state is TransferState.DONE
        assert len(ben.all(TransferOffered)) == 1


@on_guarded_loop
async def test_a_pause_outlives_the_link(signaling_server: str, tmp_path: Path, original: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        await some_progress(ben)
        await ben.node.pause(offer.transfer)
        lose_link(ben)
        await ben.until(TransferChanged, lambda event: event.info.reason == "the connection was lost: pulled the plug")
        ben.told.clear()
        again = await ben.until(TransferChanged, lambda event: event.info.reason == "paused by you")
        assert again.info.state is TransferState.PAUSED
        await ben.node.resume(offer.transfer)
        assert (await ben.until(TransferChanged, ended)).info.state is TransferState.DONE


@on_guarded_loop
async def test_what_was_cancelled_while_the_peer_was_away_ends_at_both_sides(
    signaling_server: str, tmp_path: Path, original: Path
) -> None:
    for canceller in ("ana", "ben"):
        folder = tmp_path / canceller
        async with Player("ana", signaling_server, folder) as ana, Player("ben", signaling_server, folder) as ben:
            await connected(ana, ben)
            transfer, offer = await offered(ana, ben, original)
            await ben.node.accept(offer.transfer)
            await some_progress(ben)
            lose_link(ana)
            for player in (ana, ben):
                await player.until(TransferChanged, paused)
            await (ana.node.cancel(transfer) if canceller == "ana" else ben.node.cancel(offer.transfer))
            for player in (ana, ben):
                assert (await player.until(TransferChanged, ended)).info.state is TransferState.CANCELLED
        assert list(ben.downloads.iterdir()) == []


@on_guarded_loop
async def test_a_peer_that_does_not_come_back_is_not_waited_for_forever(
    signaling_server: str, tmp_path: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        Player("ana", signaling_server, tmp_path) as ana,
        Player("ben", signaling_server, tmp_path, patience=0.1) as ben,
    ):
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        await some_progress(ben)
        monkeypatch.setattr(Peer, "connect", lambda self: None)
        for player in (ana, ben):
            for peer in peers_of(player):
                peer.present = False
        lose_link(ana)
        end = (await ben.until(TransferChanged, ended)).info
        assert end.state is TransferState.FAILED
        assert "did not come back" in end.reason


@pytest.mark.parametrize("leaver", ["ana", "ben"])
@on_guarded_loop
async def test_a_program_that_was_started_again_is_offered_to_resume(
    signaling_server: str, tmp_path: Path, original: Path, leaver: str
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        assert offer.resumable == 0
        await ben.node.accept(offer.transfer)
        await some_progress(ben)
        await (ana if leaver == "ana" else ben).node.leave(ROOM)
        await ben.until(TransferChanged, ended)
        await ana.until(TransferChanged, ended)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        assert 2_000_000 < offer.resumable < SIZE
        await ben.node.accept(offer.transfer)
        active = await ana.until(TransferChanged, lambda event: event.info.state is TransferState.ACTIVE)
        assert active.info.direction is Direction.SEND
        assert (await ben.until(TransferChanged, ended)).info.state is TransferState.DONE
        least = min(event.confirmed for event in ana.all(TransferProgressed))
        assert least >= offer.resumable
    assert digest(ben.downloads / "large.bin") == digest(original)
    assert [path.name for path in ben.downloads.iterdir()] == ["large.bin"]


@on_guarded_loop
async def test_a_file_that_changed_meanwhile_is_another_one(
    signaling_server: str, tmp_path: Path, original: Path
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        await some_progress(ben)
        rewrite(original)
        failed = (await ben.until(TransferChanged, ended)).info
        assert (failed.state, failed.reason) == (
            TransferState.FAILED,
            "'large.bin' changed while it was being sent",
        )
        ben.told.clear()
        _, offer = await offered(ana, ben, original)
        assert offer.resumable == 0


@on_guarded_loop
async def test_the_receiver_decides_what_becomes_of_what_is_there(signaling_server: str, tmp_path: Path) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    for name in ("same", "other", "new"):
        (folder / name).write_bytes(name.encode() * 100_000)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        there = ben.downloads / "album"
        there.mkdir(parents=True)
        (there / "same").write_bytes(b"same" * 100_000)
        (there / "other").write_bytes(b"OTHER" * 100_000)
        await connected(ana, ben)
        _, offer = await offered(ana, ben, folder)
        with pytest.raises(UsageError, match="is not rename, skip or overwrite"):
            await ben.node.accept(offer.transfer, if_exists="merge")
        await ben.node.accept(offer.transfer, if_exists="skip")
        done = (await ben.until(TransferChanged, ended)).info
        assert done.state is TransferState.DONE
        assert {path.name for path in there.iterdir()} == {"same", "other", "other (1)", "new"}
        assert (there / "other").read_bytes() == b"OTHER" * 100_000
        assert (there / "other (1)").read_bytes() == b"other" * 100_000
        ben.told.clear()
        _, offer = await offered(ana, ben, folder)
        await ben.node.accept(offer.transfer, if_exists="overwrite")
        await ben.until(TransferChanged, ended)
        assert {path.name for path in there.iterdir()} == {"same", "other", "other (1)", "new"}
        assert (there / "other").read_bytes() == b"other" * 100_000


@on_guarded_loop
async def test_what_does_not_fit_with_a_reserve_is_refused_beforehand(
    signaling_server: str, tmp_path: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 0, SIZE + 64 * 1024 * 1024 - 1))
        with pytest.raises(StorageFailed, match="the disk is too full"):
            await ben.node.accept(offer.transfer)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 0, SIZE + 64 * 1024 * 1024))
        await ben.node.accept(offer.transfer)
        assert (await ben.until(TransferChanged, ended)).info.state is TransferState.DONE


SENDER = """
import asyncio, sys
from pathlib import Path
from p2pchat.node.events import PeerChanged, PeerState, TransferChanged
from p2pchat.node.loop import run
from p2pchat.node.node import Node
from p2pchat.node.settings import Settings

async def send(server, home, path):
    node = Node(Settings("ana", server, Path(home), Path(home)))
    await node.start()
    await node.join("lab")
    offered = False
    async for event in node.events():
        if isinstance(event, PeerChanged) and event.info.state is PeerState.CONNECTED and not offered:
            offered = True
            await node.offer("lab", [Path(path)])
        elif isinstance(event, TransferChanged) and event.info.state.final:
            break
    await node.stop()

run(send(*sys.argv[1:]))
"""


@on_guarded_loop
async def test_a_sender_that_was_killed_goes_on_when_it_offers_the_same_again(
    signaling_server: str, tmp_path: Path, original: Path
) -> None:
    sender = [sys.executable, "-c", SENDER, signaling_server, str(tmp_path / "ana"), str(original)]
    async with Player("ben", signaling_server, tmp_path) as ben:
        first = await asyncio.create_subprocess_exec(*sender)
        try:
            offer = (await ben.until(TransferOffered)).info
            await ben.node.accept(offer.transfer)
            await some_progress(ben)
        finally:
            first.kill()  # not a word, and nobody notices before the heartbeat does
            await first.wait()
        second = await asyncio.create_subprocess_exec(*sender)
        try:
            again = await ben.until(TransferChanged, lambda event: event.info.resumable > 0)
            assert again.info.transfer == offer.transfer
            assert again.info.resumable > 2_000_000
            end = (await ben.until(TransferChanged, ended)).info
            assert (end.state, end.confirmed) == (TransferState.DONE, SIZE)
            assert await asyncio.wait_for(second.wait(), PATIENCE) == 0
        finally:
            if second.returncode is None:
                second.kill()
        assert len(ben.all(TransferOffered)) == 1
    assert digest(ben.downloads / "large.bin") == digest(original)


@on_guarded_loop
async def test_an_offer_that_is_made_again_after_it_was_given_up_shows_what_is_here(
    signaling_server: str, tmp_path: Path, original: Path
) -> None:
    async with (
        Player("ana", signaling_server, tmp_path) as ana,
        Player("ben", signaling_server, tmp_path, patience=0.0) as ben,
    ):
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        await some_progress(ben)
        lose_link(ana)
        given_up = (await ben.until(TransferChanged, ended)).info
        assert given_up.state is TransferState.FAILED
        again = await ben.until(TransferOffered, lambda event: event.info.transfer != offer.transfer)
        assert again.info.resumable >= given_up.confirmed > 2_000_000
        await ben.node.accept(again.info.transfer)
        done = await ben.until(TransferChanged, lambda event: event.info.state is TransferState.DONE)
        assert done.info.confirmed == SIZE
    assert digest(ben.downloads / "large.bin") == digest(original)
