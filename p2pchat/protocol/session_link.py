"""The link that a session is on: how it stands, whether the peer is still there, and what is queued for it. Sans-I/O.

`Session` (`p2pchat.protocol.session`) adds what is said over it.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from p2pchat.protocol import frames, limits
from p2pchat.protocol.allowance import Allowance
from p2pchat.protocol.codec import encode
from p2pchat.protocol.heartbeat import Changed, Heartbeat, Ping
from p2pchat.protocol.session_events import CloseLink, Measured, Output, PulseChanged, SendControl


class State(Enum):
    OFFLINE = "offline"
    INTRODUCING = "introducing"
    JUDGING = "judging"
    TALKING = "talking"
    CLOSING = "closing"


class LinkAllowances:
    """What the peer may do on one link."""

    def __init__(self) -> None:
        self.frames = Allowance(limits.FRAMES_PER_SECOND, limits.FRAME_BURST)
        self.text = Allowance(limits.T140_PER_SECOND, limits.T140_BURST)
        self.stray = Allowance(limits.STRAY_BYTES_PER_SECOND, limits.STRAY_BURST)
        self.messages = Allowance(limits.MESSAGES_PER_SECOND, limits.MESSAGE_BURST)
        self.offers = Allowance(limits.OFFERS_PER_SECOND, limits.OFFER_BURST)


class SessionLink:
    """The present link of a session, or none."""

    def __init__(self) -> None:
        self.state = State.OFFLINE
        self._heartbeat: Heartbeat | None = None
        self._allowances = LinkAllowances()
        self._outputs: deque[Output] = deque()

    def poll(self) -> Output | None:
        """The next thing to do or to tell, or None when there is nothing left."""
        return self._outputs.popleft() if self._outputs else None

    def probe(self, now: float) -> None:
        """Something hints that the peer may be gone: find out now."""
        if self._heartbeat is not None:
            self._heartbeat.probe(now)
            self._collect_pulse()

    def answered_since(self, at: float) -> bool:
        """Whether the peer has answered a ping that was sent since then. What else came may have been on its way."""
        answered = self._heartbeat.answered_ping if self._heartbeat is not None else None
        return answered is not None and answered >= at

    def say_goodbye(self, code: str, reason: str) -> None:
        """Tells the peer that we close the link; close it when this has left. Nothing is read from now on."""
        if self._reading:
            self._send(frames.Bye(code, reason[: limits.REASON_CHARACTERS]))
            self.state = State.CLOSING

    @property
    def _reading(self) -> bool:
        return self.state not in (State.OFFLINE, State.CLOSING)

    def _heard(self, now: float) -> None:
        if self._heartbeat is not None:
            self._heartbeat.heard(now)

    def _measure(self, number: int, now: float) -> float | None:
        """A ping was answered. Returns how long it took; None for one that was never sent."""
        took = self._heartbeat.answered(number, now) if self._heartbeat is not None else None
        if took is not None:
            self._outputs.append(Measured(took))
        return took

    def _send(self, frame: frames.AnyFrame) -> None:
        self._outputs.append(SendControl(encode(frame)))

    def _refuse(self, code: str, reason: str) -> None:
        if self._reading:
            self.say_goodbye(code, reason)
            self._outputs.append(CloseLink(code, reason))

    def _collect_pulse(self) -> None:
        while self._heartbeat is not None and (beat := self._heartbeat.poll()) is not None:
            match beat:
                case Ping(number):
                    self._send(frames.Ping(number))
                case Changed(pulse, silence):
                    self._outputs.append(PulseChanged(pulse, silence))
