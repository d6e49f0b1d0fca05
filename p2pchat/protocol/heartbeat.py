"""Is the peer at the other end of this link still there?

Rules
    1. Time is an argument: seconds of a monotonic clock. This module never reads one.
    2. Whatever arrives from the peer is a sign of life, not only an answer to a ping.
    3. After each call, drain `poll()` until it returns None, then sleep until `deadline()` at the latest.

States
    ALIVE ── silent for SUSPECT_AFTER ──> SUSPECT ── silent for LOST_AFTER ──> LOST
      ^─────────── anything received ────────┘            final: open a new link

Why not leave it to ICE: consent checks (RFC 7675 §5.1) give up after 30 s, and say nothing until then. A person
notices after ten.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from p2pchat.protocol.limits import LOST_AFTER, PING_EVERY, SUSPECT_AFTER

MAX_UNANSWERED = 5
"""Pings remembered while waiting for their answers: a peer that talks but never answers must not grow our memory."""


class State(Enum):
    ALIVE = "alive"
    SUSPECT = "suspect"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Ping:
    """Send this to the peer, which returns `number` unchanged."""

    number: int


@dataclass(frozen=True, slots=True)
class Changed:
    """The peer's state is another one now; `silence` is how long nothing came, in seconds."""

    state: State
    silence: float


Output = Ping | Changed


class Heartbeat:
    """One link's heartbeat, from the moment it opens.

    Args:
        now: when the link opened, in seconds of the caller's monotonic clock.
    """

    def __init__(self, now: float) -> None:
        self.state = State.ALIVE
        self.round_trip: float | None = None
        """Time from the last answered ping to its answer, in seconds; None until there was one."""
        self.answered_ping: float | None = None
        """When the last ping that was answered had been sent; None until there was one."""
        self._heard_at = now
        self._ping_at = now + PING_EVERY
        self._sent: dict[int, float] = {}
        self._next_number = 0
        self._outputs: deque[Output] = deque()

    def heard(self, now: float) -> None:
        """Something arrived from the peer, whatever it was."""
        if self.state is State.LOST:
            return
        silence, self._heard_at = now - self._heard_at, now
        if self.state is State.SUSPECT:
            self._enter(State.ALIVE, silence)

    def probe(self, now: float) -> None:
        """Something hints that the peer may be gone: ping it now instead of at the next turn."""
        if self.state is not State.LOST:
            self._ping_at = now
            self.tick(now)

    def answered(self, number: int, now: float) -> float | None:
        """The peer returned a ping. One that was never sent, or is returned twice, counts as a sign of life only.

        Returns the round trip that it measured, if it did.
        """
        self.heard(now)
        sent_at = self._sent.pop(number, None)
        if sent_at is None:
            return None
        self.round_trip, self.answered_ping = now - sent_at, sent_at
        self._sent = {later: at for later, at in self._sent.items() if later > number}
        return self.round_trip

    def tick(self, now: float) -> None:
        """Time has passed. Call at `deadline()`; calling early or late is harmless."""
        if self.state is State.LOST:
            return
        # Compared as deadline() computes it: `now - heard_at` can fall a rounding error short, and then wake forever.
        if now >= self._heard_at + LOST_AFTER:
            self._enter(State.LOST, now - self._heard_at)
            return
        if now >= self._heard_at + SUSPECT_AFTER and self.state is State.ALIVE:
            self._enter(State.SUSPECT, now - self._heard_at)
        if now >= self._ping_at:
            self._ping_at = now + PING_EVERY
            if len(self._sent) == MAX_UNANSWERED:
                del self._sent[min(self._sent)]
            self._sent[self._next_number] = now
            self._outputs.append(Ping(self._next_number))
            self._next_number += 1

    def poll(self) -> Output | None:
        """The next thing to do or to tell, or None when there is nothing left."""
        return self._outputs.popleft() if self._outputs else None

    def deadline(self) -> float | None:
        """When `tick` is due, or None once the link is lost."""
        match self.state:
            case State.ALIVE:
                return min(self._ping_at, self._heard_at + SUSPECT_AFTER)
            case State.SUSPECT:
                return min(self._ping_at, self._heard_at + LOST_AFTER)
            case State.LOST:
                return None

    def _enter(self, state: State, silence: float) -> None:
        self.state = state
        self._outputs.append(Changed(state, silence))
