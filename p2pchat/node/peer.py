"""One peer of a conversation: the session with it, over the link that its connector gets.

A session outlives its links. When a link fails or is lost while the peer is still in the room, or may be dead, another
one is tried in the background, by either side (`p2pchat.node.way`); the negotiation settles who offers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from p2pchat.node.answers import PeerStats
from p2pchat.node.connector import Outcome
from p2pchat.node.events import Event, PeerInfo, PeerMeasured, PeerState, Problem, Trust
from p2pchat.node.gatekeeper import Admitted, Stopped
from p2pchat.node.guest import Guest
from p2pchat.node.measurements import Measurements
from p2pchat.node.peer_news import PeerNews
from p2pchat.node.peer_text import PeerText, resting, resting_at_first
from p2pchat.node.way import FIRST_ATTEMPT, Way
from p2pchat.protocol import frames, heartbeat, session_events
from p2pchat.protocol.handshake import Handshake
from p2pchat.protocol.introduction import Greeted
from p2pchat.protocol.limits import SUSPECT_AFTER
from p2pchat.protocol.rtt.conversation import Directed
from p2pchat.protocol.rtt.direction import languages
from p2pchat.protocol.session import Session
from p2pchat.protocol.transfer.exchange import TransferOutput
from p2pchat.protocol.untrusted import safe_line
from p2pchat.rtc.channels import Channel
from p2pchat.rtc.ice import Configuration
from p2pchat.rtc.link_events import Closed, LinkEvent, Opened, Received

logger = logging.getLogger(__name__)


class Peer:
    """One peer of a conversation.

    Args:
        conversation: the conversation's name, for events.
        us: our peer id.
        them: the peer's.
        hello: what we say of ourselves.
        configuration: how a link is made at this moment.
        relay: passes a signal to the peer through the server.
        report: tells the server what became of an attempt to connect, and after how many seconds.
        unreached: says why no signal can reach the peer now; empty when one can.
        handshake: makes the handshake for a link that has opened.
        judge: decides whether a peer that has proved its key is admitted, and what it is called from then on.
        tell: takes events for the front end.
        on_transfer: takes what the transfers with this peer ask for and tell.
        on_admitted: called each time a link has opened and the peer was admitted.
        guests: whether a name looks like a contact's, so that no guest may have it; None where there are no guests.
    """

    def __init__(
        self,
        conversation: str,
        us: str,
        them: str,
        *,
        hello: frames.Hello,
        configuration: Callable[[], Configuration],
        relay: Callable[[Any], None],
        report: Callable[[Outcome, float], None],
        unreached: Callable[[], str],
        handshake: Callable[[Opened], Handshake],
        judge: Callable[[Peer, Greeted], Admitted | Stopped],
        tell: Callable[[Event], None],
        on_transfer: Callable[[Peer, TransferOutput], None],
        on_admitted: Callable[[Peer], None],
        guests: Callable[[str], bool] | None,
    ) -> None:
        self.seat = them
        self.key: bytes | None = None
        """Its public key, once it has proved it."""
        self.link: Opened | None = None
        """The link that opened last: whose certificates meet on it."""
        self.present = True
        """Whether it has a seat in the room, as far as the server says."""
        self.away = False
        """Whether it has lost the server, which keeps its seat for a while."""
        self.session = Session(hello, shows_later=True)
        self.conversation = conversation
        self._tell = tell
        self._on_transfer = on_transfer
        self._on_admitted = on_admitted
        self._handshake = handshake
        self._judge = judge
        self._loop = asyncio.get_running_loop()
        self.way = Way(us, them, self, configuration, relay, report, handshake, unreached)
        self._connector = self.way.connector
        self._timer: asyncio.TimerHandle | None = None
        self._goodbye = ""
        """Why the peer or we ended the link, when that is known better than from the link itself."""
        self._final: PeerState | None = None
        """What the peer is once the link has closed, if another link would not change it: it left, or one refused."""
        self._leaving = False
        """Whether we are going ourselves: what becomes of the peer then is no news."""
        self.refused = False
        """Whether it was us who refused: the peer broke the protocol, or our user must not trust it."""
        self._measurements = Measurements()
        self.guest = Guest(conversation, them, self, tell, partial(self._connector.send, Channel.TEXT), guests)
        self.text = PeerText(self.session, self.guest, self.drain)
        self._news = PeerNews(conversation, PeerInfo(them, them, PeerState.CONNECTING, reason=FIRST_ATTEMPT), tell)

    # --- the way to the peer

    def connect(self) -> None:
        """It has a seat that signals reach: offers a link, unless one is there."""
        if not self.connected:
            self._final, self.refused = None, False
        self.way.begin()

    def signal(self, body: Any) -> None:
        """A signal of the peer came, whichever way. One that we refused has to leave and come again."""
        if not self.refused:
            self.way.receive(body)

    def joined(self) -> None:
        """The peer took a seat; it will offer."""
        self.present = True
        self._final, self.refused = None, False
        self.way.await_offer()

    def gone(self, reason: str) -> bool:
        """The server says that the peer's seat is free. An open link does not care, but is looked at.

        Returns whether it can be forgotten: it never proved a key, and no link to it was begun.
        """
        self.present = False
        self.way.probe()
        if not self.connected:
            self.way.give_up()
            if self.info.state is not PeerState.LEFT and not self.gone_for_good:
                self._connector.drop(reason)
                self._change(state=PeerState.LEFT, reason=reason)
        return self.key is None and not self._connector.busy

    def heard_by_server(self, heard: bool) -> None:
        """The server has lost the peer, or it is back there. An open link does not care, but is looked at."""
        self.away = not heard
        self.way.probe()
        if heard:
            self.way.hurry()

    async def close(self) -> None:
        """Says goodbye and closes the link; bounded by a few seconds."""
        self.present = False
        self._leaving = True
        self.way.give_up()
        self._news.end()
        self.session.say_goodbye("quit", "")
        self.drain()
        await self._connector.close()

    # --- how it stands

    @property
    def info(self) -> PeerInfo:
        """How it stands, for the front end."""
        return self._news.info

    @property
    def connected(self) -> bool:
        """Whether it can be talked to now."""
        return self.info.state is PeerState.CONNECTED

    @property
    def seated(self) -> bool:
        """Whether it is in the room and hears the server: a program that was killed does not, but its link lives on."""
        return self.present and not self.away

    @property
    def known_here(self) -> bool:
        """Whether our user knows who it is and that it is here, or that it was and may come back."""
        return self.connected or (self.key is not None and not self.gone_for_good and not self.guest.here)

    @property
    def gone_for_good(self) -> bool:
        """Whether the link was closed on purpose, by either side: nobody waits for another one."""
        return self._final is not None or self._leaving

    @property
    def wanted(self) -> bool:
        """Whether another link to it would be of use."""
        return self.present and not self.gone_for_good

    @property
    def settled(self) -> bool:
        """Whether nothing waits to be acknowledged by a peer that may still do so."""
        nobody = self.guest.here or self.info.state in (PeerState.LEFT, PeerState.FAILED)
        return nobody or not self.session.unacknowledged

    def stats(self) -> PeerStats:
        """What is measured of this peer."""
        path = self._connector.path_info
        return self._measurements.stats(self.info, *self._connector.traffic, path, time.monotonic())

    # --- between link and session

    def link_event(self, event: LinkEvent) -> None:
        """Something happened on the present link."""
        now = time.monotonic()
        if isinstance(event, Opened):
            self.link = event
            self._goodbye, self._final = "", None
        if self.guest.takes(event):
            return
        match event:
            case Received(channel, data):
                match channel:
                    case Channel.BULK:
                        self.session.receive_bulk(data, now)
                    case Channel.TEXT:
                        self.session.receive_text(data, now)
                    case Channel.CONTROL:
                        self.session.receive_control(data, now)
            case Opened():
                self.session.link_opened(self._handshake(event), now)
            case Closed(reason):
                self._link_closed(reason, now)
        self.drain()

    def drain(self) -> None:
        """Does what the session asks for. Call after every use of `session`."""
        more = True
        while more:
            self.session.drain_transfers(time.monotonic())
            if self.info.sees_keys != self.text.sees_keys:
                self._change()  # before a key leaves
            while (output := self.text.next_output()) is not None:
                self._do(output)
            more = self._connector.send_bulk(self.session.next_chunk)
        self._set_timer()

    def _do(self, output: session_events.Output) -> None:
        match output:
            case session_events.SendControl(data):
                self._connector.send(Channel.CONTROL, data)
            case session_events.SendText(text):
                self._connector.send(Channel.TEXT, text)
            case TransferOutput():
                self._on_transfer(self, output)
            case session_events.CloseLink("timed-out", reason):
                self._drop(reason)
            case session_events.CloseLink(_, reason):
                self.refused = True
                self._drop(reason, PeerState.FAILED)
            case session_events.Left(code, reason):
                ends = {"quit": PeerState.LEFT, "timed-out": None}
                self._drop(safe_line(reason) or "left the conversation", ends.get(code, PeerState.FAILED))
            case Greeted():
                self._greeted(output)
            case session_events.PulseChanged(pulse, silence):
                self._pulse_changed(pulse, silence)
            case session_events.Signalled(body):
                self.signal(body)
            case session_events.Measured(round_trip):
                self._measured(round_trip)
            case Directed(sends, receives, why):
                self._change(live_mode=resting(sends, receives, why))
            case _:
                if (event := self.text.what_was_said(output, self.conversation, self.info)) is not None:
                    self._tell(event)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self.session.deadline()
        # Not call_at: uvloop's clock has milliseconds, and a round trip on a LAN takes less.
        self._timer = self._loop.call_later(max(0.0, due - time.monotonic()), self._tick) if due is not None else None

    def _tick(self) -> None:
        self._timer = None
        self.session.tick(time.monotonic())
        self.drain()

    # --- what becomes of the peer

    def _greeted(self, greeted: Greeted) -> None:
        match self._judge(self, greeted):
            case Stopped() as stopped:
                self.stop_talking(stopped)
            case Admitted(trust, name):
                self.session.admit(time.monotonic())
                if self.link is not None:
                    self.way.talking(self.link)
                self._change(
                    name=name,
                    state=PeerState.CONNECTED,
                    trust=trust,
                    path=self._connector.path,
                    reason="",
                    live_text=greeted.hello.live_text is not None,
                    live_mode=resting_at_first(greeted.hello.live_text),
                    languages=languages(greeted.hello.live_text),
                    words=greeted.words,
                )
                self._on_admitted(self)

    def is_guest(self, reason: str) -> None:
        """For its guest: it speaks only real-time text, and our user is asked about it."""
        self.session.link_closed(time.monotonic(), reason)
        self.drain()
        self._change(state=PeerState.CONNECTING, reason=reason, name=self.guest.name, trust=Trust.NONE)

    def drop_guest(self, reason: str, for_good: bool) -> None:
        """For its guest: closes the link."""
        self.refused = self.refused or for_good
        self._drop(reason, PeerState.FAILED if for_good else None)

    def answer_guest(self, admitted: bool) -> None:
        """Our user has decided about the guest that asks."""
        if not admitted:
            self.drop_guest("not admitted", for_good=True)
            return
        features = self.guest.features
        self._change(state=PeerState.CONNECTED, path=self._connector.path, reason="", live_text=True)
        self.guest.admit()
        self._change(live_mode=resting_at_first(features), languages=languages(features))
        self._on_admitted(self)

    def stop_talking(self, stopped: Stopped) -> None:
        """Closes the link, because our user does not want it or must not trust it. It is not tried again."""
        self.refused = True
        self.session.say_goodbye("identity", stopped.told)
        self._drop(stopped.reason, PeerState.LEFT if stopped.quiet else PeerState.FAILED)
        if not stopped.quiet:
            self._tell(Problem(stopped.code, stopped.reason, stopped.hint, time.time()))

    def is_now(self, peer: str) -> None:
        """The peer has proved its key, and is called so from now on."""
        if peer != self.info.peer:
            self._news.renamed(peer, peer if self.info.name == self.info.peer else self.info.name)

    def trusted(self, trust: Trust, name: str) -> None:
        """The user has decided something about the peer."""
        self._change(trust=trust, name=name)

    def _pulse_changed(self, pulse: heartbeat.State, silence: float) -> None:
        match pulse:
            case heartbeat.State.ALIVE:
                self._change(reason="")
            case heartbeat.State.SUSPECT:
                self._change(reason=f"nothing heard for {SUSPECT_AFTER:.0f} s; trying another link")
                self.way.suspect()
            case heartbeat.State.LOST:
                self._drop(f"nothing heard for {silence:.0f} s")

    def _drop(self, reason: str, final: PeerState | None = None) -> None:
        self._goodbye, self._final = reason, final
        self.way.drop(reason, for_good=final is not None)

    def _measured(self, round_trip: float) -> None:
        self._connector.measured(round_trip)
        self._news.info = replace(self.info, rtt_ms=round(round_trip * 1000, 2))
        self._measurements.answered(round_trip, sum(self._connector.traffic), time.monotonic())
        self._tell(PeerMeasured(self.conversation, self.info.peer, self.info.rtt_ms or 0.0, time.time()))

    def _link_closed(self, reason: str, now: float) -> None:
        if not self._leaving and self.way.takes_over():
            return
        reason = self._goodbye or reason
        was_connected = self.info.state is PeerState.CONNECTED
        self.session.link_closed(now, reason)
        self.text.link_closed()
        self._measurements.begin_anew()
        if self._final is not None:
            self._change(state=self._final, reason=reason, path="", rtt_ms=None)
            return
        if was_connected:
            self._change(state=PeerState.LOST, reason=reason, path="", rtt_ms=None)
        if self.present:
            self.way.closed(reason)

    def moved(self, opened: Opened) -> None:
        """For its way: another link is used from now on, and the session knows."""
        self.link = opened
        self._goodbye = ""
        self.text.link_closed()
        self._measurements.begin_anew()
        self.drain()

    def stands(self, state: PeerState | None, reason: str) -> None:
        """For its way: how the peer stands; None when only the reason is another one."""
        self._change(state=state or self.info.state, reason=reason)

    def _change(self, **changes: Any) -> None:
        """Tells how the peer stands, if that is news. Who sees our keys is looked up, and never remembered."""
        info = replace(self.info, **changes)
        info = replace(info, sees_keys=info.state is PeerState.CONNECTED and self.text.sees_keys)
        if info != self.info and not self._leaving:
            self._news.change(info)
