"""Two real servers behind a balancer, with one Redis, as clients of ours find them."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Self

import aiohttp
import pytest

from p2pchat.signaling.client import SignalingClient
from p2pchat.signaling.events import Online, PeerAway, PeerBack, PeerJoined, PeerLeft, Relayed, SignalingEvent
from tests.server.balancer import balanced
from tests.server.redis_process import RedisProcess, needs_redis
from tests.server_process import ServerProcess

pytestmark = needs_redis

ANA, BEN = "anaanaaa", "benbenbb"
PATIENCE = 60.0


class Guest:
    """A client of ours, and what it was told."""

    def __init__(self, url: str, peer: str) -> None:
        self.client = SignalingClient(url, peer, peer * 2)
        self.told: list[SignalingEvent] = []
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.others = await self.client.connect("lobby")
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self._listening

    async def _listen(self) -> None:
        async for event in self.client.events():
            self.told.append(event)
            self._news.set()

    async def until(self, matches: Callable[[SignalingEvent], bool]) -> SignalingEvent:
        """Waits for an event, told before or later."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self._news.clear()
                for event in self.told:
                    if matches(event):
                        return event
                await self._news.wait()


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    with RedisProcess() as process:
        yield process


@pytest.fixture
def pair(redis: RedisProcess) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    with ServerProcess(0, "--redis", redis.url) as first, ServerProcess(0, "--redis", redis.url) as second:
        yield first, second


async def test_a_server_is_killed_and_its_peers_are_back_through_the_other_within_ten_seconds(
    pair: tuple[ServerProcess, ServerProcess],
) -> None:
    first, second = pair
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(balanced(first.port, second.port))
        ana = await stack.enter_async_context(Guest(url, ANA))
        ben = await stack.enter_async_context(Guest(url, BEN))
        assert ben.others == [ANA]
        await ana.until(lambda event: event == PeerJoined(BEN))
        ben.client.relay(ANA, "from the other server")
        await ana.until(lambda event: event == Relayed(BEN, "from the other server"))

        first.process.kill()
        killed = time.monotonic()
        online = await ana.until(lambda event: isinstance(event, Online))
        assert time.monotonic() - killed < 10.0
        assert online == Online((BEN,))
        ana.client.relay(BEN, "back")
        await ben.until(lambda event: event == Relayed(ANA, "back"))
        ben.client.relay(ANA, "seen")
        await ana.until(lambda event: event == Relayed(BEN, "seen"))
        assert not [event for event in ben.told if isinstance(event, PeerLeft | PeerJoined)]


async def test_a_server_that_stands_still_and_goes_on_keeps_its_members(
    pair: tuple[ServerProcess, ServerProcess],
) -> None:
    first, second = pair
    async with AsyncExitStack() as stack:
        ana = await stack.enter_async_context(Guest(first.url, ANA))
        ben = await stack.enter_async_context(Guest(second.url, BEN))
        first.process.send_signal(signal.SIGSTOP)
        try:
            await ben.until(lambda event: event == PeerAway(ANA))
            ben.client.relay(ANA, "when you are back")
        finally:
            first.process.send_signal(signal.SIGCONT)
        await ben.until(lambda event: event == PeerBack(ANA))
        await ana.until(lambda event: event == Relayed(BEN, "when you are back"))
        assert not [event for event in ben.told if isinstance(event, PeerLeft)]


async def until_ready(url: str, ready: bool) -> None:
    """Asks as a load balancer does, until the server says that it is ready, or that it is not."""
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{url}/readyz") as response:
                if response.status == (200 if ready else 503):
                    return
            await asyncio.sleep(0.05)


async def test_a_server_is_not_ready_while_redis_is_away(redis: RedisProcess) -> None:
    redis.kill()
    with ServerProcess(0, "--redis", redis.url) as server:
        await until_ready(server.url, False)
        redis.start()
        await until_ready(server.url, True)
        redis.kill()
        await until_ready(server.url, False)
