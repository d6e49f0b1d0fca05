"""What we say to one peer, and what it sees of what we type: through the session with it, or as to a guest."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from p2pchat.node.events import Event, LiveTextChanged, LiveTextSent, LiveTextShown, PeerInfo
from p2pchat.node.guest import Guest
from p2pchat.node.said import what_was_said
from p2pchat.protocol import frames, session_events
from p2pchat.protocol.allowance import Allowance
from p2pchat.protocol.limits import SHOWN_EVERY
from p2pchat.protocol.rtt import direction
from p2pchat.protocol.rtt.conversation import Mode, Sent, Shown
from p2pchat.protocol.rtt.statistics import Statistics
from p2pchat.protocol.session import Session
from p2pchat.protocol.session_link import State

UNTAKEN: Final = 256
"""Events about a peer's line that may wait for the front end and be acknowledged one by one: 25 s of fast typing."""

SHOWN_BURST: Final = 2
"""Acknowledgements that may come closer together than `SHOWN_EVERY`: the first after a pause comes at once."""


class PeerText:
    """Text to and from one peer.

    Args:
        session: with the peer.
        guest: what the peer is when it speaks real-time text alone.
        drain: does what the session asks for.
    """

    def __init__(self, session: Session, guest: Guest, drain: Callable[[], None]) -> None:
        self._session = session
        self._guest = guest
        self._drain = drain
        self._untaken: deque[tuple[LiveTextChanged, int]] = deque(maxlen=UNTAKEN)
        """Told and not taken by the front end: up to which character of the channel each of them goes."""
        self._handed_on = 0
        """Characters of the channel that our user has."""
        self._shown = Allowance(1 / SHOWN_EVERY, SHOWN_BURST)

    # --- what we say

    def say(self, message: frames.Message) -> None:
        """Sends a message, now or when there is a link."""
        if self._guest.here:
            self._guest.say(message.text)
        elif not self._session.outbox_full:
            self._session.say(message, time.monotonic())
            self._drain()

    def set_live_text(self, text: str, typed_at: float | None = None) -> None:
        """Our live line reads this now; see `NodeApi.set_live_text`."""
        if self._guest.here:
            self._guest.set_live_text(text, typed_at)
        else:
            self._session.set_live_text(text, time.monotonic(), typed_at=typed_at)
            self._drain()

    def commit_live_text(self, message: frames.Message) -> None:
        """Our live line is finished."""
        if self._guest.here:
            self._guest.commit_live_text()
        elif not self._session.outbox_full:
            self._session.commit_live_text(message, time.monotonic())
            self._drain()

    # --- who sees it

    def share(self, shared: bool, mode: Mode) -> None:
        """Our user wants this, whatever the peer is and over whichever link; see `LiveText.share`."""
        self._guest.share(shared, mode)
        self._session.set_live_text_mode(mode, time.monotonic(), shared)
        self._drain()

    @property
    def sees_keys(self) -> bool:
        """Whether what we type reaches the peer key by key at this moment."""
        return self._guest.sees_keys if self._guest.here else self._session.sees_keys

    def alert(self) -> bool:
        """Asks a peer that sees our keys for attention. Returns whether that was possible."""
        if self._guest.here:
            return self._guest.alert()
        alerted = self._session.alert(time.monotonic())
        self._drain()
        return alerted

    def statistics(self) -> Statistics:
        """How well real-time text works."""
        return self._guest.statistics() if self._guest.here else self._session.live_text.statistics()

    # --- what our user has seen

    def what_was_said(self, output: session_events.Output, conversation: str, info: PeerInfo) -> Event | None:
        """Returns what the front end is to be told of something that the peer said or has received."""
        if isinstance(output, Shown):
            told = self._shown.take(time.monotonic())
            return LiveTextShown(conversation, info.peer, time.time()) if told else None
        if isinstance(output, Sent):
            return LiveTextSent(conversation, info.peer, output.waiting, output.typed_at, time.time())
        event = what_was_said(output, conversation, info)
        if isinstance(event, LiveTextChanged) and self._session.state is State.TALKING:
            self._untaken.append((event, self._session.live_text.read_so_far))
        return event

    def next_output(self) -> session_events.Output | None:
        """What the session asks for next. What was read and changed no line needs nobody to look at it."""
        output = self._session.poll()
        read = self._session.live_text.read_so_far
        if output is None and not self._untaken and read != self._handed_on:
            self._hand_on(read)
            output = self._session.poll()
        return output

    def taken(self, event: LiveTextChanged) -> bool:
        """The front end has taken an event. Returns whether it was about this peer; then call `Peer.drain`."""
        if not any(waiting is event for waiting, _ in self._untaken):
            return False
        while True:
            waiting, characters = self._untaken.popleft()
            if waiting is event:
                self._hand_on(characters)
                return True

    def link_closed(self) -> None:
        """Characters are counted anew on the next channel."""
        self._untaken.clear()
        self._handed_on = 0

    def _hand_on(self, characters: int) -> None:
        self._handed_on = characters
        self._session.live_text_handed_on(characters, time.monotonic())


def resting(sends: bool, receives: bool, why: str = "") -> str:
    """Returns why a peer shows us no keys, as `PeerInfo.live_mode` says it: `hold` only when it says so itself."""
    if sends:
        return ""
    if why == "off" or not receives:
        return "off"
    return "hold" if why == "hold" else ""


def resting_at_first(features: frames.LiveTextFeatures | None) -> str:
    """The same, by what the hello of the peer says."""
    if features is None:
        return ""
    return resting(direction.sends(features.direction), direction.receives(features.direction), features.why)
