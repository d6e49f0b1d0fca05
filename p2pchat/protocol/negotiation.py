"""Who offers, who answers, and which answer counts: the signaling between two peers.

Rules
    1. The newcomer to a room offers; the one who was there waits.
    2. Each offer carries a generation, a number that grows with every attempt of either side. An answer or a refusal
       counts only when its generation is the one of our open offer; all others are stale and dropped.
    3. Glare: when both have an open offer, the one of the peer with the smaller id stands. Its author drops the
       other's offer; the other takes its own back and answers. Whoever has had its offer open for long knows then
       that it was lost, since the other would have answered: it takes it back and makes a newer one.
    4. A newer offer of the peer replaces whatever was going on: the peer has given the old attempt up. An offer that
       is not newer than the peer's last one is a replay and dropped.
    5. Candidates that are found after the description was sent follow it, with its generation. They count as long as
       that attempt is the one under way; those that come before the answer are for the link to keep.

States
    IDLE ── start ──> OFFERING ── answer of this generation ──> SETTLED
      └──── offer of the peer ──> ANSWERING ── answered ──────> SETTLED
    IDLE again after `reset`, when an attempt has failed or a link was lost.

The body of a signal is a JSON object, `docs/protocol/signaling.md` "Between the peers": generation, kind, sdp.
This module neither reads nor changes an SDP; it only bounds its size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from p2pchat.protocol.limits import CANDIDATE_CHARACTERS, CANDIDATES, SDP_BYTES


class State(Enum):
    IDLE = "idle"
    OFFERING = "offering"
    ANSWERING = "answering"
    SETTLED = "settled"


class Signal(Struct, frozen=True):
    """What one peer sends to another through the server."""

    generation: Annotated[int, Meta(ge=1, lt=2**53)]
    kind: Literal["offer", "answer", "refuse", "candidates"]
    sdp: Annotated[str, Meta(max_length=SDP_BYTES)] = ""
    reason: Annotated[str, Meta(max_length=200)] = ""
    """With `refuse`: why. Untrusted text."""
    candidates: Annotated[list[Annotated[str, Meta(max_length=CANDIDATE_CHARACTERS)]], Meta(max_length=CANDIDATES)] = []
    """With `candidates`: each as in SDP, from `candidate:` on (RFC 8839 §5.1); none says that there are no more."""


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """Open a link, make an offer with it and hand it to `offered`."""

    generation: int


@dataclass(frozen=True, slots=True)
class MakeAnswer:
    """Drop any link of an earlier attempt, open one for this offer, and hand its answer to `answered`."""

    generation: int
    sdp: str


@dataclass(frozen=True, slots=True)
class UseAnswer:
    """Give this answer to the link that made the offer."""

    generation: int
    sdp: str


@dataclass(frozen=True, slots=True)
class UseCandidates:
    """Give these to the link of this attempt; none says that there are no more."""

    generation: int
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """Relay this to the peer."""

    signal: Signal


@dataclass(frozen=True, slots=True)
class Refused:
    """The peer will not connect; `reason` is untrusted text."""

    reason: str


@dataclass(frozen=True, slots=True)
class Crossed:
    """The peer's offer was dropped, because ours stands. When ours is old it was lost: `reset`, and `start` again."""


Output = MakeOffer | MakeAnswer | UseAnswer | UseCandidates | Send | Refused | Crossed


class Negotiation:
    """The signaling between us and one peer.

    After each call, drain `poll()` until it returns None.

    Args:
        us: our peer id.
        them: the peer's id; the two differ.
    """

    def __init__(self, us: str, them: str) -> None:
        self.state = State.IDLE
        self.generation = 0
        """The generation of the attempt under way, or of the last one."""
        self._last_theirs = 0
        self._ours_stands = us < them
        self._outputs: deque[Output] = deque()

    def start(self) -> None:
        """Offer to the peer, unless something is under way already."""
        if self.state is not State.IDLE:
            return
        self.state = State.OFFERING
        self.generation = max(self.generation, self._last_theirs) + 1
        self._outputs.append(MakeOffer(self.generation))

    def offered(self, generation: int, sdp: str) -> None:
        """The link made its offer. Ignored when the attempt was replaced meanwhile."""
        if self.state is State.OFFERING and generation == self.generation:
            self._outputs.append(Send(Signal(generation, "offer", sdp)))

    def answered(self, generation: int, sdp: str) -> None:
        """The link made its answer. Ignored when the attempt was replaced meanwhile."""
        if self.state is State.ANSWERING and generation == self.generation:
            self.state = State.SETTLED
            self._outputs.append(Send(Signal(generation, "answer", sdp)))

    def gathered(self, generation: int, candidates: Sequence[str]) -> None:
        """The link of an attempt has found candidates after its description was sent; none: it will find no more."""
        if self.state is not State.IDLE and generation == self.generation:
            self._outputs.append(Send(Signal(generation, "candidates", candidates=list(candidates))))

    def refuse(self, reason: str) -> None:
        """Tell the peer that its offer cannot be answered."""
        if self.state is State.ANSWERING:
            self._outputs.append(Send(Signal(self.generation, "refuse", reason=reason[:200])))
            self.state = State.IDLE

    def reset(self) -> None:
        """The attempt or the link is over; either side may start again."""
        self.state = State.IDLE

    def receive(self, body: Any) -> None:
        """The peer's signal, as it came out of JSON. What is malformed, stale or out of turn is dropped."""
        try:
            signal = msgspec.convert(body, Signal)
        except (msgspec.ValidationError, RecursionError):
            return
        match signal.kind:
            case "offer":
                self._receive_offer(signal)
            case "answer" if self._is_open(signal):
                self.state = State.SETTLED
                self._outputs.append(UseAnswer(signal.generation, signal.sdp))
            case "candidates" if self.state is not State.IDLE and signal.generation == self.generation:
                self._outputs.append(UseCandidates(signal.generation, tuple(signal.candidates)))
            case "refuse" if self._is_open(signal):
                self.state = State.IDLE
                self._outputs.append(Refused(signal.reason))

    def poll(self) -> Output | None:
        """The next thing to do, or None when there is nothing left."""
        return self._outputs.popleft() if self._outputs else None

    def _is_open(self, signal: Signal) -> bool:
        return self.state is State.OFFERING and signal.generation == self.generation

    def _receive_offer(self, signal: Signal) -> None:
        if signal.generation <= self._last_theirs:
            return
        self._last_theirs = signal.generation
        if self.state is State.OFFERING and self._ours_stands:
            self._outputs.append(Crossed())
            return
        self.generation = signal.generation
        self.state = State.ANSWERING
        self._outputs.append(MakeAnswer(signal.generation, signal.sdp))
