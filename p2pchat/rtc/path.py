"""Which way the packets of a link take, in words."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

_INNER: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)
"""Addresses that hold in one network only: RFC 1918, RFC 3927, RFC 4193, RFC 4291 and loopback."""


@dataclass(frozen=True, slots=True)
class PathInfo:
    """The pair of candidates that carries a link. It may become more exact during the first second."""

    local: str
    """`host`, `srflx` (a NAT, as a STUN server saw it), `prflx` (a NAT, as only the peer sees it) or `relay`."""
    remote: str
    """The same of the peer, as far as we know it."""
    family: int
    """4 or 6: the version of IP between the two ends of the pair."""
    inner: bool
    """Whether both addresses hold in one network only, so that the two machines are in the same one."""
    relay: str = ""
    """The name of our relay; empty when we use none."""
    transport: str = ""
    """How we talk to it: `udp`, `tcp` or `tls`."""

    @property
    def relayed(self) -> bool:
        """Whether a relay of either side is in between."""
        return "relay" in (self.local, self.remote)

    @property
    def addresses(self) -> str:
        """The path in a few words, for a status line."""
        if self.local == "relay":
            way = "" if self.transport == "udp" else f" over {self.transport.upper()}"
            return f"through relay {self.relay}{way}"
        if self.remote == "relay":
            return "through the other side's relay"
        return f"IPv{self.family}, same network" if self.inner else f"IPv{self.family} public"


def is_inner(host: str) -> bool:
    """Whether an address holds in one network only."""
    address = ipaddress.ip_address(host)
    return any(address in network for network in _INNER)
