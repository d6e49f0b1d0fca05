"""Each end of a transfer, and a peer that does not keep to the protocol."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol.frames import (
    Accept,
    Again,
    Cancel,
    Decline,
    Done,
    Entry,
    FileEnd,
    Hashes,
    Have,
    More,
    Pause,
    Progress,
    Resume,
    TransferFrame,
)
from p2pchat.protocol.transfer.bulk import Chunk
from p2pchat.protocol.transfer.incoming import IncomingTransfer
from p2pchat.protocol.transfer.lifecycle import FinishFile, SendFrame, StateChanged, StoreBlock, TransferState
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.outgoing import TRIES, OutgoingTransfer
from tests.protocol.transfer.conversation import BLOCK, CHUNK, drain

SIZE = 8 * BLOCK
MESSAGES = SIZE // CHUNK
DIGEST = sha256(bytes(BLOCK)).digest()


def receiver(credit: int = BLOCK) -> IncomingTransfer:
    """A receiver that has accepted one folder, one file of eight blocks and an empty one."""
    entries = [Entry("folder", folder=True), Entry("a", SIZE), Entry("empty")]
    transfer = IncomingTransfer(7, Manifest.of(entries, BLOCK, CHUNK), credit=credit)
    transfer.accept(0.0)
    drain(transfer)
    return transfer


def sender(blocks_sent: int = 0) -> OutgoingTransfer:
    """A sender of one file of eight blocks, accepted with enough credit, that has sent some of them."""
    transfer = OutgoingTransfer(7, Manifest.of([Entry("a", SIZE)], BLOCK, CHUNK))
    transfer.receive(Accept(7, MESSAGES // 2), 0.0)
    for index in range(blocks_sent):
        transfer.block_read(index, bytes(BLOCK), DIGEST)
        while transfer.next_chunk() is not None:
            pass
    drain(transfer)
    return transfer


def chunk(file: int, offset: int, length: int = CHUNK) -> Chunk:
    return Chunk(7, file, offset, memoryview(bytes(length)))


def failure(transfer: IncomingTransfer | OutgoingTransfer) -> str:
    """Returns the reason of the transfer's end, which must have been told to both users as a breach."""
    cancel, changed = drain(transfer)[-2:]
    assert isinstance(cancel, SendFrame)
    assert isinstance(cancel.frame, Cancel)
    assert isinstance(changed, StateChanged)
    assert (changed.state, changed.code, changed.by_peer) == (TransferState.FAILED, "protocol", False)
    assert (cancel.frame.code, cancel.frame.reason) == ("protocol", changed.reason)
    return changed.reason


