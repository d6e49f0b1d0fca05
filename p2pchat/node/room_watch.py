"""Looks now and then whether a disk that was too full has room again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from p2pchat.node.disk_work import DiskWork
from p2pchat.store import landing

LOOK_EVERY = 2.0
"""Seconds between two looks: who has made room sees it go on at once, and asking the system costs nothing."""


class RoomWatch:
    """Watches for one transfer.

    Args:
        work: where the looking is done.
        enough: called on the loop when there is as much room as is needed.
    """

    def __init__(self, work: DiskWork, enough: Callable[[], None]) -> None:
        self._work = work
        self._enough = enough
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.watching = False

    def begin(self, folder: Path, need: Callable[[], int]) -> None:
        """Looks from now on; nothing if it does already. `need` says how many bytes are to come."""
        if not self.watching:
            self.watching = True
            self._wait(folder, need)

    def end(self) -> None:
        """Looks no more."""
        self.watching = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, folder: Path, need: Callable[[], int]) -> None:
        def looked(have: int) -> None:
            if not self.watching or self._timer is not None:
                return
            if have >= need():
                self.watching = False
                self._enough()
            else:
                self._wait(folder, need)

        def due() -> None:
            self._timer = None
            self._work.run(lambda: landing.room(folder), looked)

        self._timer = self._loop.call_later(LOOK_EVERY, due)
