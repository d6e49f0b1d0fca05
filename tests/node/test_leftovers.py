"""What an interrupted transfer leaves: found again in any folder, listed, gone on with or removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from p2pchat.errors import UsageError
from p2pchat.node.answers import Leftover
from p2pchat.node.events import TransferChanged, TransferState
from tests.node.files import digest, end, offered, some_progress
from tests.node.player import ROOM, Player, connected, on_guarded_loop

SIZE = 20_000_001


@pytest.fixture
def original(tmp_path: Path) -> Path:
    folder = tmp_path / "trip"
    (folder / "films").mkdir(parents=True)
    (folder / "films" / "long.mov").write_bytes(os.urandom(SIZE))
    return folder


async def interrupted(server: str, folder: Path, original: Path, output: Path | None = None) -> Leftover:
    """Ben receives a part of a folder from Ana, and both leave; returns what is left."""
    async with Player("ana", server, folder) as ana, Player("ben", server, folder) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer, output)
        await some_progress(ben)
        assert await ben.node.leftovers() == []  # what is running is not interrupted
        with pytest.raises(UsageError, match="running"):
            await ben.node.discard(offer.transfer)
        await ana.node.leave(ROOM)
        failed = await end(ben)
        assert failed.state is TransferState.FAILED
        await ben.node.leave(ROOM)
    ben = Player("ben", server, folder)
    await ben.node.start()
    (leftover,) = await ben.node.leftovers()
    await ben.node.stop()
    return leftover


@on_guarded_loop
async def test_it_is_listed_after_a_restart_and_goes_on_in_the_folder_where_it_began(
    signaling_server: str, tmp_path: Path, original: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    leftover = await interrupted(signaling_server, tmp_path, original, elsewhere)
    assert (leftover.title, leftover.name, leftover.folder) == ("trip/", "ana", elsewhere)
    assert leftover.total == SIZE
    assert 2_000_000 < leftover.stored < SIZE
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        assert offer.resumable == leftover.stored
        assert offer.peer == leftover.peer
        landing = await ben.node.inspect(offer.transfer)
        assert (landing.folder, landing.resumable) == (elsewhere, leftover.stored)
        assert (landing.needed, landing.existing) == (SIZE - leftover.stored, 0)
        assert (await ben.node.inspect(offer.transfer, ben.downloads)).resumable == 0
        await ben.node.accept(offer.transfer)
        done = await end(ben)
        assert done.state is TransferState.DONE
        assert done.saved == (str(elsewhere / "trip" / "films" / "long.mov"),)
        await ben.node.settle(10)
    assert digest(elsewhere / "trip" / "films" / "long.mov") == digest(original / "films" / "long.mov")
    assert not ben.downloads.exists()
    ben = Player("ben", signaling_server, tmp_path)
    await ben.node.start()
    assert await ben.node.leftovers() == []
    await ben.node.stop()


@on_guarded_loop
async def test_it_may_begin_anew_elsewhere(signaling_server: str, tmp_path: Path, original: Path) -> None:
    leftover = await interrupted(signaling_server, tmp_path, original, tmp_path / "elsewhere")
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer, ben.downloads)
        assert (await end(ben)).state is TransferState.DONE
        assert await ben.node.leftovers() == [leftover]


@on_guarded_loop
async def test_without_a_sender_it_is_removed_by_its_own_id(
    signaling_server: str, tmp_path: Path, original: Path
) -> None:
    leftover = await interrupted(signaling_server, tmp_path, original)
    ben = Player("ben", signaling_server, tmp_path)
    await ben.node.start()
    with pytest.raises(UsageError, match="there is no transfer nonsense"):
        await ben.node.discard("nonsense")
    await ben.node.discard(leftover.leftover)
    assert await ben.node.leftovers() == []
    with pytest.raises(UsageError, match="there is no transfer"):
        await ben.node.discard(leftover.leftover)
    await ben.node.stop()
    assert list(ben.downloads.iterdir()) == []


@on_guarded_loop
async def test_an_offer_that_waits_begins_anew_once_it_is_removed(
    signaling_server: str, tmp_path: Path, original: Path
) -> None:
    leftover = await interrupted(signaling_server, tmp_path, original)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        assert offer.resumable == leftover.stored
        await ben.node.discard(offer.transfer)
        waiting = (await ben.until(TransferChanged)).info
        assert (waiting.state, waiting.resumable) == (TransferState.WAITING, 0)
        assert list(ben.downloads.iterdir()) == []
        with pytest.raises(UsageError, match="nothing of this transfer is left"):
            await ben.node.discard(offer.transfer)
        await ben.node.accept(offer.transfer)
        assert (await end(ben)).state is TransferState.DONE
    assert digest(ben.downloads / "trip" / "films" / "long.mov") == digest(original / "films" / "long.mov")


@on_guarded_loop
async def test_a_waiting_offer_hears_of_it_when_its_leftover_is_removed(
    signaling_server: str, tmp_path: Path, original: Path
) -> None:
    leftover = await interrupted(signaling_server, tmp_path, original)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await offered(ana, ben, original)
        await ben.node.discard(leftover.leftover)
        assert (await ben.until(TransferChanged)).info.resumable == 0


@on_guarded_loop
async def test_a_transfer_that_has_failed_is_removed_by_its_id(
    signaling_server: str, tmp_path: Path, original: Path
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        transfer, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        await some_progress(ben)
        await ana.node.leave(ROOM)
        assert (await end(ben)).state is TransferState.FAILED
        await ben.node.discard(offer.transfer)
        assert list(ben.downloads.iterdir()) == []
        assert await ben.node.leftovers() == []
        with pytest.raises(UsageError, match="that we offered"):
            await ana.node.discard(transfer)


@on_guarded_loop
async def test_what_is_cancelled_after_it_went_on_leaves_no_folders(
    signaling_server: str, tmp_path: Path, original: Path
) -> None:
    await interrupted(signaling_server, tmp_path, original)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        await ben.node.cancel(offer.transfer)
        assert (await end(ben)).state is TransferState.CANCELLED
    assert list(ben.downloads.iterdir()) == []


@on_guarded_loop
async def test_what_was_removed_by_hand_is_not_listed(signaling_server: str, tmp_path: Path, original: Path) -> None:
    leftover = await interrupted(signaling_server, tmp_path, original)
    for journal in leftover.folder.glob(".*.journal"):
        journal.unlink()
    ben = Player("ben", signaling_server, tmp_path)
    await ben.node.start()
    assert await ben.node.leftovers() == []
    await ben.node.stop()
