"""Offers, checked as a whole."""

from __future__ import annotations

import pytest

from p2pchat.errors import ProtocolError, UnsafeName
from p2pchat.protocol.frames import Entry, Offer
from p2pchat.protocol.limits import FILE_BYTES, OFFER_ENTRIES
from p2pchat.protocol.transfer.manifest import Manifest


def offer(*entries: Entry) -> Offer:
    return Offer(1, list(entries))


def test_a_good_offer_is_counted() -> None:
    block = 1024 * 1024
    received = offer(
        Entry("a.txt", 3 * block + 1), Entry("album", folder=True), Entry("album/1.jpg", block), Entry("e")
    )
    manifest = Manifest.from_offer(received)
    assert manifest.total == 4 * block + 1
    assert manifest.files == (0, 2, 3)
    assert manifest.blocks == 5
    assert [manifest.blocks_of(file) for file in range(4)] == [4, 0, 1, 0]
    assert [manifest.block_length(0, index) for index in range(4)] == [block, block, block, 1]
    assert manifest.entries[2].components == ("album", "1.jpg")
    assert manifest.to_entries() == received.entries
    assert manifest.to_offer(1) == received


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
        Manifest.from_offer(offer(*(Entry(path, 1) for path in entries)))
    assert reason in caught.value.message


def test_a_folder_may_be_named_before_or_after_what_is_in_it_but_once() -> None:
    folder, file = Entry("a", folder=True), Entry("a/b", 1)
    Manifest.from_offer(offer(folder, file))
    Manifest.from_offer(offer(file, folder))
    with pytest.raises(UnsafeName, match="'a' is offered twice"):
        Manifest.from_offer(offer(file, folder, folder))
    with pytest.raises(UnsafeName, match="both as a file and as a folder"):
        Manifest.from_offer(offer(folder, Entry("a", 1)))


@pytest.mark.parametrize(
    "bad",
    [
        Offer(1, []),
        Offer(1, [Entry(str(n)) for n in range(OFFER_ENTRIES + 1)]),
        Offer(1, [Entry(f"{n:03}" + "x" * 250) for n in range(OFFER_ENTRIES)]),
        Offer(1, [Entry("a", 1, folder=True)]),
        Offer(1, [Entry("a", FILE_BYTES), Entry("b", 1)]),
        Offer(1, [Entry("a", -1)]),
        Offer(1, [Entry("a", FILE_BYTES)], block=64 * 1024),
        Offer(1, [Entry("a", 1)], block=10, chunk=11),
        Offer(1, [Entry("a", 1)], block=10, chunk=0),
    ],
)
def test_an_offer_out_of_range_is_refused(bad: Offer) -> None:
    with pytest.raises(ProtocolError):
        Manifest.from_offer(bad)
