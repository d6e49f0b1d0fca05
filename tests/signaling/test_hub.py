"""The hub inside a node serves the local network, and nobody else."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator

import aiohttp
import pytest

from p2pchat.signaling.address import PATH
from p2pchat.signaling.hub import running_hub
from p2pchat.signaling.local_networks import LocalNetworks
from tests.signaling.stage import ANA, BEN, PATIENCE, users

NEAR = LocalNetworks.of([(ipaddress.ip_address("192.168.1.7"), 24)])
ALONE = LocalNetworks.of([(ipaddress.ip_address("127.0.0.1"), 8)])


@pytest.fixture
async def networks() -> list[LocalNetworks]:
    return [NEAR]


@pytest.fixture
async def port(networks: list[LocalNetworks]) -> AsyncIterator[int]:
    async with running_hub(lambda: networks[0]) as port:
        yield port


async def status(port: int, source: str) -> int:
    """What somebody who comes from an address is answered."""
    connector = aiohttp.TCPConnector(local_addr=(source, 0))
    url = f"http://127.0.0.1:{port}{PATH}"
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as answer:
        return answer.status


async def test_it_is_the_same_as_a_server(port: int) -> None:
    async with users(f"http://127.0.0.1:{port}", ANA, BEN) as (ana, ben):
        assert await ana.client.connect("lab") == []
        assert await ben.client.connect("lab") == [ANA]


async def test_it_tells_in_which_rooms_somebody_is() -> None:
    told: list[frozenset[str]] = []
    async with (
        running_hub(lambda: NEAR, on_rooms=told.append) as port,
        users(f"http://127.0.0.1:{port}", ANA, BEN) as (ana, ben),
    ):
        await ana.client.connect("lab")
        assert told[-1] == {"lab"}
        await ben.client.connect("study")
        assert told[-1] == {"lab", "study"}
        await ben.client.close()
        async with asyncio.timeout(PATIENCE):
            while told[-1] != {"lab"}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_whoever_comes_from_elsewhere_is_sent_away(port: int, networks: list[LocalNetworks]) -> None:
    assert await status(port, "127.0.0.2") == 403
    assert await status(port, "127.0.0.1") != 403
    networks[0] = ALONE
    assert await status(port, "127.0.0.2") != 403, "the networks are looked at each time"
