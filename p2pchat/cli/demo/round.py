"""One complete round of the demo, played and checked without anybody at the keyboard.

Each step waits for what it needs to see, at this side (events of the node) and at the partner's (its reports).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final, TypeVar

from p2pchat.cli.demo import reports
from p2pchat.cli.demo.children import ended_early
from p2pchat.cli.demo.live_typing import LineWatch, type_line
from p2pchat.cli.demo.partner import NAME as PARTNER
from p2pchat.cli.demo.partner import sha256_of
from p2pchat.cli.demo.reports import MadeFile, SawFile, SawLine, SawMessage
from p2pchat.cli.lines import Line
from p2pchat.errors import P2PChatError, PeerUnreachable, TimedOut, TransferFailed
from p2pchat.node.api import NodeApi
from p2pchat.node.events import (
    Direction,
    LineState,
    LiveTextChanged,
    MessageDelivered,
    MessageReceived,
    PeerChanged,
    PeerState,
    TransferChanged,
    TransferInfo,
    TransferOffered,
    TransferState,
)
from p2pchat.protocol.untrusted import safe_line

MESSAGE: Final = "Hello from the other process: naïve café, 日本語, 👩‍👩‍👧"
"""More than ASCII, because that is what goes wrong first."""

LINE: Final = ("I will add it tonigt", "I will add it on Friday.")
FILE_NAME: Final = "to-mia.bin"
FILE_BYTES: Final = 1_000_000

Seen = TypeVar("Seen")


class Round:
    """Plays one round.

    Args:
        node: our node, not started.
        room: where the partner is, or will be.
        reports: the lines that the partner writes.
        folder: where our file is made, and where the partner's log is.
        write_line: takes each line that says what happened.
    """

    def __init__(
        self, node: NodeApi, room: str, reports: AsyncIterator[Line], folder: Path, write_line: Callable[[str], None]
    ) -> None:
        self._node = node
        self._room = room
        self._reports = reports
        self._folder = folder
        self._write_line = write_line
        self._seen: list[object] = []
        """Everything that was told so far, by our node and by the partner."""
        self._more = asyncio.Event()
        self._waiting_for = "the room"

    def report(self, what: str, seconds: float) -> None:
        """Writes the line of a step that succeeded."""
        self._write_line(safe_line(f"ok  {what}, {1000 * seconds:.0f} ms", 500))

    async def play(self, seconds: float) -> None:
        """Plays the round.

        Raises:
            TimedOut: it was not over within `seconds`; the message says what was missing.
            P2PChatError: a step failed; the message says which.
        """
        await self._node.start()
        listening = asyncio.create_task(self._listen())
        steps = asyncio.create_task(self._steps())
        try:
            done, _ = await asyncio.wait({listening, steps}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise TimedOut(f"the demo has taken too long: it still waits for {self._waiting_for}")
            for task in done:
                task.result()
        finally:
            steps.cancel()
            listening.cancel()
            await asyncio.wait({steps, listening})
            await self._node.stop()

    async def _steps(self) -> None:
        await self._connect()
        await self._receive_live_text()
        await self._exchange_messages()
        await self._send_live_text()
        await self._receive_file()
        await self._send_file()

    async def _connect(self) -> None:
        begun = time.monotonic()
        await self._node.join(self._room)
        met = await self._until(PeerChanged, _is_settled, f"a connection to {PARTNER}")
        if met.info.state is not PeerState.CONNECTED:
            raise PeerUnreachable(f"no connection to {PARTNER}: {met.info.reason}")
        way = "through a relay" if met.info.path == "relay" else "directly"
        self.report(f"{met.info.name} is connected {way}", time.monotonic() - begun)

    async def _receive_live_text(self) -> None:
        begun = time.monotonic()
        final = await self._until(LiveTextChanged, _is_final, f"live text of {PARTNER}")
        watch = LineWatch()
        changes = [change for change in self._seen if isinstance(change, LiveTextChanged) and change.line == final.line]
        if not any(watch.finished(change) for change in changes):
            raise P2PChatError(f"live text of {PARTNER} arrived, but not while it was typed and corrected")
        self.report(
            f"live text received, with {len(changes) - 1} states before its end: {final.text}", time.monotonic() - begun
        )

    async def _exchange_messages(self) -> None:
        begun = time.monotonic()
        message = await self._node.say(self._room, MESSAGE)
        await self._until(MessageDelivered, lambda event: event.id == message, "a receipt for our message")
        took = time.monotonic() - begun
        there = await self._until(SawMessage, lambda report: True, f"{PARTNER} to see our message")
        _check(there.text == MESSAGE, "our message arrived with another text")
        self.report("message sent and delivered", took)
        answer = await self._until(MessageReceived, lambda event: True, f"an answer from {PARTNER}")
        self.report(f"message received: {answer.text}", time.monotonic() - begun)

    async def _send_live_text(self) -> None:
        begun = time.monotonic()
        self._waiting_for = "our own live text"
        await type_line(self._node, self._room, *LINE)
        there = await self._until(SawLine, lambda report: True, f"{PARTNER} to see our live text")
        _check(there.final == LINE[1], "our live text arrived with another text")
        _check(there.corrected, "our live text arrived, but not while it was typed and corrected")
        self.report(f"live text sent, seen as it was typed and corrected: {there.final}", time.monotonic() - begun)

    async def _receive_file(self) -> None:
        offer = await self._until(TransferOffered, lambda event: True, f"a file from {PARTNER}")
        await self._node.accept(offer.info.transfer)
        info = await self._transfer_done(Direction.RECEIVE, f"the file from {PARTNER}")
        made = await self._until(MadeFile, lambda report: True, f"the hash of the file of {PARTNER}")
        here = await asyncio.to_thread(sha256_of, Path(info.saved[0]))
        _check(here == made.sha256, "the file that was received is not the one that was sent")
        self._report_transfer("received", info, here)

    async def _send_file(self) -> None:
        path = self._folder / FILE_NAME
        await asyncio.to_thread(path.write_bytes, os.urandom(FILE_BYTES))
        await self._node.offer(self._room, [path])
        info = await self._transfer_done(Direction.SEND, f"{PARTNER} to have our file")
        there = await self._until(SawFile, lambda report: True, f"the hash of our file at {PARTNER}'s")
        _check(there.sha256 == await asyncio.to_thread(sha256_of, path), "the file that arrived is not the one we sent")
        self._report_transfer("sent", info, there.sha256)

    async def _transfer_done(self, direction: Direction, what: str) -> TransferInfo:
        end = await self._until(
            TransferChanged, lambda event: event.info.direction is direction and event.info.state.final, what
        )
        if end.info.state is not TransferState.DONE:
            raise TransferFailed(f"a transfer ended {end.info.state.value}: {end.info.reason}")
        return end.info

    def _report_transfer(self, verb: str, info: TransferInfo, sha256: str) -> None:
        rate = info.total / max(info.seconds, 1e-6) / 1e6
        self.report(
            f"file {verb}, {info.total / 1e6:.1f} MB at {rate:.1f} MB/s, SHA-256 {sha256[:12]} at both ends",
            info.seconds,
        )

    async def _until(self, kind: type[Seen], fits: Callable[[Seen], bool], what: str) -> Seen:
        """Waits for something to be told, or finds it in what was told already."""
        self._waiting_for = what
        looked_at = 0
        while True:
            for told in self._seen[looked_at:]:
                if isinstance(told, kind) and fits(told):
                    return told
            looked_at = len(self._seen)
            self._more.clear()
            await self._more.wait()

    async def _listen(self) -> None:
        """Gathers what is told at both sides. Returns only by raising: the partner has to stay until the end."""
        hearing = asyncio.create_task(self._hear())
        try:
            async for line in self._reports:
                self._add(reports.decode(line or b""))
        finally:
            hearing.cancel()
            await asyncio.wait({hearing})
        raise ended_early("partner", self._folder)

    async def _hear(self) -> None:
        async for event in self._node.events():
            self._add(event)

    def _add(self, told: object) -> None:
        self._seen.append(told)
        self._more.set()


def _is_settled(event: PeerChanged) -> bool:
    return event.info.state in (PeerState.CONNECTED, PeerState.FAILED)


def _is_final(event: LiveTextChanged) -> bool:
    return event.state is LineState.FINAL


def _check(true: bool, otherwise: str) -> None:
    if not true:
        raise P2PChatError(otherwise)
