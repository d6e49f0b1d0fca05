"""Offers of any length between two peers: page by page, bounded, and told once they are whole."""

from __future__ import annotations

import tracemalloc
from typing import Any

import msgspec
import pytest

from p2pchat.protocol import frames
from p2pchat.protocol.codec import decode, encode
from p2pchat.protocol.frames import Entry
from p2pchat.protocol.limits import PAGE_ENTRIES, PAGES_AHEAD
from p2pchat.protocol.transfer import exchange as exchange_module
from p2pchat.protocol.transfer.exchange import Exchange, Offered, OfferRefused, Output, TransferOutput
from p2pchat.protocol.transfer.lifecycle import StateChanged, TransferState
from p2pchat.protocol.transfer.manifest import Manifest


def drain(exchange: Exchange) -> list[Output]:
    outputs: list[Output] = []
    while (output := exchange.poll()) is not None:
        outputs.append(output)
    return outputs


class Pair:
    """Two peers, and what each was told and sent."""

    def __init__(self) -> None:
        self.sender = Exchange()
        self.receiver = Exchange()
        self.told: dict[Exchange, list[Any]] = {self.sender: [], self.receiver: []}
        self.sent: list[frames.TransferFrame] = []

    def run(self) -> None:
        """Brings every frame across until both are silent."""
        quiet = 0
        while quiet < 2:
            for here, there in ((self.sender, self.receiver), (self.receiver, self.sender)):
                outputs = drain(here)
                quiet = quiet + 1 if not outputs else 0
                for output in outputs:
                    if isinstance(output, TransferOutput):
                        self.told[here].append(output.output)
                    else:
                        self.sent.append(output)
                        there.receive(decode(encode(output)), 0.0)  # type: ignore[arg-type]


def entries(count: int) -> list[Entry]:
    return [Entry(f"folder {n % 7}/file {n}", n, modified=n) for n in range(count)]


@pytest.mark.parametrize("count", [1, PAGE_ENTRIES, PAGE_ENTRIES + 1, 20 * PAGE_ENTRIES + 3])
def test_an_offer_of_any_length_is_told_once_and_whole(count: int) -> None:
    pair = Pair()
    number = pair.sender.offer(Manifest.of(entries(count)))
    pair.run()
    assert pair.told[pair.receiver] == [Offered()]
    manifest = pair.receiver.incoming[number].manifest
    assert list(manifest.entries) == list(Manifest.of(entries(count)).entries)
    assert manifest.root == Manifest.of(entries(count)).root
    pages = [frame for frame in pair.sent if isinstance(frame, frames.ManifestPage)]
    assert len(pages) == -(-count // PAGE_ENTRIES) - 1


def test_no_more_pages_are_sent_than_were_asked_for() -> None:
    sender = Exchange()
    number = sender.offer(Manifest.of(entries(50 * PAGE_ENTRIES)))
    assert len(drain(sender)) == 1
    sender.receive(frames.More(number, 2**32 - 1), 0.0)
    assert len(drain(sender)) == PAGES_AHEAD


def test_an_entry_takes_little_memory_while_an_offer_comes_and_afterwards() -> None:
    count = 20_000
    sender, receiver = Exchange(), Exchange()
    number = sender.offer(Manifest.of(entries(count)))
    tracemalloc.start()
    try:
        while (output := sender.poll()) is not None or (output := receiver.poll()) is not None:
            if isinstance(output, frames.More):
                sender.receive(output, 0.0)
            elif not isinstance(output, TransferOutput):
                receiver.receive(output, 0.0)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(receiver.incoming[number].manifest.entries) == count
    assert peak < 320 * count
    assert after < 120 * count


def test_a_manifest_that_is_known_is_not_sent_again() -> None:
    pair = Pair()
    manifest = Manifest.of(entries(5 * PAGE_ENTRIES))
    pair.receiver.known = {manifest.root: manifest}.get
    number = pair.sender.offer(manifest)
    pair.run()
    assert pair.told[pair.receiver] == [Offered()]
    assert pair.receiver.incoming[number].manifest is manifest
    assert [type(frame) for frame in pair.sent] == [frames.Offer]


@pytest.mark.parametrize("at", [3, PAGE_ENTRIES + 3])
def test_a_bad_name_on_any_page_refuses_the_whole(at: int) -> None:
    receiver = Exchange()
    good = entries(PAGE_ENTRIES + 10)
    offer = Manifest.of(good).to_offer(1)
    bad = [Entry("../x") if n == at else entry for n, entry in enumerate(good)]
    receiver.receive(msgspec.structs.replace(offer, entries=bad[:PAGE_ENTRIES]), 0.0)
    receiver.receive(frames.ManifestPage(1, bad[PAGE_ENTRIES:]), 0.0)
    outputs = [output for output in drain(receiver) if not isinstance(output, frames.More)]
    reason = "the name '../x' would leave the download folder"
    assert outputs == [frames.Decline(1, reason), TransferOutput("receive", 1, OfferRefused(reason))]
    assert receiver.incoming == {}


@pytest.mark.parametrize(
    "change", [{"root": bytes(32)}, {"files": 1}, {"total": 5}, {"count": 1}], ids=lambda change: next(iter(change))
)
def test_an_offer_that_is_not_what_it_says_is_refused(change: dict[str, Any]) -> None:
    receiver = Exchange()
    offer = Manifest.of(entries(2)).to_offer(1)
    receiver.receive(msgspec.structs.replace(offer, **change), 0.0)
    outputs = drain(receiver)
    assert isinstance(outputs[0], frames.Decline)
    assert receiver.incoming == {}


def test_a_page_that_nobody_asked_for_is_ignored() -> None:
    receiver = Exchange()
    receiver.receive(frames.ManifestPage(1, entries(1)), 0.0)
    assert drain(receiver) == []


def test_an_offer_may_be_withdrawn_while_its_pages_come() -> None:
    receiver = Exchange()
    receiver.receive(Manifest.of(entries(1000)).to_offer(1), 0.0)
    drain(receiver)
    receiver.receive(frames.Cancel(1, True, "user"), 0.0)
    receiver.receive(frames.ManifestPage(1, entries(1000)[PAGE_ENTRIES : PAGE_ENTRIES + 5]), 0.0)
    assert drain(receiver) == []
    receiver.receive(Manifest.of(entries(3)).to_offer(1), 0.0)
    assert drain(receiver) == [TransferOutput("receive", 1, Offered())]


def test_open_offers_take_only_so_much_memory_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_module, "MANIFEST_BYTES", 30_000)
    receiver = Exchange()
    receiver.receive(Manifest.of(entries(600)).to_offer(1), 0.0)
    receiver.receive(Manifest.of(entries(601)).to_offer(2), 0.0)
    receiver.receive(Manifest.of(entries(602)).to_offer(3), 0.0)
    refused = [output for output in drain(receiver) if isinstance(output, frames.Decline)]
    assert refused == [frames.Decline(3, "the open offers take too much memory")]


def test_a_lost_link_ends_offers_at_both_ends() -> None:
    pair = Pair()
    pair.sender.offer(Manifest.of(entries(2)))
    pair.run()
    pair.receiver.receive(Manifest.of(entries(1000)).to_offer(9), 0.0)
    for side in (pair.sender, pair.receiver):
        drain(side)
        side.link_lost("gone")
        changed = StateChanged(TransferState.FAILED, "no-connection", "gone")
        assert [output.output for output in drain(side) if isinstance(output, TransferOutput)] == [changed]
    pair.receiver.receive(frames.ManifestPage(9, entries(1)), 0.0)
    assert drain(pair.receiver) == []
