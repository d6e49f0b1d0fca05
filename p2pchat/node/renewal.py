"""When the link of a connected peer is replaced by another one, while it still lives.

    something has changed here ── probe ── silent for 3 s, or for 1 s when an address is gone ──> another one
    an address is gone, and signals get through again ──────────────────> another one
    silent for SUSPECT_AFTER (`p2pchat.protocol.heartbeat`) ────────────> another one
    it runs through a relay ── 10, 60, 300 s ───────────────────────────> a direct one; if there is none, it stays

The old link is used until the new one is (`p2pchat.node.successor`); an attempt that fails costs nothing.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from p2pchat.node.attempts import LIMITS
from p2pchat.node.connector import Connector

PROBE_SECONDS = 3.0
"""Time for any sign of life after something has changed: a lost packet is repeated by SCTP after 1 s, and after 3 s."""

GONE_SECONDS = 1.0
"""The same when an address of this machine is gone: most likely it was that of the link."""

UPGRADE_DELAYS = (10.0, 60.0, 300.0)
"""Seconds before each attempt to leave a relay. The first one comes after the two sides have gathered everything; the
later ones for networks that are changed, or whose NAT has forgotten an unlucky mapping."""

UPGRADE_SECONDS = 8.0
"""Time for an attempt at a direct link; meanwhile no other one is made."""


class Renewal:
    """Watches over the link of one peer.

    Args:
        connector: makes the links.
        probe: asks the peer for a sign of life.
        answered_since: whether it has answered a ping that was sent since a time of the monotonic clock.
    """

    def __init__(
        self, connector: Connector, probe: Callable[[], None], answered_since: Callable[[float], bool]
    ) -> None:
        self.only_direct = False
        """Whether the attempt that is under way is of no use if it leads through a relay."""
        self._connector = connector
        self._probe = probe
        self._answered_since = answered_since
        self._loop = asyncio.get_running_loop()
        self._check: asyncio.TimerHandle | None = None
        self._asked = 0.0
        """When the peer was asked for a sign of life last."""
        self._upgrade: asyncio.TimerHandle | None = None
        self._upgrades = 0
        self._gone: float | None = None
        """When an address was gone from this machine, since the link is in use."""

    def talking(self, path: str, offered: bool) -> None:
        """A link is in use. Whoever offered it is the one that tries to leave the relay."""
        self.over()
        if path != "relay":
            self._upgrades = 0
        elif offered and self._connector.may_be_direct:
            self._plan_upgrade()

    def over(self) -> None:
        """The link is gone, or another one is used."""
        self.only_direct, self._gone = False, None
        for timer in (self._check, self._upgrade):
            if timer is not None:
                timer.cancel()
        self._check = self._upgrade = None

    def suspect(self, before: float = -math.inf) -> None:
        """The link may be dead: another one is made beside it, also in place of one that was begun before a time."""
        if self.only_direct:
            before = time.monotonic()  # what is being made may be of no use
        self.only_direct = False
        self._connector.start(LIMITS[0], before=before)

    def afresh(self, before: float) -> None:
        """Signals get through again, or other addresses are there: what was begun before that is begun again.

        When an address is gone and the link has not answered since, it is most likely dead, and is not waited for.
        """
        if self._gone is not None and not self._answered_since(self._gone):
            self.suspect(before)
        elif self._connector.making:
            limit = UPGRADE_SECONDS if self.only_direct else LIMITS[0]
            self._connector.start(limit, self.only_direct, before)

    def look(self, address_gone: bool) -> None:
        """Something has changed on this machine: it may be that it has an address less."""
        self._asked = time.monotonic()
        if address_gone:
            self._gone = self._asked
        self._probe()
        self._check_after(GONE_SECONDS if address_gone else PROBE_SECONDS)

    def _check_after(self, seconds: float) -> None:
        """Looks for an answer to the last question then. Further questions do not put off a look that is due before."""
        due = self._loop.time() + seconds
        if self._check is not None:
            if self._check.when() <= due:
                return
            self._check.cancel()
        self._check = self._loop.call_at(due, self._answered, self._asked)

    def failed(self) -> None:
        """The attempt to replace the link came to nothing."""
        if self.only_direct:
            self._plan_upgrade()

    def _answered(self, asked: float) -> None:
        self._check = None
        if not self._answered_since(asked):
            self.suspect()
        elif self._asked > asked:
            self._check_after(PROBE_SECONDS)

    def _plan_upgrade(self) -> None:
        self.only_direct = False
        if self._upgrades < len(UPGRADE_DELAYS):
            self._upgrade = self._loop.call_later(UPGRADE_DELAYS[self._upgrades], self._try_direct)
            self._upgrades += 1

    def _try_direct(self) -> None:
        self._upgrade = None
        self.only_direct = self._connector.start(limit=UPGRADE_SECONDS, direct_only=True)
        if not self.only_direct:
            self._plan_upgrade()
