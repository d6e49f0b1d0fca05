"""What an interrupted transfer left on the disk, and what of it counts."""

from __future__ import annotations

import errno
import json
import os
import random
import time
import zlib
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.errors import StorageFailed
from p2pchat.protocol.frames import Entry
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.store import leftovers
from p2pchat.store.incoming import IfExists, IncomingFiles
from p2pchat.store.journal import Journal, resumable
from p2pchat.store.leftovers import TOUCHED
from p2pchat.store.terms import Terms

BLOCK = 100
KEY = b"k" * 32
OTHER = b"o" * 32
DATA = {"a": os.urandom(450), "album/b": os.urandom(250), "album/small": b"s" * 60, "empty": b""}
MANIFEST = Manifest.of([Entry(path, len(data), modified=5) for path, data in DATA.items()], BLOCK, 10)
BLOCKS = [data[at : at + BLOCK] for data in DATA.values() for at in range(0, len(data), BLOCK)]
FILES = list(DATA)


def received(folder: Path, label: str = "k7qf", peer: bytes = KEY, policy: IfExists = IfExists.RENAME) -> IncomingFiles:
    return IncomingFiles(folder, MANIFEST, label, peer, policy)


def store(files: IncomingFiles, *blocks: int) -> None:
    for block in blocks:
        assert files.store_block(block, BLOCKS[block], sha256(BLOCKS[block]).digest())


def killed(files: IncomingFiles) -> None:
    """The process is gone: nothing is flushed, noted or removed, and its locks are free."""
    files._parts.close()
    assert files._journal is not None
    files._journal.close()


def there(files: IncomingFiles) -> tuple[list[int], list[int]]:
    """Returns the entries that are finished, and the other blocks that are there."""
    kept = files.kept()
    assert all(digest == sha256(BLOCKS[block]).digest() for block, digest in kept.check.items())
    return [file for file, flag in enumerate(kept.finished) if flag], sorted(kept.check)


def complete(folder: Path, files: IncomingFiles) -> None:
    """Receives the rest; everything must be right then, and nothing else be left."""
    finished, blocks = there(files)
    for file in MANIFEST.files:
        if file not in finished:
            store(files, *(block for block in MANIFEST.blocks_of(file) if block not in blocks))
            files.finish_file(file)
    files.close()
    assert {path: (folder / path).read_bytes() for path in DATA} == DATA
    assert {path.name for path in folder.rglob("*")} == {"a", "album", "b", "small", "empty"}


def test_a_killed_transfer_goes_on_where_it_stopped(tmp_path: Path) -> None:
    files = received(tmp_path)
    store(files, 0, 3, 5, 6, 7)
    files.finish_file(1)
    store(files, 8)
    files.finish_file(3)
    killed(files)
    assert resumable(tmp_path, KEY, MANIFEST) == 200 + 250
    again = received(tmp_path, "another label")
    assert there(again) == ([1, 3], [0, 3])
    assert again.saved(10) == (str(tmp_path / "album/b"), str(tmp_path / "empty"))
    complete(tmp_path, again)
    assert resumable(tmp_path, KEY, MANIFEST) == 0


def test_nothing_of_another_peer_or_another_manifest_counts(tmp_path: Path) -> None:
    files = received(tmp_path)
    store(files, 0)
    killed(files)
    changed = Manifest.of([Entry(path, len(data), modified=6) for path, data in DATA.items()], BLOCK, 10)
    assert resumable(tmp_path, OTHER, MANIFEST) == 0
    assert resumable(tmp_path, KEY, changed) == 0
    assert resumable(tmp_path / "elsewhere", KEY, MANIFEST) == 0


def test_two_transfers_of_the_same_at_once_do_not_meet(tmp_path: Path) -> None:
    first = received(tmp_path, "one")
    store(first, 0)
    assert resumable(tmp_path, KEY, MANIFEST) == 0
    second = received(tmp_path, "two")
    assert there(second) == ([], [])
    assert there(first) == ([], [0])
    second.discard()
    first.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_had_to_be_called_otherwise_is_found_again(tmp_path: Path) -> None:
    (tmp_path / "album").mkdir()
    files = received(tmp_path)
    store(files, 5, 6)
    killed(files)
    again = received(tmp_path)
    assert there(again) == ([], [5, 6])
    store(again, 7)
    again.finish_file(1)
    assert again.saved(1) == (str(tmp_path / "album (1)" / "b"),)
    again.close()


