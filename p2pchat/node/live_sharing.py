"""Our live line in one conversation, and who sees it as it is typed.

Rules, for each peer; the first that fits holds
    0. Who has not proved a key yet, and is no guest, may not. So the greetings to all are alike, and who is let see
       our keys is told so afterwards, rather than who is not.
    1. A contact with the policy `off` never sees our keys.
    2. What the user decided about this peer holds for the conversation, over all its links. A yes rests when the user
       later says no to everybody, so that one call always ends it; it holds again with the next yes to either.
    3. Until the user has said anything about everybody, all see our keys: scripts have no need to say it.
    4. After a yes to everybody, those see them who were there then, and contacts with the policy `on`. Of each other
       one that comes `LiveTextAsked` tells once.
    5. A guest's admission is a yes as in 2, for as long as everybody may.

A peer that may not is told that it will see no keys, and never why: it does not learn whether it is refused in
particular. It gets our lines as messages. The others are told when our user composes in private by choice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeAlias

from p2pchat.node.events import Event, LiveTextAsked
from p2pchat.node.peer import Peer
from p2pchat.protocol.limits import ALERT_SECONDS
from p2pchat.protocol.rtt.conversation import Mode
from p2pchat.store.contacts import LiveTextPolicy

Who: TypeAlias = bytes | str
"""Somebody over several links: the key that was proved, or the seat of a guest, which has none."""


class LiveSharing:
    """Who sees our keys in one conversation.

    Args:
        conversation: for events.
        policy: what the user has set for the owner of a key.
        tell: takes events for the front end.
    """

    def __init__(
        self, conversation: str, policy: Callable[[bytes], LiveTextPolicy], tell: Callable[[Event], None]
    ) -> None:
        self.line = ""
        """How our live line reads."""
        self._conversation = conversation
        self._policy = policy
        self._tell = tell
        self._mode = Mode.LIVE
        self._everybody: bool | None = None
        """What the user said last of all peers; None before that."""
        self._there: set[Who] = set()
        """Those who were there then."""
        self._allowed: set[Who] = set()
        self._allowed_since: set[Who] = set()
        """Those of them who were allowed since the user last said no to everybody."""
        self._refused: set[Who] = set()
        self._asked: set[Who] = set()
        self._alerted_at: float | None = None

    def shared_with(self, peer: Peer) -> bool:
        """Whether a peer may see our keys, if they are live."""
        who = _who(peer)
        if who is None:
            return False
        policy = LiveTextPolicy.ASK
        if isinstance(who, bytes):
            policy = self._policy(who)
        if policy is LiveTextPolicy.OFF or who in self._refused:
            return False
        if who in self._allowed_since or self._everybody is None:
            return True
        known = who in self._there or who in self._allowed
        return self._everybody and (known or policy is LiveTextPolicy.ON)

    # --- what the user wants

    def share(self, shared: bool, peers: Iterable[Peer]) -> None:
        """The user has decided about everybody; `peers` are all, here or not."""
        self._everybody = shared
        peers = list(peers)
        self._there = (
            {who for peer in peers if peer.known_here and (who := _who(peer)) is not None} if shared else set()
        )
        if not shared:
            self._allowed_since.clear()
        self.apply(peers)

    def share_with(self, peer: Peer, shared: bool) -> None:
        """The user has decided about one peer."""
        who = _who(peer)
        if who is None:
            return
        if shared:
            self._refused.discard(who)
            self._allowed |= {who}
            self._allowed_since |= {who}
        else:
            self._allowed.discard(who)
            self._allowed_since.discard(who)
            self._refused |= {who}
        self.apply([peer])

    def admitted_guest(self, peer: Peer) -> None:
        """The user wants to talk with a guest, for whom real-time text is all there is."""
        self._allowed |= {peer.seat}
        self.apply([peer])

    def set_mode(self, mode: Mode, peers: Iterable[Peer]) -> None:
        """The user wants this of live text with those who may see it."""
        self._mode = mode
        self.apply(peers)

    def apply(self, peers: Iterable[Peer]) -> None:
        """Brings peers up to date with what the user wants. Needed for one that appears, and when it proves a key."""
        for peer in peers:
            peer.text.share(self.shared_with(peer), self._mode)

    def admitted(self, peer: Peer) -> None:
        """A link to a peer is ready: it sees our line, or the user is asked about it."""
        who = _who(peer)
        if self._everybody and who is not None and who not in self._refused and not self.shared_with(peer):
            self._ask(peer, who)
        if self.line:
            peer.text.set_live_text(self.line)

    def _ask(self, peer: Peer, who: Who) -> None:
        off = isinstance(who, bytes) and self._policy(who) is LiveTextPolicy.OFF
        if not off and who not in self._asked and peer.info.live_text:
            self._asked.add(who)
            self._tell(LiveTextAsked(self._conversation, peer.info.peer, peer.info.name, time.time()))

    # --- what is typed

    def set_line(self, text: str, typed_at: float | None, peers: Iterable[Peer]) -> None:
        """Our line reads this now."""
        self.line = text
        for peer in peers:
            peer.text.set_live_text(text, typed_at)

    def alert(self, peers: Iterable[Peer]) -> bool:
        """Asks those who see our keys for attention. Returns whether there was one, and the last time is long ago."""
        now = time.monotonic()
        if self._alerted_at is not None and now < self._alerted_at + ALERT_SECONDS:
            return False
        alerted = [peer for peer in peers if peer.info.sees_keys and peer.text.alert()]
        if alerted:
            self._alerted_at = now
        return bool(alerted)


def _who(peer: Peer) -> Who | None:
    return peer.seat if peer.guest.here else peer.key
