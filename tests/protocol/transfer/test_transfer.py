"""A transfer, told as a conversation between its two ends."""

from __future__ import annotations

import random
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol.codec import decode, encode
from p2pchat.protocol.frames import Accept, Again, Cancel, Done, Entry, FileEnd, Hashes, Have, Pause, Progress, Resume
from p2pchat.protocol.limits import FRAME_BYTES, NAME_BYTES, PAGE_ENTRIES, PAGE_PATH_BYTES
from p2pchat.protocol.transfer.bulk import unpack
from p2pchat.protocol.transfer.incoming import TRIES
from p2pchat.protocol.transfer.lifecycle import ReadBlock, StateChanged, StoreBlock, TransferState
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.outgoing import READ_AHEAD_BLOCKS, OutgoingTransfer
from tests.protocol.transfer.conversation import BLOCK, CHUNK, Conversation, drain

HEADER = 16
DONE = (TransferState.DONE, TransferState.DONE)
WINDOW = (BLOCK + 4 * BLOCK) // CHUNK
"""Messages that a receiver lets be under way."""

BORDERS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + BLOCK // 2, 12 * BLOCK]


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def flipped(message: bytes) -> bytes:
    return message[:-1] + bytes([message[-1] ^ 1])


def told(talk: Conversation) -> dict[int, bytes]:
    """Returns the hashes that the sender told, by block; each may be told once."""
    hashes: dict[int, bytes] = {}
    for frame in talk.sent(Hashes):
        assert isinstance(frame, Hashes)
        for number, digest in enumerate(frame.hashes, frame.first):
            assert number not in hashes
            hashes[number] = digest
    return hashes


def accepted(talk: Conversation) -> Conversation:
    talk.receiver.accept(0.5)
    return talk


def test_a_file_is_offered_accepted_sent_verified_and_confirmed() -> None:
    data = content(2 * BLOCK + 5)
    talk = accepted(Conversation({"notes.txt": data}))
    talk.run()
    assert talk.states() == DONE
    assert talk.finished == {0: data}
    assert talk.sender.stored == talk.receiver.stored == len(data)
    hashes = [sha256(data[start : start + BLOCK]).digest() for start in range(0, len(data), BLOCK)]
    root = sha256(len(data).to_bytes(8, "big") + b"".join(hashes)).digest()
    assert told(talk) == dict(enumerate(hashes))
    assert talk.sent(FileEnd) == [FileEnd(7, 0, root)]
    messages = 2 * BLOCK // CHUNK + 1
    assert talk.sent(Progress)[-1] == Progress(7, len(data), messages + WINDOW)
    assert talk.log[-1] == Done(7)


@pytest.mark.parametrize("size", BORDERS)
def test_files_of_every_size_around_a_border_arrive_whole(size: int) -> None:
    talk = accepted(Conversation({"a": content(size)}))
    talk.run()
    assert talk.states() == DONE
    assert talk.finished == {0: content(size)}


@given(
    sizes=st.lists(st.sampled_from([*BORDERS, None]), min_size=1, max_size=6),
    credit=st.integers(1, 6 * BLOCK),
    seed=st.integers(0, 2**32),
)
def test_whatever_overtakes_whatever_the_files_arrive_whole(sizes: list[int | None], credit: int, seed: int) -> None:
    files = {f"f{n}": None if size is None else content(size) for n, size in enumerate(sizes)}
    talk = accepted(Conversation(files, random.Random(seed), credit))
    talk.run()
    assert talk.states() == DONE
    assert talk.finished == {n: data for n, data in enumerate(files.values()) if data is not None}
    assert not talk.sent(Again)


@given(
    seed=st.integers(0, 2**32),
    credit=st.integers(1, 6 * BLOCK),
    damaged=st.sets(st.integers(0, 40), max_size=TRIES),
)
def test_damaged_blocks_are_fetched_again_and_nothing_else_is(seed: int, credit: int, damaged: set[int]) -> None:
    delivered = iter(range(1000))

    def damage(message: bytes) -> bytes:
        return flipped(message) if next(delivered) in damaged else message

    files: dict[str, bytes | None] = {"a": content(3 * BLOCK + 7), "b": content(4 * BLOCK)}
    talk = accepted(Conversation(files, random.Random(seed), credit, damage))
    talk.run()
    assert talk.states() == DONE
    assert [talk.finished[0], talk.finished[1]] == list(files.values())
    assert len(talk.sent(Again)) <= len(damaged)
    assert sorted(told(talk)) == list(range(8))


