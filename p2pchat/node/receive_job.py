"""A transfer that a peer offered us."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from p2pchat.errors import DiskFull, TransferFailed, UsageError
from p2pchat.node.disk_work import Batches, one_by_one
from p2pchat.node.events import Direction, TransferChanged, TransferOffered, TransferState
from p2pchat.node.leftovers import Accepted, Leftovers
from p2pchat.node.room_watch import RoomWatch
from p2pchat.node.transfer_job import ITEMS_TOLD, Means, TransferJob
from p2pchat.protocol.transfer.exchange import TransferOutput
from p2pchat.protocol.transfer.incoming import IncomingTransfer
from p2pchat.protocol.transfer.lifecycle import FinishFile, StateChanged, StoreBlock
from p2pchat.protocol.transfer.lifecycle import TransferState as Stage
from p2pchat.store import landing
from p2pchat.store.incoming import IncomingFiles
from p2pchat.store.journal import identity
from p2pchat.store.terms import Terms

if TYPE_CHECKING:
    from p2pchat.node.peer import Peer

_KEPT_AFTER: Final = frozenset({"no-connection", "disk", "permission", "transfer-failed"})
"""Why a transfer may fail so that what it has received is of use when the same is offered again."""

FINISH_SIZE: Final = 16 * 1024
"""What naming a file counts as, among pieces of work: as long as writing so much."""

NOTE_EVERY: Final = 1.0
"""Seconds between two times that the progress is noted, for the list of what was interrupted."""


class _NoRoom(DiskFull):
    """The disk has less room than the transfer needs: it goes on by itself once there is more."""


class ReceiveJob(TransferJob):
    """Files that come from one peer; see `TransferJob` for the arguments.

    Args:
        leftovers: what of transfers lies on the disk.
    """

    direction = Direction.RECEIVE

    def __init__(self, id_: str, peer: Peer, machine: IncomingTransfer, means: Means, leftovers: Leftovers) -> None:
        super().__init__(id_, peer, machine, means)
        self.machine = machine
        self.begun_in: Path | None = None
        """The folder in which an interrupted transfer of the same lies, while the offer waits."""
        self._leftovers = leftovers
        self._key = peer.key or b""
        self._accepted: Accepted | None = None
        self._offer_told = False
        self._busy = False
        """Whether the disk is being made ready, or cleared."""
        self._saved_at: tuple[str, ...] = ()
        self._noted_at = 0.0
        self._completing = False
        """Whether all of it is there, and its journal is being removed."""
        self._storing: Batches[StoreBlock, bool] | None = None
        self._finishing: Batches[int, None] | None = None
        self._room = RoomWatch(self._work, self._has_room)

    @property
    def leftover(self) -> str:
        """The id of what it leaves when it is interrupted; empty before it is accepted."""
        return self._accepted.entry.id if self._accepted is not None else ""

    @property
    def transfer(self) -> str:
        """What its journal is known by."""
        return identity(self._key, self.manifest)

    # --- the offer

    async def look(self, earlier: Sequence[TransferJob]) -> None:
        """Finds out how much of it is there already; `earlier` transfers of the same let go of that before."""
        await asyncio.gather(*(job.settle() for job in earlier))
        self.begun_in, self._resumable = await self._loop.run_in_executor(
            self._pool, self._leftovers.find, self._key, self.manifest
        )

    def tell_offer(self) -> None:
        """Tells the front end of the offer, once."""
        if not self._offer_told:
            self._offer_told = True
            self._tell(TransferOffered(self.info(), time.time()))

    async def accept(self, folder: Path, terms: Terms, automatic: bool = False) -> None:
        """Gets the disk ready and accepts the offer.

        Raises:
            UsageError: it does not wait for an answer.
            StorageFailed: the files do not fit, or may not be written there. The offer still waits.
        """
        self._check_waiting()
        self._busy = True
        try:
            name = self.peer.info.name
            accepted = await self._loop.run_in_executor(
                self._pool, self._leftovers.begin, self._key, name, self.manifest, self.id, folder, terms
            )
        finally:
            self._busy = False
        self._accepted = accepted
        self.automatic = automatic
        if self.state.final:
            self._let_go("")
        elif not self.detached:
            await self._start(accepted.files)

    def decline(self, reason: str) -> None:
        """Our user does not want the files.

        Raises:
            UsageError: it does not wait for an answer.
        """
        if self.state is not TransferState.WAITING or self._accepted is not None:
            raise UsageError("this transfer does not wait to be accepted")
        if self.detached:
            self._end(TransferState.DECLINED, reason or "declined by you")
            return
        self.machine.decline(reason)
        self.peer.drain()

    async def discard(self) -> None:
        """Removes what is there of it; see `NodeApi.discard`."""
        if self.state is TransferState.WAITING and self.begun_in is not None:
            self._check_waiting()
            folder = self.begun_in
        elif self.state is TransferState.FAILED and self._accepted is not None:
            folder = self._accepted.entry.folder
            await self.settle()
        else:
            raise UsageError("nothing of this transfer is left, or it is running")
        self._busy = True
        try:
            await self._loop.run_in_executor(self._pool, self._leftovers.discard, folder, self.transfer)
        finally:
            self._busy = False
        self.discarded()

    def discarded(self) -> None:
        """What an interrupted transfer of the same has left is gone."""
        self.begun_in, self._resumable = None, 0
        if self.state is TransferState.WAITING:
            self._tell(TransferChanged(self.info(), time.time()))

    def _check_waiting(self) -> None:
        if self.state is not TransferState.WAITING or self._busy or self._accepted is not None:
            raise UsageError("this transfer does not wait to be accepted")

    # --- the transfer

    def comes_again(self, peer: Peer, machine: IncomingTransfer) -> None:
        """The peer offers the same again: goes on, or says once more how it has ended."""
        accepted = self._accepted
        match self.state:
            case TransferState.DONE:
                left_out = accepted.files.left_out if accepted is not None else b""
                finished = bytes(1 - left for left in left_out) or bytes([1]) * len(self.manifest.entries)
                machine.accept(time.monotonic(), finished, left_out=left_out)
            case TransferState.DECLINED | TransferState.CANCELLED:
                machine.cancel(reason=self._reason)
            case _:
                self._room.end()
                self._attach(peer, machine)
                self.machine = machine
                if accepted is not None:
                    self._resumable = self._stored
                    self._work.later(self._start(accepted.files))
        peer.drain()

    async def _start(self, files: IncomingFiles) -> None:
        """Accepts the offer. To be called once what an earlier link brought is on the disk."""
        machine = self.machine
        kept = await self._loop.run_in_executor(self._pool, files.kept)
        self._storing = Batches(
            self._work,
            size=lambda block: len(block.data),
            do=one_by_one(lambda block: self._store(files, block)),
            done=lambda block, good: machine.block_stored(block.number) if good else machine.block_bad(block.number),
            failed=lambda block, error: self._block_failed(machine, block, error),
        )
        self._finishing = Batches(
            self._work,
            size=lambda file: FINISH_SIZE,
            do=files.finish_files,
            done=lambda file, _: self._finished(machine, file),
            failed=lambda file, error: machine.storage_failed(error.reason, error.message),
        )
        machine.accept(time.monotonic(), kept.finished, kept.check, files.left_out)
        self.peer.drain()

    def _finished(self, machine: IncomingTransfer, file: int) -> None:
        machine.file_finished(file)
        self._moved()  # empty files are confirmed by nothing else

    @property
    def settled(self) -> bool:
        """See `TransferJob.settled`."""
        return self.state.final or (self.state is TransferState.WAITING and self._accepted is None)

    def handle(self, output: TransferOutput) -> None:
        """Does what the machine asks for, or tells what it tells."""
        self.tell_offer()  # before anything else is told of it, even if it has ended by now
        match output.output:
            case StoreBlock() as block if self._storing is not None:
                self._storing.add(block)
            case FinishFile(_, file) if self._finishing is not None:
                self._finishing.add(file)
            case StateChanged(state=Stage.DONE) as change if self._accepted is not None:
                self._complete(self._accepted, change)
            case _:
                super().handle(output)

    def _complete(self, accepted: Accepted, change: StateChanged) -> None:
        """Says that it is done once nothing but the files is left: whoever is told looks at them at once."""

        def told(_: None) -> None:
            self._completing = False
            self._changed(change)

        self._completing = True
        self._work.run(lambda: self._leftovers.done(accepted), told)

    def give_up(self, reason: str) -> None:
        """See `TransferJob.give_up`."""
        if not self._completing:
            super().give_up(reason)

    def _saved(self) -> tuple[str, ...]:
        return self._saved_at

    def _progressed(self, stored: int) -> None:
        super()._progressed(stored)
        accepted, now = self._accepted, time.monotonic()
        if accepted is not None and now >= self._noted_at + NOTE_EVERY:
            self._noted_at = now
            self._work.run(lambda: self._leftovers.progressed(accepted, stored), lambda _: None)

    def _waits_for(self, seconds: float) -> str:
        if any(work is not None and work.oldest is not None for work in (self._storing, self._finishing)):
            return "writing to the disk takes long"
        return f"nothing has arrived for {seconds:.0f} s"

    def _let_go(self, code: str) -> None:
        self._room.end()
        accepted = self._accepted
        if accepted is None:
            return
        kept = code in _KEPT_AFTER
        if self.state is TransferState.DONE or kept:
            self._saved_at = accepted.files.saved(ITEMS_TOLD)
        if self.state is not TransferState.DONE:
            close = self._leftovers.keep if kept else self._leftovers.drop
            self._when_settled(lambda: close(accepted))

    # --- a disk that is too full

    def pause(self) -> None:
        """See `TransferJob.pause`."""
        super().pause()
        if self._room.watching:
            self._room.end()
            self._enter(TransferState.PAUSED, "paused by you")

    def resume(self) -> None:
        """See `TransferJob.resume`."""
        self._room.end()
        super().resume()

    def _still_to_come(self) -> int:
        return self.machine.wanted - self.machine.stored

    def _store(self, files: IncomingFiles, block: StoreBlock) -> bool:
        """Stores a block; on a thread."""
        try:
            return files.store_block(block.number, block.data, block.digest)
        except DiskFull as error:
            need, have = self._still_to_come(), landing.room(files.folder)
            if have >= need:  # not the disk is full, but what we may use of it: nothing here tells when that changes
                raise
            raise _NoRoom(landing.too_full(need, have), error.hint, reason=error.reason) from error

    def _block_failed(self, machine: IncomingTransfer, block: StoreBlock, error: TransferFailed) -> None:
        if not isinstance(error, DiskFull):
            machine.storage_failed(error.reason, error.message)
            return
        machine.disk_full(block.number, error.message)
        if self._accepted is None or not self.serves(machine) or self._paused or self._room.watching:
            return
        if isinstance(error, _NoRoom):
            self._room.begin(self._accepted.entry.folder, self._still_to_come)
        if self.state is TransferState.PAUSED:
            self._enter(TransferState.PAUSED, error.message)  # the peer had paused it before

    def _has_room(self) -> None:
        if self.state is TransferState.PAUSED and not self.detached and not self._paused:
            self._resume()
