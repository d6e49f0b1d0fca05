"""Taking part in one conversation without a screen: what plain mode and machine mode share.

    stdin ──> entered(line) ──> node          until `quit`, end of input, SIGTERM or Ctrl-C
    node  ──> told(event) ──> stdout          until the node has stopped

End of input does not leave at once: what was accepted for sending is sent first, as long as `linger` allows.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from p2pchat.cli.lines import Line
from p2pchat.errors import TimedOut
from p2pchat.node.api import NodeApi
from p2pchat.node.events import Event

if TYPE_CHECKING:
    # It imports cryptography, and this module is imported for `--help`.
    from p2pchat.cli.room_access import Access

LINGER_DEFAULT: Final = 10.0
"""Seconds that end of input waits for what is still being sent."""

LAST_EVENTS_SECONDS: Final = 2.0
"""Time for the events that a stopping node still tells."""


class FrontEnd(Protocol):
    """What a mode does with events and input lines. `now` is the event loop's clock, in seconds."""

    async def told(self, event: Event, now: float) -> None:
        """The node told an event."""

    async def entered(self, line: Line) -> bool:
        """A line of input; returns False to leave the conversation."""

    def deadline(self) -> float | None:
        """When `tick` is due; asked after each event and each tick."""

    def tick(self, now: float) -> None:
        """The deadline has come."""


async def converse(
    node: NodeApi, access: Access, front_end: FrontEnd, lines: AsyncIterator[Line], linger: float
) -> None:
    """Joins a conversation, takes part until somebody ends it, and leaves.

    Args:
        node: a node that is not started; it is stopped at the end, whatever happens.
        access: the room, and its secret if it has one.
        front_end: the mode.
        lines: the input.
        linger: how long end of input waits for what is still being sent, in seconds.

    Raises:
        TimedOut: the input ended, and not everything was delivered within `linger`.
        P2PChatError: the room could not be joined.
    """
    await node.start()
    begun = asyncio.Event()
    telling = asyncio.create_task(_tell(node.events(), front_end, begun))
    taking_part = asyncio.create_task(_take_part(node, access, front_end, lines, linger, begun))
    terminated = asyncio.Event()
    leaving = asyncio.create_task(terminated.wait())
    try:
        with _on_sigterm(terminated):
            done, _ = await asyncio.wait({telling, taking_part, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        taking_part.cancel()
        leaving.cancel()
        await asyncio.wait({taking_part, leaving})
        await node.stop()
        await asyncio.wait({telling}, timeout=LAST_EVENTS_SECONDS)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _take_part(
    node: NodeApi,
    access: Access,
    front_end: FrontEnd,
    lines: AsyncIterator[Line],
    linger: float,
    begun: asyncio.Event,
) -> None:
    await node.join(access.room, access.secret)
    await begun.wait()  # `ready` is told before anything that a line of input brings about
    async for line in lines:
        if not await front_end.entered(line):
            return
    if not await node.settle(linger):
        raise TimedOut(
            f"the input ended, and not everything was delivered within {linger:g} seconds",
            "give it longer with --linger SECONDS",
        )


async def _tell(events: AsyncIterator[Event], front_end: FrontEnd, begun: asyncio.Event) -> None:
    """Passes events on, and wakes the front end at its deadlines."""
    loop = asyncio.get_running_loop()
    upcoming = asyncio.create_task(_next(events))
    try:
        while True:
            due = front_end.deadline()
            await asyncio.wait({upcoming}, timeout=None if due is None else max(0.0, due - loop.time()))
            if due is not None and loop.time() >= due:
                front_end.tick(loop.time())
            if not upcoming.done():
                continue
            if (event := upcoming.result()) is None:
                return
            upcoming = asyncio.create_task(_next(events))
            await front_end.told(event, loop.time())
            begun.set()
    finally:
        upcoming.cancel()


async def _next(events: AsyncIterator[Event]) -> Event | None:
    return await anext(events, None)


@contextlib.contextmanager
def _on_sigterm(terminated: asyncio.Event) -> Iterator[None]:
    """Makes SIGTERM set an event, where the platform and the thread allow it."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
        loop.add_signal_handler(signal.SIGTERM, terminated.set)
    try:
        yield
    finally:
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            loop.remove_signal_handler(signal.SIGTERM)
