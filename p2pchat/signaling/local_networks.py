"""The networks that this machine is on: its own addresses, and which others are one step away.

A machine that has nothing but its loopback interface is a network of its own: its programs find each other there. On
any other machine loopback addresses count as foreign, because an announcement that names one would have every reader
connect to a program of its own machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

import ifaddr

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

SHORTEST_PREFIX: Final = {4: 8, 6: 32}
"""A network that claims more than this is no LAN: some VPNs give their interface the prefix 0 to get all traffic."""

ADDRESSES_TOLD: Final = 8
"""Most of our addresses that are announced. Each that leads nowhere costs others 250 ms; three or four are usual."""


@dataclass(frozen=True, slots=True)
class LocalNetworks:
    """The networks of this machine's interfaces at one moment."""

    addresses: tuple[Address, ...]
    """This machine's own, without loopback unless there is nothing else; at most `ADDRESSES_TOLD`, IPv4 first."""
    networks: frozenset[Network]
    """Whose addresses are one step away."""

    @classmethod
    def now(cls) -> Self:
        """Asks the system. Takes a few milliseconds, and opens no socket that stays."""
        found: list[tuple[Address, int]] = []
        for adapter in ifaddr.get_adapters():
            for ip in adapter.ips:
                text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
                found.append((ipaddress.ip_address(text), ip.network_prefix))
        return cls.of(found)

    @classmethod
    def of(cls, interfaces: Iterable[tuple[Address, int]]) -> Self:
        """Returns the networks of interfaces with these addresses and lengths of prefix."""
        usable = [(address, prefix) for address, prefix in interfaces if not address.is_multicast]
        wide = [(address, prefix) for address, prefix in usable if not address.is_loopback]
        chosen = wide or usable
        networks = {
            ipaddress.ip_network((address, prefix), strict=False)
            for address, prefix in chosen
            if prefix >= SHORTEST_PREFIX[address.version]
        }
        # Those that lead beyond one link come first: a link-local one has to name the interface at the other side.
        ordered = sorted({address for address, _ in chosen}, key=lambda a: (a.is_link_local, a.version, int(a)))
        return cls(tuple(ordered[:ADDRESSES_TOLD]), frozenset(networks))

    def reach(self, text: str) -> bool:
        """Whether an address, possibly with `%` and an interface behind it, is one step away, or this machine's own."""
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is not None:
                return self.reach(str(address.ipv4_mapped))
            address = ipaddress.IPv6Address(address.packed)  # without the interface
        if address.is_multicast or address.is_unspecified:
            return False
        return address in self.addresses or any(
            address in network for network in self.networks if network.version == address.version
        )
