"""What is not complete does not look complete, goes on where it stopped, and nobody is told otherwise."""

from __future__ import annotations

import os
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from p2pchat.node.events import Direction, TransferProgressed, TransferState
from p2pchat.protocol.codec import encode
from p2pchat.protocol.frames import Entry, ManifestPage
from p2pchat.protocol.limits import BLOCK_BYTES, FRAME_BYTES
from p2pchat.protocol.transfer.manifest import Gathering, Manifest
from p2pchat.store import incoming
from p2pchat.store.incoming import IncomingFiles
from tests.incidents.stage import ended, everything, offered, two_players
from tests.node.player import on_guarded_loop

BLOCK = 1000
KEY = b"k" * 32


class Gate:
    """Lets so many blocks through to the disk, and holds the others until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, blocks: int) -> None:
        self.stored = 0
        self.held = threading.Event()
        self.open = threading.Event()
        self._places = threading.Semaphore(blocks)
        self._store = IncomingFiles.store_block
        gate = self

        def store_block(files: IncomingFiles, number: int, data: bytes, digest: bytes) -> bool:
            if not gate._places.acquire(blocking=False):
                gate.held.set()
                gate.open.wait(60)
            good = gate._store(files, number, data, digest)
            gate.stored += len(data)
            return good

        monkeypatch.setattr(IncomingFiles, "store_block", store_block)


@on_guarded_loop
async def test_croc_2021_a_file_has_no_final_name_while_it_is_not_complete(
    signaling_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file was made under its name, in its full size, at the beginning: interrupted, it looked complete."""
    original = tmp_path / "film.mov"
    original.write_bytes(os.urandom(6 * BLOCK_BYTES))
    async with two_players(signaling_server, tmp_path) as (ana, ben):
        gate = Gate(monkeypatch, blocks=3)
        try:
            offer = await offered(ana, ben, original)
            await ben.node.accept(offer.transfer)
            await ben.until(TransferProgressed, lambda event: event.confirmed == 3 * BLOCK_BYTES)
            names = [path for path in ben.downloads.iterdir() if not path.name.startswith(".")]
            assert names == []
            assert max(path.stat().st_size for path in ben.downloads.iterdir()) < 6 * BLOCK_BYTES
        finally:
            gate.open.set()
        assert (await ended(ben)).state is TransferState.DONE
    assert everything(ben.downloads) == {"film.mov": original.read_bytes()}


@on_guarded_loop
async def test_croc_395_the_sender_shows_what_the_receiver_has(
    signaling_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender's bar was full when the receiver's stood at a half: it counted what had left, not what had arrived."""
    original = tmp_path / "film.mov"
    original.write_bytes(os.urandom(8 * BLOCK_BYTES))
    async with two_players(signaling_server, tmp_path) as (ana, ben):
        gate = Gate(monkeypatch, blocks=3)
        try:
            offer = await offered(ana, ben, original)
            await ben.node.accept(offer.transfer)
            await ana.until(TransferProgressed, lambda event: event.confirmed == 3 * BLOCK_BYTES)
            await ana.until(TransferProgressed, lambda event: gate.held.is_set())  # more has arrived, and is not stored
            sent = [event for event in ana.all(TransferProgressed) if event.direction is Direction.SEND]
            assert max(event.confirmed for event in sent) == gate.stored == 3 * BLOCK_BYTES
        finally:
            gate.open.set()
        assert (await ended(ben)).state is TransferState.DONE
        assert (await ended(ana)).confirmed == 8 * BLOCK_BYTES


def interrupted(folder: Path, manifest: Manifest, data: bytes, blocks: range) -> IncomingFiles:
    """Receives some blocks of a file, which is not complete then."""
    files = IncomingFiles(folder, manifest, "x", KEY)
    for block in blocks:
        content = data[block * BLOCK : (block + 1) * BLOCK]
        assert files.store_block(block, content, sha256(content).digest())
    return files


@pytest.mark.parametrize("byte", [b"\0", b"x"], ids=["zeros", "data"])
def test_croc_2023_blocks_of_zeros_count_as_received(tmp_path: Path, byte: bytes) -> None:
    """What was missing was found by looking for zeros: a sparse file was sent anew every time."""
    data = byte * 8 * BLOCK
    manifest = Manifest.of([Entry("image", len(data))], BLOCK, 100)
    interrupted(tmp_path, manifest, data, range(5)).close()
    again = IncomingFiles(tmp_path, manifest, "y", KEY)
    assert sorted(again.kept().check) == [0, 1, 2, 3, 4]
    assert again.stored == 5 * BLOCK
    again.discard()


def test_croc_1029_going_on_does_not_read_what_the_journal_vouches_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """239 of 361 GB were there; then 4 hours of reading and hashing passed before another byte moved."""
    data = os.urandom(8 * BLOCK)
    manifest = Manifest.of([Entry("image", len(data))], BLOCK, 100)
    interrupted(tmp_path, manifest, data, range(5)).close()
    read: list[int] = []
    pread = os.pread

    def counted(handle: int, size: int, offset: int) -> bytes:
        read.append(size)
        return pread(handle, size, offset)

    monkeypatch.setattr(os, "pread", counted)
    again = IncomingFiles(tmp_path, manifest, "y", KEY)
    assert again.stored == 5 * BLOCK
    assert sum(read) == 0
    again.discard()


def test_croc_781_what_the_journal_cannot_vouch_for_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checksum of the whole was kept, or nothing: neither told which part of an interrupted file was damaged."""
    data = os.urandom(8 * BLOCK)
    manifest = Manifest.of([Entry("image", len(data))], BLOCK, 100)
    monkeypatch.setattr(incoming, "SYNC_EVERY", 3600.0)
    process = os.fork()
    if process == 0:  # a program that is killed before it has flushed anything
        try:
            interrupted(tmp_path, manifest, data, range(5))
        finally:
            os._exit(0)
    os.waitpid(process, 0)
    (part,) = tmp_path.glob(".image*.part")
    with part.open("r+b") as file:
        file.seek(3 * BLOCK + 500)
        file.write(bytes([data[3 * BLOCK + 500] ^ 1]))
    again = IncomingFiles(tmp_path, manifest, "y", KEY)
    assert sorted(again.kept().check) == [0, 1, 2, 4]
    again.discard()


def test_croc_1299_a_manifest_of_200_000_files_travels_in_pages() -> None:
    """All names went into one message of 83 MB, which the other side refused: such a folder could not be sent."""
    count = 200_000
    entries = [
        Entry(f"folder {number // 1000:03}/a name of ordinary length {number}.txt", number) for number in range(count)
    ]
    manifest = Manifest.of(entries)
    offer = manifest.to_offer(1)
    gathering = Gathering(offer)
    sizes = [len(encode(offer))]
    taken = len(offer.entries)
    while taken < count:
        page = manifest.page(taken)
        sizes.append(len(encode(ManifestPage(1, page))))
        gathering.page(page)
        taken += len(page)
    assert max(sizes) <= FRAME_BYTES
    received = gathering.manifest()
    assert received is not None
    assert (received.root, received.total) == (manifest.root, manifest.total)
