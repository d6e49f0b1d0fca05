"""Which peers of a room are reached in which ways, and what of it counts.

A way is the server, our own hub (to which others come), or the hub of one peer (to which we go). The same peer is often
there in several, and is one peer: it comes with the first way, and goes with the last.

What counts
    1. While the server is there, it alone speaks for those who have a connection to it: nobody on the local network
       can put itself between.
    2. For others, a message goes along every way on the local network. So no hub has to be trusted to pass it on, and
       a firewall at one of two peers does no harm. What comes twice counts once.
    3. The hub of a peer speaks for that peer and for nobody else.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

import msgspec

SERVER: Final = "server"
OWN: Final = "own"
"""The two ways that are not named by the peer id of a hub's owner."""

REMEMBERED: Final = 64
"""Messages of one peer of which it is known along which way they came; an attempt to connect has a handful."""


class Presence:
    """The peers of one room."""

    def __init__(self) -> None:
        self.server_up = False
        """Whether the server is there; see rule 1."""
        self._members: dict[str, set[str]] = {}
        self._away: set[str] = set()
        """Those at the server who have lost it."""
        self._came: dict[str, OrderedDict[bytes, str]] = {}

    @property
    def peers(self) -> set[str]:
        """Everybody who is present."""
        return set().union(*self._members.values())

    def arrived(self, way: str, peer: str) -> bool:
        """A way leads to a peer now. Returns whether it was not present before."""
        if not _speaks_for(way, peer):
            return False
        new = peer not in self.peers
        self._members.setdefault(way, set()).add(peer)
        return new

    def left(self, way: str, peer: str) -> bool:
        """A way leads to a peer no more. Returns whether none does."""
        members = self._members.get(way, set())
        if peer not in members:
            return False
        members.remove(peer)
        if way == SERVER:
            self._away.discard(peer)
        return self._is_gone(peer)

    def replace(self, way: str, peers: Iterable[str]) -> tuple[list[str], list[str]]:
        """A way leads to these now, and to nobody else. Returns who is present only since then, and who no more."""
        before = self.peers
        old = self._members.get(way, set())
        if way == SERVER:
            self._away.clear()
        self._members[way] = {peer for peer in peers if _speaks_for(way, peer)}
        new = sorted(self._members[way] - before)
        return new, sorted(peer for peer in old - self._members[way] if self._is_gone(peer))

    def lost_server(self, peer: str, lost: bool) -> None:
        """Somebody at the server has lost it, or is back."""
        if lost:
            self._away.add(peer)
        else:
            self._away.discard(peer)

    @property
    def cut_off(self) -> set[str]:
        """Those who have lost the server, and to whom no other way leads."""
        return {peer for peer in self._away if [way for way in self._members if peer in self._members[way]] == [SERVER]}

    def routes(self, peer: str) -> list[str]:
        """Returns the ways along which a message goes to a peer; none when it is not present."""
        ways = [way for way, members in self._members.items() if peer in members]
        local = [way for way in ways if way != SERVER]
        at_server = SERVER in ways and self.server_up and peer not in self._away
        return [SERVER] if SERVER in ways and (at_server or not local) else local

    def counts(self, way: str, sender: str, body: Any) -> bool:
        """Whether something that came along a way from a peer is to be read. Call it once for each."""
        if sender not in self._members.get(way, set()) or way not in self.routes(sender):
            return False
        digest = hashlib.blake2b(msgspec.json.encode(body), digest_size=16).digest()
        came = self._came.setdefault(sender, OrderedDict())
        if came.setdefault(digest, way) != way:
            return False
        if len(came) > REMEMBERED:
            came.popitem(last=False)
        return True

    def _is_gone(self, peer: str) -> bool:
        if peer in self.peers:
            return False
        self._came.pop(peer, None)
        return True


def _speaks_for(way: str, peer: str) -> bool:
    return way in (SERVER, OWN, peer)
