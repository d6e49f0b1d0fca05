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
from p2pchat.cli.progress import ProgressBar
from p2pchat.cli.transfer_list import TransferList
from p2pchat.errors import P2PChatError
from p2pchat.node.events import (
    Event,
    Problem,
    Ready,
    ServerChanged,
    TransferChanged,
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
                self._transfers.update(event.info)
                if event.info.state is TransferState.PAUSED:
                    self.say(wording.transfer(event.info, event.info.name))
            case TransferProgressed():
                self._progress(event)
            case ServerChanged() if event.online is not self._online:
                self._online = event.online
                gone = "The signaling server is gone; trying to reach it again." + wording.because(event.reason)
                self.say("The signaling server is back." if event.online else gone)
            case Problem():
                self.say(wording.sentence(event.message) + wording.because(event.hint))

    def saved(self, paths: tuple[str, ...]) -> None:
        """Writes the paths to standard output."""
        self._clear()
        for path in paths:
            self._write_path(path)

    def failed(self, error: P2PChatError) -> None:
        """Makes room for what is written of it."""
        self._clear()

    def _progress(self, event: TransferProgressed) -> None:
        known = self._transfers.find(event.transfer)
        if known is None or known.info.state.final:
            return
        label = wording.files(known.info)
        if self._bar is not None:
            self._bar.draw(label, event.confirmed, event.total, event.rate)
            return
        reached = self._transfers.reached(event.transfer, event.confirmed, event.total)
        if reached is not None:
            narrate(f"{label}: {reached[1]} percent, {measures.rate(event.rate)}.")

    def _clear(self) -> None:
        if self._bar is not None:
            self._bar.clear()
