"""A link in a test, what it has told, and two of them that pass on each other's candidates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from p2pchat.rtc import ice
from p2pchat.rtc.link import Link
from p2pchat.rtc.link_events import Gathered, LinkEvent, Opened

E = TypeVar("E")
HOST_ONLY = ice.configuration((), relay_only=False)


class TricklingEnd:
    """A link whose candidates go to another one, as a signaling server would pass them on."""

    def __init__(self, configuration: ice.Configuration = HOST_ONLY) -> None:
        self.told: list[LinkEvent] = []
        self.sent: list[str] = []
        """Descriptions and candidates, as they left."""
        self.other: TricklingEnd | None = None
        self._news = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()
        self.link = Link(configuration, self._take)

    def _take(self, event: LinkEvent) -> None:
        self.told.append(event)
        self._news.set()
        if isinstance(event, Gathered):
            self.sent += event.candidates
            if event.candidates:
                self._pass_on(event.candidates)
            if event.last:
                self._pass_on(())

    def _pass_on(self, candidates: tuple[str, ...]) -> None:
        if self.other is not None:
            task = asyncio.create_task(self.other.link.use_candidates(candidates))
            self._work.add(task)
            task.add_done_callback(self._work.discard)

    async def until(self, kind: type[E], matches: Callable[[E], bool] = lambda event: True) -> E:
        """Waits for an event, also one that was told already."""
        async with asyncio.timeout(30):
            while True:
                self._news.clear()
                for event in self.told:
                    if isinstance(event, kind) and matches(event):
                        return event
                await self._news.wait()

    async def offers(self, other: TricklingEnd) -> None:
        """Has this end offer, and the other answer."""
        self.other, other.other = other, self
        offer = await self.link.offer()
        self.sent.append(offer)
        answer = await other.link.answer(offer)
        other.sent.append(answer)
        await self.link.accept_answer(answer)


async def connected(ana: TricklingEnd, ben: TricklingEnd) -> tuple[Opened, Opened]:
    """Connects two ends, of which the first offers."""
    await ana.offers(ben)
    return await ana.until(Opened), await ben.until(Opened)


async def closed(*ends: TricklingEnd) -> None:
    """Closes ends."""
    await asyncio.gather(*(end.link.close("done") for end in ends))
