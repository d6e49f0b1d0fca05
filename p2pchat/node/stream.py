"""The stream of events from a node to its front end.

Events that only bring an older one up to date (a live line, progress, a measured round trip) replace it while it still
waits: a front end that is stopped, or slower than the network, finds the present and not a heap of the past. All other
events are kept, in order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable

from p2pchat.node.events import (
    Event,
    LineState,
    LiveTextChanged,
    LiveTextSent,
    LiveTextShown,
    PeerMeasured,
    TransferProgressed,
)


class EventStream:
    """One producer and one consumer on the same event loop.

    Args:
        on_taken: told each event as the consumer takes it.
    """

    def __init__(self, on_taken: Callable[[Event], None] = lambda event: None) -> None:
        self._on_taken = on_taken
        self._waiting: deque[list[Event]] = deque()
        self._replaceable: dict[Hashable, list[Event]] = {}
        self._news = asyncio.Event()
        self._ended = False

    def tell(self, event: Event) -> None:
        """Appends an event, or replaces the waiting one that it brings up to date."""
        key = _subject(event)
        if key is not None and (slot := self._replaceable.get(key)) is not None:
            slot[0] = event
            return
        slot = [event]
        self._waiting.append(slot)
        if key is not None:
            self._replaceable[key] = slot
        else:
            # Nothing may overtake this event: what comes later gets a place behind it.
            self._replaceable.clear()
        self._news.set()

    def end(self) -> None:
        """No event follows."""
        self._ended = True
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            while self._waiting:
                (event,) = self._waiting.popleft()
                if (key := _subject(event)) is not None:
                    self._replaceable.pop(key, None)
                self._on_taken(event)
                yield event
            if self._ended:
                return
            self._news.clear()
            await self._news.wait()


def _subject(event: Event) -> Hashable:
    """What an event is about, when a later one about the same may take its place; None when it may not."""
    match event:
        case LiveTextChanged(state=LineState.LIVE):
            return ("line", event.conversation, event.peer, event.line)
        case TransferProgressed():
            return ("progress", event.transfer)
        case LiveTextShown():
            return ("shown", event.conversation, event.peer)
        case LiveTextSent():
            return ("sent", event.conversation, event.peer)
        case PeerMeasured():
            return ("measured", event.conversation, event.peer)
        case _:
            return None
