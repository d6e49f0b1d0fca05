"""Files while they are received: hidden, verified, never over anything that was there."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import stat
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from p2pchat.errors import StorageFailed
from p2pchat.protocol.frames import Entry
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.store import directory
from p2pchat.store.incoming import IncomingFiles
from p2pchat.store.journal import Journal
from p2pchat.store.parts import OPEN_FILES


@pytest.fixture(params=[True, False], ids=["held", "by path"], autouse=True)
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds with directories held open, as on POSIX, and by path, as on Windows."""
    monkeypatch.setattr(directory, "_HELD", request.param)


BLOCK = 100


def offer(**sizes: int) -> Manifest:
    return Manifest.of([Entry(path, size) for path, size in sizes.items()], BLOCK, 10)


def tree(*paths: str) -> Manifest:
    """An offer of files of one byte, and of folders where a path ends with `/`."""
    return Manifest.of([Entry(path.rstrip("/"), 0 if path[-1] == "/" else 1, path[-1] == "/") for path in paths])


def store(files: IncomingFiles, block: int, data: bytes) -> bool:
    return files.store_block(block, data, sha256(data).digest())


def finish(files: IncomingFiles, file: int) -> Path:
    """Finishes a file; returns where it is then."""
    before = set(files.saved(1000))
    files.finish_file(file)
    (path,) = set(files.saved(1000)) - before
    return Path(path)


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def test_a_file_appears_under_its_name_once_it_is_whole(tmp_path: Path) -> None:
    data = os.urandom(250)
    with umask(0o022):
        files = IncomingFiles(tmp_path, offer(report=250), "k7qf")
        for block in (2, 0, 1):
            assert store(files, block, data[block * BLOCK : (block + 1) * BLOCK])
            assert listing(tmp_path) == {".report.k7qf.part"}
            assert stat.S_IMODE((tmp_path / ".report.k7qf.part").stat().st_mode) == 0o600
        saved = finish(files, 0)
    files.close()
    assert saved == tmp_path / "report"
    assert listing(tmp_path) == {"report"}
    assert saved.read_bytes() == data
    assert stat.S_IMODE(saved.stat().st_mode) == 0o644


def test_a_file_gets_no_more_permissions_than_the_umask_gives(tmp_path: Path) -> None:
    with umask(0o077):
        files = IncomingFiles(tmp_path, offer(a=1), "x")
        store(files, 0, b"a")
        assert stat.S_IMODE(finish(files, 0).stat().st_mode) == 0o600
    files.close()


def test_a_block_that_does_not_match_its_hash_is_not_written(tmp_path: Path) -> None:
    files = IncomingFiles(tmp_path, offer(a=3), "x")
    assert not files.store_block(0, b"bad", sha256(b"god").digest())
    assert listing(tmp_path) == set()
    files.close()


