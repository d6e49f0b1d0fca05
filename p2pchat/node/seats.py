"""Where the conversations of a node sit: at the server, on the local network, or at both."""

from __future__ import annotations

import secrets
from typing import Final

from p2pchat import __version__
from p2pchat.signaling.client import SignalingClient
from p2pchat.signaling.lan import LanSignaling
from p2pchat.signaling.local_network import LocalNetwork
from p2pchat.signaling.seat import Seat

AGENT: Final = f"p2pchat/{__version__}"

KEY_BYTES: Final = 24
"""Random bytes of the key that keeps a seat ours."""


class Seats:
    """Makes the seats of one node.

    Args:
        us: our peer id, the same everywhere: who is met twice is one peer.
        lan: whether the local network is used. Nothing is opened there before the first room.
        server: the one that the token is for: an invite may lead to another one.
        token: what that server wants from its users; empty for nothing.
    """

    def __init__(self, us: str, lan: bool, server: str = "", token: str = "") -> None:
        self._us = us
        self._server = server
        self._token = token
        self._local = LocalNetwork(us, AGENT) if lan else None

    def in_room(self, server: str) -> Seat:
        """Returns a seat, not taken yet, for a room.

        Args:
            server: the server's URL; empty for the local network alone.

        Raises:
            ConfigurationError: `server` is no address of a server, or there is neither one nor a local network.
        """
        if self._local is None:
            return self.at_server(server)
        return LanSignaling(self._local, self.at_server(server) if server else None)

    def at_server(self, server: str) -> SignalingClient:
        """Returns a seat, not taken yet, that is at a server and nowhere else: mailboxes are there.

        Raises:
            ConfigurationError: `server` is no address of a server.
        """
        token = self._token if server == self._server else ""
        return SignalingClient(server, self._us, secrets.token_urlsafe(KEY_BYTES), AGENT, token=token)

    @property
    def local(self) -> LocalNetwork | None:
        """Our part in the local network; None where it is not used."""
        return self._local

    async def close(self) -> None:
        """Leaves the local network, after all seats are given up; bounded by a few seconds."""
        if self._local is not None:
            await self._local.close()
