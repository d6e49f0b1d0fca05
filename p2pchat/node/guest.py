"""A partner that speaks nothing but real-time text (RFC 8865), such as a page in a browser or a gateway.

It cannot prove who it is, and it knows none of our rules. So it is a guest: our user is asked first, nothing of it is
shown before that, and real-time text is all there ever is. Others may write behind it, each on a `t140` channel of
their own; each is told as a peer of its own, under a name that cannot be taken for a contact's.

States
    UNKNOWN ── it speaks our protocol ──> ABSENT
       └── only text, or silence on `ctl` ──> ASKING ── admit ──> ADMITTED
    UNKNOWN again with each new link.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Protocol

from p2pchat.node.events import (
    Alerted,
    Event,
    GuestAsks,
    LiveTextSent,
    PeerChanged,
    PeerInfo,
    PeerState,
    Problem,
    Trust,
)
from p2pchat.node.said import line_changed
from p2pchat.protocol import limits
from p2pchat.protocol.allowance import Allowance
from p2pchat.protocol.frames import LiveTextFeatures
from p2pchat.protocol.rtt import conversation as live_text
from p2pchat.protocol.rtt.direction import Mode
from p2pchat.protocol.rtt.statistics import Statistics
from p2pchat.protocol.untrusted import safe_line
from p2pchat.rtc.channels import Channel
from p2pchat.rtc.link_events import (
    Closed,
    LinkEvent,
    Opened,
    ParticipantJoined,
    ParticipantLeft,
    Received,
    TextOnly,
    TextRefused,
)

SILENCE_SECONDS = 5.0
"""Time for the first word of a peer that has let us open all channels. A p2pchat says it at once; when the network
loses it, it comes after the 3 s that SCTP waits at first (RFC 9260 §16), and a page in a browser never says it."""

WITHOUT_PROOF = "speaks only real-time text and cannot prove who it is"

KEPT_LINES = 64
"""Lines kept of somebody who has not been admitted yet: what was written while our user was asked."""

SEAT_CHARACTERS = 4
"""How much of its seat is in a guest's name."""


class Standing(Enum):
    UNKNOWN = "unknown"
    ABSENT = "absent"
    """It is no guest: it speaks our protocol, or there is no link."""
    ASKING = "asking"
    ADMITTED = "admitted"


@dataclass
class _Speaker:
    """Whoever writes on one `t140` channel."""

    info: PeerInfo
    text: live_text.LiveText = field(default_factory=live_text.LiveText)
    features: LiveTextFeatures | None = None
    """What its session description says, if anything."""
    unseen: OrderedDict[int, live_text.LineRead] = field(default_factory=OrderedDict)
    """How the lines read that were written before they may be told."""


class Host(Protocol):
    """The peer that turns out to be a guest."""

    def is_guest(self, reason: str) -> None:
        """The peer is one: nothing else will be had with it over this link."""

    def drop_guest(self, reason: str, for_good: bool) -> None:
        """Closes the link, and does not try another one when that is `for_good`."""


