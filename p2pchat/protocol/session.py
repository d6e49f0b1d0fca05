"""Everything said between us and one peer, over as many links as it takes. Sans-I/O.

Rules
    1. On a new link the introduction comes first (handshake and hello). Then the caller has to `admit` the peer or to
       close the link; nothing of the peer is shown and nothing is sent to it before that. Real-time text that overtakes
       the introduction on its own channel waits.
    2. Whatever arrives is a sign of life (`heartbeat`).
    3. A frame that cannot be read, or more frames than a peer may send, closes the link with a reason that is told
       to the peer (`bye`) and to our user. Nothing raises.
    4. Messages survive a lost link (`delivery`); a live line is marked as interrupted; transfers end.

States
    OFFLINE ── link_opened ──> INTRODUCING ── Greeted ──> JUDGING ── admit ──> TALKING
       ^                            └─ fault or goodbye ─────┴────────────────────┴──> CLOSING: nothing is read any more
       └── link_closed, from any state

    link_moved: link_closed, and at once INTRODUCING or JUDGING on another link, introduced beside the present one.

Use: call one method, drain `poll` until it returns None, send what `next_chunk` has while the transport has room for
bulk data, and call `tick` at `deadline()`.
"""

from __future__ import annotations

import contextlib
from collections import deque
from typing import Any, Final

from msgspec.structs import replace

from p2pchat.protocol import frames, limits
from p2pchat.protocol.codec import FrameError, decode
from p2pchat.protocol.delivery import Inbox, Outbox
from p2pchat.protocol.handshake import Handshake
from p2pchat.protocol.heartbeat import Heartbeat
from p2pchat.protocol.introduction import Fault, Greeted, Introduction, SendFrame
from p2pchat.protocol.rtt.conversation import Alerted, Directed, LineRead, LiveText, Mode, Sent, Shown
from p2pchat.protocol.session_events import (
    Delivered,
    Left,
    MessageRead,
    SendControl,
    SendText,
    Signalled,
)
from p2pchat.protocol.session_link import LinkAllowances, SessionLink, State
from p2pchat.protocol.transfer.exchange import Exchange, TransferOutput

ONLY_FILES: Final = "only files are taken here, and nothing was read"
"""What a peer is told that writes to `Session.only_files`."""


