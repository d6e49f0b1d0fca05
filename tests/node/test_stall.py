"""A transfer that does not move says what it waits for."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pchat.node import stall
from p2pchat.node.connector import Connector
from p2pchat.node.events import TransferChanged, TransferState
from p2pchat.node.stall import STALL_SECONDS, Stall
from p2pchat.store.incoming import IncomingFiles
from p2pchat.store.outgoing import Source
from tests.node.files import active, end, offered, some_progress
from tests.node.player import Player, connected, on_guarded_loop


def test_nothing_is_due_while_it_moves() -> None:
    watch = Stall()
    watch.begin(0.0)
    for now in (5.0, 14.0, 23.0):
        assert watch.due(now) is None
        assert not watch.grew(now)
    assert watch.deadline() == 23.0 + STALL_SECONDS


def test_a_stall_is_told_and_again_after_a_while_until_it_moves() -> None:
    watch = Stall()
    watch.begin(0.0)
    assert watch.due(9.9) is None
    assert watch.due(10.5) == 10.5
    assert watch.deadline() == 10.5 + STALL_SECONDS
    assert watch.due(12.0) is None
    assert watch.due(21.0) == 21.0
    assert watch.grew(22.0)
    assert not watch.grew(23.0)
    assert watch.due(32.0) is None


def test_what_does_not_run_does_not_stall() -> None:
    watch = Stall()
    assert watch.deadline() is None
    watch.begin(0.0)
    assert watch.due(10.0) == 10.0
    watch.end()
    assert (watch.deadline(), watch.due(99.0), watch.grew(99.0)) == (None, None, False)
    watch.begin(100.0)
    assert watch.due(109.0) is None


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Closed until the test opens it."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stall, "STALL_SECONDS", 0.3)
    path = tmp_path / "film.mov"
    path.write_bytes(os.urandom(12_000_001))
    return path


def stalled(event: TransferChanged) -> bool:
    return active(event) and event.info.reason != ""


async def told(player: Player, reason: str) -> None:
    """Waits for a reason of which this is a part; a busy machine has others before it."""
    await player.until(TransferChanged, lambda event: active(event) and reason in event.info.reason)


async def goes_on(player: Player) -> None:
    """The reason is taken back once it moves, and the transfer ends well."""
    await player.until(
        TransferChanged, lambda event: active(event) and event.info.reason == "" and event.info.confirmed > 0
    )
    assert (await end(player)).state is TransferState.DONE


@on_guarded_loop
async def test_a_slow_disk_of_the_sender_is_named(
    signaling_server: str, tmp_path: Path, original: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Source.read_block

    def slow(source: Source, number: int) -> tuple[bytes, bytes]:
        assert gate.wait(60)
        return read(source, number)

    monkeypatch.setattr(Source, "read_block", slow)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        assert (await ana.until(TransferChanged, stalled)).info.reason == "reading film.mov is slow"
        await told(ben, "nothing has arrived for ")
        ana.told.clear()
        assert (await ana.until(TransferChanged, stalled)).info.reason == "reading film.mov is slow"  # and again
        gate.set()
        for player in (ana, ben):
            await goes_on(player)


@on_guarded_loop
async def test_a_slow_disk_of_the_receiver_is_named(
    signaling_server: str, tmp_path: Path, original: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = IncomingFiles.store_block

    def slow(files: IncomingFiles, number: int, data: bytes, digest: bytes) -> bool:
        assert gate.wait(60)
        return store(files, number, data, digest)

    monkeypatch.setattr(IncomingFiles, "store_block", slow)
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        await told(ben, "writing to the disk takes long")
        await told(ana, "nothing confirmed for ")
        gate.set()
        for player in (ana, ben):
            await goes_on(player)


@on_guarded_loop
async def test_a_path_on_which_nothing_comes_through_is_told_at_both_ends(
    signaling_server: str, tmp_path: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        transfer, offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        await some_progress(ben, 0)
        with monkeypatch.context() as patch:
            patch.setattr(Connector, "send_bulk", lambda connector, next_chunk: False)
            await told(ben, "nothing has arrived for ")
            await told(ana, ": waiting for ben")
        await ana.node.pause(transfer)  # a pause is no stall
        for player in (ana, ben):
            await player.until(TransferChanged, lambda event: event.info.reason == "paused by ana" or not active(event))
        await ana.node.resume(transfer)
        for player in (ana, ben):
            assert (await end(player)).state is TransferState.DONE
