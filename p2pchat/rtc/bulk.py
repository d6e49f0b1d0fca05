"""When the next file data may be handed to a link: what is in the transport, against what `pacing` allows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from aiortc import RTCDataChannel, RTCPeerConnection

from p2pchat.rtc.pacing import REFILL_SECONDS, Pacer


class BulkWindow:
    """The room for file data on one link.

    Args:
        connection: of the link.
        writable: called some time after there was no room, when asking again makes sense.
    """

    def __init__(self, connection: RTCPeerConnection, writable: Callable[[], None]) -> None:
        self._connection = connection
        self._writable = writable
        self._loop = asyncio.get_running_loop()
        self._pacer = Pacer()
        self._refill: asyncio.TimerHandle | None = None
        self.measured = self._pacer.measured
        """Takes the seconds that a ping took."""
        self.handed_over = self._pacer.handed_over
        """Takes how many bytes were sent."""

    def room(self, bulk: RTCDataChannel) -> int:
        """Returns how many bytes may be sent now."""
        room = self._pacer.room(bulk.bufferedAmount + self._in_flight(), time.monotonic())
        if room == 0 and self._refill is None:
            self._refill = self._loop.call_later(REFILL_SECONDS, self._ask_to_refill)
        return room

    def _in_flight(self) -> int:
        """Bytes that were sent and not acknowledged yet, of all channels. aiortc 1.16 has no public word for it."""
        return getattr(self._connection.sctp, "_flight_size", 0)

    def _ask_to_refill(self) -> None:
        self._refill = None
        self._writable()
