"""When a running transfer has stalled: nothing more was confirmed for `STALL_SECONDS`.

    begin ──> grew ──> grew ──> (10 s of nothing) due: stalled ──> (10 s more) due: still ──> grew: it goes on ──> ...

`now` is in seconds of the caller's monotonic clock. There is no timer in here: call `due` at `deadline`.
"""

from __future__ import annotations

STALL_SECONDS = 10.0
"""Time without anything confirmed before the user is told, and between two times. Shorter pauses are common: a large
block on a slow path takes 5 s, a Wi-Fi roaming 3 s."""


class Stall:
    """Watches one transfer."""

    def __init__(self) -> None:
        self.stalled = False
        """Whether the user was told."""
        self._grew_at: float | None = None
        self._told_at = 0.0

    def begin(self, now: float) -> None:
        """The transfer runs (again)."""
        self.stalled = False
        self._grew_at = now

    def end(self) -> None:
        """It does not run any more."""
        self.stalled = False
        self._grew_at = None

    def grew(self, now: float) -> bool:
        """More was confirmed. Returns whether the user has to be told that it goes on."""
        if self._grew_at is None:
            return False
        self._grew_at = now
        was, self.stalled = self.stalled, False
        return was

    def deadline(self) -> float | None:
        """When to call `due`; None while the transfer does not run."""
        if self._grew_at is None:
            return None
        return (self._told_at if self.stalled else self._grew_at) + STALL_SECONDS

    def due(self, now: float) -> float | None:
        """Returns for how many seconds nothing was confirmed, if the user has to be told that now."""
        deadline = self.deadline()
        if deadline is None or self._grew_at is None or now < deadline:
            return None
        self.stalled = True
        self._told_at = now
        return now - self._grew_at
