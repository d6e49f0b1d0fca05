"""The sending half of real-time text: what our live line reads now in, T.140 messages for one peer out.

Rules
    1. The sender compares what the peer has with what the line reads now; it keeps no list of edits. What was typed and
       taken back between two messages never leaves.
    2. Text after a pause leaves at once, further text every `interval` (RFC 4103 §5.1, RFC 8865 §5.3).
    3. In any ten seconds at most `cps` x 10 characters leave, erasures and new lines included (RFC 4103 §6).
    4. Only whole units leave, so that no accent and no half of a flag waits for the next message. A change inside a
       unit erases the unit and writes the new one.
    5. Each channel begins with a BOM. Nothing that left on an earlier channel is repeated (RFC 8865 §5.4); what was
       typed in between is sent.
    6. A line of ours is one line of T.140, and `commit` ends it: newlines inside it are sent as spaces. The
       acknowledged message that finishes the line has them.
    7. An alert leaves before the text that waits, and within `ALERT_SECONDS` or not at all: later it would say nothing
       of the moment in which it was asked for.
    8. What is to stay private is never given to a sender: `freeze` leaves the line at what the peer has of it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Final

from p2pchat.protocol.limits import ALERT_SECONDS, CPS_WINDOW, LIVE_LINE_CHARACTERS, T140_MESSAGE_BYTES
from p2pchat.protocol.rtt.encoding import as_live_line
from p2pchat.protocol.rtt.graphemes import GRAPHEME, shared, split
from p2pchat.protocol.rtt.parser import BACKSPACE, BELL, BOM, LOSS_MARK, NEW_LINE

INTERVAL_MAX: Final = 0.5
"""Longest time that text may be buffered, in seconds (T.140, quoted in RFC 8865 §5.3; EN 301 549 clause 6.2.4)."""


def difference(old: list[str], new: list[str]) -> list[str]:
    """Returns what turns one line into another at the peer: erasures, then what follows the common beginning.

    Both lines are given as units (see `p2pchat.protocol.rtt.graphemes.split`). Joined, the result is T.140.
    """
    same = shared(old, new)
    return [BACKSPACE] * (len(old) - same) + new[same:]


class Sender:
    """Our live line on its way to one peer, over all the `t140` channels to it.

    State what the line reads with `set_text`, end it with `commit`, and tell when a new channel has replaced a lost
    one with `reopened`. After each call, and at `deadline()`, put on the channel what `poll(now)` returns until it
    returns None. While there is no open channel, do not poll: nothing is lost by waiting.

    Args:
        interval: seconds between two messages while there is text to send, more than 0 and at most `INTERVAL_MAX`.
        cps: characters per second that the peer accepts, as mean over ten seconds; 1 or more.
        unit: what one erasure takes at the peer: `g` a grapheme cluster, `c` a code point.

    Raises:
        ValueError: interval or cps is out of range.
    """

    def __init__(self, interval: float, cps: int, unit: str = GRAPHEME) -> None:
        if not 0 < interval <= INTERVAL_MAX or cps < 1:
            raise ValueError(f"an interval of {interval} s or {cps} characters per second cannot be kept")
        self._interval = interval
        self._rate = _Rate(int(cps * CPS_WINDOW))
        self._unit = unit
        self._lines: deque[list[str]] = deque([[]])
        """Lines that are not finished at the peer, as units. The last one is live, the others are committed."""
        self._earlier: list[str] = []
        """The beginning of the first line that the peer was sent on earlier channels."""
        self._skipped = 0
        """Units at the start of the first line that are not sent, because they are in `_earlier`."""
        self._sent: list[str] = []
        """What this channel's peer has of the first line."""
        self._steps: deque[str] = deque()
        """What turns `_sent` into the first line, without what is skipped."""
        self._first = 0
        """Lines finished on earlier channels."""
        self._finished = 0
        """Lines finished on this channel."""
        self._mark_start = True
        self._alert_until = -math.inf
        """Until when an alert that was asked for may leave."""
        self._changed_at = 0.0
        self._next_at = 0.0

    @property
    def line(self) -> int:
        """The number, in this channel and from 0, of the line that is live: the one that `commit` would finish now."""
        return self._finished + self.unfinished

    @property
    def number(self) -> int:
        """The same line, counted over all channels."""
        return self._first + self.line

    @property
    def beginning(self) -> tuple[int, str] | None:
        """What the peer has from earlier channels of the line that this channel began with, and that still stands.

        Returns:
            The line's number over all channels, and how it begins; None once this channel has finished that line.
        """
        return None if self._finished else (self._first, "".join(self._earlier[: self._skipped]))

    @property
    def unfinished(self) -> int:
        """Committed lines whose end has not been put on the channel.

        After `reopened` they are the lines 0 to `unfinished` - 1 of the new channel: the last so many messages, sent
        again over the new link, must carry these numbers. Messages before them carry none.
        """
        return len(self._lines) - 1

    @property
    def outstanding(self) -> int:
        """Characters, erasures and new lines that have not been put on the channel; 0 when the peer has everything."""
        return _characters(self._steps) + sum(1 + _characters(line) for line in list(self._lines)[1:])

    def set_text(self, text: str, now: float) -> None:
        """Our live line reads `text` now; the empty text retracts it."""
        self._lines[-1] = self._sendable(text)
        self._changed_at = now
        if len(self._lines) == 1:
            self._compare()

    def commit(self, now: float) -> None:
        """Ends the live line as it stands, even an empty one, and begins the next."""
        self._lines.append([])
        self._changed_at = now

    def freeze(self, now: float) -> bool:
        """The live line reads what the peer has of it, until `set_text`: nothing more of it leaves.

        Returns:
            Whether the peer has anything of it.
        """
        self._changed_at = now
        if self.unfinished:
            self._lines[-1] = []
            return False
        self._lines[0] = self._earlier[: self._skipped] + self._sent
        self._compare()
        return bool(self._earlier or self._sent)

    def alert(self, now: float) -> bool:
        """Asks the peer for attention, in the next message. Returns False when its rate leaves no room for it soon."""
        if self._rate.free_at(len(BELL), now) > now + ALERT_SECONDS:
            return False
        self._alert_until = now + ALERT_SECONDS
        self._changed_at = now
        return True

    def reopened(self, now: float, cps: int, unit: str = GRAPHEME) -> None:
        """A new channel to the peer is open in place of the one before. Not for the first channel.

        Args:
            now: the time.
            cps: characters per second that the peer accepts now.
            unit: what one erasure takes at the peer now.
        """
        self._earlier = split("".join(self._earlier[: self._skipped] + self._sent), unit)
        self._sent = []
        self._unit = unit
        self._rate.limit = int(cps * CPS_WINDOW)
        self._lines = deque(self._sendable("".join(line)) for line in self._lines)
        self._first += self._finished
        self._finished = 0
        self._mark_start = True
        self._alert_until = -math.inf
        self._changed_at = self._next_at = now
        self._compare()

    def poll(self, now: float) -> str | None:
        """The message to put on the channel now, or None when nothing is due."""
        room = self._rate.room(now)
        alert = BELL if now <= self._alert_until else ""
        message = ((BOM if self._mark_start else "") + alert)[: max(0, room)]
        self._mark_start = self._mark_start and BOM not in message
        if BELL in message or not alert:
            self._alert_until = -math.inf
        if now >= self._next_at:
            message += self._text(room - len(message), len(message.encode()), now)
        if not message:
            return None
        self._rate.used(len(message), now)
        return message

    def deadline(self) -> float | None:
        """When `poll` will have a message, or None when there is none to come before the next input."""
        first = self._rate.free_at(1, self._changed_at)
        if self._mark_start or first <= self._alert_until:
            return first
        step = self._next_step()
        return None if step is None else self._rate.free_at(len(step), max(self._changed_at, self._next_at))

    def _text(self, room: int, size: int, now: float) -> str:
        """Takes as many steps as fit into `room` characters, and into a message that has `size` bytes already."""
        steps: list[str] = []
        while (step := self._next_step()) is not None and len(step) <= room:
            size += len(step.encode())
            if size > T140_MESSAGE_BYTES:
                # Only the size of a message holds the rest back: another message may follow at once.
                return "".join(steps)
            room -= len(step)
            steps.append(step)
            self._take()
        if steps:
            self._next_at = now + self._interval
        return "".join(steps)

    def _next_step(self) -> str | None:
        """The next erasure, unit or new line that brings the peer nearer to what our lines read."""
        if self._steps:
            return self._steps[0]
        return NEW_LINE if self.unfinished else None

    def _take(self) -> None:
        """The next step is taken."""
        if not self._steps:
            self._lines.popleft()
            self._finished += 1
            self._earlier, self._sent = [], []
            self._compare()
        elif (step := self._steps.popleft()) == BACKSPACE:
            self._sent.pop()
        else:
            self._sent.append(step)

    def _compare(self) -> None:
        """Works out the steps anew: the first line, or what the peer has of it, is another one now."""
        self._skipped = shared(self._earlier, self._lines[0])
        self._steps = deque(difference(self._sent, self._lines[0][self._skipped :]))

    def _sendable(self, text: str) -> list[str]:
        """The text as one line of T.140, in units, no longer than a peer keeps."""
        units: list[str] = []
        length = 0
        for unit in split(as_live_line(text), self._unit):
            # A unit that fits into no ten seconds would hold back everything behind it for ever.
            units.append(unit if len(unit) <= self._rate.limit else LOSS_MARK)
            length += len(units[-1])
            if length > LIVE_LINE_CHARACTERS:
                return units[:-1]
        return units


class _Rate:
    """At most `limit` characters in any interval of `CPS_WINDOW` seconds."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._used: deque[tuple[float, int]] = deque()

    def room(self, now: float) -> int:
        """Characters that may leave now."""
        while self._used and self._used[0][0] + CPS_WINDOW <= now:
            self._used.popleft()
        return self.limit - sum(characters for _, characters in self._used)

    def used(self, characters: int, now: float) -> None:
        self._used.append((now, characters))

    def free_at(self, characters: int, earliest: float) -> float:
        """When so many characters may leave, at `earliest` or later."""
        missing = characters - self.limit + sum(used for _, used in self._used)
        free = earliest
        for at, used in self._used:
            if missing <= 0:
                break
            missing -= used
            free = max(free, at + CPS_WINDOW)
        return free


def _characters(units: Iterable[str]) -> int:
    return sum(map(len, units))
