"""Real-time text with one peer, both directions, over all links.

`LiveText` joins our line on its way out (`outgoing`) and the peer's lines (`incoming`). A link begins with
`channel_opened`. Then either the peer is `admitted` with what its hello says, or it is a `foreign_partner` that has no
control channel and speaks RFC 8865 alone. Nothing is sent before that.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from p2pchat.protocol import frames
from p2pchat.protocol.rtt.direction import CAN_SHOWN, CAN_SNAPSHOT, DIRECTIONS, SENDRECV, Mode, receives, sends
from p2pchat.protocol.rtt.incoming import Alerted, Incoming, LineRead
from p2pchat.protocol.rtt.outgoing import Committed, Outgoing
from p2pchat.protocol.rtt.progress import Progress, Sent
from p2pchat.protocol.rtt.statistics import Statistics

__all__ = ["Alerted", "Committed", "Directed", "LineRead", "LiveText", "Mode", "Sent", "Shown"]


@dataclass(frozen=True, slots=True)
class Directed:
    """The peer does this from now on."""

    sends: bool
    """Whether its keys can be seen as they are typed."""

    receives: bool
    """Whether ours can; else our lines go as messages."""

    why: str
    """`hold` when its user has chosen to compose in private, `off` when it wants no real-time text, empty when it does
    not say; other words are untrusted text."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The peer's program has handed its user everything that was sent."""


