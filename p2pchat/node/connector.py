"""Gets a link to one peer, and a new one when it is lost or when a better one is wanted.

Joins the negotiation (who offers, which answer counts) with the links that it asks for. At most two links live at a
time: the one that is used, and one that is being made to take its place.

    nothing ── start, or an offer ──> one is made ── Opened ──> it is used ── start, or an offer ──> another is made
                                                                   ^                                       │ Opened
                                                                   └── move: the old one is closed ────────┘

A link that is being made and never opened is closed without a word when another attempt takes its place. When the used
one closes first, the one that is being made is what is waited for. One whose offer the peer seems not to have got is
replaced by another attempt, which has a newer generation; when both sides do so, the negotiation settles which counts.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from p2pchat.errors import PeerUnreachable
from p2pchat.protocol.allowance import Allowance
from p2pchat.protocol.limits import SIGNAL_BURST, SIGNALS_PER_SECOND
from p2pchat.protocol.negotiation import (
    Crossed,
    MakeAnswer,
    MakeOffer,
    Negotiation,
    Refused,
    Send,
    UseAnswer,
    UseCandidates,
)
from p2pchat.protocol.untrusted import safe_line
from p2pchat.rtc import ice
from p2pchat.rtc.channels import Channel
from p2pchat.rtc.link import Link
from p2pchat.rtc.link_events import Closed, Gathered, LinkEvent, Opened
from p2pchat.rtc.path import PathInfo

REMEMBERED_SIGNALS = 8
"""Signals of the peer that are recognised when they come a second time, by the other way: two attempts have six."""

REPLACED = "replaced by a new attempt"

CROSSING_SECONDS = 2.0
"""Offers cross within the time of a signal, 0.6 s by satellite. One that is open for longer when the peer offers has
been lost: the peer would have answered."""

Outcome = Literal["direct", "relay", "failed"]


class Connector:
    """The way to one peer.

    Args:
        us: our peer id.
        them: the peer's.
        configuration: how a link is made at this moment.
        relay: passes a signal to the peer, by every way that there is; must not block.
        on_event: told each event of the link that is used, or that is made while none is. After `Closed`, `start` may
            be called again.
        on_successor: told each event of a link that is made to take the place of the one that is used; after its
            `Opened`, call `move` or `drop_successor`, unless `Closed` comes first: the peer has made another one.
        report: told what became of each attempt that we offered, and after how many seconds; not of one that is only to
            leave a relay.
    """

    def __init__(
        self,
        us: str,
        them: str,
        configuration: Callable[[], ice.Configuration],
        relay: Callable[[Any], None],
        on_event: Callable[[LinkEvent], None],
        on_successor: Callable[[LinkEvent], None],
        report: Callable[[Outcome, float], None],
    ) -> None:
        self._us = us
        self._them = them
        self._configuration = configuration
        self._relay = relay
        self._on_event = on_event
        self._on_successor = on_successor
        self._report = report
        self._negotiation = Negotiation(us, them)
        self._allowance = Allowance(SIGNALS_PER_SECOND, SIGNAL_BURST)
        self._heard: deque[Any] = deque(maxlen=REMEMBERED_SIGNALS)
        self._link: Link | None = None
        """The one that is used, or that is being made while none is."""
        self._successor: Link | None = None
        self._making: Link | None = None
        """Which of the two is being made."""
        self._began = 0.0
        """Since when it is."""
        self._direct_only = False
        self._limit: float | None = None
        self._work: set[asyncio.Task[None]] = set()
        self._sent_before = 0
        self._received_before = 0

    def start(self, limit: float | None = None, direct_only: bool = False, before: float = -math.inf) -> bool:
        """Offers a link to the peer, unless one is being made or is about to be moved to. Returns whether it did.

        Args:
            limit: seconds after which it has failed; None for the link's own limit.
            direct_only: whether a relayed one is of no use.
            before: time of the monotonic clock; one that is being made since earlier is replaced.
        """
        if self._making is not None or (self._link is not None and self._successor is not None):
            if self._began >= before:
                return False
            self._negotiation.reset()
        self._limit, self._direct_only = limit, direct_only
        self._negotiation.start()
        self._drain()
        return True

    def peer_came_anew(self) -> None:
        """The peer has joined afresh and counts its attempts from the beginning."""
        if self._link is None:
            self._negotiation = Negotiation(self._us, self._them)
            self._heard.clear()

    def receive(self, body: Any) -> None:
        """A signal of the peer came. One that came already is dropped, and one that is over `SIGNALS_PER_SECOND`."""
        if body not in self._heard and self._allowance.take(time.monotonic()):
            self._heard.append(body)
            self._negotiation.receive(body)
            self._drain()

    def send(self, channel: Channel, data: bytes | str) -> None:
        """Sends on the present link; without one the data is lost."""
        if self._link is not None:
            self._link.send(channel, data)

    def send_on_successor(self, data: bytes) -> None:
        """Sends a control frame on the link that is to take the present one's place."""
        if self._successor is not None:
            self._successor.send(Channel.CONTROL, data)

    def send_bulk(self, next_chunk: Callable[[], bytes | None]) -> bool:
        """Hands file data to the present link while it has room. Returns whether there was any."""
        room, sent = self._link.bulk_room() if self._link is not None else 0, False
        while room > 0 and self._link is not None and (data := next_chunk()) is not None:
            self._link.send_bulk(data)
            room -= len(data)
            sent = True
        return sent

    def measured(self, round_trip: float) -> None:
        """A ping over the present link took so many seconds."""
        if self._link is not None:
            self._link.measured(round_trip)

    @property
    def busy(self) -> bool:
        """Whether there is a link, or one is being made."""
        return self._link is not None

    @property
    def in_use(self) -> bool:
        """Whether there is a link that has opened."""
        return self._link is not None and self._link is not self._making

    @property
    def making(self) -> bool:
        """Whether a link is being made: the first one, or one to take the place of the one in use."""
        return self._making is not None

    @property
    def may_be_direct(self) -> bool:
        """Whether our user allows links that are not relayed."""
        return not self._configuration().relay_only

    @property
    def path(self) -> str:
        """`direct` or `relay`; empty without a link."""
        return self._link.path if self._link is not None else ""

    @property
    def path_info(self) -> PathInfo | None:
        """Which way the packets of the present link take; None until that is known."""
        return self._link.path_info if self._link is not None else None

    @property
    def traffic(self) -> tuple[int, int]:
        """Bytes sent and received over all links."""
        if self._link is None:
            return self._sent_before, self._received_before
        return self._sent_before + self._link.sent, self._received_before + self._link.received

    def move(self) -> None:
        """From now on the successor is used. The one before is closed, and nothing is told of that."""
        old, self._link, self._successor = self._link, self._successor, None
        if old is not None:
            self._count(old)
            self._spawn(old.close("another link took its place"))

    def drop(self, reason: str) -> None:
        """Closes the present link; its `Closed` event will say `reason`."""
        if self._link is not None:
            self._spawn(self._link.close(reason))

    def drop_successor(self, reason: str) -> None:
        """Closes the link that is made to take the present one's place, if there is one."""
        if self._successor is not None:
            self._spawn(self._successor.close(reason))

    async def close(self) -> None:
        """Closes everything; bounded by a few seconds."""
        self.drop("closed")
        self.drop_successor("closed")
        if self._work:
            await asyncio.wait(self._work)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    # --- negotiating

    def _drain(self) -> None:
        while (output := self._negotiation.poll()) is not None:
            match output:
                case MakeOffer(generation):
                    self._spawn(self._make_offer(self._new_link(True), generation))
                case MakeAnswer(generation, sdp):
                    self._spawn(self._make_answer(self._new_link(False), generation, sdp))
                case UseAnswer(_, sdp) if self._making is not None:
                    self._spawn(self._use_answer(self._making, sdp))
                case UseCandidates(_, candidates) if self._making is not None:
                    self._spawn(self._making.use_candidates(candidates))
                case Send(signal):
                    self._relay(msgspec.to_builtins(signal))
                case Refused(reason) if self._making is not None:
                    self._spawn(self._making.close(f"the peer refused: {safe_line(reason)}"))
                case Crossed():
                    self.start(self._limit, self._direct_only, before=time.monotonic() - CROSSING_SECONDS)

    def _new_link(self, offering: bool) -> Link:
        if self._making is not None:
            self._forget(self._making, REPLACED)
        elif self._successor is not None:
            overtaken = self._successor
            self._forget(overtaken, REPLACED)
            self._on_successor(Closed(REPLACED))
        generation = self._negotiation.generation
        began = self._began = time.monotonic()
        configuration = self._configuration()
        direct_only = offering and self._direct_only
        if direct_only:
            configuration = ice.direct_only(configuration)
        timer: asyncio.TimerHandle | None = None

        def over(outcome: Outcome) -> None:
            if timer is not None:
                timer.cancel()
            self._making = None
            self._negotiation.reset()
            if offering and not direct_only:
                self._report(outcome, time.monotonic() - began)

        def passed_on(event: LinkEvent) -> None:
            if isinstance(event, Gathered):
                self._gathered(generation, event)
                return
            if link is self._making and isinstance(event, Opened):
                over("relay" if event.path == "relay" else "direct")
            elif link is self._making and isinstance(event, Closed):
                over("failed")
            self._pass_on(link, event)

        link = Link(configuration, passed_on, configuration.described)
        self._making = link
        if self._link is None:
            self._link = link
        else:
            self._successor = link
        if offering and self._limit is not None:
            timer = asyncio.get_running_loop().call_later(self._limit, self._give_up, link, self._limit)
        return link

    def _give_up(self, link: Link, limit: float) -> None:
        if link is self._making:
            self._spawn(link.close(f"no connection within {limit:.0f} s"))

    def _pass_on(self, link: Link, event: LinkEvent) -> None:
        if link is self._link:
            if isinstance(event, Closed):
                self._count(link)
                self._link = None
                if self._successor is not None and self._successor is self._making:
                    self._link, self._successor = self._successor, None
            self._on_event(event)
        elif link is self._successor:
            if isinstance(event, Closed):
                self._count(link)
                self._successor = None
            self._on_successor(event)

    def _forget(self, link: Link, reason: str) -> None:
        self._count(link)
        if link is self._link:
            self._link = None
        else:
            self._successor = None
        self._making = None
        self._spawn(link.close(reason))

    def _count(self, link: Link) -> None:
        self._sent_before += link.sent
        self._received_before += link.received

    def _gathered(self, generation: int, found: Gathered) -> None:
        if found.candidates:
            self._negotiation.gathered(generation, found.candidates)
        if found.last:
            self._negotiation.gathered(generation, ())
        self._drain()

    async def _make_offer(self, link: Link, generation: int) -> None:
        self._negotiation.offered(generation, await link.offer())
        self._drain()

    async def _make_answer(self, link: Link, generation: int, sdp: str) -> None:
        try:
            answer = await link.answer(sdp)
        except PeerUnreachable as error:
            self._negotiation.refuse(error.message)
            self._drain()
            await link.close(error.message)
        else:
            self._negotiation.answered(generation, answer)
            self._drain()

    async def _use_answer(self, link: Link, sdp: str) -> None:
        try:
            await link.accept_answer(sdp)
        except PeerUnreachable as error:
            await link.close(error.message)
