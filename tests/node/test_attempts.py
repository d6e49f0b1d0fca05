"""When a peer is tried again, and how often the front end hears of it."""

from __future__ import annotations

import asyncio

import pytest

from p2pchat.node import attempts, peer_news
from p2pchat.node.attempts import JITTER, JITTER_SECONDS, LIMITS, RARE_DELAYS, RETRY_DELAYS, Attempts
from p2pchat.node.events import Event, PeerChanged, PeerInfo, PeerState
from p2pchat.node.peer_news import PeerNews

INFO = PeerInfo("k7qfm2xd", "ana", PeerState.CONNECTING)


async def test_a_peer_is_tried_at_once_then_ever_later_and_rarely_for_as_long_as_it_takes() -> None:
    tried = Attempts()
    for delay in RETRY_DELAYS:
        assert not tried.rare
        assert delay <= tried.again(lambda: None) <= delay * (1 + JITTER) + JITTER_SECONDS
    for _ in range(20):
        assert RARE_DELAYS[0] <= tried.again(lambda: None) <= RARE_DELAYS[1]
        assert tried.rare
    tried.succeeded()
    assert tried.again(lambda: None) <= JITTER_SECONDS
    tried.cancel()


async def test_the_first_attempts_are_short_and_the_later_ones_as_long_as_a_link_takes() -> None:
    tried = Attempts()
    limits = []
    for _ in range(len(LIMITS) + 2):
        limits.append(tried.limit)
        tried.again(lambda: None)
    tried.cancel()
    assert limits == [*LIMITS, None, None]


async def test_an_attempt_is_made_once_and_not_when_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "RETRY_DELAYS", (0.0, 0.0))
    monkeypatch.setattr(attempts, "JITTER_SECONDS", 0.0)
    made = asyncio.Event()
    tried = Attempts()
    tried.again(pytest.fail)
    tried.cancel()
    tried.again(made.set)
    await asyncio.wait_for(made.wait(), 30.0)


async def test_a_reason_that_changes_alone_is_told_once_a_second_and_the_last_one_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peer_news, "REASON_EVERY", 0.2)
    told: asyncio.Queue[Event] = asyncio.Queue()
    news = PeerNews("lab", INFO, told.put_nowait)
    for reason in ("no route", "no route; trying again in 3 s", "trying again: no route"):
        news.change(PeerInfo("k7qfm2xd", "ana", PeerState.CONNECTING, reason=reason))
    first = await asyncio.wait_for(told.get(), 30.0)
    second = await asyncio.wait_for(told.get(), 30.0)
    assert isinstance(first, PeerChanged)
    assert isinstance(second, PeerChanged)
    assert (first.info.reason, second.info.reason) == ("", "trying again: no route")
    assert told.empty()


async def test_a_state_is_told_at_once_with_the_reason_that_it_has_then() -> None:
    told: list[Event] = []
    news = PeerNews("lab", INFO, told.append)
    news.change(PeerInfo("k7qfm2xd", "ana", PeerState.CONNECTING, reason="waiting"))
    news.change(PeerInfo("k7qfm2xd", "ana", PeerState.FAILED, reason="no route"))
    news.end()
    assert [(event.info.state, event.info.reason) for event in told if isinstance(event, PeerChanged)] == [
        (PeerState.CONNECTING, ""),
        (PeerState.FAILED, "no route"),
    ]
