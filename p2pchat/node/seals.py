"""What the server sees of our signals: sealed with the secret of the room, where there is one.

Whoever has not the secret, such as the server, can then neither read what we signal nor signal as a member.
"""

from __future__ import annotations

import secrets
from typing import Any

from p2pchat.protocol.sealing import SEALING_NONCE_BYTES, Sealer


class Seals:
    """The seals between us and every peer of a room. Without a secret, signals pass as they are.

    Args:
        secret: what only the members of the room know; empty when there is none.
        room: the room's name as the server sees it.
        us: our peer id.
    """

    def __init__(self, secret: bytes, room: str, us: str) -> None:
        self._secret = secret
        self._room = room
        self._us = us
        self._sealers: dict[str, Sealer] = {}

    def seal(self, peer: str, body: Any) -> Any:
        """Returns what is relayed to a peer in place of a signal."""
        return self._sealer(peer).seal(body, secrets.token_bytes(SEALING_NONCE_BYTES)) if self._secret else body

    def open(self, peer: str, body: Any) -> Any:
        """Returns the signal in what was relayed from a peer.

        Raises:
            SealError: it is none of that peer's. Whoever sent it learns nothing, not even that we are here.
        """
        return self._sealer(peer).open(body) if self._secret else body

    def forget(self, peer: str) -> None:
        """The peer is gone for good; a seal of its seat is not used again."""
        self._sealers.pop(peer, None)

    def _sealer(self, peer: str) -> Sealer:
        sealer = self._sealers.get(peer)
        if sealer is None:
            sealer = self._sealers[peer] = Sealer(self._secret, self._room, self._us, peer)
        return sealer