class Session(SessionLink):
    """The conversation with one peer.

    Args:
        hello: what we say of ourselves on every link.
        shows_later: whether `LiveText.handed_on` is called when our user gets what the peer types.
    """

    def __init__(self, hello: frames.Hello, shows_later: bool = False) -> None:
        super().__init__()
        self.transfers = Exchange()
        self.live_text = LiveText(shows_later)
        self.only_files = False
        """Whether the peer may offer files and nothing else: what it writes ends the link with a reason."""
        self._hello = hello
        self._introduction: Introduction | None = None
        self._outbox = Outbox()
        self._inbox = Inbox()
        self._their_hello: frames.Hello | None = None
        self._introduction_ends = 0.0

    def continue_from(self, other: Session) -> None:
        """Takes over from the session of the same peer under an earlier address: nothing is lost or shown twice.

        To be called before `admit`; `other` is not used any more.
        """
        self._outbox = other._outbox
        self._outbox.forget_lines()
        self._inbox = other._inbox
        self.live_text.number_from(other.live_text.next_line)

    # --- the link

    def link_opened(self, handshake: Handshake, now: float) -> None:
        """All channels of a new link are open. `handshake` is made for this very link, and not started yet."""
        self._begin(self.introduction(handshake), now)
        if self._introduction is not None:
            self._introduction.start()
        self._collect(now)

    def introduction(self, handshake: Handshake) -> Introduction:
        """Returns the introduction for a further link, to be carried out while the present one is used."""
        features = self._hello.live_text
        hello = self._hello if features is None else replace(self._hello, live_text=self.live_text.features(features))
        return Introduction(handshake, hello)

    def link_moved(self, introduction: Introduction, greeted: Greeted | None, now: float) -> None:
        """Another link takes the place of the present one, which is used no more. Nothing is lost or shown twice.

        Args:
            introduction: on that link, from `introduction`; it has begun, and nothing is left in its `poll`.
            greeted: how it ended; None when it goes on here.
            now: the time.
        """
        self.link_closed(now, "it moves to another link")
        self._begin(introduction, now)
        if greeted is not None:
            self._judge(greeted)
        self._collect(now)

    def _begin(self, introduction: Introduction, now: float) -> None:
        self.state = State.INTRODUCING
        self._introduction = introduction
        self._introduction_ends = now + limits.HELLO_SECONDS
        self._allowances = LinkAllowances()
        self.live_text.channel_opened(now, waits=True)

    def admit(self, now: float) -> None:
        """The peer may be talked to: call it after `Greeted`, or close the link instead."""
        if self.state is not State.JUDGING or self._their_hello is None:
            return
        self.state = State.TALKING
        self._heartbeat = Heartbeat(now)
        self.probe(now)  # the first round trip, before anything queues on the path
        self.live_text.admitted(self._their_hello.live_text, now)
        again = self._outbox.to_send_again(self.live_text.unfinished)
        self._collect(now)  # which line the channel begins with is said before its number is used
        for message in again:
            self._send(message)

    def link_closed(self, now: float, reason: str) -> None:
        """The link is gone, whoever closed it."""
        if self.state is State.OFFLINE:
            return
        self.state = State.OFFLINE
        self._heartbeat = None
        self._outputs = deque(output for output in self._outputs if not isinstance(output, SendControl | SendText))
        self.live_text.channel_lost(now)
        self.transfers.link_lost(reason)
        self._collect(now)

    def signal(self, body: Any) -> None:
        """Passes a signal for another link to the peer over this one; nothing without one, or when it is too long."""
        if self.state is State.TALKING:
            with contextlib.suppress(FrameError):
                self._send(frames.Signal(body))

    # --- what arrives

    def receive_control(self, data: bytes | str, now: float) -> None:
        """A message came on `ctl`."""
        if not self._reading:
            return
        self._heard(now)
        if not self._allowances.frames.take(now):
            self._refuse("flood", f"more than {limits.FRAMES_PER_SECOND} control frames a second")
            return
        if isinstance(data, str):
            self._refuse("protocol", "the control channel carries binary messages only")
            return
        try:
            frame = decode(data)
        except FrameError as error:
            self._refuse("protocol", str(error))
            return
        self._route(frame, now)
        self._collect(now)

    def receive_text(self, data: bytes | str, now: float) -> None:
        """A message came on `t140`."""
        if not self._reading:
            return
        self._heard(now)
        if len(data) > limits.T140_MESSAGE_BYTES_ACCEPTED:
            self._refuse("protocol", f"a T.140 message of more than {limits.T140_MESSAGE_BYTES_ACCEPTED} bytes")
            return
        if self.only_files:
            self._refuse("only-files", ONLY_FILES)
        elif not self._allowances.text.take(now, len(data) + limits.T140_OVERHEAD):
            self._refuse("flood", f"more than {limits.T140_PER_SECOND} characters of real-time text a second")
        elif not self.live_text.receive(data, now):
            self._refuse("protocol", "too much real-time text came before hello and what belongs to it")
        self._collect(now)

    def receive_bulk(self, data: bytes | str, now: float) -> None:
        """A message came on `bulk`."""
        if not self._reading:
            return
        self._heard(now)
        if self.state is not State.TALKING:
            self._refuse("protocol", "file data came before hello")
            return
        try:
            expected = self.transfers.chunk(data, now)
        except FrameError as error:
            self._refuse("protocol", str(error))
            return
        if not expected and not self._allowances.stray.take(now, len(data)):
            self._refuse("flood", "too much file data that nobody asked for")
        self._collect(now)

    def tick(self, now: float) -> None:
        """Time has passed. Call at `deadline()`; early or late is harmless."""
        if self.state is State.INTRODUCING and now >= self._introduction_ends:
            self._refuse("timed-out", "no handshake and hello came in time")
        if self._heartbeat is not None:
            self._heartbeat.tick(now)
        self._collect(now)

    @property
    def their_features(self) -> frames.LiveTextFeatures | None:
        """How the peer takes part in real-time text, as its last hello says; None before, and when it does not."""
        return self._their_hello.live_text if self._their_hello is not None else None

    # --- what we say

    @property
    def unacknowledged(self) -> int:
        """Messages of ours that the peer has not confirmed."""
        return len(self._outbox)

    @property
    def outbox_full(self) -> bool:
        """Whether the peer has left too much unconfirmed to be sent more."""
        return self._outbox.full

    def say(self, message: frames.Message, now: float) -> None:
        """Sends a message, now or when there is a link. `outbox_full` must be False."""
        self._outbox.add(message)
        if self.state is State.TALKING:
            self._send(message)
        self._collect(now)

    def set_live_text(self, text: str, now: float, held: bool = False, typed_at: float | None = None) -> None:
        """Our live line reads this now; see `LiveText.set_text`. The empty text retracts it."""
        self.live_text.set_text(text, now, held, typed_at)
        self._collect(now)

    def commit_live_text(self, message: frames.Message, now: float) -> None:
        """Our live line is finished; `message` is its text. `outbox_full` must be False."""
        ended = self.live_text.commit(now)
        self._collect(now)  # how the line began is said before its message
        line, number = ended.line, ended.number
        self.say(frames.Message(message.id, message.text, message.sent_at, line, number, ended.withheld), now)

    def set_live_text_mode(self, mode: Mode, now: float, shared: bool = True) -> None:
        """Our user wants this of real-time text with the peer, also on later links; see `LiveText.share`."""
        self.live_text.share(shared, mode, now)
        self._collect(now)

    @property
    def sees_keys(self) -> bool:
        """Whether what is typed goes to the peer as it is typed."""
        return self.state is State.TALKING and self.live_text.sees_keys

    def live_text_handed_on(self, characters: int, now: float) -> None:
        """Our user has what the peer had typed when `live_text.read_so_far` was `characters`."""
        self.live_text.handed_on(characters, now)
        self._collect(now)

    def alert(self, now: float) -> bool:
        """Asks the peer for attention. Returns False when that is not possible now, or was done a moment ago."""
        alerted = self.live_text.alert(now)
        self._collect(now)
        return alerted

    # --- what is to be done

    def drain_transfers(self, now: float) -> None:
        """Call after using `transfers` directly, before `poll`."""
        self._collect(now)

    def next_chunk(self) -> bytes | None:
        """The next bulk message, or None when no transfer has anything to send."""
        return self.transfers.next_chunk() if self.state is State.TALKING else None

    def deadline(self) -> float | None:
        """When `tick` is due; None when only something that arrives can bring news."""
        due = [self._heartbeat.deadline() if self._heartbeat is not None else None]
        if self.state is State.INTRODUCING:
            due.append(self._introduction_ends)
        elif self.state is State.TALKING:
            due.append(self.live_text.deadline())
        return min((at for at in due if at is not None), default=None)

    # --- inside

    def _route(self, frame: frames.AnyFrame | None, now: float) -> None:
        if isinstance(frame, frames.Bye):
            self.state = State.CLOSING
            self._outputs.append(Left(frame.code, frame.reason))
        elif self.state is State.INTRODUCING and self._introduction is not None:
            self._introduction.receive(frame)
        elif self.state is State.TALKING:
            self._talk(frame, now)

    def _talk(self, frame: frames.AnyFrame | None, now: float) -> None:
        match frame:
            case None:
                pass  # a kind of a later version
            case frames.Ping(n):
                self._send(frames.Pong(n, self.live_text.clock_reading(now)))
            case frames.Pong(n, at):
                took = self._measure(n, now)
                if took is not None and at is not None:
                    self.live_text.clock_answered(took, at, now)
            case frames.Signal(body):
                self._outputs.append(Signalled(body))
            case frames.Message() if self.only_files:
                self._refuse("only-files", ONLY_FILES)
            case frames.Message() if not self._allowances.messages.take(now):
                self._refuse("flood", f"more than {limits.MESSAGES_PER_SECOND} messages a second")
            case frames.Message():
                self._read_message(frame)
            case frames.Receipt(id_):
                if self._outbox.acknowledged(id_):
                    self._outputs.append(Delivered(id_))
            case frames.Hello() | frames.Commit() | frames.Reveal() | frames.Proof() | frames.Bye():
                self._refuse("protocol", "the handshake or hello came twice")
            case frames.Offer() if not self._allowances.offers.take(now):
                self._refuse("flood", f"more than {limits.OFFER_BURST} offers of files at once")
            case frames.RttDirection() | frames.RttSnapshot() | frames.RttShown() | frames.RttNudge():
                self.live_text.receive_frame(frame, now)
            case _:
                self.transfers.receive(frame, now)

    def _read_message(self, message: frames.Message) -> None:
        self._send(frames.Receipt(message.id))
        if self._inbox.is_new(message.id) and not self.live_text.finished_by(message):
            self._outputs.append(MessageRead(message))

    def _collect(self, now: float) -> None:
        """Brings the outputs of the machines inside into our own queue."""
        self._collect_introduction()
        self._collect_pulse()
        while (step := self.live_text.poll(now)) is not None:
            match step:
                case str():
                    if self.state is State.TALKING:  # nothing follows a goodbye
                        self._outputs.append(SendText(step))
                case LineRead() | Alerted() | Directed() | Shown() | Sent():
                    self._outputs.append(step)
                case _:
                    self._send(step)
        while (output := self.transfers.poll()) is not None:
            if isinstance(output, TransferOutput):
                self._outputs.append(output)
            else:
                self._send(output)

    def _collect_introduction(self) -> None:
        while self._introduction is not None and (step := self._introduction.poll()) is not None:
            match step:
                case SendFrame(frame):
                    self._send(frame)
                case Greeted():
                    self._judge(step)
                case Fault(code, reason):
                    self._refuse(code, reason)

    def _judge(self, greeted: Greeted) -> None:
        self.state = State.JUDGING
        self._their_hello = greeted.hello
        self._outputs.append(greeted)
