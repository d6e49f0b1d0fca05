"""A conversation with a headless front end: the test enters lines, tells events and reads what is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from p2pchat.cli.lines import Line
from p2pchat.cli.room_access import Access
from p2pchat.node.events import Direction, Event, Item, PeerInfo, PeerState, Problem, TransferInfo, TransferState
from tests.fake_node import FakeNode

PATIENCE: Final = 10.0
"""Seconds until a test gives up on something that takes a millisecond."""

HOSTILE: Final = "a\x1b[2J\x9b31m\u202eb\r\nc\u2028d\x07"
"""What a terminal would obey, and what would make lines."""

MARKER: Final = "Nothing more was told"

LAB: Final = Access("lab")

BEN: Final = PeerInfo("m2xdabcd", "ben", PeerState.CONNECTED, path="direct", rtt_ms=12.2, live_text=True)


def transfer(
    state: TransferState = TransferState.WAITING,
    direction: Direction = Direction.RECEIVE,
    id: str = "000000aa",
    path: str = "draft.pdf",
    **more: object,
) -> TransferInfo:
    """A transfer of one file with ben."""
    fields: dict[str, object] = {"items": (Item(path, 4_200_000),), **more}
    return TransferInfo(id, "lab", BEN.peer, "ben", direction, state, 1, 4_200_000, **fields)  # type: ignore[arg-type]


class Talk:
    """Runs a front end until it ends.

    Args:
        node: what the front end talks to.
    """

    def __init__(self, node: FakeNode) -> None:
        self.node = node
        self.written: list[str] = []
        self._lines: asyncio.Queue[Line | EOFError] = asyncio.Queue()
        self._wrote = asyncio.Event()

    async def lines(self) -> AsyncIterator[Line]:
        """What is entered: the front end's input."""
        while not isinstance(line := await self._lines.get(), EOFError):
            yield line

    def write_line(self, line: str) -> None:
        """The front end's output."""
        self.written.append(line)
        self._wrote.set()

    def enter(self, *lines: Line) -> None:
        """Enters lines."""
        for line in lines:
            self._lines.put_nowait(line)

    def end_input(self) -> None:
        """Ends the input."""
        self._lines.put_nowait(EOFError())

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something holds that a written line brings about."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self._wrote.clear()
                await self._wrote.wait()

    async def told(self, *events: Event) -> list[str]:
        """Tells events, and returns the lines that they brought about: those before the line of a last event."""
        before = len(self.written)
        self.node.tell(*events, Problem("marker", MARKER, "", 0.0))
        await self.until(lambda: any(MARKER in line for line in self.written[before:]))
        (end,) = (at for at, line in enumerate(self.written) if at >= before and MARKER in line)
        return self.written[before:end]
