"""Events of a link on their way to whoever uses it, each in a turn of the event loop of its own.

aiortc's callbacks run inside the code that reads packets, and an exception in one closes the connection without a word
to the peer. So nothing is told from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from p2pchat.rtc.link_events import LinkEvent, Opened

logger = logging.getLogger(__name__)


class Telling:
    """The events of one link, in order. Those that come before `begin` are kept.

    Args:
        on_event: called with each event.
        failed: called when `on_event` raised.
    """

    def __init__(self, on_event: Callable[[LinkEvent], None], failed: Callable[[], None]) -> None:
        self.on_event = on_event
        self._failed = failed
        self._events: deque[LinkEvent] = deque()
        self._begun = False
        self._loop = asyncio.get_running_loop()
        self._delivery: asyncio.Handle | None = None

    def __len__(self) -> int:
        """How many events have not been told yet."""
        return len(self._events)

    def tell(self, event: LinkEvent) -> None:
        """Tells an event after those that came before it."""
        self._events.append(event)
        self._schedule()

    def at_once(self, event: LinkEvent) -> None:
        """Tells an event that is not about what comes over the channels, whether they are open or not."""
        self._loop.call_soon(self.on_event, event)

    def begin(self, first: Opened | None = None) -> None:
        """Lets events out from now on; `first` comes before those that were kept."""
        self._begun = True
        if first is not None:
            self._events.appendleft(first)
        self._schedule()

    def _schedule(self) -> None:
        if self._begun and self._events and self._delivery is None:
            self._delivery = self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._delivery = None
        while self._events:
            event = self._events.popleft()
            try:
                self.on_event(event)
            except Exception:
                logger.exception("a link's event could not be handled")
                self._failed()
