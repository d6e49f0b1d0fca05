"""How `send` and `receive` tell what happens: sentences and a progress bar for people, JSON Lines for programs.

Standard output carries data (saved paths, or JSON Lines), standard error everything else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Protocol

from p2pchat.cli import json_events, wording
from p2pchat.cli.narration import narrate
from p2pchat.cli.one_shot.progress import Progress, ProgressBar
from p2pchat.cli.transfer_list import TransferList
from p2pchat.errors import P2PChatError
from p2pchat.node.events import (
    Event,
    Problem,
    Ready,
    ServerChanged,
    TransferChanged,
    TransferInfo,
    TransferProgressed,
    TransferState,
)
from p2pchat.tui import measures


class Teller(Protocol):
    """Takes what there is to tell."""

    def say(self, text: str) -> None:
        """Something for people."""

    def ask(self, question: str) -> None:
        """A question for people, who answer with a line."""

    def event(self, event: Event) -> None:
        """Something that the node told."""

    def reading(self, count: int) -> None:
        """So many bytes of standard input have been read."""

    def saved(self, paths: tuple[str, ...]) -> None:
        """Where the received files are."""

    def failed(self, error: P2PChatError) -> None:
        """The command ends with this error, which standard error tells anyway."""


class ForPrograms:
    """Writes each event as one JSON object, as `chat --json` does.

    Args:
        write_line: takes each line of output.
    """

    def __init__(self, write_line: Callable[[str], None]) -> None:
        self._write_line = write_line

    def say(self, text: str) -> None:
        """People are not told."""

    def ask(self, question: str) -> None:
        """People are not asked."""

    def event(self, event: Event) -> None:
        """Something that the node told. The room behind a code has no name that means anything: no `ready`."""
        answer = None if isinstance(event, Ready) else json_events.as_object(event, "")
        if answer is not None:
            self._write(answer)

    def reading(self, count: int) -> None:
        """What has been read is no news before all of it is offered."""

    def saved(self, paths: tuple[str, ...]) -> None:
        """They are in the `transfer` event."""

    def failed(self, error: P2PChatError) -> None:
        """The command ends with this error."""
        self._write(json_events.failure(error, time.time()))

    def _write(self, answer: json_events.Object) -> None:
        self._write_line(json.dumps(answer, allow_nan=False))


class ForPeople:
    """Narrates on standard error.

    Args:
        write_path: takes each saved path; where standard output goes.
        bar: draws the progress; None where nothing may be drawn over, which gets a line for each quarter.
    """

    def __init__(self, write_path: Callable[[str], None], bar: ProgressBar | None) -> None:
        self._write_path = write_path
        self._bar = bar
        self._transfers = TransferList()
        self._online = True

    def say(self, text: str) -> None:
        """Writes one line or several."""
        self._clear()
        narrate(text)

    def ask(self, question: str) -> None:
        """Writes a question, and leaves the cursor behind it."""
        self._clear()
        narrate(f"{question} ", end="")

    def event(self, event: Event) -> None:
        """Shows what is not for the command itself to say."""
        match event:
            case TransferChanged():
                self._changed(event.info)
            case TransferProgressed():
                self._progress(event)
            case ServerChanged() if event.online is not self._online:
                self._online = event.online
                gone = "The signaling server is gone; trying to reach it again." + wording.because(event.reason)
                self.say("The signaling server is back." if event.online else gone)
            case Problem():
                self.say(wording.sentence(event.message) + wording.because(event.hint))

    def reading(self, count: int) -> None:
        """Shows how much of standard input has been read, on a terminal."""
        if self._bar is not None:
            self._bar.draw_text(f"Reading standard input: {measures.size(count)}")

    def saved(self, paths: tuple[str, ...]) -> None:
        """Writes the paths to standard output."""
        self._clear()
        for path in paths:
            self._write_path(path)

    def failed(self, error: P2PChatError) -> None:
        """Makes room for what is written of it."""
        self._clear()

    def _changed(self, info: TransferInfo) -> None:
        before = self._transfers.find(info.transfer)
        was = (before.info.state, before.info.reason) if before is not None else None
        self._transfers.update(info)
        if (info.state, info.reason) == was:
            return
        halted = info.state is TransferState.PAUSED or (info.state is TransferState.ACTIVE and info.reason)
        if self._bar is None and halted:
            self.say(wording.transfer(info, info.name))
        elif self._bar is not None and not info.state.final and info.state is not TransferState.WAITING:
            self._draw(info, info.confirmed, info.wanted or info.total, info.rate)

    def _progress(self, event: TransferProgressed) -> None:
        known = self._transfers.find(event.transfer)
        if known is None or known.info.state.final:
            return
        if self._bar is not None:
            self._draw(known.info, event.confirmed, event.total, event.rate)
            return
        reached = self._transfers.reached(event.transfer, event.confirmed, event.total)
        if reached is not None:
            narrate(f"{wording.files(known.info)}: {reached[1]} percent, {measures.rate(event.rate)}.")

    def _draw(self, info: TransferInfo, confirmed: int, total: int, rate: float) -> None:
        paused = "paused" if info.state is TransferState.PAUSED else ""
        note = ": ".join(part for part in (paused, info.reason) if part)
        if self._bar is not None:
            self._bar.draw(Progress(wording.files(info), confirmed, total, rate, note))

    def _clear(self) -> None:
        if self._bar is not None:
            self._bar.clear()