@pytest.mark.parametrize("size", [1, 2 * BLOCK], ids=["small", "of several blocks"])
def test_a_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    happened: list[str] = []
    flush, link = os.fsync, os.link

    def noted_flush(handle: int) -> None:
        happened.append("folder flushed" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file flushed")
        flush(handle)

    def noted_link(source: str, target: str, **options: Any) -> None:
        happened.append("named")
        link(source, target, **options)

    files = IncomingFiles(tmp_path, offer(a=size), "x")
    monkeypatch.setattr(os, "fsync", noted_flush)
    monkeypatch.setattr(os, "link", noted_link)
    for block in range(0, size, BLOCK):
        store(files, block // BLOCK, b"1" * min(BLOCK, size))
    finish(files, 0)
    files.close()
    assert happened == ["file flushed", "named", "folder flushed"][: 3 if directory._HELD else 2]


def test_many_files_at_once_are_all_on_the_disk_before_any_of_them_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    flush, link, finished = os.fsync, os.link, Journal.finished

    def noted_flush(handle: int) -> None:
        happened.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        flush(handle)

    def noted_link(source: str, target: str, **options: Any) -> None:
        happened.append("named")
        link(source, target, **options)

    def noted_finished(journal: Journal, file: int, number: int) -> None:
        happened.append("noted")
        finished(journal, file, number)

    files = IncomingFiles(tmp_path, tree("a/1", "a/2", "b/3"), "x", b"k" * 32)
    monkeypatch.setattr(os, "fsync", noted_flush)
    monkeypatch.setattr(os, "link", noted_link)
    monkeypatch.setattr(Journal, "finished", noted_finished)
    for block in range(3):
        store(files, block, b"1")
    assert files.finish_files([0, 1, 2]) == [None, None, None]
    files.discard()
    flushed = ["folder"] if directory._HELD else []
    named = ["named", "named", *flushed, "named", *flushed]
    assert happened == ["file", "file", "file", *named, "noted", "noted", "noted"]


def test_of_many_files_those_are_finished_that_the_disk_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def refuse(source: str, target: str, **options: Any) -> None:
        if Path(target).name == "2":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        link(source, target, **options)

    files = IncomingFiles(tmp_path, tree("1", "2", "3"), "x", b"k" * 32)
    for block in range(3):
        store(files, block, b"1")
    monkeypatch.setattr(os, "link", refuse)
    outcomes = files.finish_files([0, 1, 2])
    assert [outcome and outcome.message for outcome in outcomes] == [
        None,
        "'2' cannot be written: Input/output error",
        None,
    ]
    assert files.saved(10) == (str(tmp_path / "1"), str(tmp_path / "3"))
    files.discard()
    assert listing(tmp_path) == {"1", "3"}


def test_an_empty_file_is_made(tmp_path: Path) -> None:
    files = IncomingFiles(tmp_path / "new" / "folder", offer(empty=0), "x")
    assert finish(files, 0).read_bytes() == b""
    files.close()
    assert listing(tmp_path / "new" / "folder") == {"empty"}


def test_what_was_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"old")
    (tmp_path / "a.tar (1).gz").mkdir()
    (tmp_path / "a.tar (2).gz").symlink_to(tmp_path / "nowhere")
    files = IncomingFiles(tmp_path, Manifest.of([Entry("a.tar.gz", 3)]), "x")
    store(files, 0, b"new")
    assert finish(files, 0) == tmp_path / "a.tar (3).gz"
    files.close()
    assert (tmp_path / "a.tar.gz").read_bytes() == b"old"
    assert (tmp_path / "a.tar (3).gz").read_bytes() == b"new"
    assert not (tmp_path / "nowhere").exists()


def test_what_appears_while_a_file_is_received_is_not_overwritten_either(tmp_path: Path) -> None:
    files = IncomingFiles(tmp_path, offer(a=3), "x")
    store(files, 0, b"new")
    (tmp_path / "a").write_bytes(b"sudden")
    assert finish(files, 0) == tmp_path / "a (1)"
    assert (tmp_path / "a").read_bytes() == b"sudden"
    files.close()


@pytest.mark.parametrize("refusal", [errno.EPERM, errno.EOPNOTSUPP])
def test_on_a_disk_without_hard_links_nothing_is_overwritten_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a").write_bytes(b"old")
    files = IncomingFiles(tmp_path, offer(a=3), "x")
    store(files, 0, b"new")
    assert finish(files, 0) == tmp_path / "a (1)"
    files.close()
    assert listing(tmp_path) == {"a", "a (1)"}
    assert (tmp_path / "a (1)").read_bytes() == b"new"
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_folder_is_not_mixed_with_one_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "album.d").mkdir()
    (tmp_path / "album.d" / "mine").touch()
    files = IncomingFiles(tmp_path, tree("album.d/a", "album.d/deep/er/b", "album.d/empty/", "alone"), "x")
    for block in range(3):
        store(files, block, b"1")
    saved = [finish(files, file) for file in (0, 1, 3)]
    files.close()
    assert saved == [tmp_path / "album.d (1)/a", tmp_path / "album.d (1)/deep/er/b", tmp_path / "alone"]
    assert all(path.read_bytes() == b"1" for path in saved)
    assert listing(tmp_path / "album.d (1)") == {"a", "deep", "deep/er", "deep/er/b", "empty"}
    assert listing(tmp_path / "album.d") == {"mine"}


