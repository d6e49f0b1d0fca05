"""The receiving half of real-time text: T.140 messages of one peer in, lines as they stand out.

Rules
    1. All characters of one message are applied before anything is told, so that a rewritten tail reads as one edit.
    2. A line ends with a new line; erasing goes on beyond it and opens the line again (RFC 9071 §4: no delimiter limits
       erasure), as far back as `KEPT_LINES`.
    3. Lines are numbered from 0 over all channels of the peer. The sender counts from 0 in each channel: add
       `first_line_of_channel` to its number.
    4. When a channel is opened again, a loss mark stands where text may be missing (RFC 8865 §5.4). Erasing stops
       there: the sender starts with nothing, and what it erases beyond its own text is not ours to lose.
    5. A partner that can say how the line began on earlier channels (`snapshot`) heals it: what it says takes the place
       of what is before the mark. Its T.140 of the new channel stays as it is, so that it does not matter which of the
       two, on their own channels, comes first.
    6. Whatever the bytes, nothing is raised and memory is bounded. Text comes out raw: clean it before showing it.

States of a line
    live ── new line ──> final ── erasing ──> live again
      └── link lost ──> interrupted ── new channel ──> live, with a loss mark ── snapshot ──> live, restored
"""

from __future__ import annotations

import codecs
from collections import deque
from dataclasses import dataclass
from typing import Final, TypeAlias

from p2pchat.protocol.limits import ALERT_SECONDS, LIVE_LINE_CHARACTERS, T140_MESSAGE_BYTES_ACCEPTED
from p2pchat.protocol.rtt.graphemes import GRAPHEME, split
from p2pchat.protocol.rtt.parser import LOSS_MARK, Control, Parser, Token

KEPT_LINES: Final = 8
"""Finished lines that erasing can open again: nobody holds a backspace for longer, and the longest may take 300 kB."""


@dataclass(frozen=True, slots=True)
class LineChanged:
    """A line reads differently now. `text` is the whole line, raw; a line that was opened by mistake becomes empty."""

    line: int
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Alert:
    """The peer asks for attention."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The link was lost in the middle of this line: its end may be missing."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Restored:
    """The line reads `text` now: what a lost link took from it is there again."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Loss:
    """Text of the peer is missing; as many U+FFFD as `marks` says were added to its lines."""

    marks: int


Output: TypeAlias = LineChanged | Alert | Interrupted | Restored | Loss


class _Line:
    """A line that is being written, or may be opened again.

    Args:
        unit: what one erasure takes.
        protected: its beginning, which cannot be erased and ends in a loss mark.
    """

    def __init__(self, unit: str, protected: str = "") -> None:
        self._protected = protected
        self._marked = bool(protected)
        self._unit = unit
        self._units: list[str] = []
        self._length = len(protected)
        self._dropped = 0

    @property
    def own(self) -> str:
        """What can be erased; ends in a loss mark when something did not fit."""
        return "".join(self._units) + (LOSS_MARK if self._dropped else "")

    @property
    def text(self) -> str:
        return self._protected + self.own

    def append(self, text: str) -> bool:
        """Adds text; False when this is the first time that some did not fit."""
        fits = text[: max(0, LIVE_LINE_CHARACTERS - self._length)] if not self._dropped else ""
        if fits:
            # More of a cluster may arrive later: an accent, the next member of a family.
            last = self._units.pop() if self._units else ""
            self._units += split(last + fits, self._unit)
            self._length += len(fits)
        first = not self._dropped and len(fits) < len(text)
        self._dropped += len(text) - len(fits)
        return not first

    def erase(self) -> bool:
        """Takes the last unit away; False when there is none. What did not fit goes first, by code points."""
        if self._dropped:
            self._dropped -= 1
            return True
        if self._units:
            self._length -= len(self._units.pop())
            return True
        return False

    def protect(self) -> _Line:
        """The same line with a loss mark at its end and nothing that can be erased."""
        return _Line(self._unit, self.text[:LIVE_LINE_CHARACTERS] + LOSS_MARK)

    def begin_with(self, text: str) -> bool:
        """What cannot be erased is this now. Returns whether that took a loss mark away."""
        self._length += len(text) - len(self._protected)
        healed, self._marked = self._marked, False
        self._protected = text
        return healed


