"""Whoever looks at a transfer that does not go on reads why, at either end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from p2pchat.errors import StorageFailed, TransferFailed
from p2pchat.node.events import TransferState
from p2pchat.store.incoming import IncomingFiles
from p2pchat.store.outgoing import Source
from tests.node.files import end, offered, some_progress
from tests.node.player import ROOM, Player, connected, on_guarded_loop

SIZE = 20_000_001


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "film.mov"
    path.write_bytes(os.urandom(SIZE))
    return path


Fault = Callable[[pytest.MonkeyPatch, Path], None]


def vanishes(monkeypatch: pytest.MonkeyPatch, original: Path) -> None:
    read = Source.read_block

    def gone(source: Source, number: int) -> tuple[bytes, bytes]:
        if number >= 5:
            original.unlink(missing_ok=True)
            source.close()
        return read(source, number)

    monkeypatch.setattr(Source, "read_block", gone)


def changes(monkeypatch: pytest.MonkeyPatch, original: Path) -> None:
    read = Source.read_block

    def changed(source: Source, number: int) -> tuple[bytes, bytes]:
        if number >= 5:
            os.utime(original, (1, 1))
        return read(source, number)

    monkeypatch.setattr(Source, "read_block", changed)


def may_not_be_read(monkeypatch: pytest.MonkeyPatch, original: Path) -> None:
    def forbidden(source: Source, number: int) -> tuple[bytes, bytes]:
        raise TransferFailed("'film.mov' may not be read any more", reason="permission")

    monkeypatch.setattr(Source, "read_block", forbidden)


def may_not_be_written(monkeypatch: pytest.MonkeyPatch, original: Path) -> None:
    def forbidden(handle: int, data: object, offset: int) -> int:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(os, "pwrite", forbidden)


def is_read_only(monkeypatch: pytest.MonkeyPatch, original: Path) -> None:
    def refused(handle: int, data: object, offset: int) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "pwrite", refused)


def breaks(monkeypatch: pytest.MonkeyPatch, original: Path) -> None:
    def broken(handle: int, data: object, offset: int) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pwrite", broken)


def cannot_be_named(monkeypatch: pytest.MonkeyPatch, original: Path) -> None:
    def refused(files: IncomingFiles, numbers: Sequence[int]) -> list[StorageFailed]:
        return [StorageFailed("every name for 'film.mov' is taken", reason="disk")] * len(numbers)

    monkeypatch.setattr(IncomingFiles, "finish_files", refused)


def stays_damaged(monkeypatch: pytest.MonkeyPatch, original: Path) -> None:
    store = IncomingFiles.store_block
    monkeypatch.setattr(
        IncomingFiles,
        "store_block",
        lambda files, number, data, digest: number != 3 and store(files, number, data, digest),
    )


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (vanishes, "'film.mov' was moved or deleted while it was being sent"),
        (changes, "'film.mov' changed while it was being sent"),
        (may_not_be_read, "'film.mov' may not be read any more"),
        (may_not_be_written, "'film.mov' may not be written"),
        (is_read_only, "'film.mov' would lie on a read-only disk"),
        (breaks, "'film.mov' cannot be written: Input/output error"),
        (cannot_be_named, "every name for 'film.mov' is taken"),
    ],
)
@on_guarded_loop
async def test_both_ends_read_what_failed_and_which_file(
    signaling_server: str,
    tmp_path: Path,
    original: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    reason: str,
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        fault(monkeypatch, original)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        for player in (ana, ben):
            failed = await end(player)
            assert (failed.state, failed.reason) == (TransferState.FAILED, reason)
        monkeypatch.undo()


@on_guarded_loop
async def test_a_block_that_stays_damaged_is_named_with_its_file(
    signaling_server: str, tmp_path: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        stays_damaged(monkeypatch, original)
        await ben.node.accept(offer.transfer)
        for player in (ana, ben):
            failed = await end(player)
            assert failed.state is TransferState.FAILED
            assert failed.reason == "block 4 of 'film.mov' arrived damaged 4 times"


@on_guarded_loop
async def test_who_leaves_is_the_reason(signaling_server: str, tmp_path: Path, original: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        await some_progress(ben)
        await ben.node.leave(ROOM)
        failed = await end(ana)
        assert (failed.state, failed.reason) == (TransferState.FAILED, "left the conversation")
