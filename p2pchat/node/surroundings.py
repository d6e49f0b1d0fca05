"""What every conversation of a node shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from p2pchat.node.events import Event
from p2pchat.node.gatekeeper import Gatekeeper
from p2pchat.node.peer import Peer
from p2pchat.node.seats import Seats
from p2pchat.protocol.frames import LiveTextFeatures
from p2pchat.protocol.transfer.exchange import TransferOutput
from p2pchat.rtc.ice import Configuration


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every conversation of a node shares."""

    seats: Seats
    """Where rooms and mailboxes are."""
    gatekeeper: Gatekeeper
    """Our identity, and who is admitted."""
    configuration: Configuration
    """How links are made."""
    features: LiveTextFeatures
    """How we take part in real-time text."""
    tell: Callable[[Event], None]
    """Takes events for the front end."""
    on_transfer: Callable[[Peer, TransferOutput], None]
    """Takes what the transfers with a peer ask for and tell."""
    on_admitted: Callable[[Peer], None]
    """Called each time a link to a peer is ready to be used."""
