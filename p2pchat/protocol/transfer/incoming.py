"""The receiving end of a transfer.

    what is not wanted ──> without, what is there already ──> have, and then accept
    chunks, in any order ──> a block is complete ─┐
                                                  ├─> StoreBlock ─> block_stored ─> progress, more credit
    its hash, before or after ────────────────────┘             └─> block_bad ───> again
    the hash of a block that is there ──> right: it stays; wrong: again
    the last block of a file, and for several of them a file-end whose root is right
        ──> FinishFile ─> file_finished ─> after the last one: done

Credit is what bounds memory. It is counted in messages on `bulk`, so that a thousand tiny files are as dear as they
are: a sender may have no more under way than `credit` bytes worth of full messages, and one block, beyond what is on
the disk. What goes beyond it is a breach, and so is a chunk that is not cut as the offer says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from p2pchat.protocol.frames import Accept, Again, Decline, Done, FileEnd, Hashes, Progress, TransferFrame
from p2pchat.protocol.limits import CREDIT_BYTES, REASON_CHARACTERS
from p2pchat.protocol.transfer.answer import LEFT_OUT, MISSING, STORED, Answer
from p2pchat.protocol.transfer.arriving import ArrivingBlock, Cut
from p2pchat.protocol.transfer.bulk import Chunk
from p2pchat.protocol.transfer.lifecycle import Confirmed, FinishFile, StoreBlock, Transfer, TransferState
from p2pchat.protocol.transfer.manifest import Manifest, file_root
from p2pchat.protocol.transfer.paths import shown

TRIES: Final = 3
"""How often a block is asked for again. DTLS lets no bit error through, so a third bad copy is bad at its source."""

FINISHING: Final = 64
"""Empty files that are made at once: they cost the sender nothing, so nothing else bounds them."""

_PROGRESS_PARTS: Final = 8
"""Progress is told at the latest when this part of the credit is stored: the sender never waits for it."""


class IncomingTransfer(Transfer):
    """Receives what a peer offered.

    Args:
        number: the number of the offer.
        manifest: its checked content.
        again: whether the same was offered on an earlier link, which was lost.
        credit: bytes that may be under way beyond one block and what is on the disk.
    """

    by_sender = False

    def __init__(self, number: int, manifest: Manifest, again: bool = False, credit: int = CREDIT_BYTES) -> None:
        super().__init__(number, manifest)
        self.again = again
        self._credit = self._messages(manifest.largest_block) + self._messages(credit)
        """Messages that may be under way."""
        self._limit = 0
        self._received = 0
        """Messages that came, those of an earlier copy of a block counted too."""
        self._settled = 0
        """Messages of blocks that were stored or thrown away."""
        self._hashed = 0
        """Messages of the blocks whose hash is there, or was."""
        self._reported = 0
        """`_settled` when progress was last told."""
        self._cut = Cut(manifest, 0)
        self._status = bytearray(manifest.blocks)
        """Of each block; see `p2pchat.protocol.transfer.answer`."""
        self._check: dict[int, bytes] = {}
        """The hashes of blocks that an earlier transfer stored, until the sender's are there."""
        self._blocks: dict[int, ArrivingBlock] = {}
        """Blocks of which something is there; at most what credit allows."""
        self._digests: dict[int, bytes] = {}
        """The hashes of all blocks of files of several, until the file has its name."""
        self._storing = 0
        """Blocks that the shell has."""
        self._ended: set[int] = set()
        """Files whose `file-end` was there and right, and that the shell was not told to finish."""
        self._unfinished = len(manifest.files)
        self._finishing = 0
        self._empty: Iterator[int] = iter(())
        """Empty files that the shell was not told to make."""

    def accept(
        self,
        now: float,
        finished: bytes = b"",
        check: Mapping[int, bytes] | None = None,
        left_out: bytes = b"",
    ) -> None:
        """Our user wants the files, and the disk is ready for them. Without effect unless the transfer is WAITING.

        Args:
            now: seconds.
            finished: for each entry, 1 when the file is there, complete and under its name, else 0; empty for none.
            check: blocks of other files that are on the disk, and the hashes that they have.
            left_out: for each entry, 1 when it is not wanted, else 0; empty when all are wanted. One at least has to
                be: an offer of which nothing is wanted is declined.
        """
        if self.state is not TransferState.WAITING:
            return
        self.accepted_at = now
        answer = Answer(self.number, self.manifest, finished, check or {}, left_out)
        self._status, self._check, self._empty = answer.status, answer.check, answer.empty_files()
        self.stored, self._unfinished = answer.stored, answer.unfinished
        self.wanted, self.wanted_files = answer.wanted, answer.wanted_files
        for frame in answer.frames:
            self._send(frame)
        self._limit = self._credit
        self._send(Accept(self.number, self._limit))
        self._enter(TransferState.ACTIVE)
        if self.stored:
            self._tell_progress()
            self._outputs.append(Confirmed(self.stored))
        self._finish_empty()
        self._end_when_finished()

    def decline(self, reason: str = "") -> None:
        """Our user does not want them. Without effect unless the transfer is WAITING."""
        if self.state is TransferState.WAITING:
            reason = reason[:REASON_CHARACTERS]
            self._send(Decline(self.number, reason))
            self._end(TransferState.DECLINED, reason=reason)

    def receive(self, frame: TransferFrame, now: float) -> None:
        """A frame of the sender arrived: hashes, file-end, pause, resume or cancel.

        One that breaks the protocol ends the transfer with the code `protocol`.
        """
        if self.state.final:
            return
        match frame:
            case Hashes(first=first, hashes=hashes) if self._running:
                for number, digest in enumerate(hashes, first):
                    self._hash_arrived(number, digest)
            case FileEnd() if self._running:
                self._file_ended(frame)
            case _:
                self._receive_common(frame)

    def chunk(self, chunk: Chunk, now: float) -> None:
        """File data arrived. Its message is kept, not copied, until its block is complete.

        A chunk that is there already is ignored; one that does not fit the offer or goes beyond the credit ends the
        transfer with the code `protocol`.
        """
        state = self.state
        if state is not TransferState.ACTIVE and state.final:
            return
        _, file, offset, data = chunk
        cut = self._cut
        if file != cut.file and file < len(self.manifest.entries):
            cut = self._cut = Cut(self.manifest, file)
        index, start = divmod(offset, cut.block)
        if (
            file != cut.file
            or len(data) != min(self.manifest.chunk, cut.block - start, cut.size - offset)
            or start % self.manifest.chunk
        ):
            self._refuse("a chunk is not cut as the offer says")
            return
        number = cut.first + index
        block = self._blocks.get(number)
        if block is None:
            if self._status[number]:
                if self._status[number] == LEFT_OUT:
                    self._refuse("a chunk of a file that is not wanted")
                return
            block = self._open_block(number)
        if start in block.chunks or not block.missing:
            return
        self._received += 1
        if self._received > self._limit:
            self._refuse("a chunk goes beyond the credit")
            return
        block.chunks[start] = data
        block.missing -= 1
        if not block.missing:
            self._store(block)

    def block_stored(self, number: int) -> None:
        """The shell verified a block and wrote it."""
        if self.state.final:
            return
        block = self._blocks.pop(number)
        self._storing -= 1
        self._settled += block.messages
        self._status[number] = STORED
        self.stored += block.length
        self._outputs.append(Confirmed(self.stored))
        late = self._settled - self._reported >= self._credit // _PROGRESS_PARTS
        if late or not self._storing:
            self._tell_progress()
        self._finish_when_complete(self.manifest.entries.file_of(number))

    def block_bad(self, number: int) -> None:
        """The shell found that a block does not match its hash, and wrote nothing."""
        if self.state.final:
            return
        block = self._blocks[number]
        self._storing -= 1
        if block.asked_again == TRIES:
            file = self.manifest.entries.file_of(number)
            which = f"block {number - self.manifest.blocks_of(file).start + 1}"  # as people count
            path = shown(self.manifest.entries.path(file))
            self.cancel("hash", f"{which} of {path} arrived damaged {TRIES + 1} times")
            return
        block.asked_again += 1
        block.data = None
        block.missing = block.messages
        self._settled += block.messages
        self._send(Again(self.number, number))
        self._tell_progress()

    def disk_full(self, number: int, reason: str) -> None:
        """The disk has no room for a block: pauses, and keeps the block until `resume`."""
        if self.state.final:
            return
        self._storing -= 1
        self._blocks[number].refused = True
        self.pause("disk", reason)

    def resume(self) -> None:
        """Our user takes the pause back; what the disk had no room for is tried again."""
        super().resume()
        if self._running:
            for block in list(self._blocks.values()):
                if block.refused and block.data is not None:
                    block.refused = False
                    self._hand_over(block, block.data)

    def storage_failed(self, code: str, reason: str) -> None:
        """The disk refused: the transfer fails, and the peer is told the reason."""
        self.cancel(code, reason)

    def file_finished(self, file: int) -> None:
        """The shell gave a file its final name."""
        if self.state.final:
            return
        for number in self.manifest.blocks_of(file):
            self._digests.pop(number, None)
        self._unfinished -= 1
        self._finishing -= 1
        self._finish_empty()
        self._end_when_finished()

    # --- hashes

    def _hash_arrived(self, number: int, digest: bytes) -> None:
        if self.state.final:
            return
        if number >= self.manifest.blocks or number in self._digests:
            self._refuse("the hash of a block came out of turn")
            return
        expected = self._check.pop(number, None)
        if expected == digest:
            self._status[number] = STORED
            self._keep(number, digest)
            self._finish_when_complete(self.manifest.entries.file_of(number))
            return
        block = self._blocks.get(number)
        if self._status[number] in (STORED, LEFT_OUT) or (block is not None and block.digest):
            self._refuse("the hash of a block came out of turn")
            return
        if expected is None:
            if self._hashed >= self._limit:
                self._refuse("the hash of a block goes beyond the credit")
                return
            self._hashed += self._messages_of(number)
        self._keep(number, digest)
        block = block or self._open_block(number)
        block.digest = digest
        if expected is not None:
            self._status[number] = MISSING
            self.stored -= block.length
            self._send(Again(self.number, number))
        elif not block.missing:
            self._store(block)

    def _keep(self, number: int, digest: bytes) -> None:
        """Notes a hash for the root of its file, if that has several blocks."""
        if len(self.manifest.blocks_of(self.manifest.entries.file_of(number))) > 1:
            self._digests[number] = digest

    def _file_ended(self, frame: FileEnd) -> None:
        file = frame.file
        blocks = self.manifest.blocks_of(file) if file < len(self.manifest.entries) else range(0)
        if len(blocks) < 2 or file in self._ended or any(number not in self._digests for number in blocks):
            self._refuse("the end of a file came out of turn")
            return
        root = file_root(self.manifest.entries.size(file))
        for number in blocks:
            root.update(self._digests[number])
        if root.digest() != frame.root:
            self.cancel("hash", f"{shown(self.manifest.entries.path(file))} does not match its hash")
            return
        self._ended.add(file)
        self._finish_when_complete(file)

    # --- blocks

    def _messages(self, size: int) -> int:
        return -(-size // self.manifest.chunk)

    def _messages_of(self, number: int) -> int:
        return self._messages(self.manifest.place(number)[2])

    def _open_block(self, number: int) -> ArrivingBlock:
        length = self.manifest.place(number)[2]
        block = self._blocks[number] = ArrivingBlock(number, length, self._messages(length))
        return block

    def _store(self, block: ArrivingBlock) -> None:
        """Hands a complete block to the shell, once its hash is there."""
        if block.digest and block.data is None:
            chunk = self.manifest.chunk
            self._hand_over(block, b"".join([block.chunks[start] for start in range(0, block.length, chunk)]))

    def _hand_over(self, block: ArrivingBlock, data: bytes) -> None:
        block.chunks.clear()
        block.data = data
        self._storing += 1
        self._outputs.append(StoreBlock(self.number, block.number, data, block.digest))

    def _tell_progress(self) -> None:
        self._reported = self._settled
        self._limit = self._settled + self._credit
        self._send(Progress(self.number, self.stored, self._limit))

    # --- files

    def _finish_when_complete(self, file: int) -> None:
        blocks = self.manifest.blocks_of(file)
        if len(blocks) > 1 and file not in self._ended:
            return
        if self._status.count(STORED, blocks.start, blocks.stop) == len(blocks):
            self._ended.discard(file)
            self._finish(file)

    def _finish_empty(self) -> None:
        while self._finishing < FINISHING and (file := next(self._empty, None)) is not None:
            self._finish(file)

    def _finish(self, file: int) -> None:
        self._finishing += 1
        self._outputs.append(FinishFile(self.number, file))

    def _end_when_finished(self) -> None:
        if not self._unfinished:
            if self._settled > self._reported:
                self._tell_progress()
            self._send(Done(self.number))
            self._end(TransferState.DONE)

    def _end(self, state: TransferState, code: str = "", reason: str = "", by_peer: bool = False) -> None:
        super()._end(state, code, reason, by_peer)
        self._blocks.clear()
        self._check.clear()
        self._digests.clear()
