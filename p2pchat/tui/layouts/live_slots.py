"""Which lines that are being typed are on the screen: few, and always in the same place. Knows nothing of Textual.

Rules
    1. A line keeps its place for as long as it is typed. Others come below it.
    2. There are at most as many as fit. One who begins while all places are taken gets that of somebody who has rested,
       and is counted until then: whoever follows a line must not lose it to somebody quicker.
    3. Who has erased everything keeps the place, empty, until a pause: the rest of the screen must not jump while
       somebody types. A line that was finished leaves at once, because it goes into the timeline in the same moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from p2pchat.tui.rows import LiveRow

LIVE_ROWS: Final = 4
"""Most peers whose typing is shown at once: more than four moving lines nobody follows."""

PAUSE_SECONDS: Final = 2.0
"""So long nobody has typed, in seconds, when space that is not needed any more is given back."""

RESTED_SECONDS: Final = 5.0
"""Who has typed nothing for so long, in seconds, makes place for somebody who types."""


class LiveSlots:
    """The lines that are shown."""

    def __init__(self) -> None:
        self.shown: dict[str, LiveRow] = {}
        """By key, in the order in which they came on the screen, at most `LIVE_ROWS`. An empty text is that of somebody
        who has erased everything."""
        self.more = 0
        """How many type besides."""
        self.paused = True
        """Whether nobody has typed for a while."""
        self._before: dict[str, str] = {}
        self._changed_at = float("-inf")

    def follow(self, live: Mapping[str, LiveRow], ended: Callable[[str], bool], height: int, now: float) -> None:
        """What is typed reads so now.

        Args:
            live: the lines, oldest first, each under a key of its own.
            ended: whether the line of a key, which is not there any more, is in the timeline now.
            height: the lines of the screen that there are for all of them together.
            now: seconds of a monotonic clock.
        """
        typed = {key: row.text for key, row in live.items()}
        if typed != self._before:
            self._before, self._changed_at = typed, now
        self.paused = now >= self._changed_at + PAUSE_SECONDS
        kept: dict[str, LiveRow] = {}
        for key, row in self.shown.items():
            if key in live:
                kept[key] = live[key]
            elif not (self.paused or ended(key)):
                kept[key] = replace(row, text="", interrupted_at=None)
        waiting = [key for key in live if key not in kept]
        places = max(1, min(LIVE_ROWS, height if len(kept) + len(waiting) <= height else height - 1))
        while len(kept) > places:
            del kept[_first_to_go(kept)]
        for key in waiting:
            if len(kept) < places:
                kept[key] = live[key]
            elif now < live[key].changed_at + RESTED_SECONDS:
                rested = _first_to_go(kept)
                if not kept[rested].text or now >= kept[rested].changed_at + RESTED_SECONDS:
                    kept = {key if old == rested else old: live[key] if old == rested else kept[old] for old in kept}
        self.shown, self.more = kept, len(live.keys() - kept.keys())


def _first_to_go(rows: Mapping[str, LiveRow]) -> str:
    """The key of the line that has to make way first: an empty one, then the one that has rested longest."""
    return min(rows, key=lambda key: (bool(rows[key].text), rows[key].changed_at))