def chosen(folder: Path, left_out: bytes, preserve: bool = False) -> IncomingFiles:
    return IncomingFiles(folder, MANIFEST, "k7qf", KEY, left_out=left_out, preserve=preserve)


def test_a_transfer_keeps_to_what_was_wanted_of_it_and_how(tmp_path: Path) -> None:
    files = chosen(tmp_path, bytes([0, 1, 0, 1]), preserve=True)
    store(files, 8)
    files.finish_file(2)
    store(files, 3)
    killed(files)
    again = received(tmp_path)
    assert again.left_out == bytes([0, 1, 0, 1])
    assert there(again) == ([2], [3])
    store(again, 0, 1, 2, 4)
    again.finish_file(0)
    again.close()
    assert {path.name for path in tmp_path.rglob("*")} == {"a", "album", "small"}
    assert [(tmp_path / name).stat().st_mtime_ns for name in ("a", "album/small")] == [5, 5]


def test_what_was_wanted_of_very_much_fits_into_the_journal(tmp_path: Path) -> None:
    scattered = random.Random(1).randbytes(1_000_000).translate(bytes(128) + b"\1" * 128)
    assert len(json.dumps(Terms(left_out=scattered).to_header())) < 250_000
    manifest = Manifest.of(Entry(f"{n:04}") for n in range(5000))
    IncomingFiles(tmp_path, manifest, "k7qf", KEY, left_out=scattered[:5000]).close()
    again = IncomingFiles(tmp_path, manifest, "other", KEY)
    assert again.left_out == scattered[:5000]
    again.discard()


@pytest.mark.parametrize(
    "noted", [None, 5, "", "no base64", b64encode(b"no deflate").decode(), "short", "bomb", "other"]
)
def test_a_choice_that_cannot_be_read_any_more_is_made_anew(tmp_path: Path, noted: object) -> None:
    flags = {"short": b"\1\0\0", "bomb": bytes(10**8), "other": b"\1\0\0\7"}
    if isinstance(noted, str) and noted in flags:
        noted = b64encode(zlib.compress(flags[noted])).decode()
    files = chosen(tmp_path, bytes([0, 1, 1, 1]))
    store(files, 0)
    files.close()
    (journal,) = tmp_path.glob(".*.journal")
    header, _, records = journal.read_bytes().partition(b"\n")
    journal.write_bytes(json.dumps({**json.loads(header), "left_out": noted}).encode() + b"\n" + records)
    again = chosen(tmp_path, bytes([1, 0, 1, 1]))
    assert again.left_out == bytes([1, 0, 1, 1])
    assert there(again) == ([], [])
    store(again, 5, 6, 7)
    again.finish_file(1)
    again.close()
    assert (tmp_path / "album" / "b").read_bytes() == DATA["album/b"]


def part(folder: Path) -> Path:
    (found,) = folder.glob(".a.*.part")
    return found


def replace(path: Path) -> None:
    path.with_name("copy").write_bytes(path.read_bytes())
    os.replace(path.with_name("copy"), path)


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("happens", "left"),
    [
        (replace, []),
        (link, []),
        (Path.unlink, []),
        (lambda path: os.truncate(path, 250), [0, 1]),
        (lambda path: os.truncate(path, 0), []),
    ],
    ids=["replaced", "linked", "removed", "cut", "emptied"],
)
def test_a_part_that_is_not_as_it_was_left_counts_only_as_far_as_it_is(
    tmp_path: Path, happens: Callable[[Path], None], left: list[int]
) -> None:
    files = received(tmp_path)
    store(files, 0, 1, 2, 3, 4)
    files.close()
    happens(part(tmp_path))
    again = received(tmp_path)
    assert there(again) == ([], left)
    again.discard()


def test_what_was_not_flushed_is_hashed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = received(tmp_path)
    store(files, 0, 1)
    files._sync()
    store(files, 2, 3)
    killed(files)
    with part(tmp_path).open("r+b") as damaged:
        damaged.seek(310)
        damaged.write(b"lost in a power cut")
    again = received(tmp_path)
    assert there(again) == ([], [0, 1, 2])
    complete(tmp_path, again)


