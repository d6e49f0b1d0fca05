"""Our line on its way to one peer: what of it may leave, and when, over all links.

What may leave
    1. To a peer that does not receive, not one byte of T.140 (RFC 8865 §4.2.3.1). The line stays here, and goes as a
       message when it is sent. When the peer receives again, the line goes on as it stands then.
    2. A line that is held, and any line in `Mode.HOLD`, stays at what the peer has of it. It is not erased: the peer
       has read it, and a line that vanishes would say something else than "composes in private". `set_text("")` erases
       it. An empty line is never private.
    3. In `Mode.OFF` what the peer has of the line is erased, and nothing follows. To `conceal` the line erases it,
       too, and then holds it. The peer is told `hold` only when it may see our keys and our user has chosen to compose
       in private; from whom the line is concealed gets no reason, so that it learns nothing about itself.
    4. A held line that is sent ends on the channel as it stands there; its message has the text (RFC 4103 §9: large
       text does not go at more than human speed).
    5. A partner without messages, which speaks RFC 8865 alone, is sent every line whole, but not before it is sent.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from p2pchat.protocol import frames, limits
from p2pchat.protocol.rtt.clock import PeerClock
from p2pchat.protocol.rtt.direction import (
    CAN_DIRECTION,
    CAN_SHOWN,
    CAN_SNAPSHOT,
    OUR_DIRECTION,
    OUR_REASON,
    Mode,
    receives,
)
from p2pchat.protocol.rtt.nudge import Nudges
from p2pchat.protocol.rtt.parser import BOM
from p2pchat.protocol.rtt.sender import Sender
from p2pchat.protocol.rtt.statistics import Delays

KEYS: Final = 1000
"""Changes of a line, and messages, whose times are remembered until they are measured."""


@dataclass(frozen=True, slots=True)
class Committed:
    """How a line of ours that ended reaches the peer."""

    message: bool
    """Whether its message has to go: False for a partner that has real-time text alone."""

    line: int | None = None
    """What the message says in `line`; None when the peer has seen nothing of the line."""

    number: int | None = None
    """What it says in `number`."""

    withheld: bool = False
    """What it says in `withheld`."""


class Outgoing:
    """Our line and one peer. After each call, drain `poll` until it returns None."""

    def __init__(self) -> None:
        self.clock = PeerClock()
        """The peer's clock on this link."""
        self.key_to_send = Delays()
        self.key_to_remote = Delays()
        self.messages = 0
        """T.140 messages that left."""
        self.characters = 0
        """Characters in them."""
        self._mode = Mode.LIVE
        self._text = ""
        self._held = False
        self._sender: Sender | None = None
        """None until the peer has said for the first time that it takes real-time text."""
        self._open = False
        self._alone = False
        """Whether the partner has no control channel."""
        self._receives = False
        self._extensions: tuple[str, ...] = ()
        self._concealed = False
        """Whether the peer may not see our keys, and so is not told why."""
        self._told_direction = self._direction
        self._told_beginning: tuple[int, str] | None = None
        self._snapshot_at = 0.0
        self._nudges = Nudges()
        self._alerted_at: float | None = None
        self.cps = 0
        """Characters a second that the peer takes; 0 until it has said so."""
        self.unit = ""
        """What one erasure takes at the peer; empty until it has said so."""
        self._typed_at: float | None = None
        """When the line was changed last."""
        self._keys: deque[float] = deque(maxlen=KEYS)
        """When the line was changed, for changes that have not left."""
        self._channel_characters = 0
        self._shown: deque[tuple[int, list[float]]] = deque(maxlen=KEYS)
        """Messages that left on this channel and were not shown: characters up to there, and the keys in them."""
        self._frames: deque[frames.RttFrame] = deque()

    # --- the link

    def features(self, features: frames.LiveTextFeatures) -> frames.LiveTextFeatures:
        """What our `hello` on a new link says: `features`, with the direction that our user wants now."""
        self._told_direction = direction, why = self._direction
        return replace(features, direction=direction, why=why)

    def started(self, features: frames.LiveTextFeatures, now: float, alone: bool = False) -> None:
        """A channel is open, and the peer takes real-time text as `features` say."""
        self._open, self._alone = True, alone
        self._receives = receives(features.direction)
        self._extensions = features.extensions
        self.cps, self.unit = features.cps, features.unit
        self._told_beginning = None
        self._snapshot_at = now
        self.clock = PeerClock()
        self._nudges = Nudges()
        self._channel_characters = 0
        self._shown.clear()
        if self._sender is None:
            interval = limits.T140_INTERVAL if alone else limits.T140_INTERVAL_P2PCHAT
            self._sender = Sender(interval, features.cps, features.unit)
            self._update(now)
        else:
            self._sender.reopened(now, features.cps, features.unit)
        self._say_direction()

    def stopped(self) -> None:
        """The channel is gone."""
        self._open = False
        self._frames.clear()
        self._keys.clear()

    def directed(self, direction: str) -> None:
        """The peer said what it does from now on."""
        self._receives = receives(direction)

    # --- our line

    @property
    def mode(self) -> Mode:
        """What our user wants."""
        return self._mode

    def set_mode(self, mode: Mode, now: float) -> None:
        """Our user wants this from now on, and the peer may see our keys."""
        self._concealed = False
        self._change_mode(mode, now)

    def conceal(self, now: float) -> None:
        """Takes our line back at the peer, and goes on in `Mode.HOLD`: it sees nothing of ours before it is sent.

        It is told that it will see no keys, and not why.
        """
        text, held, typed_at = self._text, self._held, self._typed_at
        self.set_text("", now)
        self._concealed = True
        self._change_mode(Mode.HOLD, now)
        self._text, self._held, self._typed_at = text, held, typed_at

    @property
    def sees_keys(self) -> bool:
        """Whether what is typed goes to the peer as it is typed."""
        return self._sending and self._mode is Mode.LIVE

    def set_text(self, text: str, now: float, held: bool = False, typed_at: float | None = None) -> None:
        """Our line reads `text` now; the empty text takes it back.

        Args:
            text: the whole line.
            now: the time.
            held: it is not shown before it is sent, as for commands, recalled lines, text of an editor, and what was
                pasted with more than `limits.PASTE_CHARACTERS`.
            typed_at: when the last key of it was pressed, for `key_to_send`; None for now.
        """
        if held:
            self._withhold(now)
        self._text, self._held = text, held
        self._typed_at = now if typed_at is None else min(typed_at, now)
        self._update(now, self._typed_at)

    def commit(self, now: float) -> Committed:
        """Ends our line."""
        text, self._text = self._text, ""
        held, self._held = self._held or self._mode is not Mode.LIVE, False
        sender = self._sender
        if sender is None:
            return Committed(message=True)
        if self._alone:
            sender.set_text(text, now)
            sender.commit(now)
            return Committed(message=False)
        withheld = held or not self._open or not self._receives
        if withheld and not sender.freeze(now):
            sender.set_text("", now)
            return Committed(message=True)
        committed = Committed(True, sender.line, sender.number, withheld)
        self._snapshot_at = now  # The reader compares the whole line as soon as it has ended.
        sender.commit(now)
        if self._sending:
            self._keys.append(now)
        return committed

    def alert(self, now: float) -> bool:
        """Asks the peer for attention. Returns False when that is not possible now, or was done a moment ago."""
        recently = self._alerted_at is not None and now < self._alerted_at + limits.ALERT_SECONDS
        if not self.sees_keys or self._sender is None or recently or not self._sender.alert(now):
            return False
        self._alerted_at = now
        return True

    @property
    def unfinished(self) -> int:
        """Lines that we ended and whose end has not left: lines 0 to `unfinished` - 1 of a channel that just opened."""
        return self._sender.unfinished if self._sender is not None else 0

    @property
    def backlog(self) -> int:
        """Characters that wait to be sent."""
        return self._sender.outstanding if self._sender is not None else 0

    @property
    def sent_up_to(self) -> float | None:
        """When the newest key of our line was pressed, once it has left with all before it; None while it has not."""
        return self._typed_at if self.sees_keys and not (self._held or self.backlog) else None

    @property
    def behind(self) -> int:
        """Characters that the peer's rate holds back; 0 while they are no more than it takes in a second."""
        return backlog if self._sending and (backlog := self.backlog) > self.cps else 0

    # --- what the peer says

    def shown(self, seen: list[tuple[int, float]], now: float) -> bool:
        """The peer handed what we sent to its user, up to so many characters and at such times of its clock.

        Returns:
            Whether its user has all the text that left, and had not before.
        """
        news = False
        for characters, at in seen:
            keys: list[float] = []
            while self._shown and self._shown[0][0] <= characters:
                sent, keys = self._shown.popleft()
                news = news or sent > len(BOM)
            if self.clock.known:
                for key in keys:
                    self.key_to_remote.add(min(self.clock.ours(at), now) - key)
        if not self._shown:
            self._nudges.stop()
        return news and not self._shown

    # --- what is to be done

    def poll(self, now: float) -> str | frames.RttFrame | None:
        """The next string for the channel, or frame for the control channel. None when there is nothing left."""
        if self._frames:
            return self._frames.popleft()
        if now >= self._snapshot_at and (beginning := self._snapshot()) is not None:
            self._told_beginning = beginning
            self._snapshot_at = now + limits.SNAPSHOT_EVERY
            return frames.RttSnapshot(*beginning)
        if self._something_may_leave and self._sender is not None and (text := self._sender.poll(now)) is not None:
            self._left(text, now)
            return text
        if self._nudging and self._nudges.take(now):
            return frames.RttNudge()
        return None

    def deadline(self) -> float | None:
        """When `poll` has something without another call before."""
        due = [self._snapshot_at if self._snapshot() is not None else None]
        if self._something_may_leave and self._sender is not None:
            due.append(self._sender.deadline())
        if self._nudging:
            due.append(self._nudges.deadline())
        return min((at for at in due if at is not None), default=None)

    # --- inside

    @property
    def _sending(self) -> bool:
        return self._open and self._receives

    @property
    def _something_may_leave(self) -> bool:
        """While nobody sees our keys, not even a BOM leaves, unless an erasure or the end of a line has to."""
        return self._sending and (self._mode is Mode.LIVE or bool(self.backlog))

    @property
    def _nudging(self) -> bool:
        """Whether the last text that left has nothing behind it."""
        waiting = self._sender is None or self._sender.deadline() is not None
        return self._sending and not self._alone and not waiting

    def _snapshot(self) -> tuple[int, str] | None:
        """What the next snapshot says: one for each channel, and others while its first line changes before it."""
        beginning = self._sender.beginning if self._sender is not None else None
        told = self._told_beginning
        if CAN_SNAPSHOT not in self._extensions or not self._open or beginning == told:
            return None
        return beginning if told is None or self._receives else None

    def _change_mode(self, mode: Mode, now: float) -> None:
        if mode is Mode.HOLD:
            self._withhold(now)
        self._mode = mode
        self._update(now)
        if self._open:
            self._say_direction()

    def _withhold(self, now: float) -> None:
        """Our line is private from now on: what the peer has of it stays, unless it is just being erased."""
        if self._sender is not None and self._text and not self._held and self._mode is Mode.LIVE:
            self._sender.freeze(now)

    def _update(self, now: float, typed_at: float | None = None) -> None:
        """Gives the sender what may leave. When a key was pressed, that was at `typed_at`."""
        if self._sender is None:
            return
        if self._mode is Mode.OFF:
            self._sender.set_text("", now)
        elif not self._text or not (self._held or self._mode is Mode.HOLD):
            self._sender.set_text(self._text, now)
            if typed_at is not None and self._sending:
                self._keys.append(typed_at)
        if not self._sender.outstanding:
            self._keys.clear()

    def _left(self, text: str, now: float) -> None:
        """A message goes onto the channel."""
        self.messages += 1
        self.characters += len(text)
        self._channel_characters += len(text)
        keys: list[float] = []
        if not self.backlog:
            keys = list(self._keys)
            self._keys.clear()
            for key in keys:
                self.key_to_send.add(now - key)
        if CAN_SHOWN in self._extensions:
            self._shown.append((self._channel_characters, keys))
        if text != BOM:
            self._nudges.text_sent(now)

    @property
    def _direction(self) -> tuple[str, str]:
        """What we do on the channel, and why, as the peer is to be told."""
        return OUR_DIRECTION[self._mode], "" if self._concealed else OUR_REASON[self._mode]

    def _say_direction(self) -> None:
        if self._direction != self._told_direction and CAN_DIRECTION in self._extensions:
            self._frames.append(frames.RttDirection(*self._direction))
        self._told_direction = self._direction
