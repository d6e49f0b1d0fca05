"""The sending end of a transfer.

    offer, with the first page ──>
                         <── more          as long as pages are missing
    manifest ──>
                         <── have, without what is there already, and what is not wanted
                         <── accept(limit)
    for each file, in order:
        hashes ──>           and the chunks of these blocks on `bulk`, never more than `limit` messages in all
        hashes ──>           of blocks that are there already
        file-end(root) ──>   if it has several blocks
                         <── progress(stored, limit)   as blocks reach the disk
                         <── again(block)              for one that does not match its hash
                         <── done

Blocks that are asked for again go first. The hash of a block is sent once, with its first data: a block that is
sent again has to match the hash that it had.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from p2pchat.errors import ProtocolError
from p2pchat.protocol.frames import (
    Accept,
    Again,
    Decline,
    Done,
    FileEnd,
    Hashes,
    Have,
    ManifestPage,
    More,
    Progress,
    TransferFrame,
    Without,
)
from p2pchat.protocol.limits import HASHES, PAGE_ENTRIES, PAGES_AHEAD
from p2pchat.protocol.transfer import bulk
from p2pchat.protocol.transfer.lifecycle import Confirmed, Output, ReadBlock, SendFrame, Transfer, TransferState
from p2pchat.protocol.transfer.manifest import Manifest, file_root
from p2pchat.protocol.transfer.plan import Plan, Step

READ_AHEAD_BYTES: Final = 3 * 1024 * 1024
"""File data that is read or being read beyond the block that is sent: 30 ms for the disk at 100 MB/s. One block at
least, however large."""

READ_AHEAD_BLOCKS: Final = 64
"""The same as a number of blocks: so many small files are read in one go."""

TRIES: Final = 4
"""How often everything may be asked for again, so that a receiver cannot keep us sending for ever."""


class OutgoingTransfer(Transfer):
    """Offers a manifest and sends it. The offer is the first output.

    Args:
        number: unique among our offers on this link.
        manifest: what is offered.
        digests: hashes of blocks that were read before, of the same content: they are not read again just for them.
        again: whether the same was offered on an earlier link, which was lost.
    """

    by_sender = True

    def __init__(
        self, number: int, manifest: Manifest, digests: dict[int, bytes] | None = None, again: bool = False
    ) -> None:
        super().__init__(number, manifest)
        self.digests = {} if digests is None else digests
        """The hashes of blocks of files of several, until their `file-end` is sent."""
        self._chunk = manifest.chunk
        self._plan = Plan(manifest)
        self._limit = 0
        self._sent = 0
        """Messages sent in all."""
        self._planned = 0
        """The same, with the blocks that were asked of the shell."""
        self._steps: Iterator[Step] = iter(())
        self._next: Step | None = None
        """The step that the shell is asked for next."""
        self._again: deque[Step] = deque()
        """Blocks that the shell has to be asked for once more."""
        self._repeating: set[int] = set()
        """Blocks that were asked for again, until their last chunk is sent."""
        self._asked_again = 0
        """Bytes that were asked for again."""
        self._reading: deque[Step] = deque()
        """Steps that the shell was asked for, in the order in which they will be taken."""
        self._ahead = 0
        """Their bytes."""
        self._sending: Step | None = None
        self._view = memoryview(b"")
        """Data of the block that is being sent; empty when there is none."""
        self._start = 0
        """How much of it is sent."""
        self._file = 0
        self._base = 0
        """Where in its file it begins."""
        self._hashes: Hashes | None = None
        """The last frame of hashes, as long as nobody has taken it: those of small files travel together."""
        offer = manifest.to_offer(number, again)
        self._offered = len(offer.entries)
        """Entries that were sent."""
        self._send(offer)

    def poll(self) -> Output | None:
        """The next thing to do or to tell, or None when there is nothing left."""
        output = super().poll()
        if isinstance(output, SendFrame) and output.frame is self._hashes:
            self._hashes = None
        return output

    def receive(self, frame: TransferFrame, now: float) -> None:
        """A frame of the receiver arrived: an answer to the offer, progress, again, done, pause, resume or cancel.

        One that breaks the protocol ends the transfer with the code `protocol`.
        """
        if self.state.final:
            return
        waiting = self.state is TransferState.WAITING
        match frame:
            case More(entries=until) if waiting:
                self._send_pages(until)
            case Have() | Without() if waiting:
                self._note(frame)
            case Accept(limit=limit) if waiting:
                self._accepted(limit, now)
            case Decline(reason=reason) if waiting:
                self._end(TransferState.DECLINED, reason=reason, by_peer=True)
            case Progress() if self._running:
                self._progressed(frame)
            case Again(block=number) if self._running:
                self._ask_again(number)
            case Done() if self._running:
                self._done()
            case _:
                self._receive_common(frame)

    def block_read(self, number: int, data: bytes, digest: bytes) -> None:
        """The shell read a block that it was asked for; `digest` is the SHA-256 of `data`."""
        for step in self._reading:
            if step.number == number and step.data is None:
                step.data, step.digest = data, digest
                break
        self._go_on()

    def read_failed(self, code: str, reason: str) -> None:
        """A block cannot be read: the transfer fails, and the peer is told the reason."""
        self.cancel(code, reason)

    def next_chunk(self) -> bytes | None:
        """Returns the next message for `bulk`, or None while there is nothing that may be sent.

        Call it when the link has room; after None, again once `poll()` has been drained after another input.
        """
        start = self._start
        data = self._view[start : start + self._chunk]
        if not data or self._sent >= self._limit or self.state is not TransferState.ACTIVE:
            return None
        self._sent += 1
        self._start = start + len(data)
        message = bulk.pack(self.number, self._file, self._base + start, data)
        if self._start == len(self._view):
            self._block_sent()
        return message

    # --- the offer and its answer

    def _send_pages(self, until: int) -> None:
        until = min(until, self._offered + PAGES_AHEAD * PAGE_ENTRIES, len(self.manifest.entries))
        while self._offered < until:
            page = self.manifest.page(self._offered)
            self._offered += len(page)
            self._send(ManifestPage(self.number, page))

    def _note(self, frame: Have | Without) -> None:
        try:
            if isinstance(frame, Have):
                self._plan.have(frame)
            else:
                self._plan.without(frame)
        except ProtocolError as error:
            self._refuse(error.message)

    def _accepted(self, limit: int, now: float) -> None:
        if self._plan.is_empty:
            self._refuse("nothing of the offer is wanted")
            return
        self.accepted_at = now
        self._limit = limit
        self.wanted, self.wanted_files = self._plan.wanted, self._plan.wanted_files
        self._steps = self._plan.steps()
        self._next = next(self._steps, None)
        self._enter(TransferState.ACTIVE, by_peer=True)
        self._go_on()

    # --- what the receiver says

    def _progressed(self, frame: Progress) -> None:
        if frame.limit < self._limit:
            self._refuse("the credit went backwards")
        elif frame.stored > self._plan.may_be_stored:
            self._refuse("progress beyond what was sent")
        else:
            self._limit = frame.limit
            if frame.stored != self.stored:
                self.stored = frame.stored
                self._outputs.append(Confirmed(self.stored))
            self._go_on()

    def _ask_again(self, number: int) -> None:
        if number in self._repeating:
            return
        if not self._plan.was_told(number):
            self._refuse("a block was asked for again that was not sent")
            return
        length = self.manifest.place(number)[2]
        self._asked_again += length
        if self._asked_again > TRIES * self.wanted:
            self._refuse("more was asked for again than can be of use")
            return
        self._repeating.add(number)
        self._again.append(Step(number, length, repeated=True))
        self._go_on()

    def _done(self) -> None:
        if self._next is not None or self._reading or self._view:
            self._refuse("done before everything was sent")
            return
        if self.stored < self.wanted:
            self.stored = self.wanted
            self._outputs.append(Confirmed(self.stored))
        self._end(TransferState.DONE, by_peer=True)

    # --- reading and sending

    def _go_on(self) -> None:
        """Asks for blocks and takes up those that are there, until there is nothing to do but wait."""
        self._read_on()
        while self._take_up():
            self._read_on()

    def _read_on(self) -> None:
        """Asks the shell for more blocks, as far as credit and read-ahead go."""
        while (
            self.state is TransferState.ACTIVE
            and self._ahead < READ_AHEAD_BYTES
            and len(self._reading) < READ_AHEAD_BLOCKS
            and (step := self._next_step()) is not None
        ):
            self._reading.append(step)
            digest = self.digests.get(step.number) if step.hash_only else None
            if digest is not None:
                step.data, step.digest = b"", digest
            else:
                self._ahead += step.length
                self._outputs.append(ReadBlock(self.number, step.number))

    def _next_step(self) -> Step | None:
        step = self._again[0] if self._again else self._next
        if step is None or (not step.hash_only and self._planned >= self._limit):
            return None
        if step.repeated:
            self._again.popleft()
        else:
            self._next = next(self._steps, None)
        if not step.hash_only:
            self._planned += -(-step.length // self._chunk)
        return step

    def _take_up(self) -> bool:
        """Takes up the next block, once it is there and nothing else is being sent. Returns whether it is done with."""
        if self._view or not self._reading or self._reading[0].data is None:
            return False
        step = self._reading.popleft()
        if step.data:
            self._ahead -= step.length
        if not step.repeated:
            self._tell_hash(step)
        if step.hash_only:
            self._end_file(step)
            return True
        self._sending, self._view, self._start = step, memoryview(step.data or b""), 0
        self._file, self._base, _ = self.manifest.place(step.number)
        return False

    def _tell_hash(self, step: Step) -> None:
        self._plan.told(step.number)
        if len(self.manifest.blocks_of(self.manifest.entries.file_of(step.number))) > 1:
            self.digests[step.number] = step.digest
        frame = self._hashes
        if frame is not None and frame.first + len(frame.hashes) == step.number and len(frame.hashes) < HASHES:
            frame.hashes.append(step.digest)
        else:
            self._hashes = Hashes(self.number, step.number, [step.digest])
            self._send(self._hashes)

    def _block_sent(self) -> None:
        step = self._sending
        self._view, self._sending = memoryview(b""), None
        if step is not None and step.repeated:
            self._repeating.discard(step.number)
        elif step is not None:
            self._plan.may_be_stored += step.length
            self._end_file(step)
        self._go_on()

    def _end_file(self, step: Step) -> None:
        """Sends `file-end`, when this was the last block of a file of several."""
        if step.ends is None:
            return
        root = file_root(self.manifest.entries.size(step.ends))
        for number in self.manifest.blocks_of(step.ends):
            root.update(self.digests.pop(number))
        self._send(FileEnd(self.number, step.ends, root.digest()))

    def _pause_or_go_on(self, by_peer: bool, code: str = "", reason: str = "") -> None:
        super()._pause_or_go_on(by_peer, code, reason)
        self._go_on()

    def _end(self, state: TransferState, code: str = "", reason: str = "", by_peer: bool = False) -> None:
        super()._end(state, code, reason, by_peer)
        self._reading.clear()
        self._again.clear()
        self._next = None
        self._view, self._sending = memoryview(b""), None
