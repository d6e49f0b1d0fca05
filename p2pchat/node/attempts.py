"""When another link to a peer is tried after one has failed or was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

RETRY_DELAYS = (0.3, 1.2, 2.7, 4.8, 7.0)
"""Seconds before each new attempt; after the last one the peer has failed."""


class Attempts:
    """The attempts at one link. At most one is waited for at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._made = 0
        self._timer: asyncio.TimerHandle | None = None

    def succeeded(self) -> None:
        """A link is there, or the peer came anew: counting begins again."""
        self._made = 0

    def again(self, attempt: Callable[[str], None], reason: str) -> bool:
        """Has `attempt` called with the reason after the next delay. Returns False when there were enough of them."""
        if self._made >= len(RETRY_DELAYS):
            return False
        self.after(RETRY_DELAYS[self._made], lambda: attempt(reason))
        self._made += 1
        return True

    def after(self, seconds: float, attempt: Callable[[], None]) -> None:
        """Has `attempt` called after a time of its own, which does not count."""
        self.cancel()

        def due() -> None:
            self._timer = None
            attempt()

        self._timer = self._loop.call_later(seconds, due)

    def cancel(self) -> None:
        """Waits for no attempt any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