def damaged(path: Path, at: int, age: int) -> None:
    """Changes one bit of a file, `age` nanoseconds after it was last changed."""
    modified = path.stat().st_mtime_ns
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(modified, modified + age))


@pytest.mark.parametrize("age", [TOUCHED + 1, -TOUCHED - 1])
def test_a_part_that_somebody_has_changed_is_hashed_again(tmp_path: Path, age: int) -> None:
    files = received(tmp_path)
    store(files, 0, 1, 2, 3)
    files.close()
    damaged(part(tmp_path), 310, age)
    again = received(tmp_path)
    assert there(again) == ([], [0, 1, 2])
    complete(tmp_path, again)


def test_what_turned_out_to_be_damaged_is_not_trusted_after_another_interruption(tmp_path: Path) -> None:
    files = received(tmp_path)
    store(files, 0, 1, 2)
    files.close()
    damaged(part(tmp_path), 110, 2 * TOUCHED)
    again = received(tmp_path)
    store(again, 4)
    again.close()  # everything it has is flushed, and its part is as old as the last block
    again = received(tmp_path)
    assert there(again) == ([], [0, 2, 4])
    complete(tmp_path, again)


def test_a_part_that_was_being_written_when_the_program_was_killed_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = received(tmp_path)
    store(files, 0, 1, 2)
    files.close()
    modified = part(tmp_path).stat().st_mtime_ns
    os.truncate(part(tmp_path), 450)  # as if its last block had been written and not noted
    os.utime(part(tmp_path), ns=(modified, modified + TOUCHED - 1))
    monkeypatch.setattr(leftovers, "read_at", lambda *_: pytest.fail("it was read"))
    again = received(tmp_path)
    assert there(again) == ([], [0, 1, 2])
    again.close()


def test_small_files_of_a_program_that_was_killed_at_once_leave_nothing(tmp_path: Path) -> None:
    files = received(tmp_path)
    store(files, 8)
    killed(files)
    complete(tmp_path, received(tmp_path))


def test_the_journal_is_flushed_after_the_data_and_at_most_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    flushed: list[str] = []
    flush = os.fsync

    def noted(handle: int) -> None:
        flushed.append(os.readlink(f"/proc/self/fd/{handle}").rpartition(".")[2])
        flush(handle)

    monkeypatch.setattr(time, "monotonic", lambda: now)
    files = received(tmp_path)
    monkeypatch.setattr(os, "fsync", noted)
    store(files, 0, 1)
    assert flushed == []
    now += 1.0
    store(files, 2, 3)
    assert flushed == ["part", "journal"]
    files.discard()


def test_a_file_that_was_moved_away_is_received_again(tmp_path: Path) -> None:
    files = received(tmp_path)
    store(files, 8)
    files.finish_file(2)
    store(files, 0)
    killed(files)
    (tmp_path / "album" / "small").rename(tmp_path / "mine")
    again = received(tmp_path)
    assert there(again) == ([], [0])
    again.discard()


def test_parts_that_the_journal_does_not_name_are_used_up(tmp_path: Path) -> None:
    files = received(tmp_path)
    store(files, 0, 8)  # the second is a small file: nothing is noted of it before it is finished
    killed(files)
    again = received(tmp_path)
    assert there(again) == ([], [0])
    complete(tmp_path, again)