class LiveText:
    """Real-time text with one peer. After each call, drain `poll` until it returns None.

    Args:
        shows_later: whether `handed_on` is called when the user gets what was told. Else that counts as the same time.
    """

    def __init__(self, shows_later: bool = False) -> None:
        self._out = Outgoing()
        self._in = Incoming(shows_later)
        self._progress = Progress()
        self._told: deque[Directed | Shown] = deque()

    @property
    def next_line(self) -> int:
        """A number beyond those of all lines of the peer that were told."""
        return self._in.next_line

    def number_from(self, line: int) -> None:
        """Numbers the peer's lines from here on: it had others before, under another address."""
        self._in.number_from(line)

    # --- the link

    def features(self, features: frames.LiveTextFeatures) -> frames.LiveTextFeatures:
        """What our `hello` on a new link says: `features`, with the direction that our user wants now."""
        return self._out.features(features)

    def channel_opened(self, now: float, waits: bool = False) -> None:
        """A new `t140` channel is open; the peer may write at once.

        Args:
            now: the time.
            waits: what it writes is not read before `admitted`.
        """
        self._in.channel_opened(now, waits)

    def admitted(self, features: frames.LiveTextFeatures | None, now: float) -> None:
        """The peer may be talked to.

        Args:
            features: what its hello says; None when it takes no real-time text.
            now: the time.
        """
        extensions = features.extensions if features is not None else ()
        self._in.admitted(now, CAN_SNAPSHOT in extensions, CAN_SHOWN in extensions)
        if features is not None:
            self._out.started(features, now)
            if features.direction != SENDRECV and features.direction in DIRECTIONS:
                self._tell_direction(features.direction, features.why)

    def foreign_partner(self, now: float, features: frames.LiveTextFeatures | None = None) -> None:
        """The partner has no control channel: no messages, receipts or snapshots. A new line finishes a line.

        Args:
            now: the time.
            features: what its session description says of the channel (`p2pchat.protocol.rtt.sdp`), if anything. Else
                it gets what RFC 8865 assumes: 30 characters a second; a message every 300 ms.
        """
        self._in.admitted(now)
        self._out.started(features or frames.LiveTextFeatures(), now, alone=True)

    def channel_lost(self, now: float) -> None:
        """The link is gone. A line of the peer that was under way is told as interrupted."""
        self._out.stopped()
        self._in.channel_lost(now)

    # --- what arrives

    def receive(self, data: bytes | str, now: float) -> bool:
        """A message came on the channel. Returns False when too much of it came before the peer's first frames."""
        return self._in.receive(data, now)

    def receive_frame(self, frame: frames.RttFrame, now: float) -> None:
        """A frame about real-time text came, after the peer was admitted."""
        match frame:
            case frames.RttDirection(direction, why):
                self._out.directed(direction)
                self._tell_direction(direction, why)
            case frames.RttSnapshot():
                self._in.snapshot(frame, now)
            case frames.RttShown(seen):
                if self._out.shown(seen, now):
                    self._told.append(Shown())
            case frames.RttNudge():
                pass  # Its packet has done its work.

    @property
    def read_so_far(self) -> int:
        """Characters of the peer's channel that were read and told."""
        return self._in.receiver.characters

    def handed_on(self, characters: int, now: float) -> None:
        """Our user has what was told when `read_so_far` was `characters`, on the present channel."""
        self._in.handed_on(characters, now)

    def clock_answered(self, round_trip: float, at: float, now: float) -> None:
        """A ping came back after `round_trip` seconds, and said that the peer's clock showed `at`."""
        self._out.clock.answered(round_trip, at, now)

    def clock_reading(self, now: float) -> float:
        """What our clock shows to the peer."""
        return self._in.reading(now)

    def finished_by(self, message: frames.Message) -> bool:
        """A message of the peer arrived for the first time. Returns whether it finishes a line, which is told then."""
        return self._in.finished_by(message)

    # --- our line

    @property
    def mode(self) -> Mode:
        """What our user wants of real-time text with this peer."""
        return self._out.mode

    def share(self, shared: bool, mode: Mode, now: float) -> None:
        """Our user wants this of real-time text with the peer, also on later links.

        Args:
            shared: whether the peer may see our keys. If not, what it has of the line is taken back, and it is told
                that it will see no keys, but not why.
            mode: what is wanted with those who may.
            now: the time.
        """
        if shared or mode is Mode.OFF:
            self._out.set_mode(mode, now)
        else:
            self._out.conceal(now)

    @property
    def sees_keys(self) -> bool:
        """Whether what is typed goes to the peer as it is typed. While it does not, no character of ours leaves."""
        return self._out.sees_keys

    def set_text(self, text: str, now: float, held: bool = False, typed_at: float | None = None) -> None:
        """Our live line reads this now; see `Outgoing.set_text` for `held` and `typed_at`.

        The empty text takes it back everywhere, also from a peer that saw a part of it in `hold`.
        """
        self._out.set_text(text, now, held, typed_at)

    def commit(self, now: float) -> Committed:
        """Ends our live line. Returns what its message has to say, or that none goes."""
        return self._out.commit(now)

    def alert(self, now: float) -> bool:
        """Asks the peer for attention. Returns False when that is not possible now, or was done a moment ago."""
        return self._out.alert(now)

    @property
    def unfinished(self) -> int:
        """Lines that we ended and whose end has not left: lines 0 to `unfinished` - 1 of a channel that just opened."""
        return self._out.unfinished

    @property
    def backlog(self) -> int:
        """Characters of ours that wait, because they were just typed or the peer's rate holds them back."""
        return self._out.backlog

    # --- what is to be done

    def poll(self, now: float) -> str | frames.RttFrame | LineRead | Alerted | Directed | Shown | Sent | None:
        """The next thing: a string for the channel, a frame for the control channel, or something to tell."""
        if self._told:
            return self._told.popleft()
        incoming = self._in.poll(now)
        step = incoming if incoming is not None else self._out.poll(now)
        return step if step is not None else self._progress.news(self._out.sent_up_to, self._out.behind, now)

    def deadline(self) -> float | None:
        """When `poll` has something without another call before."""
        due = (self._in.deadline(), self._out.deadline())
        return min((at for at in due if at is not None), default=None)

    def statistics(self) -> Statistics:
        """How well it works so far."""
        out, in_ = self._out, self._in
        return Statistics(
            key_to_send=out.key_to_send.spread(),
            key_to_remote=out.key_to_remote.spread(),
            clock_known=out.clock.known,
            clock_error=out.clock.error,
            messages_sent=out.messages,
            messages_received=in_.messages,
            characters_sent=out.characters,
            characters_received=in_.characters,
            gaps=in_.receiver.losses,
            healed=in_.healed,
            desyncs=in_.desyncs,
            alerts=in_.receiver.alerts,
            ignored=in_.receiver.ignored,
            backlog=out.backlog,
            cps=out.cps,
            unit=out.unit,
        )

    def _tell_direction(self, direction: str, why: str) -> None:
        self._told.append(Directed(sends(direction), receives(direction), why))
