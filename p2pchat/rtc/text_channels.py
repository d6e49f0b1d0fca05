"""The `t140` channels of one link: which of them the peer itself writes on, and which belong to others behind it.

Rules
    1. The first channel is the peer's own; what we write goes there.
    2. Glare: both sides have opened one. The one with the lowest stream id stays. The other is closed, and what still
       arrives on it is read as the peer's own.
    3. Each further channel belongs to one participant, whose name its label may be (RFC 8865 §5.5; RFC 9071 §6.2: a
       gateway opens one for each source).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from aiortc import RTCDataChannel

TEXT_CHANNELS: Final = 16
"""Most `t140` channels of one link, those of a glare included: as many as a room has peers."""


class Place(Enum):
    """What a new channel is."""

    OWN = "own"
    """The peer's own line, also when it has lost a glare and will be closed."""
    PARTICIPANT = "participant"
    TOO_MANY = "too many"


class TextChannels:
    """The channels of one link, in the order in which they came."""

    def __init__(self) -> None:
        self.main: RTCDataChannel | None = None
        """What is sent goes here."""
        self.lost_glare: RTCDataChannel | None = None
        """To be closed; what arrives on it is still read."""
        self._ours: RTCDataChannel | None = None
        self._count = 0

    def opened_by_us(self, channel: RTCDataChannel) -> None:
        """We offer this channel, in place of one that we offered before; its stream id may not be known yet."""
        if self._ours is None:
            self._count += 1
        self.main = self._ours = channel

    def opened_by_peer(self, channel: RTCDataChannel) -> Place:
        """The peer has opened, or described, a channel as RFC 8865 wants it; look at `main` and `lost_glare` then."""
        if self._count >= TEXT_CHANNELS:
            return Place.TOO_MANY
        self._count += 1
        if self.main is None:
            self.main = channel
            return Place.OWN
        ours = self._ours
        if ours is None or self.lost_glare is not None:
            return Place.PARTICIPANT
        theirs_is_lower = ours.id is None or (channel.id is not None and channel.id < ours.id)
        if not theirs_is_lower and channel.label != ours.label:
            # A gateway names those behind it, and reads us on the channel that we have opened.
            return Place.PARTICIPANT
        self.main, self.lost_glare = (channel, ours) if theirs_is_lower else (ours, channel)
        return Place.OWN

    def label(self) -> str:
        """What the peer calls the main channel: the name of whoever writes there, or empty when it says nothing."""
        if self.main is None or self.main is self._ours or self.main.label == self.main.protocol:
            return ""
        return str(self.main.label)