def test_a_link_in_the_place_of_a_folder_leads_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    downloads = tmp_path / "downloads"
    files = IncomingFiles(downloads, tree("album/a"), "x")
    (downloads / "album").rmdir()
    (downloads / "album").symlink_to(outside)
    with pytest.raises(StorageFailed):
        store(files, 0, b"1")
    files.discard()
    assert listing(outside) == set()


def test_a_link_in_the_place_of_a_part_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / ".a.x.part").symlink_to(tmp_path / "outside")
    files = IncomingFiles(tmp_path, offer(a=1), "x")
    store(files, 0, b"1")
    assert finish(files, 0) == tmp_path / "a"
    files.close()
    assert not (tmp_path / "outside").exists()


def test_a_part_that_was_replaced_is_not_written_to(tmp_path: Path) -> None:
    manifest = Manifest.of([Entry(str(n), 2) for n in range(OPEN_FILES + 1)], 1, 1)
    files = IncomingFiles(tmp_path, manifest, "x")
    for file in range(OPEN_FILES + 1):
        store(files, 2 * file, b"1")
    (tmp_path / "mine").write_bytes(b"mine")
    os.replace(tmp_path / "mine", tmp_path / ".0.x.part")
    with pytest.raises(StorageFailed, match="'0' was replaced while it was received"):
        store(files, 1, b"2")
    assert (tmp_path / ".0.x.part").read_bytes() == b"mine"
    files.close()


def test_files_may_take_turns_with_few_of_them_open(tmp_path: Path) -> None:
    count = 3 * OPEN_FILES
    files = IncomingFiles(tmp_path, Manifest.of([Entry(f"{n:02}", 2) for n in range(count)], 1, 1), "x")
    for offset in (1, 0):
        for file in range(count):
            store(files, 2 * file + offset, b"%d" % offset)
            assert len(files._parts._open) <= OPEN_FILES
    saved = [finish(files, file) for file in range(count)]
    files.close()
    assert {path.read_bytes() for path in saved} == {b"01"}


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127 + "x", "x" * 251 + ".txt", "a." + "x" * 253])
def test_the_longest_names_still_get_parts_and_numbers(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    files = IncomingFiles(tmp_path, Manifest.of([Entry(name, 1)]), "k7qfm2xd")
    store(files, 0, b"1")
    saved = finish(files, 0)
    files.close()
    assert saved.name != name
    assert len(saved.name.encode()) <= 255
    assert " (1)" in saved.name
    assert saved.read_bytes() == b"1"


def test_of_what_is_not_wanted_nothing_is_made(tmp_path: Path) -> None:
    manifest = tree("a", "album/b", "album/deep/c", "empty/", "void/", "z")
    files = IncomingFiles(tmp_path, manifest, "x", left_out=bytes([1, 0, 1, 1, 0, 1]))
    assert listing(tmp_path) == {"album", "void"}
    store(files, 1, b"1")
    finish(files, 1)
    files.close()
    assert listing(tmp_path) == {"album", "album/b", "void"}


def test_only_what_is_wanted_has_to_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 0, 400_000_000))
    manifest = offer(a=3_100_000_000, b=300_000_000)
    IncomingFiles(tmp_path, manifest, "x", left_out=b"\1\0").close()
    with pytest.raises(StorageFailed, match=r"3\.1 GB needed"):
        IncomingFiles(tmp_path, manifest, "x", left_out=b"\0\1")


MODIFIED = 1_234_567_890_000_000_000