class Guest:
    """What is to be had with one peer when real-time text is all that it speaks.

    Args:
        conversation: for events.
        seat: of the peer, and what its peer is called in events.
        host: the peer.
        tell: takes events for the front end.
        send: puts text on the `t140` channel.
        is_taken: whether a name looks like that of a contact; None where nobody without a proof may be admitted.
    """

    def __init__(
        self,
        conversation: str,
        seat: str,
        host: Host,
        tell: Callable[[Event], None],
        send: Callable[[str], None],
        is_taken: Callable[[str], bool] | None,
    ) -> None:
        self._conversation = conversation
        self._seat = seat
        self._host = host
        self._tell = tell
        self._send = send
        self._is_taken = is_taken
        self._standing = Standing.ABSENT
        self._loop = asyncio.get_running_loop()
        self._speakers: dict[int | None, _Speaker] = {}
        """None: the partner itself; the others by their participant."""
        self._live_text = ""
        self._wanted = (True, Mode.LIVE)
        """Whether our user shares live text with it, and the mode."""
        self._allowance = Allowance(limits.T140_PER_SECOND, limits.T140_BURST)
        self._silence: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def here(self) -> bool:
        """Whether the peer is a guest on the present link, admitted or not."""
        return self._standing in (Standing.ASKING, Standing.ADMITTED)

    @property
    def asking(self) -> bool:
        """Whether it waits to be admitted."""
        return self._standing is Standing.ASKING

    @property
    def name(self) -> str:
        """What it is called: `guest k7qf`, or `Zoë (guest k7qf)` when it says a name."""
        return self._speakers[None].info.name if None in self._speakers else self._named("")

    @property
    def features(self) -> LiveTextFeatures | None:
        """How it takes part in real-time text, if its session description says so."""
        return self._speakers[None].features if None in self._speakers else None

    @property
    def participants(self) -> list[PeerInfo]:
        """Those who write behind the peer."""
        return [speaker.info for participant, speaker in self._speakers.items() if participant is not None]

    # --- what the link tells

    def takes(self, event: LinkEvent) -> bool:
        """Looks at an event of the link; True when it is nobody else's business."""
        now = time.monotonic()
        match event:
            case Opened():
                self._opened(event, now)
            case TextOnly():
                self._is_one()
            case TextRefused(reason):
                self._tell(Problem("t140-refused", reason, "it has to be reliable and ordered", time.time()))
            case ParticipantJoined(participant, label):
                self._joined(participant, label, now)
            case ParticipantLeft(participant):
                self._left(participant, now)
            case Received(Channel.TEXT, data, participant):
                self._read(data, participant, now)
                return self.here or participant is not None
            case Received(Channel.CONTROL):
                self._heard_control()
            case Closed():
                self._closed(now)
        return self.here or isinstance(event, TextOnly | TextRefused | ParticipantJoined | ParticipantLeft)

    def _opened(self, opened: Opened, now: float) -> None:
        self._standing = Standing.UNKNOWN
        speaker = self._speakers.setdefault(None, _Speaker(PeerInfo(self._seat, self._seat, PeerState.CONNECTING)))
        speaker.info = replace(speaker.info, name=self._named(opened.label))
        speaker.features = opened.features
        speaker.text.share(*self._wanted, now)
        speaker.text.channel_opened(now)
        self._allowance = Allowance(limits.T140_PER_SECOND, limits.T140_BURST)
        if opened.text_only:
            self._is_one()
        elif opened.offered:
            self._silence = self._loop.call_later(SILENCE_SECONDS, self._is_one)

    def _is_one(self) -> None:
        if self._standing is not Standing.UNKNOWN:
            return
        self._end_silence()
        if self._is_taken is None:
            self._standing = Standing.ABSENT
            self._host.drop_guest(WITHOUT_PROOF, True)
            return
        self._standing = Standing.ASKING
        self._host.is_guest(WITHOUT_PROOF)
        self._tell(GuestAsks(self._conversation, self._seat, self.name, time.time()))

    def _heard_control(self) -> None:
        """It speaks our protocol, and has to prove its key."""
        self._end_silence()
        if self.here:
            self._host.drop_guest("it speaks p2pchat after all", False)
        elif self._standing is Standing.UNKNOWN:
            self._standing = Standing.ABSENT
            self._speakers.pop(None, None)

    def _read(self, data: bytes | str, participant: int | None, now: float) -> None:
        speaker = self._speakers.get(participant)
        if speaker is None:
            return
        if not self._allowance.take(now, len(data) + limits.T140_OVERHEAD):
            self._host.drop_guest(f"more than {limits.T140_PER_SECOND} characters of real-time text a second", True)
            return
        speaker.text.receive(data, now)
        self._drain(now)

    def _joined(self, participant: int, label: str, now: float) -> None:
        peer = f"{self._seat}-{participant}"
        speaker = _Speaker(PeerInfo(peer, self._named(label, participant), PeerState.CONNECTING, Trust.NONE))
        speaker.text.channel_opened(now)
        self._speakers[participant] = speaker
        self._show(speaker)

    def _left(self, participant: int, now: float) -> None:
        speaker = self._speakers.get(participant)
        if speaker is not None:
            speaker.text.channel_lost(now)
            self._drain(now)
            del self._speakers[participant]
            if speaker.info.state is PeerState.CONNECTED:
                self._change(speaker, PeerState.LEFT)

    def _closed(self, now: float) -> None:
        self._end_silence()
        for participant in [participant for participant in self._speakers if participant is not None]:
            self._left(participant, now)
        if None in self._speakers:
            self._speakers[None].text.channel_lost(now)
            self._drain(now)
        if self._timer is not None:
            self._timer.cancel()
        self._standing = Standing.ABSENT

    # --- what the user decides and says

    def admit(self) -> None:
        """The user wants to talk with it. Tell the partner's own new state first."""
        now = time.monotonic()
        self._standing = Standing.ADMITTED
        self._live_text = ""
        self._speakers[None].text.foreign_partner(now, self.features)
        for speaker in self._speakers.values():
            self._show(speaker)
        self._drain(now)

    def share(self, shared: bool, mode: Mode) -> None:
        """Our user wants this, also on later links; see `LiveText.share`. Its lines are whole when it is not `live`."""
        self._wanted = (shared, mode)
        if None in self._speakers:
            now = time.monotonic()
            self._speakers[None].text.share(shared, mode, now)
            self._drain(now)

    @property
    def sees_keys(self) -> bool:
        """Whether what we type reaches it key by key at this moment."""
        return self._standing is Standing.ADMITTED and self._speakers[None].text.sees_keys

    def alert(self) -> bool:
        """Asks for its attention. Returns False when that is not possible now."""
        now = time.monotonic()
        alerted = self._standing is Standing.ADMITTED and self._speakers[None].text.alert(now)
        self._drain(now)
        return alerted

    def statistics(self) -> Statistics:
        """How well real-time text with it works."""
        return self._speakers[None].text.statistics()

    def set_live_text(self, text: str, typed_at: float | None = None) -> None:
        """Our live line reads this now."""
        self._live_text = text
        self._write(text, finished=False, typed_at=typed_at)

    def commit_live_text(self) -> None:
        """Our live line is finished: a new line says so."""
        self._live_text = ""
        self._write(None, finished=True)

    def say(self, text: str) -> None:
        """Sends text as lines of its own; a live line goes on behind them."""
        for line in text.splitlines():
            self._write(line, finished=True)
        if self._live_text:
            self._write(self._live_text, finished=False)

    def _write(self, text: str | None, finished: bool, typed_at: float | None = None) -> None:
        if self._standing is not Standing.ADMITTED:
            return
        now = time.monotonic()
        partner = self._speakers[None].text
        if text is not None:
            partner.set_text(text, now, typed_at=typed_at)
        if finished:
            partner.commit(now)
        self._drain(now)

    # --- inside

    def _named(self, label: str, participant: int | None = None) -> str:
        seat = self._seat[:SEAT_CHARACTERS] + ("" if participant is None else f"-{participant}")
        name = safe_line(label, limits.NAME_CHARACTERS)
        if name in ("", "t140") or self._is_taken is None or self._is_taken(label):
            return f"guest {seat}"
        return f"{name} (guest {seat})"

    @property
    def _may_be_told(self) -> bool:
        return self._standing is Standing.ADMITTED

    def _show(self, speaker: _Speaker) -> None:
        """Tells that somebody is there, and what they have written so far."""
        if not self._may_be_told:
            return
        if speaker.info.peer != self._seat:
            self._change(speaker, PeerState.CONNECTED)
        for line in speaker.unseen.values():
            self._tell_line(speaker, line)
        speaker.unseen.clear()

    def _change(self, speaker: _Speaker, state: PeerState) -> None:
        speaker.info = replace(speaker.info, state=state, live_text=state is PeerState.CONNECTED)
        self._tell(PeerChanged(self._conversation, speaker.info, time.time()))

    def _drain(self, now: float) -> None:
        for speaker in list(self._speakers.values()):
            while (output := speaker.text.poll(now)) is not None:
                match output:
                    case str():
                        self._send(output)
                    case live_text.LineRead() if self._may_be_told:
                        self._tell_line(speaker, output)
                    case live_text.LineRead():
                        speaker.unseen[output.line] = output
                        if len(speaker.unseen) > KEPT_LINES:
                            speaker.unseen.popitem(last=False)
                    case live_text.Alerted() if self._may_be_told:
                        info = speaker.info
                        self._tell(Alerted(self._conversation, info.peer, info.name, time.time()))
                    case live_text.Sent(waiting, typed_at):
                        self._tell(LiveTextSent(self._conversation, self._seat, waiting, typed_at, time.time()))
        self._set_timer(now)

    def _tell_line(self, speaker: _Speaker, read: live_text.LineRead) -> None:
        self._tell(line_changed(read, self._conversation, speaker.info))

    def _set_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self._speakers[None].text.deadline() if self._may_be_told and None in self._speakers else None
        self._timer = self._loop.call_later(max(0.0, due - now), self._tick) if due is not None else None

    def _tick(self) -> None:
        self._timer = None
        self._drain(time.monotonic())

    def _end_silence(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
