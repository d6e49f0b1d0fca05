"""The three data channels of a link, and which channels of a peer are taken for them.

A channel is opened with DCEP (RFC 8832) by the side that offers; the other adopts it when label, protocol, order and
reliability are exactly these. Only `t140` may be negotiated in the session description instead: see `described_text`.
RFC 8865 §4.1 obliges a receiver to refuse a `t140` channel that is not reliable and
ordered; the others follow the same rule. The label of a `t140` channel is free: it may name who writes there (§5.5).
Our labels are ASCII because aiortc 1.16 counts characters where DCEP has bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from aiortc import RTCDataChannel, RTCPeerConnection


class Channel(Enum):
    """The channels of a link, most urgent first."""

    CONTROL = "ctl"
    TEXT = "t140"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a channel is like on the wire."""

    protocol: str
    ordered: bool


KINDS: dict[Channel, Kind] = {
    Channel.CONTROL: Kind("p2pchat.1", ordered=True),
    Channel.TEXT: Kind("t140", ordered=True),
    # Chunks carry their own offsets, so that one lost packet holds up one block and not the whole transfer.
    Channel.BULK: Kind("p2pchat.bulk.1", ordered=False),
}


def open_on(connection: RTCPeerConnection, channels: Iterable[Channel] = tuple(KINDS)) -> dict[Channel, RTCDataChannel]:
    """Opens channels with DCEP, as the side that offers."""
    return {
        channel: connection.createDataChannel(
            channel.value, protocol=KINDS[channel].protocol, ordered=KINDS[channel].ordered
        )
        for channel in channels
    }


def recognise(offered: RTCDataChannel) -> Channel | None:
    """Returns which of our channels the peer has opened, or None for one that has to be refused."""
    for channel, kind in KINDS.items():
        if (
            (offered.label == channel.value or channel is Channel.TEXT)
            and offered.protocol == kind.protocol
            and offered.ordered == kind.ordered
            and offered.maxRetransmits is None
            and offered.maxPacketLifeTime is None
        ):
            return channel
    return None


def is_unfit_for_text(offered: RTCDataChannel) -> bool:
    """Whether a channel that was refused would be real-time text, were it reliable and ordered."""
    return bool(offered.protocol == KINDS[Channel.TEXT].protocol)


async def emptied(channel: RTCDataChannel) -> None:
    """Waits until all that was sent on a channel has been handed to the transport. There has to be something."""
    handed_over = asyncio.Event()
    channel.bufferedAmountLowThreshold = 0
    channel.add_listener("bufferedamountlow", handed_over.set)
    await handed_over.wait()
