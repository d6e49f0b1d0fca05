"""A peer's lines as a reader should see them: what came as real-time text joined with the messages that finish it.

A p2pchat sends a finished line twice: as T.140, which shows each keystroke and promises nothing, and as a `message`,
which is acknowledged and survives a lost link. The reader must see one line. So a message that names its live line, or
repeats the text of a line that no message has claimed yet, finishes that line; only others are messages of their own.
The channels are independent, so either half may come first, and after a lost link the second may come much later.

The message is also the check. Whichever half of a line comes second, the text that was shown is compared with it: a
digest sent along with each new line could say no more, and would have to ask for the text.
"""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar

from p2pchat.protocol.limits import LIVE_LINE_CHARACTERS
from p2pchat.protocol.rtt.encoding import as_live_line
from p2pchat.protocol.rtt.graphemes import CLUSTER_CHARACTERS
from p2pchat.protocol.rtt.parser import LOSS_MARK

LineState: TypeAlias = Literal["live", "final", "interrupted"]
"""Whether a line's author goes on, has ended it, or its channel was lost."""

Value = TypeVar("Value")

REMEMBERED_LINES: Final = 64
"""Finished or interrupted lines kept to be claimed. A peer finishes one each second at most, and claims it at once."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A message finishes a line."""

    line: int
    differs: bool = False
    """The line had ended, and was shown otherwise than the message says."""

    healed: bool = False
    """A part of the line had been lost; the message has it."""


class LineLog:
    """The lines of one peer, over all its links."""

    def __init__(self) -> None:
        self._unclaimed: OrderedDict[int, str] = OrderedDict()
        """Lines that ended or were interrupted, and how they read then."""
        self._interrupted: OrderedDict[int, None] = OrderedDict()
        self._claimed: OrderedDict[int, str | None] = OrderedDict()
        """Lines whose message came, and its text when that came first and is to be compared with how the line ends."""

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

    def restored(self, line: int) -> None:
        """An interrupted line goes on, and nothing of it is missing: only a message that names it finishes it."""
        self._interrupted.pop(line, None)
        self._unclaimed.pop(line, None)

    def doubted(self, line: int) -> None:
        """The link is lost with which a line began. What a snapshot said of its beginning may have been lost with it.

        The two channels are independent: the end of the line may have come without it.
        """
        if line in self._unclaimed:
            _remember(self._interrupted, line, None)

    def contradicted(self, line: int, text: str) -> str | None:
        """A line whose message came first has ended as `text` now.

        Returns:
            The message's text when it is another; None when both agree, or there is nothing to compare.
        """
        message = self._claimed.get(line)
        if message is None:
            return None
        self._claimed[line] = None
        return message if _differ(text, message) else None

    def claimed_by(self, text: str, line: int | None, withheld: bool = False) -> Claim | None:
        """Notes that a message arrived for the first time.

        Args:
            text: the message.
            line: the line that it says it finishes, numbered over all channels; None when it names none.
            withheld: its author kept back a part of the line, so that it ends otherwise than the message.

        Returns:
            The line that it finishes, or None when it is a message of its own.
        """
        if line is None:
            line = next((number for number, seen in self._unclaimed.items() if _begins(text, seen)), None)
        if line is None or line in self._claimed:
            return None
        interrupted = line in self._interrupted
        seen = self._unclaimed.get(line)
        ended = seen is not None and not interrupted
        self.restored(line)
        _remember(self._claimed, line, None if withheld or ended else text)
        return Claim(
            line,
            differs=ended and not withheld and _differ(seen or "", text),
            healed=interrupted or LOSS_MARK in (seen or ""),
        )


def _remember(lines: OrderedDict[int, Value], line: int, value: Value) -> None:
    lines[line] = value
    lines.move_to_end(line)
    if len(lines) > REMEMBERED_LINES:
        lines.popitem(last=False)


def _differ(seen: str, message: str) -> bool:
    """Whether a line was shown otherwise than its message says, and neither a loss nor its length explains it."""
    line = as_live_line(message)
    return LOSS_MARK not in seen and len(line) <= LIVE_LINE_CHARACTERS - CLUSTER_CHARACTERS and seen != line


def _begins(text: str, seen: str) -> bool:
    """Whether `seen` may be what arrived of `text`, before anything was lost."""
    return _bare(text).startswith(_bare(seen.partition(LOSS_MARK)[0]))


def _bare(text: str) -> str:
    """T.140 writes line breaks and composed characters its own way; leave that out of the comparison."""
    return "".join(unicodedata.normalize("NFC", text).split())
