"""What the hub knows of one socket."""

from __future__ import annotations

from signaling_server.buckets import Bucket
from signaling_server.kept import Kept
from signaling_server.limits import ServerLimits
from signaling_server.requests import SeatRequest
from signaling_server.sources import Source


class Client:
    """A socket from its opening to its end: a few numbers and at most three short texts.

    Args:
        socket: its number.
        limits: what it may do.
        now: when it was opened, in seconds of a monotonic clock.
        source: where it comes from.
    """

    __slots__ = (
        "asked",
        "faults",
        "join_by",
        "kept",
        "key",
        "mailbox_requests",
        "messages",
        "peer",
        "pings",
        "refusals",
        "room",
        "socket",
        "source",
        "wake_at",
    )

    def __init__(self, socket: int, limits: ServerLimits, now: float, source: Source) -> None:
        self.socket = socket
        self.source = source
        self.messages = Bucket(limits.messages_per_second, limits.message_burst, now)
        self.refusals = Bucket(limits.refusals_per_second, limits.refusal_burst, now)
        self.faults = Bucket(limits.faults_per_second, limits.fault_burst, now)
        self.mailbox_requests = Bucket(limits.mailbox_requests_per_second, limits.mailbox_request_burst, now)
        self.join_by: float | None = now + limits.join_seconds
        """When it must have taken a seat; None once it has, even when it leaves later."""
        self.wake_at = now + limits.ping_seconds
        self.pings = 0
        """Pings sent since the last sign of life."""
        self.peer = ""
        self.key = ""
        """A digest of the key: see `signaling_server.seats.digest`."""
        self.room = ""
        self.asked: SeatRequest | None = None
        """The seat that it waits for."""
        self.kept: Kept | None = None
        """What it has sent to those who are away."""

    def due(self) -> float:
        """When something has to be done about it. Only ever moves later."""
        return self.wake_at if self.join_by is None else min(self.wake_at, self.join_by)
