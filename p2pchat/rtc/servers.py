"""STUN and TURN servers: what a URI names, and what can go wrong with one.

aiortc uses the first STUN and the first TURN server of a list, over IPv4. p2pchat asks all of them itself
(`p2pchat.rtc.gathering`), so it reads the URIs itself too.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal

from aioice import stun

from p2pchat.protocol.signaling import IceServer
from p2pchat.protocol.untrusted import safe_line

SERVERS_MOST: Final = 8
"""STUN, and as many TURN servers, that are asked: more would not find another way, and cost everybody packets."""

PORT: Final = 3478
"""RFC 7064 §3.1 and RFC 7065 §3.1, UDP and TCP."""

TLS_PORT: Final = 5349

Transport = Literal["udp", "tcp", "tls"]

_URI: Final = re.compile(
    r"(?P<scheme>stun|turns?):(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/?@\[\]]+)(?::(?P<port>\d{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?"
)


@dataclass(frozen=True, slots=True)
class Server:
    """One server and one way to it."""

    relay: bool
    """Whether it is a TURN server."""
    host: str
    """A name or an address, without brackets."""
    port: int
    transport: Transport = "udp"
    username: str = ""
    credential: str = field(default="", repr=False)

    def __str__(self) -> str:
        """The server as a user knows it, without its credentials."""
        way = {"udp": "", "tcp": " over TCP", "tls": " over TLS"}[self.transport]
        return f"{'TURN' if self.relay else 'STUN'} server {safe_line(self.host)}{way}"


class Failure(Enum):
    """Why a STUN or TURN server is of no use; the value is the end of a sentence that begins with its name."""

    SILENT = "does not answer"
    UNKNOWN_NAME = "has a name that cannot be resolved"
    CLOSED = "refuses the connection"
    UNREACHABLE = "cannot be reached from this network"
    CERTIFICATE = "has no certificate that can be trusted"
    TLS = "does not speak TLS"
    CREDENTIALS = "refuses the user name or the password"
    QUOTA = "has no more relays for this user"
    FULL = "has no room for another relay"
    FAMILY = "has no relay with an IPv4 address"
    FORBIDDEN = "does not allow this"
    REJECTED = "refuses to serve"
    NONSENSE = "answers with nonsense"


_BY_CODE: Final = {
    401: Failure.CREDENTIALS,
    403: Failure.FORBIDDEN,
    438: Failure.CREDENTIALS,
    440: Failure.FAMILY,
    441: Failure.CREDENTIALS,
    486: Failure.QUOTA,
    508: Failure.FULL,
}
"""RFC 8489 §14.8 and RFC 8656 §19. aioice asks for no family, which means IPv4 (RFC 8656 §7.1)."""


class ServerFailed(Exception):
    """A server is of no use; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


def parse(uri: str, username: str = "", credential: str = "") -> Server:
    """Reads a URI (RFC 7064, RFC 7065); `[ADDRESS]` for IPv6.

    Raises:
        ValueError: it is none, or means something that nobody serves: STUN over TCP, TURN over DTLS.
    """
    found = _URI.fullmatch(uri)
    if found is None:
        raise ValueError("not the URI of a STUN or TURN server")
    scheme, host, asked = found["scheme"], found["host"].strip("[]"), found["transport"]
    if found["host"].startswith("["):
        ipaddress.IPv6Address(host)
    if (scheme == "stun" and asked) or (scheme == "turns" and asked == "udp"):
        raise ValueError("not a transport of this kind of server")
    transport: Transport = "tls" if scheme == "turns" else "tcp" if asked == "tcp" else "udp"
    port = int(found["port"] or (TLS_PORT if transport == "tls" else PORT))
    if not 0 < port < 65536:
        raise ValueError("not a port")
    return Server(scheme != "stun", host, port, transport, username, credential)


def named(servers: Sequence[IceServer]) -> list[Server]:
    """Returns what a signaling server names, as far as it can be used."""
    usable = []
    for server in servers:
        for uri in server.urls:
            try:
                usable.append(parse(uri, server.username, server.credential))
            except ValueError:
                continue
    return usable


def failure_of(error: BaseException) -> Failure | None:
    """Says in our words what an exception of a socket, of TLS or of aioice means; None for a fault of our own."""
    match error:
        case ServerFailed():
            return error.failure
        case stun.TransactionFailed():
            return _BY_CODE.get(error.response.error_code or 0, Failure.REJECTED)
        case TimeoutError() | stun.TransactionTimeout():
            return Failure.SILENT
        case ssl.SSLCertVerificationError():
            return Failure.CERTIFICATE
        case ssl.SSLError():
            return Failure.TLS
        case socket.gaierror() | UnicodeError():
            return Failure.UNKNOWN_NAME
        case ConnectionRefusedError() | ConnectionResetError():
            return Failure.CLOSED
        case ConnectionError() if error.errno is None:
            return Failure.NONSENSE
        case OSError():
            return Failure.UNREACHABLE
        case KeyError() | ValueError():
            return Failure.NONSENSE
    return None


def plausible(host: str, port: int) -> bool:
    """Whether a mapped or relayed address can be one: it is for a single host, and has a port."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return 0 < port < 65536 and not (address.is_multicast or address.is_unspecified or host == "255.255.255.255")
