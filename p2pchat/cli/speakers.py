"""What peers are called in plain mode, so that no name can pass for another or for a line of ours."""

from __future__ import annotations

from typing import Final

from p2pchat.cli.wording import key
from p2pchat.node.events import PeerInfo
from p2pchat.protocol.limits import NAME_CHARACTERS
from p2pchat.protocol.untrusted import safe_line

RESERVED: Final = ("p2pchat", "you")
"""Speakers that are ourselves."""


REMEMBERED: Final = 500
"""Peers that are remembered: more than any room holds, and a server that invents peers cannot grow our memory."""


class Speakers:
    """Knows the peers of the conversation."""

    def __init__(self) -> None:
        self.own_name = ""
        """What we are called ourselves; nobody else is called so without a key."""
        self._peers: dict[str, PeerInfo] = {}

    def update(self, info: PeerInfo) -> PeerInfo | None:
        """Notes how a peer stands; returns how it stood before."""
        before = self._peers.pop(info.peer, None)
        self._peers[info.peer] = info
        if len(self._peers) > REMEMBERED:
            del self._peers[next(iter(self._peers))]
        return before

    def called(self, peer: str, name: str = "") -> str:
        """Returns what to call a peer: its name, followed by its key where the name alone would mislead."""
        info = self._peers.get(peer)
        shown = safe_line(name or (info.name if info else ""), NAME_CHARACTERS)
        if not shown:
            return key(peer)
        return f"{shown} {key(peer)}" if self._misleads(shown, peer) else shown

    def _misleads(self, shown: str, peer: str) -> bool:
        others = [info.name for tag, info in self._peers.items() if tag != peer]
        taken = {taken.casefold() for taken in (*RESERVED, self.own_name, *others)}
        return shown.casefold() in taken or ":" in shown
