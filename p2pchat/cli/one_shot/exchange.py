"""One exchange of files with one other person, from the meeting to the last verified byte, as `send` and `receive` do.

    node   ──> told(event) ────┐
    stdin  ──> entered(line) ──┼──> a part, until it is done, fails, or takes too long to begin
    spool  ──> read(input) ────┘

What happens takes turns, so a part never has two things to do at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from p2pchat.cli.lines import Line
from p2pchat.cli.one_shot.part import Part
from p2pchat.cli.one_shot.standard_input import InputRead
from p2pchat.errors import P2PChatError, TimedOut
from p2pchat.node.api import NodeApi
from p2pchat.node.events import Event, PeerChanged, PeerState

FAREWELL_SECONDS: Final = 2.0
"""Time for the other side to hear that everything arrived, and to leave, before we do."""

WAITING: Final = 100
"""Events and lines that wait for a part; the node keeps what is beyond, and drops what is out of date."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A line of input; None at its end."""

    line: Line


News: TypeAlias = Event | Entered | InputRead


async def carry_out(
    node: NodeApi,
    part: Part,
    *,
    seconds: float | None,
    lines: AsyncIterator[Line] | None = None,
    spooling: AsyncIterator[InputRead] | None = None,
    farewell: bool = False,
) -> None:
    """Plays a part from beginning to end.

    Args:
        node: a node that is not started; it is stopped at the end, whatever happens.
        part: what to do.
        seconds: how long to wait for the other person; None for as long as it takes. Once that one is there, and has
            something to get ready first, it has `Part.patience`.
        lines: the input, where somebody can be asked.
        spooling: the input, where it is what is sent.
        farewell: whether to let the other side leave first.

    Raises:
        TimedOut: nobody came in time.
        P2PChatError: what ended the exchange without success.
    """
    await node.start()
    news = _news(node.events(), lines, spooling)
    try:
        async with asyncio.timeout(seconds) as limit:
            await part.begin()
            async for item in news:
                had = part.peer
                await _hand_over(item, part)
                if part.done:
                    break
                if part.met:
                    limit.reschedule(None)
                elif had is None and part.peer is not None and seconds is not None:
                    limit.reschedule(asyncio.get_running_loop().time() + max(seconds, part.patience))
        if farewell:
            await _let_go(news)
    except TimeoutError:
        if not limit.expired():
            raise
        raise _timed_out(part, seconds or 0.0) from None
    except asyncio.CancelledError:
        await part.abandon()
        raise
    finally:
        await part.close()
        await news.aclose()
        await node.stop()


async def _hand_over(item: News, part: Part) -> None:
    match item:
        case Entered(line):
            await part.entered(line)
        case InputRead():
            await part.read(item)
        case _:
            await part.told(item)


def _timed_out(part: Part, seconds: float) -> TimedOut:
    if part.peer is None:
        return TimedOut(f"nobody came within {seconds:g} seconds", "try again with a longer --timeout")
    waited = max(seconds, part.patience)
    return TimedOut(f"nothing was offered within {waited:g} seconds", "try again with a longer --patience")


async def _let_go(news: AsyncIterator[News]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL_SECONDS):
            async for item in news:
                if isinstance(item, PeerChanged) and item.info.state is not PeerState.CONNECTED:
                    return


async def _news(
    events: AsyncIterator[Event], lines: AsyncIterator[Line] | None, spooling: AsyncIterator[InputRead] | None
) -> AsyncGenerator[News, None]:
    """Yields what happens in the order in which it does, until the events end.

    Raises:
        P2PChatError: what the spooling raised.
    """
    waiting: asyncio.Queue[News | P2PChatError | None] = asyncio.Queue(WAITING)

    async def pass_events() -> None:
        async for event in events:
            await waiting.put(event)
        await waiting.put(None)

    async def pass_lines(lines: AsyncIterator[Line]) -> None:
        async for line in lines:
            await waiting.put(Entered(line))
        await waiting.put(Entered(None))

    async def pass_input(spooling: AsyncIterator[InputRead]) -> None:
        try:
            async for item in spooling:
                await waiting.put(item)
        except P2PChatError as error:
            await waiting.put(error)

    tasks = [asyncio.create_task(pass_events())]
    if lines is not None:
        tasks.append(asyncio.create_task(pass_lines(lines)))
    if spooling is not None:
        tasks.append(asyncio.create_task(pass_input(spooling)))
    try:
        while (item := await waiting.get()) is not None:
            if isinstance(item, P2PChatError):
                raise item
            yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