@pytest.mark.parametrize(
    "bad",
    [
        chunk(1, 0, CHUNK - 1),
        chunk(1, 0, CHUNK + 1),
        chunk(1, 0, BLOCK),
        chunk(1, 1),
        chunk(1, CHUNK // 2, CHUNK // 2),
        chunk(1, SIZE),
        chunk(1, SIZE - CHUNK, CHUNK + 1),
        chunk(1, 2**64 - CHUNK),
        chunk(0, 0),
        chunk(2, 0),
        chunk(2, 0, 1),
        chunk(3, 0),
        chunk(2**32 - 1, 0),
    ],
    ids=lambda chunk: f"{chunk.file}-{chunk.offset}-{len(chunk.data)}",
)
def test_a_chunk_that_is_not_cut_as_offered_ends_the_transfer(bad: Chunk) -> None:
    transfer = receiver()
    transfer.chunk(bad, 1.0)
    assert failure(transfer) == "a chunk is not cut as the offer says"


def test_a_chunk_beyond_the_credit_ends_the_transfer() -> None:
    transfer = receiver()
    for offset in range(0, 2 * BLOCK, CHUNK):
        transfer.chunk(chunk(1, offset), 1.0)
    assert drain(transfer) == []
    transfer.chunk(chunk(1, 2 * BLOCK), 1.0)
    assert failure(transfer) == "a chunk goes beyond the credit"


def test_a_chunk_before_the_offer_is_accepted_ends_the_transfer() -> None:
    transfer = IncomingTransfer(7, Manifest.of([Entry("a", SIZE)], BLOCK, CHUNK))
    transfer.chunk(chunk(0, 0), 1.0)
    assert failure(transfer) == "a chunk goes beyond the credit"


def test_a_chunk_that_comes_twice_counts_once() -> None:
    transfer = receiver()
    transfer.receive(Hashes(7, 0, [DIGEST]), 1.0)
    for offset in range(0, BLOCK, CHUNK):
        for _ in range(50):
            transfer.chunk(chunk(1, offset), 1.0)
    assert drain(transfer) == [StoreBlock(7, 0, bytes(BLOCK), DIGEST)]
    transfer.block_stored(0)
    drain(transfer)
    transfer.chunk(chunk(1, 0), 1.0)  # and when its block is stored, not at all
    assert drain(transfer) == []
    assert transfer._blocks == {}


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ([Hashes(7, 8, [DIGEST])], "the hash of a block came out of turn"),
        ([Hashes(7, 7, [DIGEST] * 2)], "the hash of a block came out of turn"),
        ([Hashes(7, 2**32 - 1, [DIGEST])], "the hash of a block came out of turn"),
        ([Hashes(7, 0, [DIGEST])] * 2, "the hash of a block came out of turn"),
        ([Hashes(7, 0, [DIGEST] * 3)], "the hash of a block goes beyond the credit"),
        ([FileEnd(7, 1, DIGEST)], "the end of a file came out of turn"),
        ([FileEnd(7, 2, DIGEST)], "the end of a file came out of turn"),
        ([FileEnd(7, 0, DIGEST)], "the end of a file came out of turn"),
        ([FileEnd(7, 2**32 - 1, DIGEST)], "the end of a file came out of turn"),
        ([Accept(7, 1)], "the frame 'accept' has no place here"),
        ([Done(7)], "the frame 'done' has no place here"),
        ([More(7, 1)], "the frame 'more' has no place here"),
    ],
)
def test_a_frame_of_the_sender_out_of_turn_ends_the_transfer(sent: list[TransferFrame], reason: str) -> None:
    transfer = receiver()
    for frame in sent:
        transfer.receive(frame, 1.0)
    assert failure(transfer) == reason


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (Progress(7, BLOCK, MESSAGES // 2 - 1), "the credit went backwards"),
        (Progress(7, 3 * BLOCK, MESSAGES), "progress beyond what was sent"),
        (Again(7, 4), "a block was asked for again that was not sent"),
        (Again(7, 2**32 - 1), "a block was asked for again that was not sent"),
        (Have(7, False, [(0, 1)]), "the frame 'have' has no place here"),
        (More(7, 1), "the frame 'more' has no place here"),
        (Done(7), "done before everything was sent"),
        (Accept(7, SIZE), "the frame 'accept' has no place here"),
        (Decline(7), "the frame 'decline' has no place here"),
        (Hashes(7, 0, [DIGEST]), "the frame 'hashes' has no place here"),
    ],
)
def test_a_frame_of_the_receiver_out_of_turn_ends_the_transfer(sent: TransferFrame, reason: str) -> None:
    transfer = sender(blocks_sent=2)
    transfer.receive(sent, 1.0)
    assert failure(transfer) == reason
    assert transfer.next_chunk() is None


def test_a_receiver_cannot_ask_for_the_same_for_ever() -> None:
    transfer = sender(blocks_sent=2)
    sent = 0
    while transfer.state is TransferState.ACTIVE:
        transfer.receive(Again(7, 0), 1.0)
        transfer.receive(Again(7, 0), 1.0)  # the same wish twice is one wish
        transfer.receive(Progress(7, 0, 1000), 1.0)
        transfer.block_read(0, bytes(BLOCK), DIGEST)
        for number in range(2, 8):
            transfer.block_read(number, bytes(BLOCK), DIGEST)
        while transfer.next_chunk() is not None:
            sent += CHUNK
    assert failure(transfer) == "more was asked for again than can be of use"
    assert sent <= (TRIES + 1) * SIZE


@pytest.mark.parametrize("ranges", [[(8, 1)], [(0, 9)], [(2**32 - 1, 2**32 - 1)]])
def test_blocks_that_were_not_offered_cannot_be_there(ranges: list[tuple[int, int]]) -> None:
    transfer = OutgoingTransfer(7, Manifest.of([Entry("a", SIZE)], BLOCK, CHUNK))
    transfer.receive(Have(7, True, ranges), 0.0)
    assert failure(transfer) == "blocks are there that were not offered"


@pytest.mark.parametrize("frame", [Pause(7, False), Resume(7, False), Progress(7, 0, 5), Done(7), Again(7, 0)])
def test_an_offer_that_waits_is_answered_and_nothing_else(frame: TransferFrame) -> None:
    transfer = OutgoingTransfer(7, Manifest.of([Entry("a", SIZE)], BLOCK, CHUNK))
    drain(transfer)
    transfer.receive(frame, 1.0)
    assert "has no place here" in failure(transfer)


def test_a_file_whose_root_is_wrong_is_not_finished() -> None:
    transfer = IncomingTransfer(7, Manifest.of([Entry("a", 2 * BLOCK)], BLOCK, CHUNK))
    transfer.accept(0.0)
    transfer.receive(Hashes(7, 0, [DIGEST, DIGEST]), 1.0)
    for offset in range(0, 2 * BLOCK, CHUNK):
        transfer.chunk(chunk(0, offset), 1.0)
    transfer.block_stored(0)
    transfer.block_stored(1)
    transfer.receive(FileEnd(7, 0, DIGEST), 1.0)
    outputs = drain(transfer)
    assert outputs[-1] == StateChanged(TransferState.FAILED, "hash", "'a' does not match its hash")
    assert not any(isinstance(output, FinishFile) for output in outputs)