def with_attributes(folder: Path, preserve: bool, modified: int = MODIFIED) -> list[os.stat_result]:
    entries = [Entry("run", 1, modified=modified, executable=True), Entry("read", 1, modified=modified)]
    files = IncomingFiles(folder, Manifest.of(entries), "x", preserve=preserve)
    for block in (0, 1):
        store(files, block, b"1")
    found = [finish(files, file).stat() for file in (0, 1)]
    files.close()
    return found


@pytest.mark.parametrize(
    ("mask", "run", "read"),
    [(0o022, 0o755, 0o644), (0o077, 0o700, 0o600), (0o002, 0o775, 0o664), (0o037, 0o750, 0o640)],
)
def test_time_and_executable_bit_are_taken_over_when_that_is_wanted(
    tmp_path: Path, mask: int, run: int, read: int
) -> None:
    with umask(mask):
        found = with_attributes(tmp_path, preserve=True)
    assert [stat.S_IMODE(status.st_mode) for status in found] == [run, read]
    assert [status.st_mtime_ns for status in found] == [MODIFIED, MODIFIED]


def test_unless_it_is_wanted_nothing_received_may_be_run(tmp_path: Path) -> None:
    with umask(0o022):
        found = with_attributes(tmp_path, preserve=False)
    assert {stat.S_IMODE(status.st_mode) for status in found} == {0o644}
    assert all(status.st_mtime_ns != MODIFIED for status in found)


@pytest.mark.parametrize("modified", [0, 1, 2**63 - 1])
def test_a_time_that_is_unknown_or_beyond_all_reason_harms_nobody(tmp_path: Path, modified: int) -> None:
    found = with_attributes(tmp_path, preserve=True, modified=modified)
    assert all(status.st_mtime_ns >= 0 for status in found)
    if not modified:
        assert all(status.st_mtime_ns > MODIFIED for status in found)


def test_a_file_has_its_attributes_when_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    link = os.link

    def noted(source: str, target: str, **options: Any) -> None:
        status = os.stat(source, dir_fd=options["src_dir_fd"])
        seen.append((status.st_mtime_ns, stat.S_IMODE(status.st_mode)))
        link(source, target, **options)

    monkeypatch.setattr(os, "link", noted)
    with umask(0o022):
        with_attributes(tmp_path, preserve=True)
    assert seen == [(MODIFIED, 0o755), (MODIFIED, 0o644)]


LARGE = 256 * 1024
"""More than a file system allocates at once."""


def large(folder: Path, blocks: int) -> IncomingFiles:
    manifest = Manifest.of([Entry("a", blocks * LARGE)], LARGE, LARGE)
    return IncomingFiles(folder, manifest, "x", b"k" * 32)


@pytest.fixture
def sparse_disk(tmp_path: Path) -> None:
    with (tmp_path / "probe").open("wb") as probe:
        probe.truncate(LARGE)
    sparse = (tmp_path / "probe").stat().st_blocks == 0 and hasattr(os, "SEEK_DATA")
    (tmp_path / "probe").unlink()
    if not sparse:
        pytest.skip("this file system has no holes")


@pytest.mark.usefixtures("sparse_disk")
@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 4, 0, 1, 3)])
def test_blocks_of_nothing_but_zeros_take_no_space(tmp_path: Path, order: tuple[int, ...]) -> None:
    data = [bytes(LARGE), bytes(LARGE), b"x" * LARGE, bytes(LARGE), bytes(LARGE)]
    files = large(tmp_path, 5)
    for block in order:
        store(files, block, data[block])
    saved = finish(files, 0)
    files.close()
    assert saved.read_bytes() == b"".join(data)
    assert saved.stat().st_blocks * 512 < 2 * LARGE


@pytest.mark.usefixtures("sparse_disk")
def test_holes_are_still_there_when_a_transfer_goes_on(tmp_path: Path) -> None:
    files = large(tmp_path, 4)
    store(files, 2, bytes(LARGE))
    store(files, 0, bytes(LARGE))
    files.close()
    files = large(tmp_path, 4)
    assert sorted(files.kept().check) == [0, 2]
    store(files, 3, b"y" * LARGE)
    store(files, 1, bytes(LARGE))
    saved = finish(files, 0)
    files.close()
    assert saved.read_bytes() == bytes(3 * LARGE) + b"y" * LARGE
    assert saved.stat().st_blocks * 512 < 2 * LARGE


