"""What an offer would meet in a folder: looked at, and nothing touched."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from hashlib import sha256
from pathlib import Path

import pytest

from p2pchat.protocol.frames import Entry
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.store import landing
from p2pchat.store.incoming import RESERVE, IncomingFiles
from p2pchat.store.landing import look, room, too_full

PEER = b"b" * 32


def manifest(*paths: str, size: int = 10) -> Manifest:
    return Manifest.of([Entry(path, size) for path in paths])


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_an_empty_folder_takes_everything(tmp_path: Path) -> None:
    prospect = look(tmp_path, PEER, manifest("a.txt", "album/b.jpg"))
    assert (prospect.existing, prospect.examples, prospect.stored, prospect.fault) == (0, (), 0, "")
    assert prospect.free > 0


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    prospect = look(tmp_path / "new" / "er", PEER, manifest("a.txt"))
    assert (prospect.existing, prospect.fault) == (0, "")
    assert prospect.free == pytest.approx(room(tmp_path), rel=0.5)
    assert listing(tmp_path) == []


def test_names_that_are_taken_are_told_with_what_they_would_become(tmp_path: Path) -> None:
    for name in ("a.txt", "a (1).txt", "c.txt"):
        (tmp_path / name).write_text("mine")
    prospect = look(tmp_path, PEER, manifest("a.txt", "b.txt", "c.txt"))
    assert prospect.existing == 2
    assert prospect.examples == (("a.txt", "a (2).txt"), ("c.txt", "c (1).txt"))
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_a_folder_that_is_there_is_renamed_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "album" / "2026").mkdir(parents=True)
    (tmp_path / "album" / "2026" / "b.jpg").write_text("mine")
    prospect = look(tmp_path, PEER, manifest("album/2026/a.jpg", "album/2026/b.jpg", "album/2025/b.jpg"))
    assert prospect.existing == 1
    assert prospect.examples == (("album/2026/b.jpg", "album (1)/2026/b.jpg"),)


def test_no_link_is_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.jpg").write_text("mine")
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    (downloads / "album").symlink_to(elsewhere)
    (downloads / "lost").symlink_to(tmp_path / "nowhere")
    prospect = look(downloads, PEER, manifest("album/b.jpg", "lost"))
    assert prospect.examples == (("lost", "lost (1)"),)


def test_only_the_first_names_are_told(tmp_path: Path) -> None:
    names = [f"{number:03}" for number in range(landing.EXAMPLES + 5)]
    for name in names:
        (tmp_path / name).touch()
    prospect = look(tmp_path, PEER, manifest(*names))
    assert (prospect.existing, len(prospect.examples)) == (len(names), landing.EXAMPLES)


def test_what_an_interrupted_transfer_left_is_no_collision(tmp_path: Path) -> None:
    offer = manifest("album/a", "album/b", "c")
    (tmp_path / "album").mkdir()
    files = IncomingFiles(tmp_path, offer, "label", PEER)
    data = bytes(10)
    files.store_block(0, data, sha256(data).digest())
    files.finish_file(0)
    files.close()
    (tmp_path / "album (1)" / "b").write_text("mine")
    prospect = look(tmp_path, PEER, offer)
    assert prospect.stored == 10
    assert prospect.examples == (("album/b", "album/b (1)"),)
    assert look(tmp_path, b"c" * 32, offer).stored == 0


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("no folder")
    for folder in (tmp_path / "notes", tmp_path / "notes" / "below"):
        assert look(folder, PEER, manifest("a")).fault == f"{str(tmp_path / 'notes')!r} is a file, and no folder"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert look(tmp_path, PEER, manifest("a")).fault.endswith("may not be written to")
    finally:
        tmp_path.chmod(0o700)


def test_what_the_system_does_not_allow_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert look(tmp_path, PEER, manifest("a")).fault == f"{str(tmp_path)!r} may not be written to"


def test_the_reserve_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 0, RESERVE + 400_000_000))
    assert room(tmp_path) == 400_000_000
    assert too_full(3_100_000_000, room(tmp_path)) == "disk full: needs 3.1 GB, has 400.0 MB"
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 0, RESERVE - 1))
    assert room(tmp_path) == 0


def test_a_name_of_another_writing_is_safe_to_show(tmp_path: Path) -> None:
    (tmp_path / "عربي.txt").touch()
    assert look(tmp_path, PEER, manifest("عربي.txt")).examples == (("عربي.txt", "عربي (1).txt"),)
