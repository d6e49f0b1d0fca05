"""Real-time text with one peer, both directions, over all links: our sender, its receiver, and its lines.

`LiveText` joins the machines of this package: the diffing `Sender`, the T.140 `Receiver`, and the `LineLog` that knows
which line a message finishes. Receiving begins with the channel, sending when the peer has said that it takes it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from p2pchat.protocol import frames, limits
from p2pchat.protocol.rtt import t140
from p2pchat.protocol.rtt.lines import LineLog, LineState
from p2pchat.protocol.rtt.sender import Sender


@dataclass(frozen=True, slots=True)
class LineRead:
    """A line of the peer reads like this now. The text is untrusted."""

    line: int
    """Counts the peer's lines from 0, over all links."""
    text: str
    state: LineState


@dataclass(frozen=True, slots=True)
class Alerted:
    """The peer asks for attention."""


class LiveText:
    """Real-time text with one peer. After each call, drain `poll` until it returns None."""

    def __init__(self) -> None:
        self._text = ""
        """What our live line reads."""
        self._sender: Sender | None = None
        """None until the peer has said for the first time that it takes real-time text."""
        self._receiver = t140.Receiver()
        self._lines = LineLog()
        self._open = False
        self._sending = False
        self._had_channel = False
        self._first = 0
        self._highest = -1
        self._outputs: deque[LineRead | Alerted] = deque()

    @property
    def next_line(self) -> int:
        """A number beyond those of all lines of the peer that were told."""
        return self._highest + 1

    def number_from(self, line: int) -> None:
        """Numbers the peer's lines from here on: it had others before, under another address."""
        self._first = line
        self._highest = line - 1

    # --- the channel

    def channel_opened(self, now: float) -> None:
        """A new `t140` channel is open; the peer may write at once."""
        if self._had_channel:
            self._receiver.reopened(now)
        self._open = self._had_channel = True
        self._read_lines()

    def peer_takes_text(self, features: frames.LiveTextFeatures, now: float) -> None:
        """The peer said on the new link that it takes real-time text, and how."""
        if self._sender is None:
            self._sender = Sender(limits.T140_INTERVAL_P2PCHAT, features.cps, features.unit)
            self._sender.set_text(self._text, now)
        else:
            self._sender.reopened(now)
        self._sending = True

    def channel_lost(self, now: float) -> None:
        """The link is gone. A line of the peer that was under way is told as interrupted."""
        if self._open:
            self._open = self._sending = False
            self._receiver.interrupted(now)
            self._read_lines()

    def receive(self, data: bytes | str, now: float) -> None:
        """A message came on the channel."""
        if self._open:
            self._receiver.receive(data, now)
            self._read_lines()

    # --- our line

    def set_text(self, text: str, now: float) -> None:
        """Our live line reads this now."""
        self._text = text
        if self._sender is not None:
            self._sender.set_text(text, now)

    def commit(self, now: float) -> int | None:
        """Ends our live line.

        Returns:
            The number to put into the message that finishes it; None when it goes as a message alone, because there
            is no channel now, or the peer takes no real-time text.
        """
        self._text = ""
        if self._sender is None:
            return None
        if not self._sending:
            self._sender.set_text("", now)
            return None
        line = self._sender.line
        self._sender.commit(now)
        return line

    @property
    def unfinished(self) -> int:
        """Lines that we ended and whose end has not left: lines 0 to `unfinished` - 1 of a channel that just opened."""
        return self._sender.unfinished if self._sender is not None else 0

    # --- the peer's messages

    def finished_by(self, message: frames.Message) -> bool:
        """A message of the peer arrived for the first time. Returns whether it finishes a line, which is told then."""
        line = None if message.line is None else message.line + self._receiver.first_line_of_channel
        line = self._lines.claimed_by(message.text, line)
        if line is None:
            return False
        self._tell(line, message.text, "final")
        return True

    # --- what is to be done

    def poll(self, now: float) -> str | LineRead | Alerted | None:
        """The next thing: a string to send on the channel, or something to tell. None when there is nothing left."""
        if self._outputs:
            return self._outputs.popleft()
        return self._sender.poll(now) if self._sending and self._sender is not None else None

    def deadline(self) -> float | None:
        """When `poll` has something to send without another call before."""
        return self._sender.deadline() if self._sending and self._sender is not None else None

    def _read_lines(self) -> None:
        while (output := self._receiver.poll()) is not None:
            match output:
                case t140.LineChanged(line, text, final):
                    self._read_line(line, text, "final" if final else "live")
                case t140.Interrupted(line, text):
                    self._read_line(line, text, "interrupted")
                case t140.Alert():
                    self._outputs.append(Alerted())

    def _read_line(self, line: int, text: str, state: LineState) -> None:
        if self._lines.changed(line, text, state):
            self._tell(line, text, state)

    def _tell(self, line: int, text: str, state: LineState) -> None:
        self._highest = max(self._highest, self._first + line)
        self._outputs.append(LineRead(self._first + line, text, state))
