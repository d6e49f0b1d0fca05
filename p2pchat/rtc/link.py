"""One link: one WebRTC connection to one peer, with the channels of `channels`.

Life
    offer() or answer(sdp) ──> [accept_answer(sdp)] ──> Opened ──> Received* ──> Closed
    Exactly one Closed comes, with the reason in words, whatever ends the link: the deadline, the peer, `close`.

A peer that opens a `t140` channel and none of our others speaks nothing but real-time text (RFC 8865). So does one that
closes our others before it has said anything on them. Whether to talk with it is for whoever uses the link.

`Gathered` comes whenever candidates are found after the description was made, before `Opened` too. When no connection
comes about, the reason says what the attempt has seen (`diagnosis`).

aiortc's callbacks only note what happened; it is told in a turn of the event loop of its own (`telling`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from aiortc import InvalidStateError, RTCDataChannel, RTCPeerConnection

from p2pchat.errors import PeerUnreachable
from p2pchat.protocol.frames import LiveTextFeatures
from p2pchat.protocol.limits import CONNECT_SECONDS
from p2pchat.rtc import certificates
from p2pchat.rtc.addresses import allow_loopback_alone
from p2pchat.rtc.bulk import BulkWindow
from p2pchat.rtc.channels import KINDS, Channel, is_unfit_for_text, open_on, recognise
from p2pchat.rtc.closing import shut_down
from p2pchat.rtc.described_text import DescribedText
from p2pchat.rtc.diagnosis import diagnose
from p2pchat.rtc.gathering import Gathering
from p2pchat.rtc.ice import Configuration
from p2pchat.rtc.link_events import (
    Closed,
    Gathered,
    LinkEvent,
    Opened,
    ParticipantJoined,
    ParticipantLeft,
    Received,
    TextOnly,
    TextRefused,
    Writable,
)
from p2pchat.rtc.path import PathInfo
from p2pchat.rtc.sctp_guard import guard
from p2pchat.rtc.telling import Telling
from p2pchat.rtc.text_channels import Place, TextChannels

logger = logging.getLogger(__name__)

EARLY_EVENTS = 1000
"""Messages kept while the channels of a link are opening. A p2pchat sends none before all are open."""

EARLY_BYTES = 1024 * 1024
"""The same in bytes: whoever opens one channel and fills it costs no more than that."""

TEXT_ONLY_SECONDS = 2.0
"""Time for a peer that has opened a `t140` channel to open our other channels too. A p2pchat opens all in one go."""

NEGOTIATED_ONLY_SECONDS = 5.0
"""Time for a peer that has negotiated `t140`, which needs no DCEP, to open or confirm our other channels, which do. A
p2pchat does at once; when the network loses that, after the 3 s that SCTP waits at first (RFC 9260 §16)."""

TEXT_REFUSED = "the peer opened a channel for real-time text that may lose text or change its order; it was refused"

allow_loopback_alone()


class Link:
    """One connection to one peer. Create it on the event loop that it is to live on.

    Args:
        configuration: from `ice.configuration`.
        on_event: called on the event loop with each event, in order.
        described: what our session description says of real-time text, for gateways; None to say nothing there.
    """

    def __init__(
        self,
        configuration: Configuration,
        on_event: Callable[[LinkEvent], None],
        described: LiveTextFeatures | None = None,
    ) -> None:
        self._connection = RTCPeerConnection(configuration.for_aiortc())
        self._telling = Telling(on_event, lambda: self._end("internal error"))
        self._gathering = Gathering(self._connection, configuration, self._tell_gathered)
        self._channels: dict[Channel, RTCDataChannel] = {}
        self._texts = TextChannels()
        self._described = DescribedText(described)
        self._text_only = False
        self._waiting_for_others: asyncio.TimerHandle | None = None
        self._text_refused = False
        self._control_heard = False
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.call_later(CONNECT_SECONDS, self.give_up, CONNECT_SECONDS)
        self._bulk = BulkWindow(self._connection, self._writable)
        self._offered = False
        self._opened = False
        self._closed = False
        self._ending: asyncio.Task[None] | None = None
        self.sent = 0
        """Bytes of user data handed over."""
        self.received = 0
        self._connection.add_listener("connectionstatechange", self._connection_changed)
        self._connection.add_listener("datachannel", self._adopt)
        self._connection.add_listener("error", self._failed)

    # --- making it

    async def offer(self) -> str:
        """Returns the SDP of an offer; hand the answer to `accept_answer`."""
        self._offered = True
        text = self._described.open(self._connection)
        if text is not None:
            self._open_ours({Channel.TEXT: text})
        self._open_ours(open_on(self._connection, [channel for channel in KINDS if channel not in self._channels]))
        guard(self._connection, self._end)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return self._described.described(await self._gathering.describe())

    async def accept_answer(self, sdp: str) -> None:
        """Uses the peer's answer.

        Raises:
            PeerUnreachable: the answer cannot be used.
        """
        text = self._channels.get(Channel.TEXT)
        if text is not None and text.negotiated and not self._described.answered(sdp):
            # The association does not exist yet: it is as if this one had never been there.
            text.remove_all_listeners()
            text.close()
            self._open_ours(open_on(self._connection, [Channel.TEXT]))
            self._tell_refused(self._described.refused)
        await self._gathering.use_description("answer", sdp)
        self._gathering.checks_begin()

    async def answer(self, sdp: str) -> str:
        """Returns the SDP of the answer to a peer's offer.

        Raises:
            PeerUnreachable: the offer cannot be used.
        """
        await self._gathering.use_description("offer", sdp)
        for channel in self._described.offered(self._connection, sdp):
            self._adopt_text(channel)
        self._tell_refused(self._described.refused)
        guard(self._connection, self._end)
        try:
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as error:  # an offer may be valid SDP and still ask for what aiortc has not
            logger.debug("no answer: %r", error)
            raise PeerUnreachable("the peer's offer cannot be answered") from error
        answer = await self._gathering.describe()
        self._gathering.checks_begin()
        return self._described.described(answer)

    async def use_candidates(self, candidates: Sequence[str]) -> None:
        """Tries candidates that the peer has found since; none says that there will be no more. Bad ones are left out.

        They may come before the peer's answer.
        """
        if candidates:
            self._gathering.use(candidates)
        else:
            self._gathering.no_more()

    # --- using it

    def send(self, channel: Channel, data: bytes | str) -> bool:
        """Queues a message. Returns False when the channel is not open: it is lost then."""
        opened = self._channels.get(channel)
        if opened is None or opened.readyState != "open":
            return False
        try:
            opened.send(data)
        except (InvalidStateError, ValueError) as error:
            self._end(f"a message could not be sent: {type(error).__name__}")
            return False
        self.sent += len(data)
        return True

    def bulk_room(self) -> int:
        """Returns how many bytes of file data may be handed over now; see `pacing`.

        When that is nothing, a `Writable` event comes as soon as asking again makes sense.
        """
        bulk = self._channels.get(Channel.BULK)
        if bulk is None or bulk.readyState != "open":
            return 0
        return self._bulk.room(bulk)

    def _writable(self) -> None:
        if not self._closed:
            self._tell(Writable())

    def measured(self, round_trip: float) -> None:
        """A ping took so many seconds."""
        self._bulk.measured(round_trip)

    def send_bulk(self, data: bytes) -> None:
        """Queues a message on the bulk channel; keep to `bulk_room`."""
        if self.send(Channel.BULK, data):
            self._bulk.handed_over(len(data))

    @property
    def path(self) -> str:
        """`direct` or `relay`; empty until it is known."""
        info = self._gathering.path
        return "" if info is None else "relay" if info.relayed else "direct"

    @property
    def path_info(self) -> PathInfo | None:
        """Which way the packets take; None until it is known."""
        return self._gathering.path

    async def close(self, reason: str) -> None:
        """Lets what was sent last leave, then closes; takes a few seconds at most, see `closing`."""
        self._end(reason)
        if self._ending is not None:
            await asyncio.wait({self._ending})

    # --- what aiortc tells; nothing here may raise

    def _open_ours(self, channels: dict[Channel, RTCDataChannel]) -> None:
        for channel, opened in channels.items():
            if channel is Channel.TEXT:
                self._texts.opened_by_us(opened)
            self._channels[channel] = opened
            self._attach(channel, opened)

    def _attach(self, channel: Channel, opened: RTCDataChannel, participant: int | None = None) -> None:
        if participant is None:
            self._channels.setdefault(channel, opened)

        def message(data: bytes | str) -> None:
            self.received += len(data)
            self._control_heard = self._control_heard or channel is Channel.CONTROL
            self._tell(Received(channel, data, participant))

        opened.add_listener("message", message)
        opened.add_listener("open", self._check_open)
        opened.add_listener("close", lambda: self._channel_closed(channel, opened, participant))
        opened.add_listener("error", self._failed)
        self._check_open()

    def _adopt(self, offered: RTCDataChannel) -> None:
        channel = recognise(offered)
        if channel is Channel.TEXT:
            self._adopt_text(offered)
        elif channel is None or channel in self._channels:
            self._refuse(offered)
        elif self._text_only:
            self._end("the peer's channels came too late")
        else:
            self._attach(channel, offered)

    def _adopt_text(self, offered: RTCDataChannel) -> None:
        match self._texts.opened_by_peer(offered):
            case Place.TOO_MANY:
                self._refuse(offered)
            case Place.PARTICIPANT:
                participant = int(offered.id or 0)
                self._tell(ParticipantJoined(participant, offered.label))
                self._attach(Channel.TEXT, offered, participant)
            case Place.OWN:
                self._attach(Channel.TEXT, offered)
                if self._texts.main is not None:
                    self._channels[Channel.TEXT] = self._texts.main
                if self._texts.lost_glare is not None:
                    self._texts.lost_glare.close()
                self._check_open()

    def _refuse(self, offered: RTCDataChannel) -> None:
        logger.info("refused a data channel of the peer")
        offered.close()
        self._tell_refused(is_unfit_for_text(offered) and recognise(offered) is None)

    def _tell_refused(self, refused: bool) -> None:
        if refused and not self._text_refused:
            self._text_refused = True
            self._telling.at_once(TextRefused(TEXT_REFUSED))

    def _channel_closed(self, channel: Channel, closed: RTCDataChannel, participant: int | None) -> None:
        if participant is not None:
            self._tell(ParticipantLeft(participant))
        elif closed is self._texts.lost_glare or (self._text_only and channel is not Channel.TEXT):
            pass
        elif channel is Channel.TEXT or self._control_heard:
            self._end(self._who_closed())
        else:
            for other in (Channel.CONTROL, Channel.BULK):
                self._channels.pop(other, None)
            self._speaks_only_text()

    def _check_open(self) -> None:
        if self._opened or self._closed:
            return
        text = self._channels.get(Channel.TEXT)
        if len(self._channels) == len(KINDS) and all(c.readyState == "open" for c in self._channels.values()):
            self._open()
        elif text is None or text.readyState != "open" or self._waiting_for_others is not None:
            pass
        elif text.negotiated:
            self._waiting_for_others = self._loop.call_later(NEGOTIATED_ONLY_SECONDS, self._speaks_only_text)
        elif set(self._channels) == {Channel.TEXT}:
            wait = 0.0 if self._offered else TEXT_ONLY_SECONDS
            self._waiting_for_others = self._loop.call_later(wait, self._speaks_only_text)

    def _open(self, text_only: bool = False) -> None:
        ours, theirs = certificates.fingerprints(self._connection)
        self._opened = True
        self._deadline.cancel()
        # What came on one channel before the last one opened is told after Opened.
        label, features = self._texts.label(), self._described.theirs
        self._telling.begin(Opened(self.path, self._offered, ours, theirs, text_only, label, features))

    def _speaks_only_text(self) -> None:
        text = self._channels.get(Channel.TEXT)
        if self._closed or self._text_only or text is None or text.readyState != "open":
            return
        if self._opened:
            self._text_only = True
            self._tell(TextOnly())
        elif not any(other.readyState == "open" for other in self._channels.values() if other is not text):
            self._text_only = True
            self._channels = {Channel.TEXT: text}
            self._open(text_only=True)

    def _connection_changed(self) -> None:
        state = self._connection.connectionState
        if state == "failed":
            if certificates.refused(self._connection):
                self._end("the peer's certificate is not the one that was announced")
            elif self._opened:
                self._end("the connection was lost")
            else:
                self.give_up(CONNECT_SECONDS)
        elif state == "closed":
            self._end(self._who_closed() if self._opened else "the connection was refused")

    def _who_closed(self) -> str:
        server = self._gathering.lost_relay
        return "the peer closed the link" if server is None else f"the relay of our {server} was lost"

    def _failed(self, error: Exception) -> None:
        logger.debug("error in a callback: %r", error)
        self._end(f"internal error: {type(error).__name__}")

    def give_up(self, seconds: float) -> None:
        """Closes a link that has not opened in so many seconds; `Closed` says why as far as the attempt has seen it."""
        why = diagnose(self._gathering.facts(), seconds)
        self._end(why.sentence, why.hint)

    # --- telling and ending

    def _tell(self, event: LinkEvent) -> None:
        early = not self._opened and not self._closed
        if early and (len(self._telling) >= EARLY_EVENTS or self.received > EARLY_BYTES):
            self._end("the peer sent too much before the channels were open")
        else:
            self._telling.tell(event)

    def _tell_gathered(self, found: Gathered) -> None:
        if not self._closed:
            self._telling.at_once(found)

    def _end(self, reason: str, hint: str = "") -> None:
        if self._closed:
            return
        self._closed = True
        self._deadline.cancel()
        if self._waiting_for_others is not None:
            self._waiting_for_others.cancel()
        self._telling.begin()
        self._tell(Closed(reason, hint))
        self._ending = self._loop.create_task(self._shut_down())

    async def _shut_down(self) -> None:
        await self._gathering.close()
        await shut_down(self._connection, self._channels.get(Channel.TEXT if self._text_only else Channel.CONTROL))
