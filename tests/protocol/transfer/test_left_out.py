"""Some of an offer is wanted, and the rest is not: told as a conversation, and with a peer that lies about it."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol.codec import decode, encode
from p2pchat.protocol.frames import Accept, Done, Entry, FileEnd, Hashes, Have, Progress, TransferFrame, Without
from p2pchat.protocol.limits import RANGES
from p2pchat.protocol.transfer.bulk import Chunk
from p2pchat.protocol.transfer.incoming import IncomingTransfer
from p2pchat.protocol.transfer.lifecycle import ReadBlock, TransferState
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.outgoing import OutgoingTransfer
from tests.protocol.transfer.conversation import BLOCK, CHUNK, Conversation, drain, frames_of
from tests.protocol.transfer.test_hostile_peer import failure

DONE = (TransferState.DONE, TransferState.DONE)
FILES: dict[str, bytes | None] = {
    "a": b"a" * (3 * BLOCK),
    "folder": None,
    "b": b"b" * (2 * BLOCK + 7),
    "empty": b"",
    "c": b"c" * 10,
    "d": b"d" * BLOCK,
}
DIGEST = sha256(bytes(BLOCK)).digest()


def offered() -> OutgoingTransfer:
    entries = [Entry(path, len(content or b""), content is None) for path, content in FILES.items()]
    transfer = OutgoingTransfer(7, Manifest.of(entries, BLOCK, CHUNK))
    drain(transfer)
    return transfer


def test_of_what_is_not_wanted_nothing_is_sent_or_made() -> None:
    talk = Conversation(FILES)
    assert (talk.sender.wanted, talk.sender.wanted_files) == (talk.sender.manifest.total, 5)
    talk.receiver.accept(0.0, left_out=bytes([1, 1, 0, 1, 0, 1]))
    talk.run()
    assert talk.states() == DONE
    assert talk.finished == {2: FILES["b"], 4: FILES["c"]}
    assert sorted(talk.read) == [3, 4, 5, 6]
    assert talk.log[:2] == [Without(7, [(0, 2), (3, 1), (5, 1)]), Accept(7, 7 * BLOCK // CHUNK - 2 * BLOCK // CHUNK)]
    assert [frame.file for frame in talk.sent(FileEnd) if isinstance(frame, FileEnd)] == [2]
    wanted = 2 * BLOCK + 17
    for side in (talk.sender, talk.receiver):
        assert (side.stored, side.wanted, side.wanted_files) == (wanted, wanted, 2)


@given(
    left_out=st.lists(st.integers(0, 1), min_size=6, max_size=6).filter(lambda flags: 0 in flags),
    finished=st.lists(st.integers(0, 1), min_size=6, max_size=6),
    there=st.sets(st.integers(0, 7)),
    seed=st.integers(0, 2**32),
)
def test_whatever_is_wanted_and_there_the_wanted_rest_arrives(
    left_out: list[int], finished: list[int], there: set[int], seed: int
) -> None:
    talk = Conversation(FILES, random.Random(seed))
    manifest = talk.sender.manifest
    finished[1] = 0
    check = {}
    for number in there:
        file, offset, length = manifest.place(number)
        data = talk.contents[file][offset : offset + length]
        if not finished[file]:
            talk.disk.setdefault(file, bytearray(len(talk.contents[file])))[offset : offset + length] = data
            check[number] = sha256(data).digest()
    talk.receiver.accept(0.0, bytes(finished), check, bytes(left_out))
    talk.run()
    assert talk.states() == DONE
    expected = [file for file in manifest.files if not left_out[file] and not finished[file]]
    assert talk.finished == {file: talk.contents[file] for file in expected}
    assert {manifest.place(number)[0] for number in talk.read} <= set(expected)
    wanted = sum(len(talk.contents[file]) for file in manifest.files if not left_out[file])
    assert talk.sender.stored == talk.receiver.stored == talk.sender.wanted == talk.receiver.wanted == wanted
    for frame in talk.log:
        assert decode(encode(frame)) == frame


def test_folders_alone_may_be_wanted() -> None:
    talk = Conversation(FILES)
    talk.receiver.accept(0.0, left_out=bytes([1, 0, 1, 1, 1, 1]))
    talk.run()
    assert talk.states() == DONE
    assert (talk.sender.wanted, talk.sender.wanted_files, talk.read) == (0, 0, [])


def test_a_scattered_choice_is_told_in_frames_that_fit() -> None:
    count = 2 * RANGES + 3
    manifest = Manifest.of((Entry(f"{n:05}", 1) for n in range(count)), BLOCK, CHUNK)
    receiver, sender = IncomingTransfer(7, manifest), OutgoingTransfer(7, manifest)
    receiver.accept(0.0, left_out=bytes(n % 2 for n in range(count)))
    said = frames_of(drain(receiver))
    assert [len(frame.ranges) for frame in said if isinstance(frame, Without)] == [RANGES, 1]
    for frame in said:
        sender.receive(decode(encode(frame)), 0.0)  # type: ignore[arg-type]
    assert sender.state is TransferState.ACTIVE
    assert (sender.wanted, sender.wanted_files) == (RANGES + 2, RANGES + 2)
    assert {output.number % 2 for output in drain(sender) if isinstance(output, ReadBlock)} == {0}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([Without(7, [(6, 1)])], "entries are not wanted that were not offered"),
        ([Without(7, [(0, 7)])], "entries are not wanted that were not offered"),
        ([Without(7, [(2**32 - 1, 2**32 - 1)])], "entries are not wanted that were not offered"),
        ([Without(7, [(0, 2), (1, 1)])], "entries are not wanted that were named before"),
        ([Without(7, [(3, 1)]), Without(7, [(3, 1)])], "entries are not wanted that were named before"),
        ([Have(7, False, [(0, 3)]), Without(7, [(0, 1)])], "entries are not wanted that were named before"),
        ([Have(7, True, [(1, 1)]), Without(7, [(0, 6)])], "entries are not wanted that were named before"),
        ([Without(7, [(0, 1)]), Have(7, True, [(2, 2)])], "blocks are there that were named before"),
        ([Have(7, False, [(0, 3)]), Have(7, True, [(2, 1)])], "blocks are there that were named before"),
        ([Without(7, [(0, 6)]), Accept(7, 9)], "nothing of the offer is wanted"),
        ([Accept(7, 9), Without(7, [(0, 1)])], "the frame 'without' has no place here"),
        ([Without(7, [(0, 5)]), Accept(7, 9), Progress(7, BLOCK, 9)], "progress beyond what was sent"),
        ([Without(7, [(0, 5)]), Accept(7, 9), Done(7)], "done before everything was sent"),
    ],
    ids=str,
)
def test_a_receiver_that_contradicts_itself_ends_the_transfer(said: list[TransferFrame], reason: str) -> None:
    transfer = offered()
    for frame in said:
        transfer.receive(frame, 1.0)
    assert failure(transfer) == reason
    assert transfer.next_chunk() is None


def test_an_empty_file_that_is_not_wanted_contradicts_nothing() -> None:
    transfer = offered()
    for frame in (Without(7, [(3, 1)]), Have(7, False, [(0, 8)]), Accept(7, 9), Done(7)):
        transfer.receive(frame, 1.0)
    assert transfer.state is TransferState.DONE
    assert (transfer.stored, transfer.wanted_files) == (transfer.manifest.total, 4)


@pytest.mark.parametrize("sent", [Hashes(7, 0, [DIGEST]), Hashes(7, 5, [DIGEST] * 2), FileEnd(7, 0, DIGEST)])
def test_a_sender_that_tells_of_what_is_not_wanted_ends_the_transfer(sent: TransferFrame) -> None:
    transfer = IncomingTransfer(7, offered().manifest)
    transfer.accept(0.0, left_out=bytes([1, 0, 0, 0, 1, 0]))
    transfer.receive(sent, 1.0)
    assert "out of turn" in failure(transfer)


def test_a_sender_that_sends_what_is_not_wanted_ends_the_transfer() -> None:
    transfer = IncomingTransfer(7, offered().manifest)
    transfer.accept(0.0, left_out=bytes([1, 0, 0, 0, 1, 0]))
    transfer.chunk(Chunk(7, 0, 0, memoryview(bytes(CHUNK))), 1.0)
    assert failure(transfer) == "a chunk of a file that is not wanted"


numbers = st.integers(0, 9) | st.sampled_from([2**32 - 1])
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=3)
answers = st.one_of(
    st.builds(Without, st.just(7), pairs),
    st.builds(Have, st.just(7), st.booleans(), pairs),
    st.builds(Accept, st.just(7), numbers),
    st.just(Done(7)),
)


@given(st.lists(answers, max_size=8))
def test_no_answer_to_an_offer_raises_or_has_more_counted_than_there_is(said: list[TransferFrame]) -> None:
    transfer = offered()
    for frame in said:
        transfer.receive(frame, 1.0)
        drain(transfer)
        assert 0 <= transfer.stored <= transfer.wanted <= transfer.manifest.total
        assert 0 <= transfer.wanted_files <= 5
