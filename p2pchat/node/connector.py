"""Gets a link to one peer, and a new one when it is lost.

Joins the negotiation (who offers, which answer counts) with the links that it asks for. At most one link lives at a
time: a new attempt closes the one before. Events of a link that was replaced go nowhere.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec

from p2pchat.errors import PeerUnreachable
from p2pchat.protocol.allowance import Allowance
from p2pchat.protocol.limits import SIGNAL_BURST, SIGNALS_PER_SECOND
from p2pchat.protocol.negotiation import (
    MakeAnswer,
    MakeOffer,
    Negotiation,
    Refused,
    Send,
    UseAnswer,
    UseCandidates,
)
from p2pchat.protocol.untrusted import safe_line
from p2pchat.rtc.channels import Channel
from p2pchat.rtc.ice import Configuration
from p2pchat.rtc.link import Link
from p2pchat.rtc.link_events import Closed, Gathered, LinkEvent


class Connector:
    """The way to one peer.

    Args:
        us: our peer id.
        them: the peer's.
        configuration: how links are made.
        relay: passes a signal to the peer through the server; must not block.
        on_event: told each event of the present link. After `Closed`, `start` may be called again.
    """

    def __init__(
        self,
        us: str,
        them: str,
        configuration: Configuration,
        relay: Callable[[Any], None],
        on_event: Callable[[LinkEvent], None],
    ) -> None:
        self._us = us
        self._them = them
        self._configuration = configuration
        self._relay = relay
        self._on_event = on_event
        self._negotiation = Negotiation(us, them)
        self._allowance = Allowance(SIGNALS_PER_SECOND, SIGNAL_BURST)
        self._link: Link | None = None
        self._work: set[asyncio.Task[None]] = set()
        self._sent_before = 0
        self._received_before = 0

    def start(self) -> None:
        """Offers a link to the peer, unless one is being made or is there."""
        self._negotiation.start()
        self._drain()

    def peer_came_anew(self) -> None:
        """The peer has joined afresh and counts its attempts from the beginning."""
        if self._link is None:
            self._negotiation = Negotiation(self._us, self._them)

    def receive(self, body: Any) -> None:
        """A signal of the peer came through the server. One that is over `SIGNALS_PER_SECOND` is dropped."""
        if self._allowance.take(time.monotonic()):
            self._negotiation.receive(body)
            self._drain()

    def send(self, channel: Channel, data: bytes | str) -> None:
        """Sends on the present link; without one the data is lost."""
        if self._link is not None:
            self._link.send(channel, data)

    def send_bulk(self, data: bytes) -> None:
        """Sends file data on the present link; keep to `bulk_room`."""
        if self._link is not None:
            self._link.send_bulk(data)

    def bulk_room(self) -> int:
        """Returns how many bytes of file data may be sent now."""
        return self._link.bulk_room() if self._link is not None else 0

    def measured(self, round_trip: float) -> None:
        """A ping over the present link took so many seconds."""
        if self._link is not None:
            self._link.measured(round_trip)

    @property
    def busy(self) -> bool:
        """Whether there is a link, or one is being made."""
        return self._link is not None

    @property
    def path(self) -> str:
        """`direct` or `relay`; empty without a link."""
        return self._link.path if self._link is not None else ""

    @property
    def traffic(self) -> tuple[int, int]:
        """Bytes sent and received over all links."""
        if self._link is None:
            return self._sent_before, self._received_before
        return self._sent_before + self._link.sent, self._received_before + self._link.received

    def drop(self, reason: str) -> None:
        """Closes the present link; its `Closed` event will say `reason`."""
        if self._link is not None:
            self._spawn(self._link.close(reason))

    async def close(self) -> None:
        """Closes everything; bounded by a few seconds."""
        self.drop("closed")
        if self._work:
            await asyncio.wait(self._work)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _drain(self) -> None:
        while (output := self._negotiation.poll()) is not None:
            match output:
                case MakeOffer(generation):
                    self._spawn(self._make_offer(self._new_link(), generation))
                case MakeAnswer(generation, sdp):
                    self._spawn(self._make_answer(self._new_link(), generation, sdp))
                case UseAnswer(_, sdp) if self._link is not None:
                    self._spawn(self._use_answer(self._link, sdp))
                case UseCandidates(_, candidates) if self._link is not None:
                    self._spawn(self._link.use_candidates(candidates))
                case Send(signal):
                    self._relay(msgspec.to_builtins(signal))
                case Refused(reason):
                    self.drop(f"the peer refused: {safe_line(reason)}")

    def _new_link(self) -> Link:
        if self._link is not None:
            old = self._link
            self._forget(old)
            self._spawn(old.close("replaced by a new attempt"))
            self._on_event(Closed("replaced by a new attempt"))

        generation = self._negotiation.generation

        def passed_on(event: LinkEvent) -> None:
            if isinstance(event, Gathered):
                self._gathered(generation, event)
            elif self._link is link:
                if isinstance(event, Closed):
                    self._forget(link)
                    self._negotiation.reset()
                self._on_event(event)

        link = Link(self._configuration, passed_on, self._configuration.described)
        self._link = link
        return link

    def _gathered(self, generation: int, found: Gathered) -> None:
        if found.candidates:
            self._negotiation.gathered(generation, found.candidates)
        if found.last:
            self._negotiation.gathered(generation, ())
        self._drain()

    def _forget(self, link: Link) -> None:
        self._sent_before += link.sent
        self._received_before += link.received
        self._link = None

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