def test_an_unknown_code_of_a_cancel_counts_as_a_failure_of_another_kind() -> None:
    transfer = receiver()
    transfer.receive(Cancel(7, True, "\x1b[31mmeteor", "why not"), 1.0)
    assert drain(transfer) == [StateChanged(TransferState.FAILED, "transfer-failed", "why not", by_peer=True)]


late: list[Callable[[IncomingTransfer], None]] = [
    lambda transfer: transfer.chunk(chunk(1, 0), 2.0),
    lambda transfer: transfer.chunk(chunk(99, 3), 2.0),
    lambda transfer: transfer.receive(Hashes(7, 0, [DIGEST]), 2.0),
    lambda transfer: transfer.receive(Cancel(7, True, "user"), 2.0),
    lambda transfer: transfer.receive(Done(7), 2.0),
    lambda transfer: transfer.block_stored(0),
    lambda transfer: transfer.block_bad(0),
    lambda transfer: transfer.file_finished(1),
    lambda transfer: transfer.storage_failed("disk", "full"),
    lambda transfer: transfer.accept(2.0),
    lambda transfer: transfer.decline(),
    lambda transfer: transfer.pause(),
    lambda transfer: transfer.resume(),
    lambda transfer: transfer.cancel(),
    lambda transfer: transfer.link_lost(),
]


@pytest.mark.parametrize("happens", late)
def test_what_comes_after_the_end_is_ignored(happens: Callable[[IncomingTransfer], None]) -> None:
    transfer = receiver()
    transfer.cancel()
    drain(transfer)
    happens(transfer)
    assert drain(transfer) == []
    assert transfer.state is TransferState.CANCELLED


numbers = st.integers(0, 10) | st.sampled_from([BLOCK, SIZE, 2**32 - 1])
any_frame = st.one_of(
    st.builds(Accept, st.just(7), numbers),
    st.builds(Progress, st.just(7), numbers, numbers),
    st.builds(Again, st.just(7), numbers),
    st.builds(Have, st.just(7), st.booleans(), st.lists(st.tuples(numbers, numbers), min_size=1)),
    st.builds(More, st.just(7), numbers),
    st.builds(Hashes, st.just(7), numbers, st.lists(st.just(DIGEST), min_size=1, max_size=4)),
    st.builds(FileEnd, st.just(7), numbers, st.just(DIGEST)),
    st.builds(Pause, st.just(7), st.booleans()),
    st.builds(Resume, st.just(7), st.booleans()),
    st.just(Done(7)),
)
any_chunk = st.builds(chunk, numbers, st.integers(0, SIZE) | st.sampled_from(range(0, SIZE, CHUNK)), st.just(CHUNK))


@given(st.lists(any_frame | any_chunk, max_size=40))
def test_nothing_a_sender_sends_raises_or_grows_memory(inputs: list[TransferFrame | Chunk]) -> None:
    transfer = receiver(credit=2 * BLOCK)
    for sent in inputs:
        if isinstance(sent, Chunk):
            transfer.chunk(sent, 1.0)
        else:
            transfer.receive(sent, 1.0)
        held = sum(len(piece) for block in transfer._blocks.values() for piece in block.chunks.values())
        assert held <= 3 * BLOCK
        if transfer.state.final:
            assert transfer._blocks == {}


@given(st.lists(any_frame, max_size=40))
def test_nothing_a_receiver_sends_raises(inputs: list[TransferFrame]) -> None:
    transfer = sender(blocks_sent=3)
    for frame in inputs:
        transfer.receive(frame, 1.0)
        while transfer.next_chunk() is not None:
            pass
        drain(transfer)
    assert transfer._sent <= max(transfer._limit, MESSAGES // 2)


@given(st.lists(any_frame, max_size=40), st.integers(0, 8))
def test_nothing_a_receiver_answers_an_offer_with_raises(inputs: list[TransferFrame], limit: int) -> None:
    transfer = OutgoingTransfer(7, Manifest.of([Entry("a", SIZE), Entry("b", 1)], BLOCK, CHUNK))
    for frame in inputs:
        transfer.receive(frame, 1.0)
    transfer.receive(Accept(7, limit), 1.0)
    for number in range(9):
        transfer.block_read(number, bytes(BLOCK if number < 8 else 1), DIGEST)
    while transfer.next_chunk() is not None:
        pass
    drain(transfer)
    assert transfer._sent <= limit
