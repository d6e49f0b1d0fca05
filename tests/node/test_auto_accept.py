"""Offers of a contact that are small enough come in by themselves, when the user wants that."""

from __future__ import annotations

import os
import shutil
import threading
from collections import namedtuple
from pathlib import Path

import pytest

from p2pchat.errors import UsageError
from p2pchat.node import transfers
from p2pchat.node.events import Problem, TransferChanged, TransferOffered, TransferState
from p2pchat.store.incoming import IncomingFiles
from tests.node.files import end, offered
from tests.node.player import Player, connected, on_guarded_loop

MOST = 100_000

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_bytes(os.urandom(MOST))
    return path


@on_guarded_loop
async def test_a_small_offer_of_a_contact_is_told_and_comes_by_itself(
    signaling_server: str, tmp_path: Path, small: Path
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ben.node.auto_accept("ana", MOST)
        assert [contact.auto_accept for contact in await ben.node.contacts()] == [MOST]
        ben.downloads.mkdir(parents=True)
        (ben.downloads / "notes.txt").write_text("mine")
        _, offer = await offered(ana, ben, small)
        assert (offer.automatic, offer.state) == (True, TransferState.WAITING)
        done = await end(ben)
        assert (done.state, done.automatic) == (TransferState.DONE, True)
        assert done.saved == (str(ben.downloads / "notes (1).txt"),)
        of_transfers = [event for event in ben.told if isinstance(event, TransferOffered | TransferChanged)]
        assert isinstance(of_transfers[0], TransferOffered)
        assert (await end(ana)).automatic is False


@on_guarded_loop
async def test_a_larger_one_waits_and_so_does_any_once_it_is_taken_back(
    signaling_server: str, tmp_path: Path, small: Path
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ben.node.auto_accept("ana", MOST - 1)
        _, offer = await offered(ana, ben, small)
        assert not offer.automatic
        await ben.node.decline(offer.transfer)
        await ben.node.auto_accept("ana", MOST)
        await ben.node.auto_accept("ana", 0)
        _, offer = await offered(ana, ben, small)
        assert not offer.automatic
        with pytest.raises(UsageError, match="no size"):
            await ben.node.auto_accept("ana", -1)


@on_guarded_loop
async def test_nobody_else_s_offer_is_accepted(signaling_server: str, tmp_path: Path, small: Path) -> None:
    async with (
        Player("ana", signaling_server, tmp_path) as ana,
        Player("ben", signaling_server, tmp_path) as ben,
        Player("cyd", signaling_server, tmp_path) as cyd,
    ):
        await connected(ana, ben, cyd)
        await ben.node.auto_accept("ana", MOST)
        _, offer = await offered(cyd, ben, small)
        assert (offer.automatic, offer.name) == (False, "cyd")


@on_guarded_loop
async def test_what_cannot_be_stored_waits_and_the_user_is_told_why(
    signaling_server: str, tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ben.node.auto_accept("ana", MOST)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 0))
        _, offer = await offered(ana, ben, small)
        assert not offer.automatic
        problem = await ben.until(Problem)
        assert problem.code == "disk-full"
        assert problem.message.startswith("notes.txt of ana was not accepted by itself: the disk is too full")
        monkeypatch.undo()
        await ben.node.accept(offer.transfer)
        assert (await end(ben)).state is TransferState.DONE


@on_guarded_loop
async def test_only_so_many_run_at_once(
    signaling_server: str, tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "AUTOMATIC", 1)
    store, gate = IncomingFiles.store_block, threading.Event()

    def slow(files: IncomingFiles, number: int, data: bytes, digest: bytes) -> bool:
        assert gate.wait(60)
        return store(files, number, data, digest)

    monkeypatch.setattr(IncomingFiles, "store_block", slow)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ben.node.auto_accept("ana", MOST)
        (tmp_path / "second").write_bytes(b"2")
        (tmp_path / "third").write_bytes(b"3")
        try:
            _, first = await offered(ana, ben, small)
            _, second = await offered(ana, ben, tmp_path / "second")
            assert (first.automatic, second.automatic) == (True, False)
        finally:
            gate.set()
        assert (await end(ben)).transfer == first.transfer
        _, third = await offered(ana, ben, tmp_path / "third")
        assert third.automatic
        assert (await end(ben)).state is TransferState.DONE
