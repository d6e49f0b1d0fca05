"""Which addresses of this machine become host candidates.

aioice leaves loopback addresses out, as browsers do. A machine without any other address (a laptop with its radios
off, a container without a network) could then not even connect to itself, although two terminals on it can talk well.
So when nothing else is there, 127.0.0.1 is a candidate.
"""

from __future__ import annotations

from aioice import ice

_without_loopback = ice.get_host_addresses


def host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    """Returns aioice's choice, or 127.0.0.1 when that is empty."""
    addresses = _without_loopback(use_ipv4, use_ipv6)
    return addresses or (["127.0.0.1"] if use_ipv4 else [])


def allow_loopback_alone() -> None:
    """Makes aioice gather from `host_addresses`. Calling it again changes nothing."""
    ice.get_host_addresses = host_addresses
