"""A transfer from one folder to another, with everything real but the network."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from p2pchat.protocol.frames import TransferFrame
from p2pchat.protocol.limits import BLOCK_BYTES
from p2pchat.protocol.transfer.bulk import unpack
from p2pchat.protocol.transfer.choice import left_out
from p2pchat.protocol.transfer.incoming import IncomingTransfer
from p2pchat.protocol.transfer.lifecycle import FinishFile, ReadBlock, SendFrame, StoreBlock, Transfer, TransferState
from p2pchat.protocol.transfer.outgoing import OutgoingTransfer
from p2pchat.store.incoming import IncomingFiles
from p2pchat.store.outgoing import Source


def serve(transfer: Transfer, source: Source, files: IncomingFiles) -> list[TransferFrame]:
    """Does what a machine asks of its disk; returns what it sends."""
    frames: list[TransferFrame] = []
    while (output := transfer.poll()) is not None:
        match output:
            case SendFrame(frame):
                frames.append(frame)
            case ReadBlock(number=number):
                assert isinstance(transfer, OutgoingTransfer)
                transfer.block_read(number, *source.read_block(number))
            case StoreBlock(number=number, data=data, digest=digest):
                assert isinstance(transfer, IncomingTransfer)
                assert files.store_block(number, data, digest)
                transfer.block_stored(number)
            case FinishFile(file=file):
                assert isinstance(transfer, IncomingTransfer)
                files.finish_file(file)
                transfer.file_finished(file)
    return frames


def transfer(source: Source, files: IncomingFiles) -> None:
    """Takes what is wanted of a source to the disk of the receiver."""
    sender = OutgoingTransfer(1, source.manifest)
    serve(sender, source, files)  # the offer
    receiver = IncomingTransfer(1, source.manifest)
    kept = files.kept()
    receiver.accept(0.0, kept.finished, kept.check, files.left_out)
    waiting = deque(serve(receiver, source, files))
    while waiting:
        sender.receive(waiting.popleft(), 0.0)
        for frame in serve(sender, source, files):
            receiver.receive(frame, 0.0)
        while (message := sender.next_chunk()) is not None:
            receiver.chunk(unpack(message), 0.0)
            for frame in serve(sender, source, files):
                receiver.receive(frame, 0.0)
        waiting.extend(serve(receiver, source, files))
    source.close()
    assert (sender.state, receiver.state) == (TransferState.DONE, TransferState.DONE)


def listing(folder: Path) -> dict[str, bytes | None]:
    """Returns the content of every file below a folder, and None for each folder with nothing in it."""
    below = [path for path in folder.rglob("*") if path.is_file() or not any(path.iterdir())]
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in below}


def test_a_folder_arrives_as_it_was(tmp_path: Path) -> None:
    album = tmp_path / "album"
    (album / "nested" / "empty").mkdir(parents=True)
    contents = {"big.bin": os.urandom(2 * BLOCK_BYTES + 12_345), "nested/small.txt": b"small", "void": b""}
    for path, data in contents.items():
        (album / path).write_bytes(data)
    downloads = tmp_path / "downloads"
    source = Source.scan([album])
    files = IncomingFiles(downloads, source.manifest, "0001")
    transfer(source, files)
    assert files.saved(10) == tuple(str(downloads / "album" / path) for path in contents)
    files.close()
    assert listing(downloads / "album") == {**contents, "nested/empty": None}


def test_names_that_only_this_system_can_store_arrive_as_the_sender_said(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    deep = tree / "/".join(["d"] * 30)
    deep.mkdir(parents=True)
    (tree / "line\nbreak: \x1b[2J").mkdir()
    for number, name in enumerate(["NUL", "12:30", "a b 😀", "é" * 127, "README", "readme"]):
        (tree / "line\nbreak: \x1b[2J" / name).write_bytes(b"%d" % number)
    (deep / os.fsdecode(b"latin-\xe9")).touch()
    (deep / "empty.").mkdir()
    source = Source.scan([tree])
    files = IncomingFiles(tmp_path / "downloads", source.manifest, "0001")
    transfer(source, files)
    files.close()
    assert listing(tmp_path / "downloads" / "tree") == {
        "line␊break_ ␛[2J/NUL_": b"0",
        "line␊break_ ␛[2J/12_30": b"1",
        "line␊break_ ␛[2J/a b 😀": b"2",
        "line␊break_ ␛[2J/" + "é" * 127: b"3",
        "line␊break_ ␛[2J/README": b"4",
        "line␊break_ ␛[2J/readme (1)": b"5",
        "d/" * 30 + "latin-\ufffd": b"",
        "d/" * 30 + "empty._": None,
    }


def test_some_of_an_offer_arrives_with_its_times_and_may_be_run(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "docs").mkdir(parents=True)
    for name in ("run.sh", "big.bin", "docs/a.md", "docs/b.txt"):
        (tree / name).write_bytes(name.encode() * 100)
        os.utime(tree / name, ns=(0, 1_600_000_000_123_456_789))
    (tree / "run.sh").chmod(0o700)
    source = Source.scan([tree])
    wanted = left_out(source.manifest, ["tree/run.sh", "*.txt"])
    files = IncomingFiles(tmp_path / "downloads", source.manifest, "0001", left_out=wanted, preserve=True)
    transfer(source, files)
    files.close()
    received = tmp_path / "downloads" / "tree"
    assert set(listing(received)) == {"run.sh", "docs/b.txt"}
    for name in ("run.sh", "docs/b.txt"):
        assert (received / name).stat().st_mtime_ns == (tree / name).stat().st_mtime_ns
        assert os.access(received / name, os.X_OK) == (name == "run.sh")


def test_a_file_of_holes_arrives_with_holes(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.seek(20 * BLOCK_BYTES)
        file.write(b"end")
    source = Source.scan([tmp_path / "sparse"])
    files = IncomingFiles(tmp_path / "downloads", source.manifest, "0001")
    transfer(source, files)
    files.close()
    received = tmp_path / "downloads" / "sparse"
    assert received.read_bytes() == (tmp_path / "sparse").read_bytes()
    assert received.stat().st_blocks <= (tmp_path / "sparse").stat().st_blocks + 2 * BLOCK_BYTES // 512
