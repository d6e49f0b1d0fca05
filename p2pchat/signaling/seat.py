"""What a conversation needs to find its peers: a seat in a room, wherever the room is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence, Set
from typing import Any, Literal, Protocol

from p2pchat.protocol.signaling import IceServer
from p2pchat.signaling.events import SignalingEvent


class Seat(Protocol):
    """A seat in a room: of one server (`SignalingClient`), of the local network, or of both (`LanSignaling`).

    Use it in this order: `connect`, then read `events` and call `relay`, at last `close`, also after a failure.
    """

    @property
    def notice(self) -> str:
        """What the operator of the server has to say; safe to show, often empty."""

    @property
    def ice_servers(self) -> Sequence[IceServer]:
        """The STUN and TURN servers that the server names; none on a LAN."""

    @property
    def your_address(self) -> str:
        """Where we seem to come from, as the server sees it; safe to show, often empty."""

    async def connect(self, room: str) -> list[str]:
        """Takes a seat; see `SignalingClient.connect`. Returns the peers that have to be offered to."""

    def events(self) -> AsyncIterator[SignalingEvent]:
        """The stream of events, from the seat to `close`."""

    def relay(self, to: str, body: Any) -> None:
        """Sends a body to a member of the room; see `SignalingClient.relay`."""

    def report(self, outcome: Literal["direct", "relay", "failed"], seconds: float) -> None:
        """Tells the server what became of an attempt to connect; see `SignalingClient.report`."""

    def unreached(self, peer: str) -> str:
        """Says why nothing can be relayed to a peer now, in words; empty when it can."""

    def hurry(self, gone: Set[str] = frozenset()) -> None:
        """Something has changed on this machine: finds out whether the connection lives, and if not, tries at once.

        Args:
            gone: the addresses that this machine has no longer; a connection from one of them is dead.
        """

    async def close(self) -> None:
        """Gives the seat up; bounded by a few seconds."""
