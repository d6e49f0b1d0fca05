"""How links are made: the servers to ask, and whether only relays may be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from aiortc import RTCConfiguration, RTCIceTransportPolicy

from p2pchat.errors import ConfigurationError
from p2pchat.protocol.frames import LiveTextFeatures
from p2pchat.protocol.signaling import IceServer
from p2pchat.rtc.servers import SERVERS_MOST, Server, named, parse


@dataclass(frozen=True)
class Configuration:
    """How links are made; opaque outside this package."""

    servers: tuple[Server, ...] = ()
    """Whom to ask, the user's own first. Empty: nobody is asked."""
    relay_only: bool = False
    """Whether neither the peer nor the signaling server may learn an address of this machine."""
    described: LiveTextFeatures | None = None
    """What session descriptions say of real-time text; None to say nothing there."""

    @property
    def stun(self) -> list[Server]:
        """The servers that say how we look from outside; none when nobody is to know."""
        return [] if self.relay_only else [server for server in self.servers if not server.relay][:SERVERS_MOST]

    @property
    def turn(self) -> list[Server]:
        """The servers that relay."""
        return [server for server in self.servers if server.relay][:SERVERS_MOST]

    def for_aiortc(self) -> RTCConfiguration:
        """What aiortc is told: never a server, because it would wait for each (`p2pchat.rtc.gathering` asks them)."""
        policy = RTCIceTransportPolicy.RELAY if self.relay_only else RTCIceTransportPolicy.ALL
        return RTCConfiguration(iceServers=[], iceTransportPolicy=policy)


def configuration(urls: Sequence[str], relay_only: bool, described: LiveTextFeatures | None = None) -> Configuration:
    """Returns the settings of a connection.

    Args:
        urls: `stun:HOST[:PORT]`, `turn:[USER:PASSWORD@]HOST[:PORT][?transport=udp|tcp]`, `turns:...`; an IPv6 address
            in brackets. Empty: nobody is asked.
        relay_only: see `Configuration.relay_only`.
        described: see `Configuration.described`.

    Raises:
        ConfigurationError: a URL cannot be used, or only relayed paths are wanted and there is no TURN server.
    """
    servers = tuple(_server(url) for url in urls)
    if relay_only and not any(server.relay for server in servers):
        raise ConfigurationError(
            "--relay-only needs a TURN server", "name one with --ice turn:USER:PASSWORD@HOST, or leave --relay-only out"
        )
    return Configuration(servers, relay_only, described)


def with_servers(configured: Configuration, servers: Sequence[IceServer]) -> Configuration:
    """Returns the settings with the servers that a signaling server names, after the user's own.

    Those that cannot be used, or are there already, are left out.
    """
    added = tuple(server for server in named(servers) if server not in configured.servers)
    return replace(configured, servers=configured.servers + added)


def direct_only(configured: Configuration) -> Configuration:
    """Returns the settings without any relay: for a link that is to replace a relayed one, and is of no use if not."""
    return replace(configured, servers=tuple(server for server in configured.servers if not server.relay))


def _server(url: str) -> Server:
    scheme, _, rest = url.partition(":")
    login, at, address = rest.rpartition("@")
    user, _, password = login.partition(":")
    try:
        return parse(f"{scheme}:{address}", unquote(user) if at else "", unquote(password) if at else "")
    except ValueError:
        # The URL may hold a password, so it is not repeated.
        raise ConfigurationError(
            "an ICE server's URL cannot be used", "write stun:HOST[:PORT] or turn:USER:PASSWORD@HOST[:PORT]"
        ) from None
