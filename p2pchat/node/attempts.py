"""When another link to a peer is tried after one has failed or was lost.

    soon: 0, 0.3, 1.2, 2.7, 4.8, 7 s after each failure ──> rarely: 7 to 30 s after each, for as long as it is wanted

Each time is lengthened at random, so that the two sides do not begin together, nor all peers of a machine.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

RETRY_DELAYS = (0.0, 0.3, 1.2, 2.7, 4.8, 7.0)
"""Seconds before each new attempt, growing with the square; after the last one the peer has failed."""

RARE_DELAYS = (7.0, 30.0)
"""Between these, at random, is the time before each further attempt: 0.1 of them a second cost nothing, and whoever
comes back after an hour is met within half a minute."""

JITTER = 0.25
"""Each delay is longer by up to this part of it."""

JITTER_SECONDS = 0.1
"""And by up to so much: ten times what a signal takes on a LAN, so that one side's offer mostly comes first."""

LIMITS = (5.0, 5.0, 7.0, 10.0)
"""Seconds for each attempt to replace a link, then the link's own limit. Checks of ICE are repeated after 0.5, 1, 2 and
4 s (RFC 8489 §6.2.1): a path that comes back is found sooner by a new attempt than by waiting for the next repetition.
A path with a round trip of 0.6 s needs 4 s."""


class Attempts:
    """The attempts at one link. At most one is waited for at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._made = 0
        self._timer: asyncio.TimerHandle | None = None

    def succeeded(self) -> None:
        """A link is there, or the peer came anew: counting begins again."""
        self._made = 0

    @property
    def limit(self) -> float | None:
        """Seconds that the next attempt may take; None for as long as a link takes by itself."""
        return LIMITS[self._made] if self._made < len(LIMITS) else None

    @property
    def rare(self) -> bool:
        """Whether there were so many that the next ones are made rarely."""
        return self._made > len(RETRY_DELAYS)

    def again(self, attempt: Callable[[], None]) -> float:
        """Has `attempt` called after the next delay; returns how many seconds that is."""
        soon = self._made < len(RETRY_DELAYS)
        least, most = (RETRY_DELAYS[self._made],) * 2 if soon else RARE_DELAYS
        delay = random.uniform(least, most)
        delay += random.random() * (JITTER * delay + JITTER_SECONDS) if soon else 0.0
        self._made += 1
        self.after(delay, attempt)
        return delay

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
