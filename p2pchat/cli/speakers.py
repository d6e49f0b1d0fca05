"""What peers are called in plain mode, so that no name can pass for another or for a line of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from p2pchat.cli.wording import key
from p2pchat.errors import PeerUnreachable
from p2pchat.node.events import PeerInfo, PeerState
from p2pchat.protocol.limits import NAME_CHARACTERS
from p2pchat.protocol.untrusted import safe_line

RESERVED: Final = ("p2pchat", "you")
"""Speakers that are ourselves."""


REMEMBERED: Final = 500
"""Peers that are remembered: more than any room holds, and a server that invents peers cannot grow our memory."""


def whom(peers: Sequence[PeerInfo], named: str | None) -> list[PeerInfo]:
    """Returns the connected peers, or the one of them that a user names.

    Args:
        peers: of the conversation.
        named: a key tag, a unique beginning of one, or a unique name, in any case; None for all.

    Raises:
        PeerUnreachable: nobody or more than one is meant.
    """
    here = [info for info in peers if info.state is PeerState.CONNECTED]
    if named is None:
        return here
    shown, wanted = safe_line(named, NAME_CHARACTERS), named.strip().casefold()
    found = (
        [info for info in here if info.peer == wanted]
        or [info for info in here if info.name.casefold() == wanted]
        or [info for info in here if wanted and info.peer.startswith(wanted)]
    )
    if len(found) == 1:
        return found
    if found:
        tags = ", ".join(key(info.peer) for info in found)
        raise PeerUnreachable(f"several may be meant by {shown}: {tags}", "name one by its key")
    raise PeerUnreachable(f"no {shown} is connected", "see who is there")


class Speakers:
    """Knows the peers of the conversation."""

    def __init__(self) -> None:
        self.own_name = ""
        """What we are called ourselves; nobody else is called so without a key."""
        self._peers: dict[str, PeerInfo] = {}

    def update(self, info: PeerInfo, was: str = "") -> PeerInfo | None:
        """Notes how a peer stands; returns how it stood before.

        Args:
            info: the peer.
            was: what `info.peer` was until now, when that is another one: the same peer is not remembered twice.
        """
        earlier = self._peers.pop(was, None)
        before = self._peers.pop(info.peer, earlier)
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