class Receiver:
    """What one peer types, over all its `t140` channels.

    Hand it each message with `receive`, tell it when the link is `interrupted` and when a new channel is `reopened`,
    and drain `poll()` after each call. It has no deadline. Every input takes the time, in seconds of the caller's
    monotonic clock, whether the rule behind it needs it or not.

    Args:
        unit: what one backspace of the peer erases: `g` a grapheme cluster, `c` a code point.
    """

    def __init__(self, unit: str = GRAPHEME) -> None:
        self.first_line_of_channel = 0
        """The number of the line that the peer calls 0 in the present channel."""
        self.characters = 0
        """Characters that came on the present channel, control codes included."""
        self.alerts = 0
        """Alerts received, told or not."""
        self.losses = 0
        """Loss marks: received, and set here."""
        self.ignored = 0
        """Control codes and sequences that were skipped."""
        self.excess_erasures = 0
        """Erasures that found nothing to erase."""
        self._unit = unit
        self._parser = Parser()
        self._decoder = _decoder()
        self._number = 0
        self._line = _Line(unit)
        self._kept: deque[_Line] = deque(maxlen=KEPT_LINES)
        """The finished lines before this one, which erasing can open."""
        self._finished: dict[int, _Line] = {}
        """Lines that this input finished."""
        self._offset: int | None = None
        """What our number of a line is beyond the peer's; None before its first snapshot."""
        self._told: dict[int, tuple[str, bool]] = {}
        self._losses_told = 0
        self._alerted_at: float | None = None
        self._outputs: deque[Output] = deque()

    def receive(self, data: str | bytes, now: float) -> None:
        """A message of the `t140` channel arrived: text, or UTF-8 as bytes. RFC 8865 names neither; both are in use."""
        text = self._decoded(data[:T140_MESSAGE_BYTES_ACCEPTED])
        self.characters += len(text)
        for token in self._parser.feed(text, now):
            self._apply(token, now)
        if len(data) > T140_MESSAGE_BYTES_ACCEPTED:
            self._apply(Control.LOSS, now)
        self._tell()

    def interrupted(self, now: float) -> None:
        """The link was lost. Nothing more comes from this channel."""
        if text := self._line.text:
            self._told.pop(self._number, None)
            self._outputs.append(Interrupted(self._number, text))

    def reopened(self, now: float) -> None:
        """A new channel takes the place of the one before. Not for the first channel.

        No mark is set when the line was empty, or nothing came since the last mark: nothing is known to be missing.
        """
        half_a_character = bool(self._decoder.getstate()[0])
        if self._line.own or self._parser.busy or half_a_character:
            self._line = self._line.protect()
            self.losses += 1
        self._parser = Parser()
        self._decoder = _decoder()
        self._kept.clear()
        self.first_line_of_channel = self._number
        self.characters = 0
        self._tell()

    def snapshot(self, line: int, text: str) -> None:
        """The peer says how a line began on earlier channels.

        Args:
            line: as the peer counts over all channels. The first snapshot of a channel comes before its text, and its
                line is the one that the channel begins with; others of other lines say nothing new.
            text: what stands in place of everything before this channel.
        """
        if not self.characters:
            self._begin_channel_with(line)
        number = self.our_number(line)
        known = dict(enumerate(self._kept, self._number - len(self._kept))) | {self._number: self._line}
        if number != self.first_line_of_channel or number not in known:
            return
        if known[number].begin_with(text):
            self._told[number] = (known[number].text, number < self._number)
            self._outputs.append(Restored(number, known[number].text))
        elif number < self._number:
            self._finished[number] = known[number]
        self._tell()

    def our_number(self, line: int) -> int | None:
        """Our number of a line, by the peer's over all channels; None when it has never said how it counts."""
        return None if self._offset is None else line + self._offset

    def poll(self) -> Output | None:
        """The next thing to tell, or None when there is nothing left."""
        return self._outputs.popleft() if self._outputs else None

    def _begin_channel_with(self, line: int) -> None:
        """Makes sure that the line that is open is the one with which the peer begins its channel."""
        if self._offset is None:
            self._offset = self._number - line
        number = line + self._offset
        if number < self._number:  # The peer counts anew, as after a restart.
            number = self._number + bool(self._line.text)
            self._offset = number - line
        if number == self._number:
            return
        # The ends of lines were lost with the old channel: what is here is not the line that goes on.
        self.interrupted(0.0)
        self._told.pop(self._number, None)
        self._number = self.first_line_of_channel = number
        self._line = _Line(self._unit)

    def _decoded(self, data: str | bytes) -> str:
        if isinstance(data, str):
            # A character that was begun in bytes does not go on in text.
            return self._decoder.decode(b"", final=True) + data
        return self._decoder.decode(data)

    def _apply(self, token: Token, now: float) -> None:
        match token:
            case Control.ERASE:
                self._erase()
            case Control.NEW_LINE:
                self._finish()
            case Control.ALERT:
                self._alert(now)
            case Control.LOSS:
                self.losses += 1
                self._line.append(LOSS_MARK)
            case Control.IGNORED:
                self.ignored += 1
            case str():
                if not self._line.append(token):
                    self.losses += 1

    def _erase(self) -> None:
        if self._line.erase():
            return
        if not self._kept:
            self.excess_erasures += 1
            return
        self._number -= 1
        self._line = self._kept.pop()

    def _finish(self) -> None:
        self._finished[self._number] = self._line
        self._kept.append(self._line)
        self._number += 1
        self._line = _Line(self._unit)

    def _alert(self, now: float) -> None:
        self.alerts += 1
        if self._alerted_at is None or now - self._alerted_at >= ALERT_SECONDS:
            self._alerted_at = now
            self._outputs.append(Alert())

    def _tell(self) -> None:
        """Tells what differs from what was told before: lines that are gone first, then the others in order."""
        changes = {number: ("", False) for number in self._told if number > self._number}
        for number, line in sorted(self._finished.items()):
            if number < self._number:
                changes[number] = (line.text, True)
        changes[self._number] = (self._line.text, False)
        for number, change in changes.items():
            if self._told.get(number, ("", False)) != change:
                self._told[number] = change
                self._outputs.append(LineChanged(number, *change))
        self._finished.clear()
        oldest = self._number - len(self._kept)
        self._told = {number: told for number, told in self._told.items() if oldest <= number <= self._number}
        if self.losses > self._losses_told:
            self._outputs.append(Loss(self.losses - self._losses_told))
            self._losses_told = self.losses


def _decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("replace")
