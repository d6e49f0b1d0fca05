"""When a link that is in use is looked at, and when another one is made beside it."""

from __future__ import annotations

import asyncio
import math
from typing import cast

import pytest

from p2pchat.node import renewal
from p2pchat.node.connector import Connector
from p2pchat.node.renewal import Renewal

PATIENCE = 30.0


class Links:
    """What makes the links: notes what is asked of it."""

    may_be_direct = True
    making = False

    def __init__(self) -> None:
        self.started: asyncio.Queue[bool] = asyncio.Queue()
        self.busy = 0
        """So many times something is under way already."""

    def start(self, limit: float | None = None, direct_only: bool = False, before: float = -math.inf) -> bool:
        if self.busy and before == -math.inf:
            self.busy -= 1
            return False
        self.started.put_nowait(direct_only)
        return True


def watching(links: Links, answered: bool = False) -> Renewal:
    return Renewal(cast(Connector, links), lambda: None, lambda since: answered)


async def test_a_link_is_looked_at_in_time_however_often_addresses_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "GONE_SECONDS", 0.2)
    links = Links()
    watched = watching(links)

    async def change() -> None:
        while True:
            watched.look(address_gone=True)
            await asyncio.sleep(0.01)

    changing = asyncio.create_task(change())
    await asyncio.wait_for(links.started.get(), PATIENCE)
    changing.cancel()
    watched.over()


async def test_what_changes_after_a_look_was_planned_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "GONE_SECONDS", 0.05)
    monkeypatch.setattr(renewal, "PROBE_SECONDS", 0.05)
    links = Links()
    asked: list[float] = []

    def answered_since(at: float) -> bool:
        asked.append(at)
        return at == asked[0]

    watched = Renewal(cast(Connector, links), lambda: None, answered_since)
    watched.look(address_gone=True)
    watched.look(address_gone=False)
    await asyncio.wait_for(links.started.get(), PATIENCE)
    assert len(asked) == 2
    watched.over()


async def test_an_upgrade_that_finds_another_attempt_under_way_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "UPGRADE_DELAYS", (0.01, 0.01, 0.01))
    links = Links()
    links.busy = 1
    watched = watching(links, answered=True)
    watched.talking("relay", offered=True)
    assert await asyncio.wait_for(links.started.get(), PATIENCE)
    watched.over()


async def test_a_link_that_may_be_dead_does_not_wait_for_an_upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "UPGRADE_DELAYS", (0.01,))
    links = Links()
    watched = watching(links)
    watched.talking("relay", offered=True)
    assert await asyncio.wait_for(links.started.get(), PATIENCE)
    links.busy = 1  # the upgrade is under way
    watched.suspect()
    assert links.started.get_nowait() is False
    watched.over()
