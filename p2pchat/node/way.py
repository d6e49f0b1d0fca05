"""The way to one peer: when a link is tried, tried again or replaced, and what is said about it meanwhile.

    CONNECTING ──> CONNECTED ── closed ──> LOST ── at once ──> CONNECTING ── fails, six times ──> FAILED
                       ^                                           ^─ soon ─┘                       │ rarely
                       └───────────────────────────────────────────┴────────────────────────────────┘

While a link is in use, a successor may be made beside it (`renewal`); the session moves to it when the same peer has
proved itself there (`successor`). An attempt that was begun while the peer could not be reached, or on another network,
is replaced by another one as soon as that has changed: what it sent may be lost. While no signal can reach the peer,
because the server is away or the peer has lost it, no attempt is made, and that is the reason that is told.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from p2pchat.node.attempts import RARE_DELAYS, Attempts
from p2pchat.node.connector import Connector, Outcome
from p2pchat.node.events import PeerState
from p2pchat.node.renewal import Renewal
from p2pchat.node.successor import Successor
from p2pchat.protocol.allowance import Allowance
from p2pchat.protocol.handshake import Handshake
from p2pchat.protocol.limits import CONNECT_SECONDS
from p2pchat.protocol.session import Session
from p2pchat.protocol.session_link import State
from p2pchat.rtc.ice import Configuration
from p2pchat.rtc.link_events import Closed, LinkEvent, Opened, Received

OFFER_SECONDS = CONNECT_SECONDS
"""Time for the offer of a peer that has just come. It may have been lost on the way, or never made: then we offer."""

LOOK_EVERY = 2.0
"""Seconds between two looks whether signals reach the peer again, which costs nothing."""

HURRY_EVERY = 3.0
HURRY_BURST = 3
"""Seconds for each attempt while things change again and again, after the first few: long enough for most to get
through. Interfaces of containers come and go by the dozen."""

FIRST_ATTEMPT = "looking for a way there"
"""The reason while the first attempt lasts, mostly for less than a second."""

AWAITING_OFFER = "waiting for its offer of a connection"
"""The same for who is to be offered one."""

WORTH_TELLING = 1.0
"""Seconds until the next attempt from which on they are told: before anybody has read them, it has begun."""


class Traveller(Protocol):
    """The peer that this is the way to."""

    session: Session
    key: bytes | None
    present: bool

    @property
    def connected(self) -> bool:
        """Whether it can be talked to now."""

    @property
    def wanted(self) -> bool:
        """Whether a link to it is of any use: it is here, and nobody has ended it for good."""

    def link_event(self, event: LinkEvent) -> None:
        """Something happened on the link that is used, or that is made while none is."""

    def moved(self, opened: Opened) -> None:
        """Another link is used from now on; the session knows."""

    def stands(self, state: PeerState | None, reason: str) -> None:
        """The peer stands like this now; None when only the reason is another one."""

    def drain(self) -> None:
        """Does what the session asks for."""


class Way:
    """The way to one peer.

    Args:
        us: our peer id.
        them: the peer's.
        traveller: the peer.
        configuration: how a link is made at this moment.
        relay: passes a signal to the peer through the server.
        report: tells the server what became of an attempt to connect, and after how many seconds.
        handshake: makes the handshake for a link that has opened.
        unreached: says why no signal can reach the peer now; empty when one can.
    """

    def __init__(
        self,
        us: str,
        them: str,
        traveller: Traveller,
        configuration: Callable[[], Configuration],
        relay: Callable[[Any], None],
        report: Callable[[Outcome, float], None],
        handshake: Callable[[Opened], Handshake],
        unreached: Callable[[], str],
    ) -> None:
        self.connector = Connector(
            us, them, configuration, self._signal, traveller.link_event, self._successor_event, report
        )
        self._peer = traveller
        self._relay = relay
        self._handshake = handshake
        self._unreached = unreached
        self._attempts = Attempts()
        self._hurries = Allowance(1 / HURRY_EVERY, HURRY_BURST)
        self._renewal = Renewal(self.connector, self.probe, traveller.session.answered_since)
        self._successor: Successor | None = None
        self._why = ""
        """Why the last link, or attempt at one, ended."""

    # --- without a link

    def begin(self) -> None:
        """Signals reach the peer now: offers a link, unless one is there; see also `Renewal.afresh`."""
        self._why = ""
        self._attempts.succeeded()
        self._attempts.cancel()
        self._try_again(time.monotonic())

    def await_offer(self) -> None:
        """The peer has just come, and will offer."""
        self._attempts.succeeded()
        if not self._peer.connected:
            self.connector.peer_came_anew()
            self._peer.stands(PeerState.CONNECTING, AWAITING_OFFER)
            self._attempts.after(OFFER_SECONDS, self._nobody_offered)

    def hurry(self) -> None:
        """Something has changed for the better, or may have: without a link one is tried at once, also anew.

        When that happens again and again, an attempt gets its time all the same.
        """
        if self._peer.wanted and (self.connector.making or not self.connector.busy):
            now = time.monotonic()
            if self._hurries.take(now):
                self._attempts.succeeded()
                self._attempts.again(partial(self._try_again, now))
            else:
                self._attempts.after(HURRY_EVERY, partial(self._try_again, now))

    def look(self, address_gone: bool) -> None:
        """Something has changed on this machine: it has other addresses, or has slept."""
        self.hurry()
        if self._peer.session.state is State.TALKING:
            self._renewal.look(address_gone)

    def closed(self, reason: str) -> None:
        """There is no link any more, and one is wanted: plans the next attempt."""
        self._why = reason
        self._renewal.over()
        delay = self._attempts.again(self._try_again)
        if self._attempts.rare:
            least, most = RARE_DELAYS
            self._peer.stands(PeerState.FAILED, reason)
            self._peer.stands(None, f"{reason}; trying again every {least:.0f} to {most:.0f} s")
        elif delay >= WORTH_TELLING:
            self._peer.stands(None, f"{reason}; trying again in {delay:.0f} s")

    def give_up(self) -> None:
        """Makes no attempt any more, until it is told to."""
        self._attempts.cancel()
        self._renewal.over()

    def _nobody_offered(self) -> None:
        if not self.connector.busy:
            self._why = "it did not offer a connection"
            self._try_again()

    def _try_again(self, before: float = -math.inf) -> None:
        """Offers a link, unless one is there, or is being made and was not begun before a time."""
        if not self._peer.wanted:
            return
        if self.connector.in_use:
            self._renewal.afresh(before)
            return
        busy, unreached = self.connector.busy, self._unreached()
        why = (not busy and unreached) or (f"trying again: {self._why}" if self._why else FIRST_ATTEMPT)
        self._peer.stands(None if self._attempts.rare else PeerState.CONNECTING, why)
        if not unreached:
            self.connector.start(self._attempts.limit if self._peer.key is not None else None, before=before)
        elif not busy:
            self._attempts.after(LOOK_EVERY, self._try_again)

    # --- signals

    def receive(self, body: Any) -> None:
        """A signal of the peer came, through the server or over the link."""
        self.connector.receive(body)

    def _signal(self, body: Any) -> None:
        """A signal goes to the peer by every way that there is. The first one counts."""
        self._peer.session.signal(body)
        self._relay(body)
        self._peer.drain()

    # --- with a link

    def talking(self, opened: Opened) -> None:
        """The link is in use, and the peer was admitted."""
        self._attempts.cancel()
        self._attempts.succeeded()
        self._why = ""
        self._renewal.talking(self.connector.path, opened.offered)

    def suspect(self) -> None:
        """The link may be dead."""
        self._renewal.suspect()

    def drop(self, reason: str, for_good: bool) -> None:
        """Closes the link; for good, also the one that was to follow it."""
        if for_good:
            self._drop_successor(reason)
        self.connector.drop(reason)

    def probe(self) -> None:
        """The peer may be gone: asks it for a sign of life."""
        self._peer.session.probe(time.monotonic())
        self._peer.drain()

    # --- another link, beside the one in use

    def _successor_event(self, event: LinkEvent) -> None:
        match event:
            case Opened():
                self._successor_opened(event)
            case Received() if self._successor is not None:
                self._successor.receive(event)
            case Closed():
                self._end_successor()
                self._renewal.failed()

    def _successor_opened(self, opened: Opened) -> None:
        key = self._peer.key
        no_better = self._renewal.only_direct and opened.offered and opened.path == "relay"
        if self._peer.session.state is not State.TALKING or key is None:
            self.connector.move()  # there is nothing to keep
            self._peer.link_event(Closed("replaced by a new attempt"))
            self._peer.link_event(opened)
        elif opened.text_only or no_better:
            self._drop_successor("it is not what was wanted")
        else:
            introduction = self._peer.session.introduction(self._handshake(opened))
            send, failed = self.connector.send_on_successor, self._drop_successor
            self._successor = Successor(opened, introduction, key, send, self._move, failed)
            self._successor.begin()

    def _drop_successor(self, reason: str) -> None:
        self._end_successor()
        self.connector.drop_successor(reason)

    def _end_successor(self) -> None:
        if self._successor is not None:
            self._successor.cancel()
            self._successor = None

    def takes_over(self) -> bool:
        """The link in use has closed. Returns whether the successor has taken its place."""
        if self._successor is None:
            return False
        self._move()
        return True

    def _move(self) -> None:
        """The session goes on over the successor; what was on its way over the old link is sent again."""
        successor, now = self._successor, time.monotonic()
        if successor is None:
            return
        self._end_successor()
        self.connector.move()
        self._peer.session.link_moved(successor.introduction, successor.greeted, now)
        for data in successor.early:
            self._peer.session.receive_text(data, now)
        self._peer.moved(successor.opened)
