"""A peer's lines as a reader should see them: what came as real-time text joined with the messages that finish it.

A p2pchat sends a finished line twice: as T.140, which shows each keystroke and promises nothing, and as a `message`,
which is acknowledged and survives a lost link. The reader must see one line. So a message that names its live line, or
repeats the text of a line that no message has claimed yet, finishes that line; only others are messages of their own.
The channels are independent, so either half may come first, and after a lost link the second may come much later.
"""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from typing import Literal, TypeAlias, TypeVar

from p2pchat.protocol.rtt.parser import LOSS_MARK

LineState: TypeAlias = Literal["live", "final", "interrupted"]
"""Whether a line's author goes on, has ended it, or its channel was lost."""

Value = TypeVar("Value")

REMEMBERED_LINES = 64
"""Finished or interrupted lines kept to be claimed. A peer finishes one each second at most, and claims it at once."""


class LineLog:
    """The lines of one peer, over all its links."""

    def __init__(self) -> None:
        self._unclaimed: OrderedDict[int, str] = OrderedDict()
        """Lines that ended or were interrupted, and how they read then."""
        self._interrupted: OrderedDict[int, None] = OrderedDict()
        self._claimed: OrderedDict[int, None] = OrderedDict()

    def changed(self, line: int, text: str, state: LineState) -> bool:
        """Notes real-time text of a line.

        Args:
            line: its number over all channels.
            text: the whole line as it stands.
            state: where it stands.

        Returns:
            Whether to show it: not when a message has finished the line already.
        """
        if line in self._claimed:
            return False
        if state == "interrupted":
            _remember(self._interrupted, line, None)
        if state != "live" and text:
            _remember(self._unclaimed, line, text)
        elif line not in self._interrupted:
            # It was ended and is open again. One that was interrupted stays: its message may be on the way.
            self._unclaimed.pop(line, None)
        return True

    def claimed_by(self, text: str, line: int | None) -> int | None:
        """Notes that a message arrived for the first time.

        Args:
            text: the message.
            line: the line that it says it finishes, numbered over all channels; None when it names none.

        Returns:
            The line that it finishes, or None when it is a message of its own.
        """
        if line is None:
            line = next((number for number, seen in self._unclaimed.items() if _begins(text, seen)), None)
        if line is None or line in self._claimed:
            return None
        self._unclaimed.pop(line, None)
        self._interrupted.pop(line, None)
        _remember(self._claimed, line, None)
        return line


def _remember(lines: OrderedDict[int, Value], line: int, value: Value) -> None:
    lines[line] = value
    lines.move_to_end(line)
    if len(lines) > REMEMBERED_LINES:
        lines.popitem(last=False)


def _begins(text: str, seen: str) -> bool:
    """Whether `seen` may be what arrived of `text`, before anything was lost."""
    return _bare(text).startswith(_bare(seen.partition(LOSS_MARK)[0]))


def _bare(text: str) -> str:
    """T.140 writes line breaks and composed characters its own way; leave that out of the comparison."""
    return "".join(unicodedata.normalize("NFC", text).split())
