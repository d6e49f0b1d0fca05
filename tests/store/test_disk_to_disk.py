"""A transfer from one folder to another, with everything real but the network."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from p2pchat.protocol.frames import TransferFrame
from p2pchat.protocol.limits import BLOCK_BYTES
from p2pchat.protocol.transfer.bulk import unpack
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


def test_a_folder_arrives_as_it_was(tmp_path: Path) -> None:
    album = tmp_path / "album"
    (album / "nested" / "empty").mkdir(parents=True)
    contents = {"big.bin": os.urandom(2 * BLOCK_BYTES + 12_345), "nested/small.txt": b"small", "void": b""}
    for path, data in contents.items():
        (album / path).write_bytes(data)
    source = Source.scan([album])
    sender = OutgoingTransfer(1, source.manifest)
    files = IncomingFiles(tmp_path / "downloads", source.manifest, "0001")
    serve(sender, source, files)  # the offer
    receiver = IncomingTransfer(1, source.manifest)

    receiver.accept(0.0)
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
    assert files.saved(10) == tuple(str(tmp_path / "downloads" / "album" / path) for path in contents)
    files.close()
    source.close()

    assert (sender.state, receiver.state) == (TransferState.DONE, TransferState.DONE)
    received = tmp_path / "downloads" / "album"
    assert {path: (received / path).read_bytes() for path in contents} == contents
    assert (received / "nested" / "empty").is_dir()
