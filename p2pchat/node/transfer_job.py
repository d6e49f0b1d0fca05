"""One transfer with one peer: its machine, the disk work that the machine asks for, and what the front end is told.

The machine runs on the event loop; reading, hashing, writing and syncing run on worker threads, and their results come
back to the loop. What was under way when the transfer ended is waited for before the files are let go.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from p2pchat.errors import StorageFailed, TransferFailed, UsageError
from p2pchat.node.events import (
    Direction,
    Event,
    Item,
    TransferChanged,
    TransferInfo,
    TransferOffered,
    TransferProgressed,
    TransferState,
)
from p2pchat.protocol.transfer.exchange import Offered, OfferRefused, TransferOutput
from p2pchat.protocol.transfer.incoming import IncomingTransfer
from p2pchat.protocol.transfer.lifecycle import Confirmed, FinishFile, ReadBlock, StateChanged, StoreBlock
from p2pchat.protocol.transfer.outgoing import OutgoingTransfer
from p2pchat.protocol.untrusted import safe_line
from p2pchat.store.incoming import IncomingFiles
from p2pchat.store.outgoing import Source

if TYPE_CHECKING:
    from p2pchat.node.peer import Peer

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

PROGRESS_EVERY = 0.2
"""Seconds between two `TransferProgressed` events: five a second look fluent, and cost a slow terminal little."""

RATE_SECONDS = 3.0
"""Time over which the rate is taken: a display that jumps cannot be read."""

ITEMS_TOLD = 100
"""Files of an offer that a front end is told by name."""

PATH_CHARACTERS = 300
"""Longest path shown; the middle of a longer one helps nobody."""


class Rate:
    """Bytes per second over the last `RATE_SECONDS`."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque()

    def count(self, total: int, now: float) -> float:
        """Notes that `total` bytes are done at `now`; returns the rate."""
        self._counts.append((now, total))
        while len(self._counts) > 2 and now - self._counts[1][0] >= RATE_SECONDS:
            self._counts.popleft()
        since, before = self._counts[0]
        return (total - before) / (now - since) if now > since else 0.0


