"""Alerts that wait to be seen: alerts and keys in, a banner in words and a flash out. Knows nothing of Textual.

Rules
    1. Alerts are counted until a key acknowledges them; never is one put beside another.
    2. A key within GRACE_SECONDS of the newest alert was on its way before anybody could read: it acknowledges nothing.
    3. Whoever is muted stands in the timeline, and nowhere else.
    4. There are FLASH_EVERY seconds at least between two flashes, however many ring: far from the three in a second
       that can bring on seizures (WCAG 2.2, 2.3.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

GRACE_SECONDS: Final = 0.5
"""How long keys do not acknowledge, in seconds: longer than between two keys of somebody who writes."""

FLASH_EVERY: Final = 3.0
"""Shortest time between two flashes, in seconds: that between two alerts of one peer."""

NAMED: Final = 3
"""Most people that the banner names: the others are a number, and the timeline has them all."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Somebody asks for attention."""

    peer: str
    label: str
    at: float
    """Unix seconds."""


class Alerts:
    """What waits, and who is muted."""

    def __init__(self) -> None:
        self.muted: set[str] = set()
        """Peers whose alerts make no banner, no flash, no bell and start nothing; by key tag."""
        self.count = 0
        """How many alerts were not acknowledged."""
        self._callers: dict[str, Alert] = {}
        self._newest = 0.0
        self._flashed_at: float | None = None

    def alerted(self, alert: Alert, now: float) -> bool:
        """Somebody rang; returns whether anything is to come of it.

        Args:
            alert: who, and when.
            now: seconds of a monotonic clock.
        """
        if alert.peer in self.muted:
            return False
        self.count += 1
        self._callers.pop(alert.peer, None)
        self._callers[alert.peer] = alert
        self._newest = now
        return True

    def key_pressed(self, now: float) -> bool:
        """A key was pressed, at this time of a monotonic clock; returns whether it acknowledged what waited."""
        if not self.count or now < self._newest + GRACE_SECONDS:
            return False
        self.put_away()
        return True

    def put_away(self) -> None:
        """The user has seen what waits."""
        self.count = 0
        self._callers.clear()

    def may_flash(self, now: float) -> bool:
        """Whether the screen may flash at this time of a monotonic clock. If it may, it is taken to do so."""
        if self._flashed_at is not None and now < self._flashed_at + FLASH_EVERY:
            return False
        self._flashed_at = now
        return True

    def renamed(self, was: str, peer: str) -> None:
        """A peer is called something else, and stays muted."""
        if was in self.muted:
            self.muted = self.muted - {was} | {peer}

    def words(self, time_of_day: Callable[[float], str]) -> str:
        """Who asks for attention, how often, since when, and what to do; empty while nothing waits.

        Args:
            time_of_day: unix seconds as they are shown.
        """
        if not self.count:
            return ""
        callers = list(self._callers.values())
        labels = [caller.label for caller in callers[:NAMED]]
        if len(callers) > NAMED:
            who = f"{', '.join(labels)} and {len(callers) - NAMED} more ask"
        elif len(labels) > 1:
            who = f"{', '.join(labels[:-1])} and {labels[-1]} ask"
        else:
            who = f"{labels[0]} asks"
        times = f" ({self.count} times)" if self.count > len(callers) else ""
        when = time_of_day(max(caller.at for caller in callers))
        return f"{who} for your attention{times} · {when} · Esc or any key puts it away"
