"""The receiving end of a transfer.

    chunks, in any order ──> a block is complete ─┐
                                                  ├─> StoreBlock ─> block_stored ─> progress, more credit
    its hash, before or after ────────────────────┘             └─> block_bad ───> again, and its credit back
    file-end, root right, all blocks stored ──> FinishFile ─> file_finished ─> after the last one: done

Credit is what bounds memory: a sender may have no more under way than `credit` bytes beyond what is on the disk, and
chunks are kept as they arrived until their block is complete. What goes beyond it is a breach, and so is a chunk that
is not cut as the offer says.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Final

from p2pchat.protocol.frames import Accept, Again, Block, Decline, Done, FileEnd, Progress, TransferFrame
from p2pchat.protocol.limits import CREDIT_BYTES, REASON_CHARACTERS
from p2pchat.protocol.transfer.bulk import Chunk
from p2pchat.protocol.transfer.lifecycle import Confirmed, FinishFile, StoreBlock, Transfer, TransferState
from p2pchat.protocol.transfer.manifest import Manifest, file_root
from p2pchat.protocol.transfer.paths import shown

TRIES: Final = 3
"""How often a block is asked for again. DTLS lets no bit error through, so a third bad copy is bad at its source."""

_PROGRESS_PARTS: Final = 8
"""Progress is told at the latest when this part of the credit is stored: the sender never waits for it."""


class _Block:
    """A block that is not stored yet."""

    __slots__ = ("asked_again", "chunks", "digest", "file", "index", "length", "missing", "storing")

    def __init__(self, file: int, index: int, length: int, missing: int) -> None:
        self.file = file
        self.index = index
        self.length = length
        self.missing = missing
        """Chunks that are still to come."""
        self.chunks: dict[int, memoryview] = {}
        """Data by its offset in the block."""
        self.digest = b""
        """Empty until its `block` frame is there."""
        self.storing = False
        """Whether the shell has it."""
        self.asked_again = 0


class IncomingTransfer(Transfer):
    """Receives what a peer offered.

    Args:
        number: the number of the offer.
        manifest: its checked content.
        credit: bytes that may be under way beyond what is on the disk; never less than two blocks are.
    """

    by_sender = False

    def __init__(self, number: int, manifest: Manifest, credit: int = CREDIT_BYTES) -> None:
        super().__init__(number, manifest)
        self.heard_at: float | None = None
        """When data or a frame of the sender last arrived; None before the first."""
        self._credit = max(credit, 2 * manifest.block)
        self._limit = 0
        self._received = 0
        self._discarded = 0
        """Bytes of blocks that did not match their hash."""
        self._reported = 0
        """What the last progress told as stored."""
        self._sizes = tuple(entry.size for entry in manifest.entries)
        self._block_bytes = manifest.block
        self._chunk_bytes = manifest.chunk
        self._blocks: dict[tuple[int, int], _Block] = {}
        """Blocks of which something is there; at most what credit allows."""
        self._stored_until: list[int] = [0] * len(self._sizes)
        """For each file: all its blocks before this one are stored."""
        self._stored_beyond: set[tuple[int, int]] = set()
        """Blocks that are stored, but one before them is not."""
        self._storing = 0
        """Blocks that the shell has."""
        self._starts = tuple(accumulate(self._sizes, initial=0))
        """Where each file begins, if all were one."""
        self._unopened = iter(manifest.files)
        self._open_next_file()
        self._ended: set[int] = set()
        """Files whose `file-end` was there and right, and that the shell was not told to finish."""
        self._saved: dict[int, str] = {}

    @property
    def saved(self) -> tuple[str, ...]:
        """Where the files are that have their final names, in the order of the offer."""
        return tuple(self._saved[file] for file in sorted(self._saved))

    def accept(self, now: float) -> None:
        """Our user wants the files, and the disk is ready for them. Without effect unless the transfer is WAITING."""
        if self.state is not TransferState.WAITING:
            return
        self.accepted_at = now
        self._limit = self._credit_now()
        self._send(Accept(self.number, self._limit))
        self._enter(TransferState.ACTIVE)
        self._end_when_saved()

    def decline(self, reason: str = "") -> None:
        """Our user does not want them. Without effect unless the transfer is WAITING."""
        if self.state is TransferState.WAITING:
            reason = reason[:REASON_CHARACTERS]
            self._send(Decline(self.number, reason))
            self._end(TransferState.DECLINED, reason=reason)

    def receive(self, frame: TransferFrame, now: float) -> None:
        """A frame of the sender arrived: block, file-end, pause, resume or cancel.

        One that breaks the protocol ends the transfer with the code `protocol`.
        """
        if self.state.final:
            return
        self.heard_at = now
        match frame:
            case Block() if self._running:
                self._hash_arrived(frame)
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
        self.heard_at = now
        _, file, offset, data = chunk
        index, start = divmod(offset, self._block_bytes)
        if (
            file >= len(self._sizes)
            or len(data) != min(self._chunk_bytes, self._block_bytes - start, self._sizes[file] - offset)
            or start % self._chunk_bytes
        ):
            self._refuse("a chunk is not cut as the offer says")
            return
        block = self._blocks.get((file, index))
        if block is None:
            if self._is_stored(file, index):
                return
            block = self._open_block(file, index)
        if start in block.chunks or not block.missing:
            return
        self._received += len(data)
        if self._received > self._limit:
            self._refuse("a chunk goes beyond the credit")
            return
        block.chunks[start] = data
        block.missing -= 1
        if not block.missing:
            self._store(block)

    def block_stored(self, file: int, index: int) -> None:
        """The shell verified a block and wrote it."""
        if self.state.final:
            return
        block = self._blocks.pop((file, index))
        self._storing -= 1
        self._mark_stored(file, index)
        self.stored += block.length
        self._outputs.append(Confirmed(self.stored))
        late = self.stored - self._reported >= self._credit // _PROGRESS_PARTS
        if late or not self._storing:
            self._tell_progress()
        self._finish_when_complete(file)

    def block_bad(self, file: int, index: int) -> None:
        """The shell found that a block does not match its hash, and wrote nothing."""
        if self.state.final:
            return
        block = self._blocks[file, index]
        self._storing -= 1
        if block.asked_again == TRIES:
            path = self.manifest.entries[file].path
            self.cancel("hash", f"a part of {shown(path)} arrived damaged {TRIES + 1} times")
            return
        block.asked_again += 1
        block.storing = False
        block.missing = self._chunks_of(block.length)
        self._discarded += block.length
        self._send(Again(self.number, file, index))
        self._tell_progress()

    def storage_failed(self, code: str, reason: str) -> None:
        """The disk refused: the transfer fails, and the peer is told the reason."""
        self.cancel(code, reason)

    def file_finished(self, file: int, saved_path: str) -> None:
        """The shell gave a file its final name."""
        if self.state.final:
            return
        self._saved[file] = saved_path
        self._end_when_saved()

    def _hash_arrived(self, frame: Block) -> None:
        file, index = frame.file, frame.index
        if (file, index) != (self._open_file, self._open_blocks) or index >= self.manifest.blocks_of(file):
            self._refuse("the hash of a block came out of turn")
            return
        if self._starts[file] + index * self._block_bytes >= self._limit:
            self._refuse("the hash of a block goes beyond the credit")
            return
        self._open_blocks += 1
        self._root.update(frame.hash)
        block = self._blocks.get((file, index)) or self._open_block(file, index)
        block.digest = frame.hash
        if not block.missing:
            self._store(block)

    def _file_ended(self, frame: FileEnd) -> None:
        file = frame.file
        if file != self._open_file or self._open_blocks < self.manifest.blocks_of(file):
            self._refuse("the end of a file came out of turn")
        elif self._root.digest() != frame.root:
            self.cancel("hash", f"{shown(self.manifest.entries[file].path)} does not match its hash")
        else:
            self._ended.add(file)
            self._open_next_file()
            self._finish_when_complete(file)

    def _open_next_file(self) -> None:
        self._open_file = next(self._unopened, -1)
        """The entry whose `block` and `file-end` frames are coming now; -1 after the last."""
        self._open_blocks = 0
        """Its `block` frames so far."""
        self._root = file_root(self._sizes[self._open_file])

    def _open_block(self, file: int, index: int) -> _Block:
        length = self.manifest.block_length(file, index)
        block = self._blocks[file, index] = _Block(file, index, length, self._chunks_of(length))
        return block

    def _chunks_of(self, length: int) -> int:
        return -(-length // self._chunk_bytes)

    def _store(self, block: _Block) -> None:
        """Hands a complete block to the shell, once its hash is there."""
        if not block.digest or block.storing:
            return
        data = b"".join([block.chunks[start] for start in range(0, block.length, self._chunk_bytes)])
        block.chunks.clear()
        block.storing = True
        self._storing += 1
        offset = block.index * self._block_bytes
        self._outputs.append(StoreBlock(self.number, block.file, block.index, offset, data, block.digest))

    def _is_stored(self, file: int, index: int) -> bool:
        return index < self._stored_until[file] or (file, index) in self._stored_beyond

    def _mark_stored(self, file: int, index: int) -> None:
        self._stored_beyond.add((file, index))
        while (file, self._stored_until[file]) in self._stored_beyond:
            self._stored_beyond.discard((file, self._stored_until[file]))
            self._stored_until[file] += 1

    def _credit_now(self) -> int:
        """How far the sender may go: no further than everything once, and once more what had to be discarded."""
        return min(self.stored + self._credit, self.manifest.total) + self._discarded

    def _tell_progress(self) -> None:
        self._reported = self.stored
        self._limit = self._credit_now()
        self._send(Progress(self.number, self.stored, self._limit))

    def _finish_when_complete(self, file: int) -> None:
        if file in self._ended and self._stored_until[file] == self.manifest.blocks_of(file):
            self._ended.discard(file)
            self._outputs.append(FinishFile(self.number, file))

    def _end_when_saved(self) -> None:
        if len(self._saved) == len(self.manifest.files):
            self._send(Done(self.number))
            self._end(TransferState.DONE)

    def _end(self, state: TransferState, code: str = "", reason: str = "", by_peer: bool = False) -> None:
        super()._end(state, code, reason, by_peer)
        self._blocks.clear()
