"""Who announces itself on the local network, as far as it makes sense: a bounded table, fed by `discovery`.

What is announced there can be written by anybody on the network. So a service has to be called what its TXT record
says, has to be reached over a local network, cannot be ours, and there can only be so many of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from p2pchat.protocol.signaling import PeerId
from p2pchat.signaling.local_networks import LocalNetworks

SERVICE_TYPE: Final = "_p2pchat._tcp.local."
"""RFC 6763 §7. The name of a service in front of it is the peer id of the run, and so is the name of its host."""

TXT_VERSION: Final = b"1"
"""The version of what is announced, TXT key `v` (RFC 6763 §6.7). Later versions may add keys."""

SERVICES: Final = 256
"""Services that are remembered: many more than a network has people who run p2pchat."""

SERVICES_OF_ONE_MACHINE: Final = 16
"""Services with the same addresses: one for each program that runs there, and an end to inventing them."""

ADDRESSES: Final = 8
"""Addresses of one service that are tried."""


@dataclass(frozen=True, slots=True)
class Service:
    """A p2pchat on the local network, as it is announced. Nothing vouches for it."""

    peer: str
    """Its peer id for this run."""
    addresses: tuple[str, ...]
    """Where its hub is, with `%` and an interface behind link-local ones; one step away each."""
    port: int


def service_name(peer: str) -> str:
    """Returns the full name of a peer's service."""
    return f"{peer}.{SERVICE_TYPE}"


def peer_of(name: str) -> str | None:
    """Returns the peer id in the name of a service, or None when there is none."""
    if not name.endswith("." + SERVICE_TYPE):
        return None
    try:
        return msgspec.convert(name.removesuffix("." + SERVICE_TYPE), PeerId)
    except msgspec.ValidationError:
        return None


def described(peer: str) -> dict[str, bytes]:
    """Returns the TXT record that announces us: the version and the peer id, and nothing about the user."""
    return {"v": TXT_VERSION, "id": peer.encode()}


def read_service(
    name: str,
    txt: Mapping[bytes, bytes | None],
    addresses: Sequence[str],
    port: int | None,
    networks: LocalNetworks,
) -> Service | None:
    """Returns what an announcement says, or None when it cannot be used.

    Args:
        name: the full name of the service.
        txt: its TXT record.
        addresses: its addresses as text, with `%` and an interface behind link-local ones.
        port: from its SRV record.
        networks: ours. Addresses elsewhere are ignored.
    """
    peer = peer_of(name)
    if peer is None or txt.get(b"v") != TXT_VERSION or txt.get(b"id") != peer.encode():
        return None
    near = tuple(dict.fromkeys(address for address in addresses if networks.reach(address)))[:ADDRESSES]
    if not near or port is None or not 0 < port < 65536:
        return None
    return Service(peer, near, port)


class Services:
    """The services of the network.

    Args:
        us: our peer id: what is announced under it is our own, or a lie.
        pick: returns a random number from 0 up to, but not including, its argument.
    """

    def __init__(self, us: str, pick: Callable[[int], int]) -> None:
        self._us = us
        self._pick = pick
        self._services: dict[str, Service] = {}
        self._elsewhere: dict[str, Service] = {}
        """The other place of those who were announced to be at two: the last one, unless it was tried in vain."""
        self._proven: set[str] = set()

    def __contains__(self, peer: str) -> bool:
        return peer in self._services

    def __len__(self) -> int:
        return len(self._services)

    @property
    def doubtful(self) -> bool:
        """Whether there is one whose hub has never let us in."""
        return len(self._proven) < len(self._services)

    def get(self, peer: str) -> Service | None:
        """Returns the service of a peer, if it is announced.

        What was announced first stays until `turn`: somebody who announces another place under the same name comes too
        late to be tried in its stead.
        """
        return self._services.get(peer)

    def turn(self, peer: str) -> None:
        """The service of a peer was tried in vain: the other place where it was announced to be comes next."""
        if peer in self._elsewhere:
            self._services[peer], self._elsewhere[peer] = self._elsewhere[peer], self._services[peer]

    def latest(self) -> list[Service]:
        """Returns all of them, at the other place where there are two."""
        return list((self._services | self._elsewhere).values())

    def add(self, service: Service) -> bool:
        """A service was announced. Returns whether it is there now, and was not before or has changed.

        A full table gives up one whose hub has never let us in, at random: whoever fills it with inventions cannot
        keep others out for long, nor drive those away who are there.
        """
        peer = service.peer
        if peer == self._us or service in (self._services.get(peer), self._elsewhere.get(peer)):
            return False
        if peer in self._services:
            self._elsewhere[peer] = service
        elif self._make_room(service):
            self._services[peer] = service
        else:
            return False
        return True

    def proved(self, peer: str) -> None:
        """The hub of a service has let us in."""
        if peer in self._services:
            self._proven.add(peer)

    def remove(self, peer: str) -> None:
        """A service is announced no more."""
        self._services.pop(peer, None)
        self._elsewhere.pop(peer, None)
        self._proven.discard(peer)

    def _make_room(self, service: Service) -> bool:
        place = set(service.addresses)
        rivals = [known.peer for known in self._services.values() if set(known.addresses) == place]
        if len(rivals) < SERVICES_OF_ONE_MACHINE:
            rivals = list(self._services)
            if len(rivals) < SERVICES:
                return True
        unproven = [peer for peer in rivals if peer not in self._proven]
        if unproven:
            self.remove(unproven[self._pick(len(unproven))])
        return bool(unproven)
