"""What an interrupted transfer left goes when the user wants that, and nothing else does."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from p2pchat.errors import UsageError
from p2pchat.protocol.frames import Entry
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.store.discarding import Remains, discard, folders_of, remains
from p2pchat.store.incoming import IfExists, IncomingFiles
from p2pchat.store.interrupted import Folders
from p2pchat.store.journal import identity

PEER = b"b" * 32
BLOCK = 65_536
OFFER = Manifest.of(
    [
        Entry("top.bin", 2 * BLOCK),
        Entry("tree/done.txt", 10),
        Entry("tree/deep/part.bin", 2 * BLOCK),
        Entry("tree/empty", folder=True),
    ],
    block=BLOCK,
    chunk=1024,
)
TRANSFER = identity(PEER, OFFER)


def interrupted(folder: Path, if_exists: IfExists = IfExists.RENAME) -> Folders:
    """Receives a part of the offer: one file is done, two are begun."""
    folders = folders_of(folder, OFFER, b"", if_exists is not IfExists.RENAME)
    files = IncomingFiles(folder, OFFER, "12ab34cd", PEER, if_exists)
    for block in (0, 2, 3):
        data = bytes(OFFER.place(block)[2])
        assert files.store_block(block, data, sha256(data).digest())
    files.finish_file(1)
    files.close()
    return folders


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_parts_journal_and_empty_folders_go_and_finished_files_stay(tmp_path: Path) -> None:
    folders = interrupted(tmp_path)
    assert any(name.endswith(".part") for name in listing(tmp_path))
    discard(tmp_path, TRANSFER, folders)
    assert listing(tmp_path) == ["tree", "tree/done.txt"]


def test_folders_under_another_name_are_found(tmp_path: Path) -> None:
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "mine").touch()
    discard(tmp_path, TRANSFER, interrupted(tmp_path))
    assert listing(tmp_path) == ["tree", "tree (1)", "tree (1)/done.txt", "tree/deep", "tree/deep/mine"]


def test_folders_that_were_there_before_stay_even_when_they_are_empty(tmp_path: Path) -> None:
    (tmp_path / "tree" / "empty").mkdir(parents=True)
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    folders = interrupted(tmp_path, IfExists.OVERWRITE)
    assert folders == Folders((), ("tree", "tree/deep", "tree/empty"))
    discard(tmp_path, TRANSFER, folders)
    assert listing(tmp_path) == ["tree", "tree/deep", "tree/done.txt", "tree/empty"]


def test_what_is_left_out_needs_no_folder(tmp_path: Path) -> None:
    assert folders_of(tmp_path, OFFER, bytes([0, 0, 1, 1]), merge=False) == Folders(("tree",))


def test_what_somebody_else_put_there_stays(tmp_path: Path) -> None:
    folders = interrupted(tmp_path)
    outside = tmp_path.parent / "outside"
    outside.mkdir()
    (outside / ".part.bin.12ab34cd.part").write_text("of no transfer")
    deep = tmp_path / "tree" / "deep"
    for part in deep.iterdir():
        part.unlink()
    deep.rmdir()
    deep.symlink_to(outside)
    (tmp_path / "tree" / "empty" / "notes").write_text("mine")
    (tmp_path / ".other.99999999.part").write_text("of another transfer")
    (tmp_path / ".dir.12ab34cd.part").mkdir()
    discard(tmp_path, TRANSFER, folders)
    assert (outside / ".part.bin.12ab34cd.part").read_text() == "of no transfer"
    assert listing(tmp_path) == [
        ".dir.12ab34cd.part",
        ".other.99999999.part",
        "tree",
        "tree/deep",
        "tree/done.txt",
        "tree/empty",
        "tree/empty/notes",
    ]


def test_a_journal_that_names_a_folder_outside_leads_nowhere(tmp_path: Path) -> None:
    downloads = tmp_path / "downloads"
    folders = interrupted(downloads)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ".x.12ab34cd.part").write_text("of no transfer")
    (journal,) = downloads.glob("*.journal")
    line, _, records = journal.read_bytes().partition(b"\n")
    header = {**json.loads(line), "renamed": {"tree": "../outside"}}
    journal.write_bytes(json.dumps(header).encode() + b"\n" + records)
    discard(downloads, TRANSFER, folders)
    assert (outside / ".x.12ab34cd.part").exists()


def test_a_transfer_that_runs_is_left_alone(tmp_path: Path) -> None:
    files = IncomingFiles(tmp_path, OFFER, "12ab34cd", PEER)
    assert remains(tmp_path, TRANSFER) is Remains.BUSY
    with pytest.raises(UsageError, match="is running"):
        discard(tmp_path, TRANSFER, folders_of(tmp_path, OFFER, b"", merge=False))
    files.close()
    assert remains(tmp_path, TRANSFER) is Remains.SOMETHING


def test_nothing_to_remove_is_no_error(tmp_path: Path) -> None:
    assert remains(tmp_path, TRANSFER) is Remains.NOTHING
    discard(tmp_path, TRANSFER, Folders(("tree",)))
    assert remains(tmp_path / "not here", TRANSFER) is Remains.UNKNOWN
    discard(tmp_path / "not here", TRANSFER, Folders(("tree",)))


def test_a_journal_that_is_none_is_nothing(tmp_path: Path) -> None:
    (tmp_path / f".{TRANSFER}.12ab34cd.journal").write_bytes(b"rubbish")
    assert remains(tmp_path, TRANSFER) is Remains.NOTHING
