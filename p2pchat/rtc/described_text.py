"""The `t140` channels of one link that its session description names (RFC 8864, RFC 8865 §4), for gateways.

aiortc 1.16 neither writes nor keeps `dcmap` and `dcsa`, so that the lines are added to the text of what it made, and
read from the text that came. The channels themselves are opened as negotiated: both sides make them before the
association exists, so that nothing can arrive before there is somebody to read it, and each is open once it does.

Offering
    open ──> described ──> answered: True   the channel stays
                       └─> answered: False  it has to be closed, and one be opened with DCEP: a peer that does not look
                                            at such lines, as a p2pchat without the option, loses nothing
Answering
    offered ──> described

Our direction is always `sendrecv`. It can be changed only by a new offer (RFC 8865 §4.2.3), which is never made on a
link; and of all directions it is the only one that stays true whatever our user does: a side that may send need not.
"""

from __future__ import annotations

from aiortc import RTCDataChannel, RTCPeerConnection

from p2pchat.protocol.frames import LiveTextFeatures
from p2pchat.protocol.rtt import sdp
from p2pchat.rtc.channels import KINDS, Channel
from p2pchat.rtc.text_channels import TEXT_CHANNELS


class DescribedText:
    """What one link describes.

    Args:
        features: what we say of ourselves; None to write nothing, and to look at nothing that the peer writes.
    """

    def __init__(self, features: LiveTextFeatures | None) -> None:
        self.theirs: LiveTextFeatures | None = None
        """What the peer says of the channel that is its own; None before, and when it says nothing."""
        self.refused = False
        """Whether the peer described a channel that must be rejected: it may lose text or change its order."""
        self._features = features
        self._channels: dict[int, RTCDataChannel] = {}
        """By stream."""

    def open(self, connection: RTCPeerConnection) -> RTCDataChannel | None:
        """Opens the channel that an offer describes; None when it has to be opened with DCEP."""
        if self._features is None:
            return None
        return self._open(connection, sdp.OFFERED_STREAM, Channel.TEXT.value)

    def offered(self, connection: RTCPeerConnection, description: str) -> list[RTCDataChannel]:
        """Opens the channels that the peer's offer describes, the peer's own first. Call before answering."""
        for channel in self._read(description)[:TEXT_CHANNELS]:
            if self.theirs is None:
                self.theirs = channel.features
            self._open(connection, channel.stream, channel.label)
        return list(self._channels.values())

    def described(self, description: str) -> str:
        """Returns our own offer or answer with the channels that were opened here."""
        if self._features is None:
            return description
        lines: list[str] = []
        for stream, channel in self._channels.items():
            lines += sdp.attributes(stream, self._features, channel.label)
        return sdp.with_lines(description, lines)

    def answered(self, description: str) -> bool:
        """Whether the peer's answer takes the channel that our offer describes. Call before it is used."""
        for channel in self._read(description):
            if channel.stream == sdp.OFFERED_STREAM:
                self.theirs = channel.features
        return self.theirs is not None

    def _read(self, description: str) -> list[sdp.NegotiatedChannel]:
        """The channels that can be used."""
        if self._features is None:
            return []
        found = sdp.parse(sdp.media_lines(description))
        self.refused = any(channel.refused for channel in found)
        return [channel for channel in found if not channel.refused]

    def _open(self, connection: RTCPeerConnection, stream: int, label: str) -> RTCDataChannel:
        channel = connection.createDataChannel(label, protocol=KINDS[Channel.TEXT].protocol, negotiated=True, id=stream)
        self._channels[stream] = channel
        return channel