@given(data=st.data())
@settings(max_examples=25)
def test_a_damaged_journal_is_believed_up_to_the_damage(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("downloads")
    files = received(folder)
    store(files, *data.draw(st.permutations(range(5))))
    store(files, 5, 6, 7)
    files.finish_file(1)
    killed(files)
    (journal,) = folder.glob(".*.journal")
    content = bytearray(journal.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[place] ^= data.draw(st.integers(1, 255))
    journal.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    again = received(folder, "later")
    finished, blocks = there(again)
    if "album (1)" not in os.listdir(folder):
        for file in MANIFEST.files:
            if file not in finished:
                store(again, *(block for block in MANIFEST.blocks_of(file) if block not in blocks))
                again.finish_file(file)
        again.close()
    else:
        again.discard()
    for path in folder.glob("*"):
        if path.is_file():
            assert path.read_bytes() in DATA.values()


def test_a_transfer_that_was_given_up_leaves_what_it_has_and_one_that_was_not_wanted_nothing(tmp_path: Path) -> None:
    files = received(tmp_path)
    store(files, 0, 8)
    files.close()
    assert resumable(tmp_path, KEY, MANIFEST) == 100
    files = received(tmp_path)
    files.discard()
    assert [path for path in tmp_path.rglob("*") if path.suffix == ".journal"] == []


def test_files_that_are_the_same_are_not_received_again(tmp_path: Path) -> None:
    (tmp_path / "album").mkdir()
    (tmp_path / "a").write_bytes(DATA["a"])
    (tmp_path / "album" / "b").write_bytes(b"x" * 250)
    (tmp_path / "album" / "small").write_bytes(b"longer than" * 60)
    (tmp_path / "empty").touch()
    files = received(tmp_path, policy=IfExists.SKIP)
    kept = files.kept()
    assert sorted(kept.check) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert kept.check[0] == sha256(BLOCKS[0]).digest()
    files.finish_file(0)
    store(files, 5, 6, 7)
    files.finish_file(1)
    store(files, 8)
    files.finish_file(2)
    files.finish_file(3)
    files.close()
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert names == {"a", "album", "album/b", "album/b (1)", "album/small", "album/small (1)", "empty"}
    assert (tmp_path / "album/b (1)").read_bytes() == DATA["album/b"]
    assert (tmp_path / "album/b").read_bytes() == b"x" * 250


def test_of_a_file_that_differs_in_one_block_only_that_is_received(tmp_path: Path) -> None:
    old = bytearray(DATA["a"])
    old[250] ^= 1
    (tmp_path / "a").write_bytes(old)
    files = received(tmp_path, policy=IfExists.SKIP)
    store(files, 2)
    files.finish_file(0)
    assert (tmp_path / "a (1)").read_bytes() == DATA["a"]
    assert (tmp_path / "a").read_bytes() == old
    files.discard()


def test_half_a_copy_of_what_is_there_is_not_taken_for_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = bytearray(DATA["a"])
    old[250] ^= 1
    (tmp_path / "a").write_bytes(old)
    files = received(tmp_path, policy=IfExists.SKIP)
    write, written = os.pwrite, 0

    def full(handle: int, data: bytes, offset: int) -> int:
        nonlocal written
        written += len(data)
        if written > 150:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, data, offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(StorageFailed):
            store(files, 2)
    store(files, 2)  # there is room again
    files.finish_file(0)
    assert (tmp_path / "a (1)").read_bytes() == DATA["a"]
    files.discard()


def test_what_is_there_is_replaced_when_that_is_wanted_and_not_before_all_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "empty").mkdir()
    files = received(tmp_path, policy=IfExists.OVERWRITE)
    store(files, 0, 1, 2, 3, 4)
    assert (tmp_path / "a").read_bytes() == b"old"
    files.finish_file(0)
    files.finish_file(3)
    assert (tmp_path / "a").read_bytes() == DATA["a"]
    assert (tmp_path / "empty (1)").read_bytes() == b""  # a folder is not replaced by a file
    files.discard()


def test_a_link_is_not_followed_when_files_are_compared_or_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(DATA["a"])
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    (downloads / "a").symlink_to(tmp_path / "mine")
    files = received(downloads, policy=IfExists.SKIP)
    assert there(files) == ([], [])
    files.discard()
    files = received(downloads, policy=IfExists.OVERWRITE)
    store(files, 0, 1, 2, 3, 4)
    files.finish_file(0)
    files.discard()
    assert not (downloads / "a").is_symlink()
    assert (tmp_path / "mine").stat().st_nlink == 1


@pytest.mark.parametrize("moment", ["linked", "named"])
@pytest.mark.parametrize("file", [1, 2, 3], ids=["large", "small", "empty"])
def test_a_program_that_is_killed_while_it_gives_a_file_its_name_does_not_receive_it_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, file: int
) -> None:
    files = received(tmp_path)
    store(files, *MANIFEST.blocks_of(file))

    class KilledHere(BaseException):
        pass

    def kill(*_: object, **__: object) -> None:
        raise KilledHere

    with monkeypatch.context() as patch:
        if moment == "linked":
            patch.setattr(os, "unlink", kill)
        else:
            patch.setattr(Journal, "finished", kill)
        with pytest.raises(KilledHere):
            files.finish_file(file)
    killed(files)
    again = received(tmp_path)
    assert there(again) == ([file], [])
    complete(tmp_path, again)
