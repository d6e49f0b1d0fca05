"""Tells the front end how a peer stands, and not more often than somebody can read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from p2pchat.node.events import Event, PeerChanged, PeerInfo

REASON_EVERY = 1.0
"""Least seconds between two events of which only the reason is new."""


class PeerNews:
    """What the front end knows of one peer.

    Args:
        conversation: its name, for events.
        info: how the peer stands at first; that is told at once.
        tell: takes the events.
    """

    def __init__(self, conversation: str, info: PeerInfo, tell: Callable[[Event], None]) -> None:
        self.info = info
        """How the peer stands; a new reason may not be told yet."""
        self._conversation = conversation
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._told = info
        self._told_at = 0.0
        self._later: asyncio.TimerHandle | None = None
        self._say(info)

    def change(self, info: PeerInfo) -> None:
        """The peer stands like this now; tells it if that is news. A reason that changes alone may wait a second."""
        self.info = info
        wait = self._told_at + REASON_EVERY - time.monotonic()
        if wait > 0 and replace(info, reason="", rtt_ms=None) == replace(self._told, reason="", rtt_ms=None):
            if self._later is None:
                self._later = self._loop.call_later(wait, self._say_rest)
        elif info != self._told:
            self._say(info)

    def renamed(self, peer: str, name: str) -> None:
        """The peer has proved its key, and is called so from now on."""
        was, self.info = self.info.peer, replace(self.info, peer=peer, name=name)
        self._say(self.info, was)

    def end(self) -> None:
        """Nothing more is told."""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _say_rest(self) -> None:
        self._later = None
        if self.info != self._told:
            self._say(self.info)

    def _say(self, info: PeerInfo, was: str = "") -> None:
        self.end()
        self._told, self._told_at = info, time.monotonic()
        self._tell(PeerChanged(self._conversation, info, time.time(), was))
