"""ICE: the servers to ask, and the path that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy, RTCPeerConnection
from aiortc.rtcicetransport import parse_stun_turn_uri

from p2pchat.errors import ConfigurationError
from p2pchat.protocol.frames import LiveTextFeatures


@dataclass
class Configuration(RTCConfiguration):
    """How links are made; opaque outside this package."""

    described: LiveTextFeatures | None = None
    """What session descriptions say of real-time text; None to say nothing there."""


def configuration(urls: Sequence[str], relay_only: bool, described: LiveTextFeatures | None = None) -> Configuration:
    """Returns the settings of a connection.

    Args:
        urls: `stun:HOST[:PORT]`, `turn:[USER:PASSWORD@]HOST[:PORT][?transport=udp|tcp]`, `turns:...`. Empty: nobody
            is asked. aiortc would ask a public server if the list were missing.
        relay_only: gather relayed candidates only.
        described: see `Configuration.described`.

    Raises:
        ConfigurationError: a URL cannot be used, or only relayed paths are wanted and there is no TURN server.
    """
    servers = [_server(url) for url in urls]
    if relay_only and not any(str(server.urls).startswith("turn") for server in servers):
        raise ConfigurationError(
            "--relay-only needs a TURN server", "name one with --ice turn:USER:PASSWORD@HOST, or leave --relay-only out"
        )
    policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
    return Configuration(iceServers=servers, iceTransportPolicy=policy, described=described)


def _server(url: str) -> RTCIceServer:
    scheme, _, rest = url.partition(":")
    login, at, address = rest.rpartition("@")
    user, _, password = login.partition(":")
    plain = f"{scheme}:{address}"
    try:
        parse_stun_turn_uri(plain)
    except ValueError:
        # The URL may hold a password, so it is not repeated.
        raise ConfigurationError(
            "an ICE server's URL cannot be used", "write stun:HOST[:PORT] or turn:USER:PASSWORD@HOST[:PORT]"
        ) from None
    if not at:
        return RTCIceServer(urls=plain)
    return RTCIceServer(urls=plain, username=unquote(user), credential=unquote(password))


def path(connection: RTCPeerConnection) -> str:
    """Returns `direct` or `relay` for a connected link, and the empty text when it is not known.

    aiortc 1.16 has no public way to ask for the selected pair, so this reads aioice's.
    """
    if connection.sctp is None:
        return ""
    agent = getattr(connection.sctp.transport.transport, "_connection", None)
    for pair in getattr(agent, "_nominated", {}).values():
        kinds = {pair.local_candidate.type, pair.remote_candidate.type}
        return "relay" if "relay" in kinds else "direct"
    return ""
