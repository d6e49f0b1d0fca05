"""Which addresses of this machine become host candidates, and in which order.

aioice leaves loopback addresses out, as browsers do. A machine without any other address (a laptop with its radios
off, a container without a network) could then not even connect to itself, although two terminals on it can talk well.
So when nothing else is there, 127.0.0.1 is a candidate.

Checks are made one by one, 20 ms apart, in the order of the candidates. Bridges of containers and virtual machines
lead nowhere, and with five of them on each side half a second would go by. So the addresses from which this machine
reaches the rest of the world come first. Link-local addresses of IPv6 are left out, as by aioice.
"""

from __future__ import annotations

import contextlib
import socket

from aioice import ice

_without_loopback = ice.get_host_addresses

_ELSEWHERE = ((socket.AF_INET, "198.51.100.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses that nobody has (RFC 5737, RFC 3849). Nothing is sent there; only the way is asked for."""


def host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    """Returns aioice's choice, most useful first, or 127.0.0.1 when that is empty."""
    addresses = _without_loopback(use_ipv4, use_ipv6)
    outgoing = outgoing_addresses()
    return sorted(addresses, key=lambda address: address not in outgoing) or (["127.0.0.1"] if use_ipv4 else [])


def outgoing_addresses() -> set[str]:
    """Returns the addresses of ours that packets to the rest of the world have, one of each family."""
    found = set()
    for family, elsewhere in _ELSEWHERE:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((elsewhere, 9))
            found.add(str(asking.getsockname()[0]))
    return found


def allow_loopback_alone() -> None:
    """Makes aioice gather from `host_addresses`. Calling it again changes nothing."""
    ice.get_host_addresses = host_addresses
