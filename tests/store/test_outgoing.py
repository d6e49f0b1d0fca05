"""What is offered of this machine's disk, and how it is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.errors import NotSendable, TransferFailed
from p2pchat.protocol.frames import Entry
from p2pchat.protocol.transfer import manifest
from p2pchat.protocol.transfer.manifest import ManifestBuilder
from p2pchat.protocol.transfer.paths import collision_key, safe_components
from p2pchat.store import outgoing, shared_blocks
from p2pchat.store.names import offered_names
from p2pchat.store.outgoing import OPEN_FILES, Source, survey


def offered(source: Source) -> list[Entry]:
    """Returns what is offered, without when it was modified."""
    entries = source.manifest.entries
    return [Entry(entry.path, entry.size, entry.folder) for entry in entries]


def blocks_of(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Has files offered in blocks of another size."""
    monkeypatch.setattr(outgoing, "ManifestBuilder", lambda: ManifestBuilder(size, 1))


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder with files, an empty folder, and what cannot be sent."""
    folder = tmp_path / "album"
    (folder / "empty").mkdir(parents=True)
    (folder / "day 1").mkdir()
    (folder / "day 1" / "b.jpg").write_bytes(b"bb")
    (folder / "a.txt").write_bytes(b"a")
    return folder


def test_files_and_folders_are_offered_under_their_own_names(album: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"notes")
    source = Source.scan([tmp_path / "notes.txt", album])
    assert offered(source) == [
        Entry("notes.txt", 5),
        Entry("album/a.txt", 1),
        Entry("album/day 1/b.jpg", 2),
        Entry("album/empty", folder=True),
    ]
    assert source.skipped == ()


def test_the_current_folder_is_offered_under_its_name(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(album / "day 1")
    assert offered(Source.scan([Path(".")])) == [Entry("day 1/b.jpg", 2)]
    assert Source.scan([Path("..")]).manifest.entries[0].path == "album/a.txt"
    assert offered(Source.scan([Path("b.jpg")])) == [Entry("b.jpg", 2)]


def test_links_and_pipes_in_a_folder_are_left_out_and_named(album: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    (album / "link").symlink_to(tmp_path / "secret")
    (album / "up").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(album / "pipe")
    source = Source.scan([album])
    assert source.skipped == ("album/link", "album/pipe", "album/up")
    assert all("link" not in entry.path and "secret" not in entry.path for entry in source.manifest.entries)


def test_a_link_that_is_given_by_name_is_followed(album: Path, tmp_path: Path) -> None:
    (tmp_path / "photo").symlink_to(album / "day 1" / "b.jpg")
    source = Source.scan([tmp_path / "photo"])
    assert offered(source) == [Entry("photo", 2)]
    assert source.read_block(0)[0] == b"bb"


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotSendable, match="does not exist") as caught:
        Source.scan([tmp_path / "missing\x1b"])
    assert caught.value.hint
    assert caught.value.message.isprintable()


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotSendable, match="neither a file nor a folder"):
        Source.scan([tmp_path / "pipe"])


def test_a_file_that_may_not_be_read_is_refused(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(NotSendable, match="cannot be read: Permission denied"):
        Source.scan([album])


def test_too_many_files_are_refused_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "MANIFEST_ENTRIES", 10)
    for number in range(11):
        (tmp_path / str(number)).touch()
    with pytest.raises(NotSendable, match="at most 10 files") as caught:
        Source.scan([tmp_path])
    assert "archive" in caught.value.hint


def content(source: Source) -> dict[str, bytes]:
    """Returns all files of one block that are offered, as they are read, by their paths in the offer."""
    entries = source.manifest.entries
    blocks = {entries.path(file): source.manifest.blocks_of(file) for file in source.manifest.files}
    read = {path: b"".join(source.read_block(number)[0] for number in numbers) for path, numbers in blocks.items()}
    source.close()
    return read


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("NUL.txt", "NUL_.txt"),
        ("a:b", "a_b"),
        ("dot.", "dot._"),
        ("back\\slash", "back_slash"),
        ("two\nlines", "two␊lines"),
        (os.fsdecode(b"latin-\xe9"), "latin-\ufffd"),
    ],
)
def test_a_name_that_the_other_side_would_refuse_is_offered_as_another(tmp_path: Path, name: str, offered: str) -> None:
    (tmp_path / name).write_bytes(b"1")
    source = Source.scan([tmp_path / name])
    assert source.renamed == ((name, offered),)
    assert content(source) == {offered: b"1"}


def test_a_tree_of_all_that_this_disk_can_store_goes_through(tmp_path: Path) -> None:
    tree = tmp_path / "tree: all"
    deep = tree / "/".join(f"level {n}" for n in range(1, 30))
    deep.mkdir(parents=True)
    (tree / "a\nb").mkdir()
    names = ["a\nb/NUL", "a\nb/12:30", "a\nb/12_30", "README", "readme", "e\u0301", "é", "👩‍💻.png", "x" * 255, "plain"]
    for number, name in enumerate(names):
        (tree / name).write_bytes(b"%d" % number)
    (deep / "bottom").write_bytes(b"deep")
    source = Source.scan([tree])
    assert content(source) == {
        "tree_ all/README": b"3",
        "tree_ all/a␊b/12_30 (1)": b"1",
        "tree_ all/a␊b/12_30": b"2",
        "tree_ all/a␊b/NUL_": b"0",
        "tree_ all/e\u0301": b"5",
        "tree_ all/" + "/".join(f"level {n}" for n in range(1, 30)) + "/bottom": b"deep",
        "tree_ all/plain": b"9",
        "tree_ all/readme (1)": b"4",
        "tree_ all/" + "x" * 255: b"8",
        "tree_ all/é (1)": b"6",
        "tree_ all/👩‍💻.png": b"7",
    }
    assert set(source.renamed) == {
        ("tree: all", "tree_ all"),
        ("tree: all/a\nb", "tree_ all/a␊b"),
        ("tree: all/a\nb/NUL", "tree_ all/a␊b/NUL_"),
        ("tree: all/a\nb/12:30", "tree_ all/a␊b/12_30 (1)"),
        ("tree: all/readme", "tree_ all/readme (1)"),
        ("tree: all/é", "tree_ all/é (1)"),
    }


def test_what_is_given_twice_under_one_name_gets_a_number(album: Path, tmp_path: Path) -> None:
    (tmp_path / "A.txt").write_bytes(b"other")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_bytes(b"third")
    source = Source.scan([album / "a.txt", tmp_path / "A.txt", tmp_path / "other" / "a.txt"])
    assert content(source) == {"a.txt": b"a", "A (1).txt": b"other", "a (2).txt": b"third"}
    assert source.renamed == (("A.txt", "A (1).txt"), ("a.txt", "a (2).txt"))


def test_thousands_of_names_that_become_one_are_told_apart_in_no_time() -> None:
    own = [f"a{chr(code)}" for code in range(0xDC80, 0xDD00)] * 200
    offered = offered_names(own)
    assert len(set(offered)) == len(own)
    assert offered[:2] == ["a\ufffd", "a\ufffd (1)"]


@given(st.lists(st.text(st.sampled_from("aA:_\n1 ()é.\udc80"), min_size=1, max_size=5), unique=True, max_size=12))
def test_the_names_of_a_folder_are_offered_as_names_that_can_lie_beside_each_other(own: list[str]) -> None:
    own = [name for name in own if name not in (".", "..")]
    offered = offered_names(own)
    assert len({collision_key(name) for name in offered}) == len(own)
    for name in offered:
        assert safe_components(name) == (name,)
    assert offered_names(offered) == offered


def test_links_in_a_folder_are_followed_when_that_is_wanted(album: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "more" / "deep").mkdir(parents=True)
    (tmp_path / "more" / "deep" / "x").write_bytes(b"x")
    (album / "link").symlink_to(tmp_path / "secret")
    (album / "more").symlink_to(tmp_path / "more", target_is_directory=True)
    source = Source.scan([album], follow_links=True)
    assert content(source) == {
        "album/a.txt": b"a",
        "album/day 1/b.jpg": b"bb",
        "album/link": b"s",
        "album/more/deep/x": b"x",
    }
    assert source.skipped == ()


def test_a_link_that_leads_back_or_nowhere_is_not_followed(album: Path, tmp_path: Path) -> None:
    (album / "again").symlink_to(album / "day 1", target_is_directory=True)
    (album / "day 1" / "up").symlink_to(album, target_is_directory=True)
    (album / "day 1" / "here").symlink_to(".", target_is_directory=True)
    (album / "itself").symlink_to("itself")
    (album / "nowhere").symlink_to("missing")
    (album / "zzz").symlink_to(album / "day 1", target_is_directory=True)
    os.mkfifo(tmp_path / "pipe")
    (album / "pipe").symlink_to(tmp_path / "pipe")
    source = Source.scan([album], follow_links=True)
    assert source.skipped == (
        "album/again/here",
        "album/again/up",
        "album/day 1/here",
        "album/day 1/up",
        "album/itself",
        "album/nowhere",
        "album/pipe",
        "album/zzz",
    )
    assert set(content(source)) == {"album/a.txt", "album/again/b.jpg", "album/day 1/b.jpg"}


def test_what_may_be_run_is_offered_as_such(album: Path) -> None:
    (album / "a.txt").chmod(0o4755)
    (album / "day 1" / "b.jpg").chmod(0o655)
    source = Source.scan([album])
    assert [entry.path for entry in source.manifest.entries if entry.executable] == ["album/a.txt"]


def test_a_bottomless_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(1200):
        os.mkdir("d")
        os.chdir("d")
    monkeypatch.chdir(tmp_path)
    try:
        with pytest.raises(NotSendable, match="levels"):
            Source.scan([tmp_path / "d"])
    finally:
        remove_chain(tmp_path / "d")


def remove_chain(folder: Path) -> None:
    """Removes folders nested too deep for shutil.rmtree, by moving the rest of the chain up step by step."""
    while True:
        below = folder / "d"
        if not below.exists():
            folder.rmdir()
            return
        below.rename(folder.parent / "next")
        folder.rmdir()
        (folder.parent / "next").rename(folder)


def test_blocks_come_with_their_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks_of(monkeypatch, 400)
    data = os.urandom(1000)
    (tmp_path / "a").write_bytes(data)
    source = Source.scan([tmp_path / "a"])
    for number in (0, 2, 1):
        block = data[400 * number : 400 * (number + 1)]
        assert source.read_block(number) == (block, sha256(block).digest())
    source.close()
    assert source.read_block(0)[0] == data[:400]
    source.close()


def test_only_a_few_files_are_open_at_once(tmp_path: Path) -> None:
    for number in range(3 * OPEN_FILES):
        (tmp_path / f"{number:02}").write_bytes(b"%d" % number)
    source = Source.scan([tmp_path])
    for _ in range(2):
        for file in range(len(source.manifest.entries)):
            assert source.read_block(file)[0] == b"%d" % file
            assert len(source._open) <= OPEN_FILES
    source.close()
    assert len(source._open) == 0


def replace(path: Path) -> None:
    status = path.stat()
    copy = path.with_name("copy")
    copy.write_bytes(b"y" * status.st_size)
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(copy, path)


def rewrite(path: Path) -> None:
    size, modified = path.stat().st_size, path.stat().st_mtime_ns
    path.write_bytes(b"y" * size)
    os.utime(path, ns=(modified + 1000, modified + 1000))


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


@pytest.mark.parametrize("change", [append, rewrite, replace, lambda path: os.truncate(path, 3)])
def test_a_file_that_changed_since_the_offer_is_not_sent(tmp_path: Path, change: Callable[[Path], None]) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    source = Source.scan([tmp_path / "a"])
    change(tmp_path / "a")
    with pytest.raises(TransferFailed, match="'a' changed while it was being sent") as caught:
        source.read_block(0)
    assert caught.value.reason == "source-changed"
    source.close()


@pytest.mark.parametrize("change", [append, rewrite, lambda path: os.truncate(path, 3)])
def test_a_file_that_changes_while_it_is_sent_is_not_sent_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    blocks_of(monkeypatch, 5)
    (tmp_path / "a").write_bytes(b"x" * 10)
    source = Source.scan([tmp_path / "a"])
    source.read_block(0)
    change(tmp_path / "a")
    with pytest.raises(TransferFailed, match="changed while it was being sent"):
        source.read_block(1)
    source.close()


def test_a_file_that_vanished_is_missed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    source = Source.scan([tmp_path / "a"])
    (tmp_path / "a").unlink()
    with pytest.raises(TransferFailed, match="'a' was moved or deleted while it was being sent") as caught:
        source.read_block(0)
    assert caught.value.reason == "source-changed"


def test_a_pipe_in_the_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    source = Source.scan([tmp_path / "a"])
    (tmp_path / "a").unlink()
    os.mkfifo(tmp_path / "a")
    assert stat.S_ISFIFO((tmp_path / "a").stat().st_mode)
    with pytest.raises(TransferFailed):
        source.read_block(0)
    source.close()


def test_what_several_transfers_read_in_pace_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks_of(monkeypatch, 1000)
    data = os.urandom(50_000)
    (tmp_path / "a").write_bytes(data)
    source = Source.scan([tmp_path / "a"])
    source.share()
    read: list[int] = []
    plain = source._read
    monkeypatch.setattr(source, "_read", lambda number: read.append(number) or plain(number))  # type: ignore[func-returns-value]
    with ThreadPoolExecutor(4) as pool:
        for number in range(50):
            expected = data[1000 * number : 1000 * (number + 1)]
            for block in pool.map(source.read_block, [number] * 5):
                assert block == (expected, sha256(expected).digest())
    assert read == list(range(50))
    source.close()


def test_a_transfer_that_falls_behind_costs_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_blocks, "SHARED_BYTES", 3000)
    blocks_of(monkeypatch, 1000)
    (tmp_path / "a").write_bytes(bytes(50_000))
    source = Source.scan([tmp_path / "a"])
    source.share()
    for number in range(50):
        source.read_block(number)
    assert source._shared is not None
    assert sorted(source._shared._blocks) == [47, 48, 49]
    assert source.read_block(0)[0] == bytes(1000)
    source.close()


def test_a_failure_is_told_to_all_and_not_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    source = Source.scan([tmp_path / "a"])
    source.share()
    (tmp_path / "a").rename(tmp_path / "b")
    for _ in range(2):
        with pytest.raises(TransferFailed, match="was moved or deleted"):
            source.read_block(0)
    (tmp_path / "b").rename(tmp_path / "a")
    assert source.read_block(0)[0] == b"x"
    source.close()


def test_a_survey_counts_what_a_scan_would_offer(tmp_path: Path) -> None:
    folder = tmp_path / "album"
    (folder / "empty").mkdir(parents=True)
    (folder / "1.jpg").write_bytes(b"12345")
    (tmp_path / "a\nb").write_bytes(b"123")
    given = [folder, tmp_path / "a\nb"]
    found, manifest = survey(given), Source.scan(given).manifest
    assert (found.files, found.total) == (len(manifest.files), manifest.total) == (2, 8)
    assert found.names == ("album", "a␊b")
    assert found.folder


def test_a_survey_says_what_cannot_be_sent(tmp_path: Path) -> None:
    with pytest.raises(NotSendable, match="does not exist"):
        survey([tmp_path / "missing"])
