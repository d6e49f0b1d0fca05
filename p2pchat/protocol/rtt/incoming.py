"""Real-time text of one peer, as its reader gets it: lines, joined with the messages that finish them, and alerts.

Text of a p2pchat that overtakes its first frames waits: until the peer is admitted, and, when it can send snapshots,
until its first one has said with which line the channel begins. What was handed on to the user is acknowledged
(`rtt-shown`), at once after a pause and then once a second at most.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from p2pchat.protocol import frames, limits
from p2pchat.protocol.rtt import t140
from p2pchat.protocol.rtt.lines import LineLog, LineState


@dataclass(frozen=True, slots=True)
class LineRead:
    """A line of the peer reads like this now. The text is untrusted."""

    line: int
    """Counts the peer's lines from 0, over all links."""
    text: str
    state: LineState
    corrected: bool = False
    """The line had been shown otherwise, and no loss explains it: this is what its author sent."""
    restored: bool = False
    """A lost link had taken a part of the line; it is there again."""


@dataclass(frozen=True, slots=True)
class Alerted:
    """The peer asks for attention."""


class Incoming:
    """What one peer types, over all its links. After each call, drain `poll` until it returns None.

    Args:
        shows_later: whether `handed_on` is called when the user gets what was told.
    """

    def __init__(self, shows_later: bool = False) -> None:
        self._shows_later = shows_later
        self._handed_on = 0
        """Characters of the channel up to which the peer is told, or will be, that they were shown."""
        self.receiver = t140.Receiver()
        self.messages = 0
        """T.140 messages that were read."""
        self.characters = 0
        """Characters in them, control codes included."""
        self.desyncs = 0
        self.healed = 0
        self._lines = LineLog()
        self._open = False
        self._had_channel = False
        self._ready = False
        """Whether text may be read; what comes before waits in `_early`."""
        self._early: list[bytes | str] = []
        self._shows = False
        """Whether the peer wants to know what was shown."""
        self._opened_at = 0.0
        self._seen: list[tuple[int, float]] = []
        self._tell_seen_at = 0.0
        self._first = 0
        self._highest = -1
        self._outputs: deque[LineRead | Alerted] = deque()

    @property
    def next_line(self) -> int:
        """A number beyond those of all lines that were told."""
        return self._highest + 1

    def number_from(self, line: int) -> None:
        """Numbers the lines from here on: the peer had others before, under another address."""
        self._first = line
        self._highest = line - 1

    # --- the channel

    def channel_opened(self, now: float, waits: bool) -> None:
        """A new `t140` channel is open; the peer may write at once. When it `waits`, that is read after `admitted`."""
        if self._had_channel:
            self.receiver.reopened(now)
        self._open = self._had_channel = True
        self._ready, self._shows = not waits, False
        self._early, self._seen, self._handed_on = [], [], 0
        self._opened_at = self._tell_seen_at = now
        self._read_lines()

    def admitted(self, now: float, snapshots: bool = False, shows: bool = False) -> None:
        """The peer's text may be shown.

        Args:
            now: the time.
            snapshots: the peer sends a snapshot before its text.
            shows: it wants to know what was shown.
        """
        self._shows = shows
        if not snapshots:
            self._read_early(now)

    def channel_lost(self, now: float) -> None:
        """The link is gone. A line that was under way is told as interrupted."""
        if self._open:
            self._open = False
            self._lines.doubted(self.receiver.first_line_of_channel)
            self.receiver.interrupted(now)
            self._read_lines()

    def handed_on(self, characters: int, now: float) -> None:
        """The user has what came up to so many characters of this channel."""
        characters = min(characters, self.receiver.characters)
        if self._shows and self._open and characters > self._handed_on:
            self._handed_on = characters
            # When there are too many of them, the last one stands for those before it.
            del self._seen[limits.SHOWN_MESSAGES - 1 :]
            self._seen.append((characters, self.reading(now)))

    def reading(self, now: float) -> float:
        """What our clock shows to the peer: seconds since the channel opened."""
        return max(0.0, now - self._opened_at)

    # --- what arrives

    def receive(self, data: bytes | str, now: float) -> bool:
        """A message came on the channel. Returns False when too much of it waits for the peer's first frames."""
        if not self._open:
            return True
        if not self._ready:
            self._early.append(data)
            return len(self._early) <= limits.EARLY_TEXTS
        self._read(data, now)
        return True

    def snapshot(self, frame: frames.RttSnapshot, now: float) -> None:
        """The peer said how the line began that its channel goes on with."""
        self.receiver.snapshot(frame.line, frame.text)
        number = self.receiver.our_number(frame.line)
        if number is not None and number == self.receiver.first_line_of_channel:
            # Its author goes on with it: no message that names no line finishes it, even if nothing of it is left.
            self._lines.restored(number)
        self._read_lines()
        if not self._ready:
            self._read_early(now)

    def finished_by(self, message: frames.Message) -> bool:
        """A message arrived for the first time. Returns whether it finishes a line, which is told then."""
        line = self.receiver.our_number(message.number) if message.number is not None else None
        if line is None and message.line is not None:
            line = message.line + self.receiver.first_line_of_channel
        claim = self._lines.claimed_by(message.text, line, message.withheld)
        if claim is None:
            return False
        self.desyncs += claim.differs
        self.healed += claim.healed
        self._tell(LineRead(claim.line, message.text, "final", claim.differs, claim.healed))
        return True

    # --- what is to be done

    def poll(self, now: float) -> LineRead | Alerted | frames.RttShown | None:
        """The next thing to tell the user or the peer. None when there is nothing left."""
        if self._outputs:
            return self._outputs.popleft()
        if self._seen and self._open and now >= self._tell_seen_at:
            seen, self._seen = self._seen, []
            self._tell_seen_at = now + limits.SHOWN_EVERY
            return frames.RttShown(seen)
        return None

    def deadline(self) -> float | None:
        """When `poll` has something without another call before."""
        return self._tell_seen_at if self._seen and self._open else None

    # --- inside

    def _read_early(self, now: float) -> None:
        early, self._early, self._ready = self._early, [], True
        for data in early:
            self._read(data, now)

    def _read(self, data: bytes | str, now: float) -> None:
        before = self.receiver.characters
        self.receiver.receive(data, now)
        self._read_lines()
        self.messages += 1
        self.characters += self.receiver.characters - before
        if not self._shows_later:
            self.handed_on(self.receiver.characters, now)

    def _read_lines(self) -> None:
        while (output := self.receiver.poll()) is not None:
            match output:
                case t140.LineChanged(line, text, final):
                    self._read_line(line, text, "final" if final else "live")
                case t140.Interrupted(line, text):
                    self._read_line(line, text, "interrupted")
                case t140.Restored(line, text):
                    self.healed += 1
                    self._lines.restored(line)
                    if self._lines.changed(line, text, "live"):
                        self._tell(LineRead(line, text, "live", restored=True))
                case t140.Alert():
                    self._outputs.append(Alerted())

    def _read_line(self, line: int, text: str, state: LineState) -> None:
        if self._lines.changed(line, text, state):
            self._tell(LineRead(line, text, state))
        elif state == "final" and (right := self._lines.contradicted(line, text)) is not None:
            self.desyncs += 1
            self._tell(LineRead(line, right, state, corrected=True))

    def _tell(self, read: LineRead) -> None:
        line = self._first + read.line
        self._highest = max(self._highest, line)
        self._outputs.append(LineRead(line, read.text, read.state, read.corrected, read.restored))
