"""The other side of the demo: `python -m p2pchat.cli.demo.partner URL ROOM`, a peer in a process of its own.

    somebody joins         greets with live text, mistake and correction included
    first line             answers with a message
    every further line     answers with live text; after the first of them it offers a small file
    files are offered      accepts them

It reports what it sees on standard output (`reports`), and leaves when its standard input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from p2pchat.cli import narration, outcome
from p2pchat.cli.demo import reports
from p2pchat.cli.demo.live_typing import LineWatch, type_line
from p2pchat.cli.demo.openness import open_to_all
from p2pchat.cli.demo.reports import MadeFile, Report, SawFile, SawLine, SawMessage
from p2pchat.cli.lines import Line, read_lines
from p2pchat.cli.output import standard_output
from p2pchat.cli.room_access import Access
from p2pchat.cli.session import converse
from p2pchat.errors import TimedOut
from p2pchat.node.api import NodeApi
from p2pchat.node.events import (
    Direction,
    Event,
    LiveTextChanged,
    MessageReceived,
    PeerChanged,
    PeerState,
    TransferChanged,
    TransferOffered,
    TransferState,
)
from p2pchat.node.settings import Settings

NAME: Final = "mia"
FILE_NAME: Final = "from-mia.bin"
FILE_BYTES: Final = 1_000_000
"""Bytes of the file that is offered: a moment on any machine, and more than one block short of nothing."""

GREETING: Final = ("Hi, I am mia, another procces", "Hi, I am mia, another process. Write me a line!")
ANSWER: Final = "Thank you. One line more, please, and I will send you a file."
LIVE_ANSWER: Final = ("I read that while you were writting", "I read that while you were writing it.")


class Partner:
    """Watches the conversation, and does one thing after another.

    Args:
        node: a node that takes part in the conversation.
        room: the conversation.
        folder: where its own file is made.
        report: takes each report.
    """

    def __init__(self, node: NodeApi, room: str, folder: Path, report: Callable[[Report], None]) -> None:
        self._node = node
        self._room = room
        self._folder = folder
        self._report = report
        self._watch = LineWatch()
        self._greeted: set[str] = set()
        self._lines_heard = 0
        self._to_do: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()

    async def told(self, event: Event, now: float) -> None:
        """The node told an event."""
        match event:
            case PeerChanged() if event.info.state is PeerState.CONNECTED and event.info.peer not in self._greeted:
                self._greeted.add(event.info.peer)
                self._to_do.put_nowait(self._greet)
            case MessageReceived():
                self._report(SawMessage(event.text))
                self._to_do.put_nowait(self._answer)
            case LiveTextChanged():
                corrected = self._watch.finished(event)
                if corrected is not None:
                    self._report(SawLine(corrected, event.text))
                    self._to_do.put_nowait(self._answer)
            case TransferOffered():
                await self._node.accept(event.info.transfer)
            case TransferChanged() if (
                event.info.direction is Direction.RECEIVE and event.info.state is TransferState.DONE
            ):
                for saved in event.info.saved:
                    self._report(SawFile(await asyncio.to_thread(sha256_of, Path(saved))))

    async def entered(self, line: Line) -> bool:
        """The demo writes nothing to us; the end of input ends the conversation."""
        return True

    def deadline(self) -> float | None:
        """Nothing here depends on time."""
        return None

    def tick(self, now: float) -> None:
        """Nothing here depends on time."""

    async def act(self) -> None:
        """Does what there is to do, in order, for ever."""
        while True:
            await (await self._to_do.get())()

    async def _greet(self) -> None:
        await type_line(self._node, self._room, *GREETING)

    async def _answer(self) -> None:
        self._lines_heard += 1
        if self._lines_heard == 1:
            await self._node.say(self._room, ANSWER)
            return
        await type_line(self._node, self._room, *LIVE_ANSWER)
        if self._lines_heard == 2:
            path = self._folder / FILE_NAME
            await asyncio.to_thread(path.write_bytes, os.urandom(FILE_BYTES))
            self._report(MadeFile(await asyncio.to_thread(sha256_of, path)))
            await self._node.offer(self._room, [path])


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _take_part(url: str, room: str, folder: Path) -> None:
    from p2pchat.node.node import Node

    output = standard_output()
    node = open_to_all(Node(Settings(NAME, url, folder / "home", folder / "downloads", ephemeral=True)))
    partner = Partner(node, room, folder, lambda report: output.write_line(reports.encode(report)))
    acting = asyncio.create_task(partner.act())
    try:
        # Whatever is under way when the demo ends is of no interest any more.
        with contextlib.suppress(TimedOut):
            await converse(node, Access(room), partner, read_lines(sys.stdin.fileno()), linger=0.0)
    finally:
        acting.cancel()
        await asyncio.wait({acting})
    if not acting.cancelled():
        acting.result()


def main() -> None:
    """Runs the partner until its standard input ends."""
    from p2pchat.node.loop import run

    narration.configure(verbose=True)
    url, room = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="p2pchat-partner-") as folder:
        status = outcome.conclude(lambda: run(_take_part(url, room, Path(folder))))
    sys.exit(status)


if __name__ == "__main__":
    main()
