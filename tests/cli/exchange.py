"""An exchange of files, played by a test: it tells what the node would, and reads what the user is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any, Final

from p2pchat.cli.lines import Line
from p2pchat.cli.one_shot.part import Comeback
from p2pchat.errors import P2PChatError
from p2pchat.node.answers import ContactInfo
from p2pchat.node.events import (
    Direction,
    Event,
    PeerChanged,
    PeerState,
    Problem,
    TransferChanged,
    TransferInfo,
    TransferState,
)
from p2pchat.store.meetings import Meetings, code_occasion
from tests.cli.talk import BEN, PATIENCE, transfer
from tests.fake_node import FakeNode

CONNECTED: Final = PeerChanged("code", replace(BEN, rtt_ms=None), 0.0)
LEFT: Final = PeerChanged("code", replace(BEN, state=PeerState.LEFT, reason="left the conversation"), 0.0)
LOST: Final = PeerChanged("code", replace(BEN, state=PeerState.LOST, reason="nothing heard for 10 s"), 0.0)
WRONG: Final = Problem("wrong-code", "the words of the code were wrong", "ask for a new code", 0.0)
CHANGED_KEY: Final = Problem("changed-key", "this is not the ben you know", "ask over another channel", 0.0)


BEN_KEY: Final = bytes(range(32))
KNOWN_BEN: Final = ContactInfo(BEN.peer, BEN_KEY.hex(), "", "ben", "known", 0.0, 0.0)
BACK: Final = PeerChanged(f"with-{BEN_KEY.hex()}", replace(BEN, rtt_ms=None), 0.0)
"""The peer has come to the room of the two keys."""

OCCASION: Final = code_occasion("7-marble-tunnel-oyster")


def comeback(meetings: Meetings | None = None, patience: float = 600.0, ephemeral: bool = False) -> Comeback:
    """How an exchange goes on; with nothing on a disk."""
    return Comeback(meetings or Meetings(), OCCASION, patience, ephemeral)


class Listener:
    """Remembers what is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.questions: list[str] = []
        self.events: list[Event] = []
        self.paths: list[str] = []
        self.read: list[int] = []
        self.errors: list[P2PChatError] = []
        self._news = asyncio.Event()

    def say(self, text: str) -> None:
        self.said.append(text)
        self._news.set()

    def ask(self, question: str) -> None:
        self.questions.append(question)
        self._news.set()

    def event(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    def reading(self, count: int) -> None:
        self.read.append(count)
        self._news.set()

    def saved(self, paths: tuple[str, ...]) -> None:
        self.paths += paths

    def failed(self, error: P2PChatError) -> None:
        self.errors.append(error)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something holds that being told brings about."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self._news.clear()
                await self._news.wait()


class Exchange:
    """Runs a command until it ends."""

    def __init__(self, node: FakeNode | None = None) -> None:
        self.node = node or FakeNode()
        self.listener = Listener()
        self.task: asyncio.Task[None]
        self._answers: asyncio.Queue[Line] = asyncio.Queue()

    def begin(self, command: Coroutine[Any, Any, None]) -> None:
        """Starts the command."""
        self.task = asyncio.create_task(command)

    async def answers(self) -> AsyncIterator[Line]:
        """What is answered: the command's input."""
        while (line := await self._answers.get()) is not None:
            yield line

    def answer(self, line: Line) -> None:
        """Answers with a line, or with the end of input."""
        self._answers.put_nowait(line)

    async def told(self, *events: Event) -> None:
        """Tells events, and waits until the command has heard them."""
        expected = len(self.listener.events) + len(events)
        self.node.tell(*events)
        await self.listener.until(lambda: len(self.listener.events) >= expected)

    async def ended(self) -> None:
        """Waits for the end of the command; raises what it raises."""
        async with asyncio.timeout(PATIENCE):
            await self.task

    async def asked(self, count: int = 1) -> str:
        """Waits until so many questions were asked; returns the last one."""
        await self.listener.until(lambda: len(self.listener.questions) >= count)
        return self.listener.questions[-1]

    @property
    def calls(self) -> list[tuple[object, ...]]:
        """What was asked of the node, without its start and stop."""
        first, *calls, last = self.node.calls
        assert (first, last) == (("start",), ("stop",))
        return calls


def changed(state: TransferState, direction: Direction, **more: object) -> TransferChanged:
    """A transfer's state is another one now."""
    return TransferChanged(transfer(state, direction, **more), 0.0)  # type: ignore[arg-type]


def done(info: TransferInfo) -> TransferChanged:
    """Everything of a transfer is verified."""
    return TransferChanged(replace(info, state=TransferState.DONE, seconds=0.5, confirmed=info.total), 0.0)
