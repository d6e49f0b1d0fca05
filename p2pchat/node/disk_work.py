"""Blocking work for one transfer: on worker threads, small pieces together, and its results back on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

from p2pchat.errors import StorageFailed, TransferFailed

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

BATCH_BYTES = 1024 * 1024
"""File data in one piece of work: a thread is not changed for less, and two threads share what is more."""

BATCH_ITEMS = 64
"""The same as a number of items: a flushed file takes 5 ms on a slow disk, and others wait meanwhile."""

PIECES = 2
"""Pieces of work of one kind under way at once: one waits for the disk while the other hashes. What is asked for
meanwhile gathers, so that pieces grow with the load, and no thread is called for each of a thousand small files."""


class DiskWork:
    """What a transfer has under way on its disk.

    Args:
        pool: where it runs.
        drain: called on the loop after results were handed over.
    """

    def __init__(self, pool: Executor, drain: Callable[[], None]) -> None:
        self._pool = pool
        self._drain = drain
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, work: Callable[[], Result], done: Callable[[Result], None]) -> None:
        """Runs `work` on a thread, and then `done` with its result on the loop."""

        async def run() -> None:
            done(await self._loop.run_in_executor(self._pool, work))
            self._drain()

        self._spawn(run())

    def later(self, work: Coroutine[None, None, None]) -> None:
        """Runs a coroutine once everything is done that is under way now."""
        earlier = list(self._tasks)

        async def run() -> None:
            if earlier:
                await asyncio.wait(earlier)
            await work

        self._spawn(run())

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Waits until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)


class Batches(Generic[Item, Result]):
    """Gathers what is asked for while no thread is free for it, and does it in pieces of `BATCH_BYTES`.

    Args:
        work: where it runs.
        size: bytes of an item.
        do: does some items, on a thread; returns the result of each, or why it failed. See `one_by_one`.
        done: takes an item and its result, on the loop.
        failed: takes an item and why it failed, on the loop.
    """

    def __init__(
        self,
        work: DiskWork,
        size: Callable[[Item], int],
        do: Callable[[Sequence[Item]], Sequence[Result | TransferFailed]],
        done: Callable[[Item, Result], None],
        failed: Callable[[Item, TransferFailed], None],
    ) -> None:
        self._work = work
        self._size = size
        self._do = do
        self._done = done
        self._failed = failed
        self._waiting: deque[Item] = deque()
        self._running: list[list[Item]] = []

    @property
    def oldest(self) -> Item | None:
        """What was asked for first of all that is not done; None when everything is."""
        pieces = [*self._running, self._waiting]
        return next((item for piece in pieces for item in piece), None)

    def add(self, item: Item) -> None:
        """Asks for an item."""
        if not self._waiting and len(self._running) < PIECES:
            asyncio.get_running_loop().call_soon(self._start)
        self._waiting.append(item)

    def _start(self) -> None:
        while self._waiting and len(self._running) < PIECES:
            batch = [self._waiting.popleft()]
            size = self._size(batch[0])
            while self._waiting and len(batch) < BATCH_ITEMS:
                size += self._size(self._waiting[0])
                if size > BATCH_BYTES:
                    break
                batch.append(self._waiting.popleft())
            self._run(batch)

    def _run(self, batch: list[Item]) -> None:
        def done(outcomes: Sequence[Result | TransferFailed]) -> None:
            self._running = [piece for piece in self._running if piece is not batch]
            self._start()
            for item, outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, TransferFailed):
                    self._failed(item, outcome)
                else:
                    self._done(item, outcome)

        self._running.append(batch)
        self._work.run(lambda: self._outcomes(batch), done)

    def _outcomes(self, batch: list[Item]) -> Sequence[Result | TransferFailed]:
        try:
            return self._do(batch)
        except Exception as error:
            logger.exception("disk work failed in an unexpected way")
            return [StorageFailed(f"internal error: {type(error).__name__}")] * len(batch)


def one_by_one(do: Callable[[Item], Result]) -> Callable[[Sequence[Item]], list[Result | TransferFailed]]:
    """Makes of what does one item what `Batches` needs. Whatever fails leaves the others alone."""

    def outcome(item: Item) -> Result | TransferFailed:
        try:
            return do(item)
        except TransferFailed as error:
            return error
        except Exception as error:
            logger.exception("disk work failed in an unexpected way")
            return StorageFailed(f"internal error: {type(error).__name__}")

    return lambda batch: [outcome(item) for item in batch]
