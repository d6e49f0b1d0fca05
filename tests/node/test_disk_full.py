"""A disk that is full pauses a transfer, says what is needed, and lets it go on once there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from p2pchat.node import room_watch
from p2pchat.node.events import MessageDelivered, TransferChanged, TransferState
from p2pchat.store import incoming
from p2pchat.store.disk import readable_size
from tests.node.files import active, digest, end, offered, paused
from tests.node.player import ROOM, Player, connected, on_guarded_loop

SIZE = 20_000_001

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


class Disk:
    """A disk on which a file can become so large and no larger."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: int = 28) -> None:
        self.room = 10**9
        self.free = 10**9
        write: Callable[..., int] = os.pwrite

        def limited(handle: int, data: Any, offset: int) -> int:
            if offset + len(data) > self.room:
                raise OSError(error, os.strerror(error))
            return write(handle, data, offset)

        monkeypatch.setattr(os, "pwrite", limited)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9, self.free))


@on_guarded_loop
async def test_both_sides_say_what_is_needed_and_it_goes_on_by_hand(
    signaling_server: str, tmp_path: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        disk.room = 5_000_000
        await ben.node.accept(offer.transfer)
        disk.free = incoming.RESERVE + 400_000
        for player in (ana, ben):
            reason = (await player.until(TransferChanged, paused)).info.reason
            assert reason.startswith("disk full: needs 1")
            assert reason.endswith(" MB, has 400.0 kB")
            player.told.clear()
        await ben.node.resume(offer.transfer)
        for player in (ana, ben):  # it says so when there is still no room
            assert (await player.until(TransferChanged, paused)).info.reason.startswith("disk full: needs 1")
        disk.room = 10**9
        await ben.node.resume(offer.transfer)
        for player in (ana, ben):
            assert (await end(player)).state is TransferState.DONE
        assert digest(ben.downloads / "large.bin") == digest(original)


@on_guarded_loop
async def test_it_goes_on_by_itself_once_there_is_room_and_not_before(
    signaling_server: str, tmp_path: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    monkeypatch.setattr(room_watch, "LOOK_EVERY", 0.02)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        disk.room = 5_000_000
        await ben.node.accept(offer.transfer)
        disk.free = incoming.RESERVE + 4_000_000
        for player in (ana, ben):
            await player.until(TransferChanged, paused)
            player.told.clear()
        disk.room = 10**9
        disk.free = incoming.RESERVE + SIZE
        for player in (ana, ben):
            assert (await end(player)).state is TransferState.DONE
            assert len([event for event in player.all(TransferChanged) if paused(event)]) == 0
        assert digest(ben.downloads / "large.bin") == digest(original)


@on_guarded_loop
async def test_a_user_who_pauses_it_meanwhile_is_not_overruled(
    signaling_server: str, tmp_path: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    monkeypatch.setattr(room_watch, "LOOK_EVERY", 0.02)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        disk.room = 5_000_000
        await ben.node.accept(offer.transfer)
        disk.free = incoming.RESERVE
        await ben.until(TransferChanged, paused)
        await ben.node.pause(offer.transfer)
        disk.room = disk.free = 10**9
        for _ in range(5):
            ben.told.clear()
            await ben.node.say(ROOM, "wait")
            await ben.until(MessageDelivered)
        info = (await ben.node.transfers())[0]
        assert (info.state, info.reason) == (TransferState.PAUSED, "paused by you")
        await ben.node.resume(offer.transfer)
        assert (await end(ben)).state is TransferState.DONE


@on_guarded_loop
async def test_an_allowance_that_is_used_up_is_no_full_disk(
    signaling_server: str, tmp_path: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch, error=122)  # EDQUOT: the quota is exceeded, while the disk has room
    monkeypatch.setattr(room_watch, "LOOK_EVERY", 0.02)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        disk.room = 5_000_000
        await ben.node.accept(offer.transfer)
        for player in (ana, ben):
            reason = (await player.until(TransferChanged, paused)).info.reason
            assert reason == "no space is left for 'large.bin'"
        disk.room = 10**9
        await ben.node.resume(offer.transfer)
        assert (await end(ben)).state is TransferState.DONE
        assert len([event for event in ben.all(TransferChanged) if active(event)]) == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 60 MiB."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(path)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@on_guarded_loop
async def test_a_disk_that_is_really_full_interrupts_only_until_it_is_not(
    signaling_server: str, tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "RESERVE", 0)
    monkeypatch.setattr(room_watch, "LOOK_EVERY", 0.02)
    original = tmp_path / "film.mov"
    original.write_bytes(os.urandom(40_000_000))
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer, small_disk)
        ballast = os.open(small_disk / "ballast", os.O_RDWR | os.O_CREAT)
        os.posix_fallocate(ballast, 0, shutil.disk_usage(small_disk).free - 10_000_000)
        os.close(ballast)
        for player in (ana, ben):
            info = (await player.until(TransferChanged, paused)).info
            assert info.reason.startswith("disk full: needs ")
            assert info.confirmed < 40_000_000
            player.told.clear()
        room = readable_size(shutil.disk_usage(small_disk).free)
        assert (await ben.node.transfers())[0].reason.endswith(f"has {room}")
        assert not (small_disk / "film.mov").exists()
        (small_disk / "ballast").unlink()
        for player in (ana, ben):
            assert (await end(player)).state is TransferState.DONE
        assert digest(small_disk / "film.mov") == digest(original)
