"""The sending end of a transfer.

    offer ──>            <── accept(limit)
    for each file, in order:
        block(hash) ──>  and its chunks on `bulk`, never more than `limit` bytes in all
        file-end(root) ──>
                         <── progress(stored, limit)   as blocks reach the disk
                         <── again(file, index)        for one that did not match its hash
                         <── done

Blocks that are asked for again go first. The hash of a block is sent once, with its first data: a block that is
sent again has to match the hash that it had.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from p2pchat.protocol.frames import Accept, Again, Block, Decline, Done, FileEnd, Progress, TransferFrame
from p2pchat.protocol.transfer import bulk
from p2pchat.protocol.transfer.lifecycle import Confirmed, ReadBlock, Transfer, TransferState
from p2pchat.protocol.transfer.manifest import Manifest, file_root

READ_AHEAD: Final = 3
"""Blocks that are read or being read beyond the one that is sent: 30 ms for the disk at 100 MB/s, and 3 MiB."""


@dataclass(slots=True)
class _Reading:
    """A block that the shell was asked for."""

    file: int
    index: int
    repeated: bool
    data: bytes | None = None
    digest: bytes = b""


class OutgoingTransfer(Transfer):
    """Offers a manifest and sends it. The offer is the first output.

    Args:
        number: unique among our offers on this link.
        manifest: what is offered.
    """

    by_sender = True

    def __init__(self, number: int, manifest: Manifest) -> None:
        super().__init__(number, manifest)
        self._chunk = manifest.chunk
        self._limit = 0
        self._sent = 0
        """File bytes sent in all, as credit counts them."""
        self._planned = 0
        """The same, with the blocks that were asked of the shell."""
        self._sent_once = 0
        """File bytes of the blocks that are sent, each counted once."""
        self._unread = ((file, index) for file in manifest.files for index in range(manifest.blocks_of(file)))
        """The blocks that the shell was not asked for yet."""
        self._again: deque[tuple[int, int]] = deque()
        """Blocks that the shell has to be asked for once more."""
        self._repeating: set[tuple[int, int]] = set()
        """Blocks that were asked for again, until their last chunk is sent."""
        self._repeating_bytes = 0
        self._reading: deque[_Reading] = deque()
        """Blocks in the order in which they will be sent."""
        self._sending: _Reading | None = None
        self._view = memoryview(b"")
        """Data of the block that is being sent; empty when there is none."""
        self._start = 0
        """How much of it is sent."""
        self._base = 0
        """Where in its file it begins."""
        self._open_file = 0
        """The entry whose `file-end` is the next one to send."""
        self._open_blocks = 0
        """Its blocks that are sent."""
        self._root = file_root(manifest.entries[0].size)
        self._send(manifest.to_offer(number))

    def receive(self, frame: TransferFrame, now: float) -> None:
        """A frame of the receiver arrived: accept, decline, progress, again, done, pause, resume or cancel.

        One that breaks the protocol ends the transfer with the code `protocol`.
        """
        if self.state.final:
            return
        match frame:
            case Accept(limit=limit) if self.state is TransferState.WAITING:
                self._accepted(limit, now)
            case Decline(reason=reason) if self.state is TransferState.WAITING:
                self._end(TransferState.DECLINED, reason=reason, by_peer=True)
            case Progress() if self._running:
                self._progressed(frame)
            case Again(file=file, index=index) if self._running:
                self._asked_again(file, index)
            case Done() if self._running:
                self._done()
            case _:
                self._receive_common(frame)

    def block_read(self, file: int, index: int, data: bytes, digest: bytes) -> None:
        """The shell read a block that it was asked for; `digest` is the SHA-256 of `data`."""
        for reading in self._reading:
            if (reading.file, reading.index) == (file, index) and reading.data is None:
                reading.data, reading.digest = data, digest
                break
        self._send_next()

    def read_failed(self, code: str, reason: str) -> None:
        """A block cannot be read: the transfer fails, and the peer is told the reason."""
        self.cancel(code, reason)

    def next_chunk(self) -> bytes | None:
        """Returns the next message for `bulk`, or None while there is nothing that may be sent.

        Call it when the link has room; after None, again once `poll()` has been drained after another input.
        """
        start = self._start
        data = self._view[start : start + self._chunk]
        sent = self._sent + len(data)
        if not data or sent > self._limit or self.state is not TransferState.ACTIVE:
            return None
        sending = self._sending
        assert sending is not None  # there is data of it
        self._sent = sent
        self._start = start + len(data)
        message = bulk.pack(self.number, sending.file, self._base + start, data)
        if self._start == len(self._view):
            self._block_sent(sending)
        return message

    def _accepted(self, limit: int, now: float) -> None:
        self.accepted_at = now
        self._limit = limit
        self._enter(TransferState.ACTIVE, by_peer=True)
        self._end_files()
        self._read_on()

    def _progressed(self, frame: Progress) -> None:
        if frame.limit < self._limit or frame.stored < self.stored:
            self._refuse("progress went backwards")
        elif frame.stored > self._sent_once:
            self._refuse("progress beyond what was sent")
        else:
            self._limit = frame.limit
            if frame.stored > self.stored:
                self.stored = frame.stored
                self._outputs.append(Confirmed(self.stored))
            self._read_on()

    def _asked_again(self, file: int, index: int) -> None:
        block = (file, index)
        if block in self._repeating:
            return
        if block >= (self._open_file, self._open_blocks) or index >= self.manifest.blocks_of(file):
            self._refuse("a block was asked for again that was not sent")
            return
        self._repeating.add(block)
        self._repeating_bytes += self.manifest.block_length(file, index)
        if self._repeating_bytes > self._sent_once - self.stored:
            self._refuse("more was asked for again than was unconfirmed")
            return
        self._again.append(block)
        self._read_on()

    def _done(self) -> None:
        if self._open_file < len(self.manifest.entries):
            self._refuse("done before everything was sent")
            return
        if self.stored < self.manifest.total:
            self.stored = self.manifest.total
            self._outputs.append(Confirmed(self.stored))
        self._end(TransferState.DONE, by_peer=True)

    def _read_on(self) -> None:
        """Asks the shell for more blocks, as far as credit and read-ahead go."""
        if self.state is not TransferState.ACTIVE:
            return
        while len(self._reading) < READ_AHEAD and self._planned < self._limit:
            repeated = bool(self._again)
            block = self._again.popleft() if repeated else next(self._unread, None)
            if block is None:
                return
            file, index = block
            length = self.manifest.block_length(file, index)
            self._planned += length
            self._reading.append(_Reading(file, index, repeated))
            self._outputs.append(ReadBlock(self.number, file, index, index * self.manifest.block, length))

    def _send_next(self) -> None:
        """Takes up the next block, once its data is there and nothing else is being sent."""
        if self._view or not self._reading or self._reading[0].data is None:
            return
        sending = self._sending = self._reading.popleft()
        self._view, self._start = memoryview(sending.data or b""), 0
        self._base = sending.index * self.manifest.block
        if not sending.repeated:
            self._root.update(sending.digest)
            self._send(Block(self.number, sending.file, sending.index, sending.digest))

    def _block_sent(self, sending: _Reading) -> None:
        length = len(self._view)
        self._view, self._sending = memoryview(b""), None
        if sending.repeated:
            self._repeating.discard((sending.file, sending.index))
            self._repeating_bytes -= length
        else:
            self._sent_once += length
            self._open_blocks += 1
            self._end_files()
        self._send_next()
        self._read_on()

    def _end_files(self) -> None:
        """Sends `file-end` for the file whose last block is sent, and for the empty ones that follow."""
        entries = self.manifest.entries
        while self._open_file < len(entries) and self._open_blocks == self.manifest.blocks_of(self._open_file):
            if not entries[self._open_file].folder:
                self._send(FileEnd(self.number, self._open_file, self._root.digest()))
            self._open_file, self._open_blocks = self._open_file + 1, 0
            if self._open_file < len(entries):
                self._root = file_root(entries[self._open_file].size)

    def _pause_or_go_on(self, by_peer: bool) -> None:
        super()._pause_or_go_on(by_peer)
        self._read_on()

    def _end(self, state: TransferState, code: str = "", reason: str = "", by_peer: bool = False) -> None:
        super()._end(state, code, reason, by_peer)
        self._reading.clear()
        self._again.clear()
        self._view, self._sending = memoryview(b""), None
