"""Offers, checked as a whole."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.errors import ProtocolError, UnsafeName
from p2pchat.protocol import limits
from p2pchat.protocol.frames import Entry
from p2pchat.protocol.limits import BLOCK_BYTES, BLOCK_BYTES_MAX, FILE_BYTES, PAGE_ENTRIES, PAGE_PATH_BYTES
from p2pchat.protocol.transfer import collisions as collisions_module
from p2pchat.protocol.transfer import manifest as manifest_module
from p2pchat.protocol.transfer.entries import block_size
from p2pchat.protocol.transfer.manifest import Manifest

MIB = 1024 * 1024


def test_an_offer_is_counted() -> None:
    entries = [
        Entry("a.txt", 3 * MIB + 1, modified=5),
        Entry("album", folder=True),
        Entry("album/1.jpg", MIB),
        Entry("e"),
    ]
    manifest = Manifest.of(entries)
    assert manifest.total == 4 * MIB + 1
    assert list(manifest.files) == [0, 2, 3]
    assert manifest.blocks == 5
    assert [len(manifest.blocks_of(file)) for file in range(4)] == [4, 0, 1, 0]
    assert [manifest.place(number) for number in range(5)] == [
        (0, 0, MIB),
        (0, MIB, MIB),
        (0, 2 * MIB, MIB),
        (0, 3 * MIB, 1),
        (2, 0, MIB),
    ]
    assert manifest.largest_block == MIB
    assert manifest.entries[2].components == ("album", "1.jpg")
    offer = manifest.to_offer(1)
    assert (offer.entries, offer.count, offer.files, offer.total) == (entries, 4, 3, 4 * MIB + 1)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 2**63 - 1), st.booleans()), min_size=1))
def test_an_entry_is_kept_as_it_was_offered(values: list[tuple[int, bool, int, bool]]) -> None:
    entries = [
        Entry(str(n), 0 if folder else size, folder, modified, executable and not folder)
        for n, (size, folder, modified, executable) in enumerate(values)
    ]
    manifest = Manifest.of(entries)
    assert [manifest.entries.entry(index) for index in range(len(entries))] == entries
    assert [entry.executable for entry in manifest.entries] == [entry.executable for entry in entries]


@pytest.mark.parametrize(
    ("size", "block"),
    [
        (0, 1),
        (1, 1),
        (2000, 1),
        (2000 + 1 / MIB, 2),
        (4000, 2),
        (10 * 1024, 8),
        (20_000, 16),
        (2**30, 16),
    ],
)
def test_blocks_grow_with_the_file(size: float, block: int) -> None:
    """Both numbers are in mebibytes."""
    assert block_size(int(size * MIB), BLOCK_BYTES) == block * MIB


@given(st.integers(0, FILE_BYTES))
def test_a_file_has_about_two_thousand_blocks_unless_they_would_be_too_large(size: int) -> None:
    block = block_size(size, BLOCK_BYTES)
    assert BLOCK_BYTES <= block <= BLOCK_BYTES_MAX
    assert size <= limits.FILE_BLOCKS * block or block == BLOCK_BYTES_MAX
    assert block == BLOCK_BYTES or size > limits.FILE_BLOCKS * block // 2


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=20))
def test_blocks_are_numbered_through_all_files(sizes: list[int]) -> None:
    manifest = Manifest.of((Entry(str(n), size) for n, size in enumerate(sizes)), block=100, chunk=10)
    position = 0
    for number in range(manifest.blocks):
        file, offset, length = manifest.place(number)
        assert number in manifest.blocks_of(file)
        assert sum(sizes[:file]) + offset == position
        position += length
        assert manifest.bytes_of(0, number + 1) == position
    assert position == manifest.total == sum(sizes)


def test_another_content_has_another_root() -> None:
    entries = [Entry("a", 1), Entry("b", 2, modified=7)]
    others = [
        [Entry("b", 2, modified=7), Entry("a", 1)],
        [Entry("a", 1), Entry("b", 3, modified=7)],
        [Entry("a", 1), Entry("b", 2, modified=8)],
        [Entry("a", 1), Entry("c", 2, modified=7)],
        [Entry("a", 1), Entry("b", 2, modified=7, executable=True)],
        [Entry("a", 1)],
    ]
    root = Manifest.of(entries).root
    assert Manifest.of(entries, chunk=2000).root == root
    assert root not in [Manifest.of(other).root for other in others]
    assert Manifest.of(entries, block=2 * MIB).root != root


def test_a_long_manifest_is_cut_into_pages_that_fit_a_frame() -> None:
    names = [f"{n:04}" + "x" * (250 if n < 600 else 0) for n in range(2000)]
    manifest = Manifest.of(Entry(name, n) for n, name in enumerate(names))
    start, pages = 0, []
    while start < len(manifest.entries):
        pages.append(manifest.page(start))
        start += len(pages[-1])
    assert [entry.path for page in pages for entry in page] == names
    assert {len(page) <= PAGE_ENTRIES for page in pages} == {True}
    assert {sum(len(entry.path) for entry in page) <= PAGE_PATH_BYTES for page in pages} == {True}


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (["a", "../../x"], "'../../x' would leave the download folder"),
        (["a", "a"], "'a' is offered twice"),
        (["d/", "a"], "has an empty component"),
        (["README", "readme"], "'readme' and 'README' are one name on many systems"),
        (["Docs/a", "docs/b"], "'docs' and 'Docs' are one name on many systems"),
        (["\u00e9", "e\u0301"], "are one name on many systems"),
        (["a", "a/b"], "'a' is offered both as a file and as a folder"),
        (["a/b", "a"], "'a' is offered both as a file and as a folder"),
        (["a/b/c", "a/b"], "'a/b' is offered both as a file and as a folder"),
    ],
)
def test_names_that_cannot_lie_in_one_folder_are_refused(entries: list[str], reason: str) -> None:
    with pytest.raises(UnsafeName) as caught:
        Manifest.of(Entry(path, 1) for path in entries)
    assert reason in caught.value.message


def test_a_folder_may_be_named_before_or_after_what_is_in_it_but_once() -> None:
    folder, file = Entry("a", folder=True), Entry("a/b", 1)
    Manifest.of([folder, file])
    Manifest.of([file, folder])
    with pytest.raises(UnsafeName, match="'a' is offered twice"):
        Manifest.of([file, folder, folder])
    with pytest.raises(UnsafeName, match="both as a file and as a folder"):
        Manifest.of([folder, Entry("a", 1)])


names = st.sampled_from(["a", "A", "b", "\u00e9", "e\u0301", "\u00c9"])
paths = st.lists(st.lists(names, min_size=1, max_size=3).map("/".join), min_size=1, max_size=6)


@given(paths)
def test_two_names_are_refused_exactly_when_they_cannot_lie_beside_each_other(offered: list[str]) -> None:
    spellings: dict[str, str] = {}
    kinds: dict[str, str] = {}
    clash = len(set(offered)) < len(offered)
    for path in offered:
        components = path.split("/")
        for depth in range(1, len(components) + 1):
            spelling = "/".join(components[:depth])
            key = unicodedata.normalize("NFC", spelling).casefold()
            kind = "file" if depth == len(components) else "folder"
            clash |= spellings.setdefault(key, spelling) != spelling or kinds.setdefault(key, kind) != kind
    try:
        Manifest.of(Entry(path) for path in offered)
    except UnsafeName:
        assert clash
    else:
        assert not clash


@pytest.mark.parametrize(
    ("bad", "options"),
    [
        ([], {}),
        ([Entry("a", 1, folder=True)], {}),
        ([Entry("a", folder=True, executable=True)], {}),
        ([Entry("a", FILE_BYTES), Entry("b", 1)], {}),
        ([Entry("a", -1)], {}),
        ([Entry("a", 1)], {"block": 10, "chunk": 11}),
        ([Entry("a", 1)], {"block": 10, "chunk": 0}),
    ],
)
def test_an_offer_out_of_range_is_refused(bad: list[Entry], options: dict[str, int]) -> None:
    with pytest.raises(ProtocolError):
        Manifest.of(bad, **options)


def test_an_offer_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_module, "MANIFEST_ENTRIES", 3)
    with pytest.raises(ProtocolError, match="at most 3 files and folders"):
        Manifest.of(Entry(str(n)) for n in range(4))


def test_folders_that_are_only_implied_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collisions_module, "MANIFEST_ENTRIES", 20)
    with pytest.raises(ProtocolError, match="imply more than 20 folders"):
        Manifest.of(Entry(f"{n}/" + "a/" * 20 + "b") for n in range(3))


def test_names_take_only_so_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_module, "MANIFEST_BYTES", 1000)
    with pytest.raises(ProtocolError, match="too much memory"):
        Manifest.of(Entry(f"{n}" + "x" * 200) for n in range(5))
