"""What a process has in memory, read from /proc while it works (Linux)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

SAMPLE_SECONDS = 0.2
"""Time between two looks. The kernel keeps the peak of RSS meanwhile, so none of it is missed."""

SETTLE_SECONDS = 3.0
"""Time for a program to come to rest before its idle memory is taken."""


class Memory:
    """The memory of one process, in bytes.

    RSS counts pages that are shared with other processes in full, PSS each sharer's part of them.
    """

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")
        self.idle_rss = 0
        """As it was after `settle`; 0 when that was not called."""
        self.idle_pss = 0
        self.peak_rss = 0
        self.peak_pss = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def watching(cls, pid: int, watched: bool = True) -> AsyncIterator[Self]:
        """Looks at a process until the block ends; with `watched=False`, does nothing."""
        memory = cls(pid)
        task = asyncio.create_task(memory._watch()) if watched else None
        try:
            yield memory
        finally:
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    async def settle(self) -> None:
        """The process does nothing now: what it has is what it needs for that, and its peak counts from here."""
        await asyncio.sleep(SETTLE_SECONDS)
        self._folder.joinpath("clear_refs").write_text("5")  # proc(5): resets the peak
        self.peak_rss = self.peak_pss = 0
        self._look()
        self.idle_rss, self.idle_pss = self.peak_rss, self.peak_pss

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(OSError):  # it has ended
                self._look()
            await asyncio.sleep(SAMPLE_SECONDS)

    def _look(self) -> None:
        self.peak_rss = max(self.peak_rss, self._field("status", "VmHWM"))
        self.peak_pss = max(self.peak_pss, self._field("smaps_rollup", "Pss"))

    def _field(self, file: str, name: str) -> int:
        """Returns a figure that /proc gives in KiB; 0 when the kernel does not know it, or the process has ended."""
        for line in self._folder.joinpath(file).read_text().splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return int(value.split()[0]) * 1024
        return 0