class TransferJob:
    """One transfer.

    Args:
        id_: its id in this node.
        peer: whom it is with.
        conversation: where.
        machine: the end of the transfer that is ours.
        source: what is sent; None for a transfer that is received.
        pool: where blocking work runs.
        tell: takes events for the front end.
    """

    def __init__(
        self,
        id_: str,
        peer: Peer,
        conversation: str,
        machine: OutgoingTransfer | IncomingTransfer,
        *,
        source: Source | None,
        pool: Executor,
        tell: Callable[[Event], None],
    ) -> None:
        self.id = id_
        self.machine = machine
        self.direction = Direction.RECEIVE if source is None else Direction.SEND
        self.state = TransferState.WAITING
        self.peer = peer
        self._conversation = conversation
        self._source = source
        self._files: IncomingFiles | None = None
        self._accepting = False
        self._pool = pool
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._work: set[asyncio.Task[None]] = set()
        self._reason = ""
        self._ended_at: float | None = None
        self._rate = Rate()
        self._bytes_per_second = 0.0
        self._told_at = 0.0
        self._trailing: asyncio.TimerHandle | None = None
        self._items = tuple(
            Item(safe_line(entry.path, PATH_CHARACTERS), entry.size, entry.folder)
            for entry in machine.manifest.entries[:ITEMS_TOLD]
        )
        if source is not None:
            self._tell(TransferChanged(self.info(), time.time()))

    def info(self) -> TransferInfo:
        """The transfer as it stands."""
        machine = self.machine
        until = self._ended_at if self._ended_at is not None else time.monotonic()
        return TransferInfo(
            transfer=self.id,
            conversation=self._conversation,
            peer=self.peer.info.peer,
            name=self.peer.info.name,
            direction=self.direction,
            state=self.state,
            files=len(machine.manifest.files),
            total=machine.manifest.total,
            items=self._items,
            confirmed=machine.stored,
            rate=self._bytes_per_second if self.state is TransferState.ACTIVE else 0.0,
            seconds=until - machine.accepted_at if machine.accepted_at is not None else 0.0,
            reason=self._reason,
            saved=machine.saved if isinstance(machine, IncomingTransfer) else (),
        )

    async def accept(self, folder: Path) -> None:
        """Gets the disk ready and accepts the offer.

        Raises:
            UsageError: it is not an offer to us that waits for an answer.
            StorageFailed: the files do not fit, or may not be written there. The offer still waits.
        """
        machine = self.machine
        if not isinstance(machine, IncomingTransfer) or self.state is not TransferState.WAITING or self._accepting:
            raise UsageError("this transfer does not wait to be accepted")
        self._accepting = True
        try:
            files = await self._loop.run_in_executor(self._pool, IncomingFiles, folder, machine.manifest, self.id)
        finally:
            self._accepting = False
        self._files = files
        if self.state.final:
            self._let_go()
            return
        machine.accept(time.monotonic())
        self.peer.drain()

    @property
    def settled(self) -> bool:
        """Whether nothing more is to come, or it is an offer to us that we have not accepted."""
        return self.state.final or (self.direction is Direction.RECEIVE and self.state is TransferState.WAITING)

    async def settle(self) -> None:
        """Waits for the disk work that is under way."""
        while self._work:
            await asyncio.wait(self._work)

    def handle(self, output: TransferOutput) -> None:
        """Does what the machine asks for, or tells what it tells."""
        machine = self.machine
        match output.output:
            case Offered():
                self._tell(TransferOffered(self.info(), time.time()))
            case StateChanged() as change:
                self._changed(change)
            case Confirmed(stored):
                self._progressed(stored)
            case ReadBlock() as block if isinstance(machine, OutgoingTransfer) and self._source is not None:
                self._read(machine, self._source, block)
            case StoreBlock() as block if isinstance(machine, IncomingTransfer) and self._files is not None:
                self._store(machine, self._files, block)
            case FinishFile(_, file) if isinstance(machine, IncomingTransfer) and self._files is not None:
                self._finish(machine, self._files, file)
            case OfferRefused():
                logger.error("a refused offer has no job")

    # --- the disk

    def _read(self, machine: OutgoingTransfer, source: Source, block: ReadBlock) -> None:
        def read(result: tuple[bytes, bytes]) -> None:
            machine.block_read(block.file, block.index, *result)

        def failed(error: TransferFailed) -> None:
            self._reason = error.message
            machine.read_failed(error.reason, error.message)

        self._on_disk(lambda: source.read_block(block.file, block.offset, block.length), read, failed)

    def _store(self, machine: IncomingTransfer, files: IncomingFiles, block: StoreBlock) -> None:
        def stored(matches: bool) -> None:
            if matches:
                machine.block_stored(block.file, block.index)
            else:
                machine.block_bad(block.file, block.index)

        def failed(error: TransferFailed) -> None:
            machine.storage_failed(error.reason, error.message)

        self._on_disk(lambda: files.store_block(block.file, block.offset, block.data, block.digest), stored, failed)

    def _finish(self, machine: IncomingTransfer, files: IncomingFiles, file: int) -> None:
        def finished(path: Path) -> None:
            machine.file_finished(file, str(path))

        def failed(error: TransferFailed) -> None:
            machine.storage_failed(error.reason, error.message)

        self._on_disk(lambda: files.finish_file(file), finished, failed)

    def _on_disk(
        self,
        work: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[TransferFailed], None],
    ) -> None:
        async def run() -> None:
            try:
                result = await self._loop.run_in_executor(self._pool, work)
            except TransferFailed as error:
                failed(error)
            except Exception as error:
                logger.exception("disk work failed in an unexpected way")
                failed(StorageFailed(f"internal error: {type(error).__name__}"))
            else:
                done(result)
            self.peer.drain()

        self._spawn(run())

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _let_go(self) -> None:
        """Closes files once no work on them is under way; what is not complete is removed."""
        others = list(self._work)
        source, files, done = self._source, self._files, self.state is TransferState.DONE

        def close() -> None:
            if source is not None:
                source.close()
            if files is not None:
                if done:
                    files.close()
                else:
                    files.discard()

        async def run() -> None:
            if others:
                await asyncio.wait(others)
            await self._loop.run_in_executor(self._pool, close)

        self._spawn(run())

    # --- what is told

    def _changed(self, change: StateChanged) -> None:
        self.state = TransferState(change.state.value)
        self._reason = safe_line(change.reason) or self._default_reason(change)
        if self.state is TransferState.ACTIVE:
            self._rate = Rate()
            self._rate.count(self.machine.stored, time.monotonic())
        if self.state.final:
            self._ended_at = time.monotonic()
            if self._trailing is not None:
                self._trailing.cancel()
            self._let_go()
        self._tell(TransferChanged(self.info(), time.time()))

    def _default_reason(self, change: StateChanged) -> str:
        who = self.peer.info.name if change.by_peer else "you"
        match self.state:
            case TransferState.PAUSED | TransferState.DECLINED | TransferState.CANCELLED:
                return f"{self.state.value} by {who}"
            case _:
                return ""

    def _progressed(self, stored: int) -> None:
        now = time.monotonic()
        self._bytes_per_second = self._rate.count(stored, now)
        if self._trailing is not None:
            return
        wait = self._told_at + PROGRESS_EVERY - now
        if wait <= 0:
            self._tell_progress()
        else:
            self._trailing = self._loop.call_later(wait, self._tell_progress)

    def _tell_progress(self) -> None:
        self._trailing = None
        self._told_at = time.monotonic()
        total = self.machine.manifest.total
        self._tell(
            TransferProgressed(self.id, self.direction, self.machine.stored, total, self._bytes_per_second, time.time())
        )