def test_zeros_replace_what_was_written_before(tmp_path: Path) -> None:
    files = large(tmp_path, 3)
    for block in range(3):
        store(files, block, b"old" + bytes(LARGE - 3))
    for block in (1, 2):
        store(files, block, bytes(LARGE))
    saved = finish(files, 0)
    files.close()
    assert saved.read_bytes() == b"old" + bytes(3 * LARGE - 3)


def test_on_a_disk_that_cannot_tell_of_holes_zeros_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "SEEK_DATA", raising=False)
    files = large(tmp_path, 3)
    for block in (2, 0, 1):
        store(files, block, bytes(LARGE))
    saved = finish(files, 0)
    files.close()
    assert saved.read_bytes() == bytes(3 * LARGE)


def test_discarding_removes_what_is_unfinished_and_keeps_the_rest(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    files = IncomingFiles(tmp_path, tree("album/done", "album/half/open", "rest", "empty/"), "x")
    for file in (0, 1, 2):
        store(files, file, b"1")
    finish(files, 0)
    files.discard()
    files.discard()
    assert listing(tmp_path) == {"mine", "album", "album/done"}
    with pytest.raises(StorageFailed, match="has ended"):
        store(files, 1, b"1")
    assert listing(tmp_path) == {"mine", "album", "album/done"}


def test_what_does_not_fit_is_refused_before_it_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 0, 400_000_000))
    with pytest.raises(StorageFailed) as caught:
        IncomingFiles(tmp_path, offer(a=3_100_000_000), "x")
    assert caught.value.message == "the disk is too full: 3.1 GB needed, 400.0 MB free"
    assert caught.value.reason == "disk"
    assert listing(tmp_path) == set()


def test_a_disk_that_fills_up_is_told_with_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    files = IncomingFiles(tmp_path, offer(a=300), "x")
    store(files, 0, b"x" * 100)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1000, 1000, 50))
    with pytest.raises(StorageFailed, match="the disk is too full: 200 B needed, 50 B free"):
        store(files, 1, b"x" * 100)
    files.discard()
    assert listing(tmp_path) == set()


def test_a_write_that_the_disk_takes_in_parts_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda handle, data, offset: write(handle, data[:7], offset))
    files = IncomingFiles(tmp_path, offer(a=100), "x")
    data = os.urandom(100)
    store(files, 0, data)
    assert finish(files, 0).read_bytes() == data
    files.close()


def test_a_file_larger_than_the_system_allows_is_told_in_words(tmp_path: Path) -> None:
    files = IncomingFiles(tmp_path, Manifest.of([Entry("a", 10_000)]), "x")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(StorageFailed, match="'a' is larger than a file may be here"):
            store(files, 0, bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    files.discard()


@pytest.mark.parametrize(
    ("code", "words", "reason"),
    [
        (errno.EACCES, "'a' may not be written", "permission"),
        (errno.EROFS, "'a' would lie on a read-only disk", "permission"),
        (errno.EIO, "'a' cannot be written: Input/output error", "disk"),
        (errno.ENOSPC, "no space is left for 'a'", "disk"),
    ],
)
def test_what_the_disk_says_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str, reason: str
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    files = IncomingFiles(tmp_path, offer(a=1), "x")
    monkeypatch.setattr(os, "pwrite", refuse)
    with pytest.raises(StorageFailed) as caught:
        store(files, 0, b"1")
    assert (caught.value.message, caught.value.reason) == (words, reason)
    assert str(tmp_path) not in caught.value.message  # it is told to the other side
    files.discard()


def test_a_download_folder_that_is_a_file_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed, match="the folder cannot be written"):
        IncomingFiles(tmp_path / "file", offer(a=1), "x")
