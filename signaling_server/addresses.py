"""Addresses of clients: which one counts behind proxies, which ones count together, and what is told of them.

What a proxy writes into a header is believed only when the proxy's own address was named by the operator. A client can
write the same header, so the list is read from its end: each hop that is trusted vouches for the one before it, and the
first that is not trusted is the client. Everything before that one is hearsay.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK: Final[tuple[Network, ...]] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

_IPV6_PREFIX: Final = 64
"""What one household or one machine has at least (RFC 6177 §2): whoever has one address of it has all of them."""

_HOPS: Final = 16
"""Entries of a header that are looked at, from its end. Real chains have two or three."""

_DAY_SECONDS: Final = 86_400


class ForwardedHeader(StrEnum):
    """The header in which the proxies of this server say whom they speak for. The other one is not looked at:

    most proxies pass on what a client has written there.
    """

    X_FORWARDED_FOR = "X-Forwarded-For"
    FORWARDED = "Forwarded"
    """RFC 7239."""


def parse_address(text: str) -> Address | None:
    """Reads an address as sockets and headers have it, or returns None.

    A port, brackets and a zone are left out, and an IPv4 address inside an IPv6 one (RFC 4291 §2.5.5.2) comes out.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def parse_network(text: str) -> Network:
    """Reads an address or a network such as `10.0.0.0/8` or `2001:db8::/32`.

    Raises:
        ValueError: it is none.
    """
    return ip_network(text.strip(), strict=False)


def is_in(address: Address | None, networks: Iterable[Network]) -> bool:
    """Whether the address belongs to one of the networks."""
    return address is not None and any(address in network for network in networks)


def client_address(
    peer: str, header: ForwardedHeader, values: Sequence[str], trusted: Sequence[Network]
) -> Address | None:
    """Returns the address of the client behind a request, or None when there is none that could be believed.

    Args:
        peer: the address of the other end of the connection.
        header: which header the proxies write.
        values: what this header says, once for each time that it is there, in their order.
        trusted: the networks of the proxies.
    """
    address = parse_address(peer)
    if not is_in(address, trusted):
        return address
    for entry in reversed(_entries(header, values)[-_HOPS:]):
        before = parse_address(entry)
        if before is None:
            return address
        address = before
        if not is_in(address, trusted):
            return address
    return address


def counted_as(address: Address | None) -> str:
    """Returns what all addresses of one source have in common; empty when there is no address."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_PREFIX), strict=False))
    return "" if address is None else str(address)


def _entries(header: ForwardedHeader, values: Sequence[str]) -> list[str]:
    entries = [entry for value in values for entry in value.split(",")]
    return entries if header is ForwardedHeader.X_FORWARDED_FOR else [_for(entry) for entry in entries]


def _for(element: str) -> str:
    """The node of `for=` in one element of `Forwarded`; empty when it says none."""
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            return value.strip().strip('"')
    return ""


class Pseudonyms:
    """Names by which a log can tell sources apart, without saying who they are.

    A name is a keyed hash. The key is random, is never written anywhere, and is another one each day, so that names of
    two days cannot be matched, nor tried against a list of all addresses later.
    """

    def __init__(self) -> None:
        self._day = -1
        self._key = b""

    def of(self, source: str, unix_time: float) -> str:
        """Returns the name of a source for the present day: eight hexadecimal digits."""
        day = int(unix_time // _DAY_SECONDS)
        if day != self._day:
            self._day, self._key = day, secrets.token_bytes(32)
        return hashlib.blake2s(source.encode(), key=self._key, digest_size=4).hexdigest()
