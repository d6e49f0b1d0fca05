"""A transfer that a peer offered us."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from p2pchat.errors import DiskFull, TransferFailed, UsageError
from p2pchat.node.disk_work import Batches
from p2pchat.node.events import Direction, Event, TransferOffered, TransferState
from p2pchat.node.transfer_job import ITEMS_TOLD, TransferJob
from p2pchat.protocol.transfer.exchange import TransferOutput
from p2pchat.protocol.transfer.incoming import IncomingTransfer
from p2pchat.protocol.transfer.lifecycle import FinishFile, StoreBlock
from p2pchat.store.incoming import IfExists, IncomingFiles
from p2pchat.store.journal import resumable

if TYPE_CHECKING:
    from p2pchat.node.peer import Peer

_KEPT_AFTER: Final = frozenset({"no-connection", "disk", "permission", "transfer-failed"})
"""Why a transfer may fail so that what it has received is of use when the same is offered again."""

FINISH_SIZE: Final = 64 * 1024
"""What flushing and naming a file counts as, among pieces of work: as long as writing so much."""


class ReceiveJob(TransferJob):
    """Files that come from one peer; see `TransferJob` for the arguments."""

    direction = Direction.RECEIVE

    def __init__(
        self,
        id_: str,
        peer: Peer,
        machine: IncomingTransfer,
        *,
        pool: Executor,
        tell: Callable[[Event], None],
    ) -> None:
        super().__init__(id_, peer, machine, pool=pool, tell=tell)
        self.machine = machine
        self._files: IncomingFiles | None = None
        self._offer_told = False
        self._accepting = False
        self._saved_at: tuple[str, ...] = ()
        self._storing: Batches[StoreBlock, bool] | None = None
        self._finishing: Batches[int, None] | None = None

    def look(self, downloads: Path) -> None:
        """Finds out how much of it is there already, and tells the front end of the offer."""

        def found(stored: int) -> None:
            self._resumable = stored
            self._tell_offer()

        self._work.run(lambda: resumable(downloads, self.peer.key or b"", self.manifest), found)

    def _tell_offer(self) -> None:
        if not self._offer_told:
            self._offer_told = True
            self._tell(TransferOffered(self.info(), time.time()))

    async def accept(self, folder: Path, if_exists: IfExists) -> None:
        """Gets the disk ready and accepts the offer.

        Raises:
            UsageError: it does not wait for an answer.
            StorageFailed: the files do not fit, or may not be written there. The offer still waits.
        """
        if self.state is not TransferState.WAITING or self._accepting or self._files is not None:
            raise UsageError("this transfer does not wait to be accepted")
        self._accepting = True
        key = self.peer.key or b""
        try:
            files = await self._loop.run_in_executor(
                self._pool, lambda: IncomingFiles(folder, self.manifest, self.id, key, if_exists)
            )
        finally:
            self._accepting = False
        self._files = files
        if self.state.final:
            self._let_go("")
        elif not self.detached:
            await self._start(files)

    def decline(self, reason: str) -> None:
        """Our user does not want the files.

        Raises:
            UsageError: it does not wait for an answer.
        """
        if self.state is not TransferState.WAITING or self._files is not None:
            raise UsageError("this transfer does not wait to be accepted")
        if self.detached:
            self._end(TransferState.DECLINED, reason or "declined by you")
            return
        self.machine.decline(reason)
        self.peer.drain()

    def comes_again(self, peer: Peer, machine: IncomingTransfer) -> None:
        """The peer offers the same again: goes on, or says once more how it has ended."""
        match self.state:
            case TransferState.DONE:
                machine.accept(time.monotonic(), bytes([1]) * len(self.manifest.entries))
            case TransferState.DECLINED | TransferState.CANCELLED:
                machine.cancel(reason=self._reason)
            case _:
                self._attach(peer, machine)
                self.machine = machine
                if self._files is not None:
                    self._work.later(self._start(self._files))
        peer.drain()

    async def _start(self, files: IncomingFiles) -> None:
        """Accepts the offer. To be called once what an earlier link brought is on the disk."""
        machine = self.machine
        kept = await self._loop.run_in_executor(self._pool, files.kept)
        self._storing = Batches(
            self._work,
            size=lambda block: len(block.data),
            do=lambda block: files.store_block(block.number, block.data, block.digest),
            done=lambda block, good: machine.block_stored(block.number) if good else machine.block_bad(block.number),
            failed=lambda block, error: _block_failed(machine, block, error),
        )
        self._finishing = Batches(
            self._work,
            size=lambda file: FINISH_SIZE,
            do=files.finish_file,
            done=lambda file, _: machine.file_finished(file),
            failed=lambda file, error: machine.storage_failed(error.reason, error.message),
        )
        machine.accept(time.monotonic(), kept.finished, kept.check)
        self.peer.drain()

    @property
    def settled(self) -> bool:
        """See `TransferJob.settled`."""
        return self.state.final or (self.state is TransferState.WAITING and self._files is None)

    def handle(self, output: TransferOutput) -> None:
        """Does what the machine asks for, or tells what it tells."""
        self._tell_offer()  # before anything else is told of it, even if it has ended by now
        match output.output:
            case StoreBlock() as block if self._storing is not None:
                self._storing.add(block)
            case FinishFile(_, file) if self._finishing is not None:
                self._finishing.add(file)
            case _:
                super().handle(output)

    def _saved(self) -> tuple[str, ...]:
        return self._saved_at

    def _let_go(self, code: str) -> None:
        files = self._files
        if files is None:
            return
        if self.state is TransferState.DONE or code in _KEPT_AFTER:
            self._saved_at = files.saved(ITEMS_TOLD)
            self._when_settled(files.close)
        else:
            self._when_settled(files.discard)


def _block_failed(machine: IncomingTransfer, block: StoreBlock, error: TransferFailed) -> None:
    if isinstance(error, DiskFull):
        machine.disk_full(block.number, error.message)
    else:
        machine.storage_failed(error.reason, error.message)
