"""Files between two nodes: whole, verified, in both directions, and never where they do not belong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from p2pchat.errors import NotSendable, StorageFailed, UsageError
from p2pchat.node.events import Direction, TransferChanged, TransferOffered, TransferState
from tests.node.files import digest, ended, offered
from tests.node.player import ROOM, Player, connected, on_guarded_loop


@on_guarded_loop
async def test_a_file_arrives_identical(signaling_server: str, tmp_path: Path) -> None:
    original = tmp_path / "figures.bin"
    original.write_bytes(os.urandom(3_500_001))
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        (transfer,) = await ana.node.offer(ROOM, [original])
        offer = await ben.until(TransferOffered)
        assert [(item.path, item.size) for item in offer.info.items] == [("figures.bin", 3_500_001)]
        await ben.node.accept(offer.info.transfer)
        received = (await ben.until(TransferChanged, ended)).info
        sent = (await ana.until(TransferChanged, ended)).info
        assert (received.state, received.direction) == (TransferState.DONE, Direction.RECEIVE)
        assert (sent.state, sent.transfer, sent.confirmed) == (TransferState.DONE, transfer, 3_500_001)
        assert received.saved == (str(ben.downloads / "figures.bin"),)
        assert digest(ben.downloads / "figures.bin") == digest(original)
        assert await ana.node.settle(5.0)


@on_guarded_loop
async def test_folders_and_empty_files_arrive_as_they_were(signaling_server: str, tmp_path: Path) -> None:
    folder = tmp_path / "trip"
    (folder / "2026" / "empty folder").mkdir(parents=True)
    (folder / "2026" / "naïve 👋.txt").write_text("hello")
    (folder / "nothing").write_bytes(b"")
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ana.node.offer(ROOM, [folder])
        await ben.node.accept((await ben.until(TransferOffered)).info.transfer, tmp_path / "elsewhere")
        assert (await ben.until(TransferChanged, ended)).info.state is TransferState.DONE
    copy = tmp_path / "elsewhere" / "trip"
    listing = sorted(str(path.relative_to(copy)) for path in copy.rglob("*"))
    assert listing == ["2026", "2026/empty folder", "2026/naïve 👋.txt", "nothing"]
    assert (copy / "2026" / "naïve 👋.txt").read_text() == "hello"


@on_guarded_loop
async def test_an_existing_file_is_never_overwritten(signaling_server: str, tmp_path: Path) -> None:
    original = tmp_path / "notes.txt"
    original.write_text("new")
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        ben.downloads.mkdir(parents=True)
        (ben.downloads / "notes.txt").write_text("old")
        await connected(ana, ben)
        await ana.node.offer(ROOM, [original], "ben")
        await ben.node.accept((await ben.until(TransferOffered)).info.transfer)
        saved = (await ben.until(TransferChanged, ended)).info.saved
        assert saved == (str(ben.downloads / "notes (1).txt"),)
        assert (ben.downloads / "notes.txt").read_text() == "old"


@on_guarded_loop
async def test_declining_tells_the_sender_why(signaling_server: str, tmp_path: Path) -> None:
    original = tmp_path / "notes.txt"
    original.write_text("x")
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ana.node.offer(ROOM, [original])
        offer = (await ben.until(TransferOffered)).info.transfer
        await ben.node.decline(offer, "not \x1b[31mnow")
        sent = (await ana.until(TransferChanged, ended)).info
        assert (sent.state, sent.reason) == (TransferState.DECLINED, "not ␛[31mnow")
        with pytest.raises(UsageError, match="does not wait"):
            await ben.node.accept(offer)


@on_guarded_loop
async def test_either_side_can_pause_and_cancel(signaling_server: str, tmp_path: Path) -> None:
    original = tmp_path / "large.bin"
    original.write_bytes(bytes(40_000_000))
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        (transfer,) = await ana.node.offer(ROOM, [original])
        await ben.node.accept((await ben.until(TransferOffered)).info.transfer)
        with pytest.raises(UsageError, match="not paused"):
            await ana.node.resume(transfer)
        await ana.until(TransferChanged, lambda event: event.info.state is TransferState.ACTIVE)
        await ana.node.pause(transfer)
        paused = await ben.until(TransferChanged, lambda event: event.info.state is TransferState.PAUSED)
        assert paused.info.reason == "paused by ana"
        await ana.node.resume(transfer)
        await ben.node.cancel(paused.info.transfer)
        cancelled = (await ana.until(TransferChanged, ended)).info
        assert (cancelled.state, cancelled.reason) == (TransferState.CANCELLED, "cancelled by ben")
    assert list(ben.downloads.iterdir()) == []


@on_guarded_loop
async def test_who_resumes_what_the_other_side_pauses_is_told_so(signaling_server: str, tmp_path: Path) -> None:
    original = tmp_path / "large.bin"
    original.write_bytes(bytes(40_000_000))
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        transfer, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        await ana.until(TransferChanged, lambda event: event.info.state is TransferState.ACTIVE)
        await ana.node.pause(transfer)
        await ben.until(TransferChanged, lambda event: event.info.reason == "paused by ana")
        ben.told.clear()
        await ben.node.pause(offer.transfer)
        await ben.node.resume(offer.transfer)
        assert (await ben.until(TransferChanged)).info.reason == "paused by ana"
        await ana.node.resume(transfer)
        assert (await ben.until(TransferChanged, ended)).info.state is TransferState.DONE


@on_guarded_loop
async def test_an_offer_that_cannot_be_stored_keeps_waiting(signaling_server: str, tmp_path: Path) -> None:
    original = tmp_path / "notes.txt"
    original.write_text("x")
    (tmp_path / "a file").write_text("not a folder")
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ana.node.offer(ROOM, [original])
        offer = (await ben.until(TransferOffered)).info.transfer
        with pytest.raises(StorageFailed):
            await ben.node.accept(offer, tmp_path / "a file")
        await ben.node.accept(offer)
        assert (await ben.until(TransferChanged, ended)).info.state is TransferState.DONE


@on_guarded_loop
async def test_a_path_that_is_not_there_is_refused_at_once(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        with pytest.raises(NotSendable, match="does not exist"):
            await ana.node.offer(ROOM, [tmp_path / "missing"])


@on_guarded_loop
async def test_a_transfer_ends_when_its_peer_leaves(signaling_server: str, tmp_path: Path) -> None:
    original = tmp_path / "large.bin"
    original.write_bytes(bytes(40_000_000))
    async with Player("ana", signaling_server, tmp_path) as ana:
        async with Player("ben", signaling_server, tmp_path) as ben:
            await connected(ana, ben)
            await ana.node.offer(ROOM, [original])
            await ben.node.accept((await ben.until(TransferOffered)).info.transfer)
        failed = (await ana.until(TransferChanged, ended)).info
        assert (failed.state, failed.reason) == (TransferState.FAILED, "left the conversation")
    assert all(path.name.startswith(".") for path in ben.downloads.iterdir())  # what is there waits for another time