def test_a_damaged_block_is_sent_again_alone() -> None:
    messages: list[bytes] = []

    def damage(message: bytes) -> bytes:
        messages.append(message)
        return flipped(message) if len(messages) == 6 else message

    talk = accepted(Conversation({"a": content(3 * BLOCK)}, damage=damage))
    talk.run()
    assert talk.states() == DONE
    assert talk.sent(Again) == [Again(7, 1)]
    offsets = [*range(0, 3 * BLOCK, CHUNK), *range(BLOCK, 2 * BLOCK, CHUNK)]
    assert sorted(unpack(message).offset for message in messages) == sorted(offsets)
    assert talk.sent(Progress)[-1] == Progress(7, 3 * BLOCK, 4 * BLOCK // CHUNK + WINDOW)


def test_a_block_that_stays_bad_ends_the_transfer() -> None:
    talk = accepted(Conversation({"a": content(2 * BLOCK)}, damage=flipped))
    talk.run()
    assert talk.states() == (TransferState.FAILED, TransferState.FAILED)
    assert len([frame for frame in talk.sent(Again) if frame == Again(7, 0)]) == TRIES
    end = talk.told[talk.sender][-1]
    assert (end.code, end.by_peer) == ("hash", True)
    assert talk.finished == {}


@given(seed=st.integers(0, 2**32), credit=st.integers(1, 6 * BLOCK))
def test_no_more_is_under_way_than_the_receiver_allows(seed: int, credit: int) -> None:
    talk = accepted(Conversation({"a": content(12 * BLOCK)}, random.Random(seed), credit))
    allowed = BLOCK + -(-credit // CHUNK) * CHUNK
    while talk.run(1):
        held = sum(len(chunk) for block in talk.receiver._blocks.values() for chunk in block.chunks.values())
        assert held <= allowed
        assert talk.sender._sent * CHUNK - talk.receiver.stored <= allowed
    assert talk.states() == DONE


@pytest.mark.parametrize(("sizes", "blocks"), [([2**30], 3), ([1000] * 1000, READ_AHEAD_BLOCKS), ([2**40], 1)])
def test_the_sender_reads_only_a_little_ahead(sizes: list[int], blocks: int) -> None:
    sender = OutgoingTransfer(7, Manifest.of(Entry(str(n), size) for n, size in enumerate(sizes)))
    sender.receive(Accept(7, 10**6), 0.0)
    assert len([output for output in drain(sender) if isinstance(output, ReadBlock)]) == blocks


def test_nothing_is_sent_before_the_offer_is_accepted() -> None:
    talk = Conversation({"a": content(BLOCK)})
    talk.run()
    assert talk.states() == (TransferState.WAITING, TransferState.WAITING)
    assert talk.sender.next_chunk() is None
    assert talk.jobs == []


def test_a_declined_offer_ends_with_the_reason() -> None:
    talk = Conversation({"a": b"x"})
    talk.receiver.decline("not now")
    talk.run()
    assert talk.states() == (TransferState.DECLINED, TransferState.DECLINED)
    assert talk.told[talk.sender] == [StateChanged(TransferState.DECLINED, reason="not now", by_peer=True)]


def test_folders_alone_are_done_as_soon_as_they_are_accepted() -> None:
    talk = accepted(Conversation({"empty": None, "also empty": None}))
    talk.run()
    assert talk.states() == DONE
    assert talk.log == [Accept(7, 4 * BLOCK // CHUNK), Done(7)]


@pytest.mark.parametrize("by_sender", [True, False])
def test_while_either_side_pauses_no_data_is_sent(by_sender: bool) -> None:
    talk = accepted(Conversation({"a": content(12 * BLOCK)}))
    talk.run(30)
    pausing = talk.sender if by_sender else talk.receiver
    other = talk.receiver if by_sender else talk.sender
    pausing.pause()
    talk.run()
    assert talk.states() == (TransferState.PAUSED, TransferState.PAUSED)
    assert talk.sent(Pause) == [Pause(7, by_sender)]
    assert talk.told[other][-1] == StateChanged(TransferState.PAUSED, by_peer=True)
    assert talk.sender.next_chunk() is None
    assert 0 < talk.receiver.stored < 12 * BLOCK
    pausing.resume()
    talk.run()
    assert talk.sent(Resume) == [Resume(7, by_sender)]
    assert talk.states() == DONE


def test_a_pause_of_both_sides_lasts_until_both_go_on() -> None:
    talk = accepted(Conversation({"a": content(12 * BLOCK)}))
    talk.run(30)
    talk.sender.pause()
    talk.receiver.pause()
    talk.run()
    talk.sender.resume()
    talk.run()
    assert talk.states() == (TransferState.PAUSED, TransferState.PAUSED)
    talk.receiver.resume()
    talk.run()
    assert talk.states() == DONE


@given(seed=st.integers(0, 2**32), step=st.integers(0, 150), by_sender=st.booleans())
def test_a_transfer_may_be_cancelled_at_any_moment(seed: int, step: int, by_sender: bool) -> None:
    talk = accepted(Conversation({"a": content(3 * BLOCK), "b": b"", "c": content(BLOCK)}, random.Random(seed)))
    talk.run(step)
    cancelling, other = (talk.sender, talk.receiver) if by_sender else (talk.receiver, talk.sender)
    before = cancelling.state
    cancelling.cancel(reason="changed my mind")
    talk.run()
    assert cancelling.state is (TransferState.CANCELLED if before is not TransferState.DONE else before)
    # A cancel and a `done` may cross on their way: then one side has everything, and the other had given it up.
    assert other.state in (TransferState.CANCELLED, TransferState.DONE)
    if other.state is TransferState.CANCELLED:
        assert talk.told[other][-1] == StateChanged(TransferState.CANCELLED, "user", "changed my mind", by_peer=True)
    assert talk.sender.next_chunk() is None
    ends = [[told for told in talk.told[transfer] if told.state.final] for transfer in (talk.sender, talk.receiver)]
    assert [len(end) for end in ends] == [1, 1]


def test_an_offer_may_be_withdrawn() -> None:
    talk = Conversation({"a": b"x"})
    talk.sender.cancel()
    talk.run()
    assert talk.states() == (TransferState.CANCELLED, TransferState.CANCELLED)


def test_a_file_that_cannot_be_read_fails_the_transfer_at_both_ends() -> None:
    talk = accepted(Conversation({"a": content(BLOCK)}))
    talk.run(2)
    talk.sender.read_failed("source-changed", "'a' changed while it was being sent")
    talk.run()
    assert talk.told[talk.receiver][-1] == StateChanged(
        TransferState.FAILED, "source-changed", "'a' changed while it was being sent", by_peer=True
    )
    assert talk.sender.state is TransferState.FAILED


def test_a_full_disk_fails_the_transfer_at_both_ends() -> None:
    talk = accepted(Conversation({"a": content(BLOCK)}))
    talk.run(5)
    talk.receiver.storage_failed("disk", "the disk is too full: 3.1 GB needed, 0.4 GB free")
    talk.run()
    assert talk.sent(Cancel) == [Cancel(7, False, "disk", "the disk is too full: 3.1 GB needed, 0.4 GB free")]
    assert talk.states() == (TransferState.FAILED, TransferState.FAILED)


def test_a_lost_link_fails_a_transfer_without_a_word_to_the_peer() -> None:
    talk = accepted(Conversation({"a": content(12 * BLOCK)}))
    talk.run(20)
    frames = len(talk.log)
    talk.sender.link_lost()
    talk.receiver.link_lost()
    talk.collect()
    assert len(talk.log) == frames
    assert [talk.told[side][-1].code for side in (talk.sender, talk.receiver)] == ["no-connection"] * 2


def test_every_frame_of_a_transfer_fits_the_codec() -> None:
    talk = accepted(Conversation({"a": content(3 * BLOCK), "folder": None}))
    talk.run(30)
    talk.receiver.pause()
    talk.receiver.resume()
    talk.sender.cancel("disk", "x" * 500)
    talk.run()
    assert {type(frame) for frame in talk.log} >= {Accept, Hashes, Progress, Pause, Resume, Cancel}
    for frame in talk.log:
        assert decode(encode(frame)) == frame


def test_the_largest_page_fits_into_a_frame() -> None:
    length = PAGE_PATH_BYTES // PAGE_ENTRIES
    assert length <= NAME_BYTES
    names = (f"{n:03}" + "x" * (length - 3) for n in range(PAGE_ENTRIES))
    frame = Manifest.of(Entry(name, 2**41, modified=2**63 - 1) for name in names).to_offer(2**32 - 1)
    assert len(frame.entries) == PAGE_ENTRIES
    assert len(encode(frame)) <= FRAME_BYTES
    assert decode(encode(frame)) == frame


def test_small_files_have_their_hashes_told_together() -> None:
    talk = Conversation({str(n): b"x" for n in range(200)}, credit=1000 * BLOCK)
    talk.receiver.accept(0.0)
    talk.collect()
    talk.sender.receive(talk.to_sender.popleft(), 0.0)
    talk.collect()
    while talk.jobs:
        talk._do_job()
    while talk.sender.next_chunk() is not None:
        pass
    talk.collect()
    assert len(talk.sent(Hashes)) == 1
    assert talk.sent(FileEnd) == []


def interrupted(first: Conversation, files: dict[str, bytes | None], **options: Any) -> Conversation:
    """A second conversation about what the first one could not finish."""
    manifest = first.sender.manifest
    second = Conversation(files, **options)
    second.finished = dict(first.finished)
    second.disk = {file: bytearray(data) for file, data in first.disk.items()}
    finished = bytes(file in first.finished for file in range(len(manifest.entries)))
    check = {
        number: digest for number, digest in first.stored.items() if manifest.place(number)[0] not in first.finished
    }
    second.receiver.accept(0.0, finished, check)
    return second


@given(
    sizes=st.lists(st.sampled_from([*BORDERS, None]), min_size=1, max_size=6),
    seed=st.integers(0, 2**32),
    step=st.integers(0, 300),
)
def test_an_interrupted_transfer_goes_on_where_it_stopped(sizes: list[int | None], seed: int, step: int) -> None:
    files = {f"f{n}": None if size is None else content(size) for n, size in enumerate(sizes)}
    first = accepted(Conversation(files, random.Random(seed)))
    first.run(step)
    second = interrupted(first, files, dice=random.Random(seed))
    there = second.receiver.stored
    arrived = 0

    def count(message: bytes) -> bytes:
        nonlocal arrived
        arrived += len(message) - HEADER
        return message

    second.damage = count
    second.run()
    assert second.states() == DONE
    assert second.finished == {n: data for n, data in enumerate(files.values()) if data is not None}
    assert arrived == second.sender.manifest.total - there
    assert not second.sent(Again)
    assert second.sender.stored == second.receiver.stored == second.sender.manifest.total
    read_twice = set(first.read) & set(second.read)
    complete = {number for number in first.stored if first.sender.manifest.place(number)[0] in first.finished}
    assert not read_twice & complete  # of what is complete nothing is read or told again
    for frame in second.log:
        assert decode(encode(frame)) == frame


@given(seed=st.integers(0, 2**32), step=st.integers(40, 120), changed=st.integers(0, 7))
def test_a_part_that_has_changed_meanwhile_is_fetched_again(seed: int, step: int, changed: int) -> None:
    files: dict[str, bytes | None] = {"a": content(8 * BLOCK)}
    first = accepted(Conversation(files, random.Random(seed)))
    first.run(step)
    new = bytearray(content(8 * BLOCK))
    new[changed * BLOCK] ^= 1
    second = interrupted(first, {"a": bytes(new)}, dice=random.Random(seed))
    stale = changed in first.stored and 0 not in first.finished
    second.run()
    assert second.states() == DONE
    if 0 not in first.finished:
        assert second.finished == {0: bytes(new)}
        assert second.sent(Again) == ([Again(7, changed)] if stale else [])


def test_a_sender_that_read_a_block_before_does_not_read_it_again_for_its_hash() -> None:
    files: dict[str, bytes | None] = {"a": content(8 * BLOCK)}
    first = accepted(Conversation(files))
    first.run(60)
    assert len(first.stored) > 2
    second = interrupted(first, files)
    second.sender.digests.update(first.sender.digests)
    second.run()
    assert second.states() == DONE
    assert not set(second.read) & set(first.stored)


def test_what_is_there_is_told_in_ranges() -> None:
    files: dict[str, bytes | None] = {f"f{n}": content(2 * BLOCK) for n in range(5)}
    files["e"] = b""
    talk = Conversation(files)
    digest = sha256(files["f3"][:BLOCK] if files["f3"] else b"").digest()
    talk.receiver.accept(0.0, bytes([1, 1, 0, 0, 1, 1]), {7: digest})
    talk.collect()
    assert talk.sent(Have) == [Have(7, False, [(0, 4), (8, 2)]), Have(7, True, [(7, 1)])]
    assert talk.receiver.stored == 7 * BLOCK
    assert talk.sent(Progress) == [Progress(7, 7 * BLOCK, WINDOW)]


def test_a_transfer_of_which_everything_is_there_is_done_at_once() -> None:
    talk = Conversation({"a": content(BLOCK), "e": b"", "folder": None})
    talk.receiver.accept(0.0, bytes([1, 1, 0]))
    talk.run()
    assert talk.states() == DONE
    assert talk.read == []


def test_a_full_disk_pauses_both_ends_and_the_block_is_stored_once_there_is_room() -> None:
    talk = accepted(Conversation({"a": content(12 * BLOCK)}))
    while not any(isinstance(job, StoreBlock) for job in talk.jobs):
        talk.run(1)
    refused = next(job for job in talk.jobs if isinstance(job, StoreBlock))
    talk.jobs.remove(refused)
    talk.receiver.disk_full(refused.number, "the disk is too full: 3.1 GB needed, 0.4 GB free")
    talk.run()
    assert talk.states() == (TransferState.PAUSED, TransferState.PAUSED)
    told = talk.told[talk.sender][-1]
    assert (told.code, told.by_peer) == ("disk", True)
    assert told.reason == "the disk is too full: 3.1 GB needed, 0.4 GB free"
    talk.receiver.resume()
    talk.run()
    assert talk.states() == DONE
    assert talk.finished == {0: content(12 * BLOCK)}
    assert refused.number not in [number for number in talk.read if talk.read.count(number) > 1]
