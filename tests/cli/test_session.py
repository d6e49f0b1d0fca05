"""Taking part and leaving: whatever ends the conversation, the node is stopped."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from p2pchat.cli.lines import Line
from p2pchat.cli.output import OutputClosed
from p2pchat.cli.room_access import Access
from p2pchat.cli.session import converse
from p2pchat.node.events import Event, Problem, Ready
from tests.cli.talk import PATIENCE, Talk
from tests.fake_node import FakeNode


class Listener:
    """A front end that remembers, and does what a test asks of it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ticks: list[float] = []
        self.due: float | None = None
        self.told_all = asyncio.Event()
        self.fail: Exception | None = None

    async def told(self, event: Event, now: float) -> None:
        self.events.append(event)
        if self.fail is not None:
            raise self.fail
        self.told_all.set()

    async def entered(self, line: Line) -> bool:
        return line != b"quit"

    def deadline(self) -> float | None:
        return self.due

    def tick(self, now: float) -> None:
        self.ticks.append(now)
        self.due = None
        self.told_all.set()


class Running:
    """A conversation under way."""

    def __init__(self, node: FakeNode | None = None) -> None:
        self.listener = Listener()
        self.talk = Talk(node or FakeNode())
        self.task = asyncio.create_task(
            converse(self.talk.node, Access("lab"), self.listener, self.talk.lines(), linger=5.0), name="conversation"
        )

    async def told(self) -> None:
        """Waits until the front end was told something."""
        async with asyncio.timeout(PATIENCE):
            await self.listener.told_all.wait()
        self.listener.told_all.clear()

    async def ended(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.task

    @property
    def stopped(self) -> bool:
        return self.talk.node.calls[-1] == ("stop",)


async def test_sigterm_leaves_cleanly_and_without_waiting() -> None:
    running = Running()
    await running.told()
    os.kill(os.getpid(), signal.SIGTERM)
    await running.ended()
    assert running.stopped
    assert ("settle", 5.0) not in running.talk.node.calls


async def test_an_interruption_stops_the_node() -> None:
    running = Running()
    await running.told()
    running.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running.ended()
    assert running.stopped


async def test_nobody_reading_our_output_stops_the_node() -> None:
    running = Running()
    running.listener.fail = OutputClosed()
    with pytest.raises(OutputClosed):
        await running.ended()
    assert running.stopped


async def test_what_a_stopping_node_still_tells_is_told() -> None:
    class Talkative(FakeNode):
        async def stop(self) -> None:
            self.tell(Problem("failed", "the last words", "", 0.0))
            await super().stop()

    running = Running(Talkative())
    running.talk.enter(b"quit")
    await running.ended()
    assert [type(event) for event in running.listener.events] == [Ready, Problem]


async def test_a_deadline_is_kept_though_nothing_happens() -> None:
    running = Running()
    await running.told()
    due = running.listener.due = asyncio.get_running_loop().time() + 0.02
    running.talk.node.tell(Problem("failed", "asks for the deadline again", "", 0.0))
    await running.told()
    if not running.listener.ticks:
        await running.told()
    running.talk.enter(b"quit")
    await running.ended()
    assert len(running.listener.ticks) == 1
    assert running.listener.ticks[0] >= due


async def test_input_waits_until_the_room_is_joined() -> None:
    class Slow(FakeNode):
        joining = asyncio.Event()

        async def join(self, conversation: str, secret: bytes = b"") -> None:
            await self.joining.wait()
            await super().join(conversation, secret)

    node = Slow()
    running = Running(node)
    running.talk.enter(b"quit")
    running.talk.node.tell(Problem("failed", "before", "", 0.0))
    await running.told()
    assert not running.task.done()
    node.joining.set()
    await running.ended()
    assert [call[0] for call in node.calls] == ["start", "join", "stop"]
