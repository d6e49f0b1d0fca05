"""One exchange of files with one other person, from the code to the last verified byte, as `send` and `receive` do.

    node  ──> told(event) ────┐
                              ├──> a part, until it is done, fails, or takes too long to begin
    stdin ──> entered(line) ──┘

Events and input take turns, so a part never has two things to do at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from p2pchat.cli import wording
from p2pchat.cli.lines import Line
from p2pchat.cli.telling import Teller
from p2pchat.errors import (
    IdentityError,
    NoConnection,
    P2PChatError,
    PeerUnreachable,
    ServerRefused,
    ServerUnreachable,
    TimedOut,
    TransferFailed,
    TurnedDown,
)
from p2pchat.node.api import NodeApi
from p2pchat.node.events import (
    CODE_SPENT,
    Event,
    PeerChanged,
    PeerInfo,
    PeerState,
    Problem,
    TransferInfo,
    TransferState,
)

FAREWELL_SECONDS: Final = 2.0
"""Time for the other side to hear that everything arrived, and to leave, before we do."""

WAITING: Final = 100
"""Events and lines that wait for a part; the node keeps what is beyond, and drops what is out of date."""


class WrongCode(IdentityError):
    """The words of the code were not those of the other side."""

    code = "wrong-code"


class ChangedKey(IdentityError):
    """Somebody has the name of a contact and another key, or is blocked."""

    code = "changed-key"


@dataclass(frozen=True, slots=True)
class Entered:
    """A line of input; None at its end."""

    line: Line


News: TypeAlias = Event | Entered


class Part(ABC):
    """What sending and receiving have in common. Errors that are raised end the exchange.

    Args:
        node: a node that is not started.
        teller: takes what there is to tell.
    """

    def __init__(self, node: NodeApi, teller: Teller) -> None:
        self._node = node
        self._teller = teller
        self._transfer = ""
        """The id of the transfer, once there is one that has not ended."""
        self.peer: PeerInfo | None = None
        """The other side, once it has been connected."""
        self.met = False
        """Whether the waiting is over."""
        self.done = False

    @abstractmethod
    async def begin(self) -> None:
        """The node is started: go to the meeting."""

    @abstractmethod
    async def told(self, event: Event) -> None:
        """The node told an event."""

    async def entered(self, line: Line) -> None:  # noqa: B027
        """A line of input, or its end; nothing to do for a part that asks nobody."""

    async def abandon(self) -> None:
        """The user wants to leave: the other side is told that nothing more comes."""
        if self._transfer:
            with contextlib.suppress(P2PChatError):
                await self._node.cancel(self._transfer)

    def _connected_or_lost(self, event: PeerChanged) -> bool:
        """Notes how the other side stands. Returns whether it is connected for the first time.

        Raises:
            PeerUnreachable: no connection came about, or it is gone, while no transfer is open that says more.
        """
        info = event.info
        match info.state:
            case PeerState.CONNECTED if self.peer is None:
                self.peer = info
                self._teller.say(f"{wording.tagged(info)} connected{_way(info)}. Words match. {wording.trust(info)}.")
                return True
            case PeerState.FAILED | PeerState.LEFT | PeerState.LOST if not self.done:
                if self._transfer and info.state is not PeerState.FAILED:
                    # The end of the transfer comes next, and says whether it was cancelled.
                    self.peer = info
                else:
                    raise _gone(info)
            case _ if self.peer is not None:
                self.peer = info
        return False

    def _ended(self, info: TransferInfo) -> None:
        """Raises what a transfer's end without success amounts to; does nothing in other states."""
        match info.state:
            case TransferState.DECLINED | TransferState.CANCELLED:
                raise TurnedDown(info.reason or f"{info.state.value} by {info.name}")
            case TransferState.FAILED if self.peer is not None and self.peer.state is not PeerState.CONNECTED:
                raise _gone(self.peer)
            case TransferState.FAILED:
                raise TransferFailed(info.reason or "the transfer failed")


def ending(problem: Problem) -> P2PChatError | None:
    """Returns the error with which a problem ends an exchange of files; None when it does not."""
    match problem.code:
        case "wrong-code":
            return WrongCode(problem.message, problem.hint)
        case "changed-key" | "blocked":
            return ChangedKey(problem.message, problem.hint)
        case code if code in CODE_SPENT:
            return NoConnection(problem.message, problem.hint)
        case ServerUnreachable.code:
            return ServerUnreachable(problem.message, problem.hint)
        case ServerRefused.code:
            return ServerRefused(problem.code, problem.message, problem.hint)
    return None


async def carry_out(
    node: NodeApi,
    part: Part,
    *,
    seconds: float | None,
    lines: AsyncIterator[Line] | None = None,
    farewell: bool = False,
) -> None:
    """Plays a part from beginning to end.

    Args:
        node: a node that is not started; it is stopped at the end, whatever happens.
        part: what to do.
        seconds: how long to wait for the other person; None for as long as it takes.
        lines: the input, where somebody can be asked.
        farewell: whether to let the other side leave first.

    Raises:
        TimedOut: nobody came within `seconds`.
        P2PChatError: what ended the exchange without success.
    """
    await node.start()
    news = _news(node.events(), lines)
    try:
        async with asyncio.timeout(seconds) as patience:
            await part.begin()
            async for item in news:
                if isinstance(item, Entered):
                    await part.entered(item.line)
                else:
                    await part.told(item)
                if part.done:
                    break
                if part.met:
                    patience.reschedule(None)
        if farewell:
            await _let_go(news)
    except TimeoutError:
        if not patience.expired():
            raise
        raise TimedOut(f"nobody came within {seconds:g} seconds", "try again with a longer --timeout") from None
    except asyncio.CancelledError:
        await part.abandon()
        raise
    finally:
        await news.aclose()
        await node.stop()


async def _let_go(news: AsyncIterator[News]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL_SECONDS):
            async for item in news:
                if isinstance(item, PeerChanged) and item.info.state is not PeerState.CONNECTED:
                    return


async def _news(events: AsyncIterator[Event], lines: AsyncIterator[Line] | None) -> AsyncGenerator[News, None]:
    """Yields events and lines in the order in which they come, until the events end."""
    waiting: asyncio.Queue[News | None] = asyncio.Queue(WAITING)

    async def pass_events() -> None:
        async for event in events:
            await waiting.put(event)
        await waiting.put(None)

    async def pass_lines(lines: AsyncIterator[Line]) -> None:
        async for line in lines:
            await waiting.put(Entered(line))
        await waiting.put(Entered(None))

    tasks = [asyncio.create_task(pass_events())]
    if lines is not None:
        tasks.append(asyncio.create_task(pass_lines(lines)))
    try:
        while (item := await waiting.get()) is not None:
            yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _way(info: PeerInfo) -> str:
    way = " through a relay" if info.path == "relay" else " directly"
    return way if info.rtt_ms is None else f"{way}, {info.rtt_ms:g} ms"


def _gone(info: PeerInfo) -> PeerUnreachable:
    if info.state is PeerState.FAILED:
        return PeerUnreachable(f"no connection to {wording.tagged(info)}: {info.reason or 'no reason is known'}")
    return PeerUnreachable(f"{wording.tagged(info)} is gone: {info.reason or info.state.value}", "try again together")
