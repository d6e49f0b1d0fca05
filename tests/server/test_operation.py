"""The server as its operator runs it: who may come in, what stands in front, what it says about itself."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest

from p2pchat.protocol.signaling import (
    CLOSE_CODES,
    ErrorCode,
    Hello,
    IceServers,
    IceServersWanted,
    Join,
    Report,
    Welcome,
)
from signaling_server.app import listening
from signaling_server.deployment import Deployment
from signaling_server.ice import IceConfiguration
from signaling_server.limits import ServerLimits
from signaling_server.tokens import Tokens, new_token
from tests.server.raw_client import PATIENCE, RawClient, clients
from tests.server_process import ServerProcess

ANA, BEN, EVA = "anaanaaa", "benbenbb", "evaevaee"
LIMITS = ServerLimits()
LOOPBACK = ip_network("127.0.0.0/8")
SECRET = "a secret of the turn server"


@asynccontextmanager
async def serving(
    deployment: Deployment, limits: ServerLimits = LIMITS
) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    async with listening("127.0.0.1", 0, limits, deployment) as url, aiohttp.ClientSession(url) as session:
        yield url, session


async def greeted(client: RawClient, peer: str, token: str = "") -> Welcome:
    await client.say(Hello(1, peer, peer * 2, token=token))
    welcome = await client.next()
    assert isinstance(welcome, Welcome)
    return welcome


# Tokens


async def test_a_server_with_tokens_opens_to_those_alone() -> None:
    token, _ = new_token("ana")
    deployment = Deployment(tokens=Tokens(None, [token]))
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        serving(deployment) as (url, _),
        clients(url, 2) as (ana, eva),
        clients(url, 1, headers=headers) as (ben,),
    ):
        await greeted(ana, ANA, token)
        await greeted(ben, BEN)
        await eva.say(Hello(1, EVA, EVA * 2, token="guess"), Join("lobby"))
        await eva.refused(ErrorCode.UNAUTHORIZED)
        assert await eva.closed() == CLOSE_CODES[ErrorCode.UNAUTHORIZED]


async def test_tokens_are_read_again_at_sighup(tmp_path: Path) -> None:
    (ana_token, ana_line), (ben_token, ben_line) = new_token("ana"), new_token("ben")
    path = tmp_path / "tokens"
    path.write_text(ana_line)
    with ServerProcess(0, "--tokens-file", str(path)) as server:
        async with clients(server.url, 1) as (ana,):
            await greeted(ana, ANA, ana_token)
            path.write_text(ben_line)
            server.process.send_signal(signal.SIGHUP)
            async with asyncio.timeout(PATIENCE):
                while True:
                    async with clients(server.url, 1) as (again,):
                        await again.say(Hello(1, ANA, ANA * 2, token=ana_token))
                        if not isinstance(await again.next(), Welcome):
                            break
            async with clients(server.url, 1) as (ben,):
                await greeted(ben, BEN, ben_token)
            await ana.is_served()


async def test_tokens_come_from_the_environment_and_are_not_told() -> None:
    with ServerProcess(0, "-v", P2PCHAT_SERVER_TOKEN="a-token-of-the-environment") as server:
        async with clients(server.url, 2) as (ana, eva):
            await greeted(ana, ANA, "a-token-of-the-environment")
            await eva.say(Hello(1, EVA, EVA * 2, token="another-guess"))
            await eva.refused(ErrorCode.UNAUTHORIZED)
        assert server.stop() == 0
        assert "a-token" not in server.stderr()
        assert "another" not in server.stderr()


# Sources


async def test_sockets_of_one_source_are_limited_and_those_of_another_are_not() -> None:
    limits = replace(LIMITS, sockets_per_source=2)
    deployment = Deployment(trusted_proxies=(LOOPBACK,))
    eva, ana = {"X-Forwarded-For": "192.0.2.66"}, {"X-Forwarded-For": "10.9.9.9, 192.0.2.1"}
    async with serving(deployment, limits) as (url, http), clients(url, 4, headers=eva) as many:
        for client in many[:2]:
            assert (await greeted(client, EVA)).your_address == "192.0.2.66"
        for client in many[2:]:
            assert (await client.refused(ErrorCode.TOO_MANY_SOCKETS)).retry_after == LIMITS.full_retry_seconds
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await http.ws_connect("/v1/ws", headers=eva)
        assert (refusal.value.status, refusal.value.headers["Retry-After"] if refusal.value.headers else "") == (
            429,
            "30",
        )
        async with clients(url, 1, headers=ana) as (other,):
            assert (await greeted(other, ANA)).your_address == "192.0.2.1"
        for client in many[2:]:
            assert await client.closed() == CLOSE_CODES[ErrorCode.TOO_MANY_SOCKETS]


async def test_a_forged_header_changes_nothing() -> None:
    limits = replace(LIMITS, sockets_per_source=1)
    async with serving(Deployment(), limits) as (url, _):
        async with clients(url, 1, headers={"X-Forwarded-For": "192.0.2.1"}) as (ana,):
            assert (await greeted(ana, ANA)).your_address == "127.0.0.1"
            async with clients(url, 1, headers={"X-Forwarded-For": "192.0.2.2"}) as (eva,):
                await eva.refused(ErrorCode.TOO_MANY_SOCKETS)
        async with asyncio.timeout(PATIENCE):
            while True:
                async with clients(url, 1) as (again,):
                    await again.say(Hello(1, ANA, ANA * 2))
                    if isinstance(await again.next(), Welcome):
                        return


async def test_loopback_is_exempt_only_when_asked_for() -> None:
    limits = replace(LIMITS, sockets_per_source=1, joins_per_minute=1)
    async with serving(Deployment(exempt_loopback=True), limits) as (url, _), clients(url, 5) as many:
        for number, client in enumerate(many):
            await client.sit_down(f"peer{number + 2}aaa"[:8], f"room {number}")


async def test_sockets_that_say_nothing_leave_room_for_the_others_again() -> None:
    limits = replace(LIMITS, pending_sockets=2)
    async with serving(Deployment(), limits) as (url, http), clients(url, 2) as (ana, _):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
            await http.ws_connect("/v1/ws")
        await greeted(ana, ANA)
        async with clients(url, 1) as (ben,):
            await greeted(ben, BEN)


# Browsers


async def test_pages_of_strangers_may_not_use_the_server() -> None:
    deployment = Deployment(origins=frozenset({"https://example.org"}))
    async with serving(deployment) as (url, http):
        for origin in ("https://example.org", "https://EXAMPLE.org", url, url.upper(), "http://127.0.0.1:8000"):
            await (await http.ws_connect("/v1/ws", headers={"Origin": origin})).close()
        for origin in ("https://evil.example", "null", "", "http://[", "https://example.org.evil.example"):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await http.ws_connect("/v1/ws", headers={"Origin": origin})
        headers = {"Origin": "https://evil.example"}
        assert (await http.post("/v1/rooms/lobby/offer", json={}, headers=headers)).status == 403
        assert (await http.get("/v1/ice-servers", headers=headers)).status == 403


async def test_a_page_that_may_use_the_server_sees_the_answers() -> None:
    async with serving(Deployment(origins=frozenset({"https://example.org"}))) as (_, http):
        headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
        asked = await http.options("/v1/rooms/lobby/offer", headers=headers)
        assert (asked.status, asked.headers["Access-Control-Allow-Origin"]) == (204, "https://example.org")
        assert "Content-Type" in asked.headers["Access-Control-Allow-Headers"]
        posted = await http.post("/v1/rooms/lobby/offer", json={}, headers=headers)
        refused = await http.post("/v1/rooms/lobby/offer", data="", headers=headers)
        for response in (posted, refused):
            assert response.headers["Access-Control-Allow-Origin"] == "https://example.org"
            assert "Location" in response.headers["Access-Control-Expose-Headers"]
        assert (await http.options("/v1/ice-servers", headers={"Origin": "https://evil.example"})).status == 403
        assert "Access-Control-Allow-Origin" not in (await http.get("/healthz", headers={"Origin": "null"})).headers


# ICE servers


async def test_ice_servers_are_told_in_welcome_and_again_when_asked() -> None:
    ice = IceConfiguration(["stun:192.0.2.1"], ["turn:192.0.2.1?transport=udp"], SECRET, None, lambda: 1_000_000.0)
    async with serving(Deployment(ice=ice)) as (url, http), clients(url, 2) as (ana, ben):
        welcome = await greeted(ana, ANA)
        assert (welcome.ice_servers, welcome.ice_seconds) == (ice.servers(ANA).servers, 3600.0)
        await ana.say(IceServersWanted())
        await ana.hears(IceServers(welcome.ice_servers, 3600.0))
        assert (await greeted(ben, BEN)).ice_servers[1] != welcome.ice_servers[1]
        async with http.get("/v1/ice-servers") as response:
            answer = await response.json()
            assert response.headers["Cache-Control"] == "no-store"
        assert answer["seconds"] == 3600
        assert answer["servers"][1]["username"].startswith("1003600:")


async def test_ice_servers_are_for_those_with_a_token() -> None:
    ice = IceConfiguration([], ["turn:192.0.2.1"], SECRET, None, lambda: 0.0)
    token, _ = new_token("ana")
    deployment = Deployment(ice=ice, tokens=Tokens(None, [token]))
    limits = replace(LIMITS, wrong_tokens_per_minute=2)
    async with serving(deployment, limits) as (_, http):
        right = {"Authorization": f"bearer {token}"}
        assert (await http.get("/v1/ice-servers", headers=right)).status == 200
        assert (await http.get("/v1/ice-servers")).status == 401
        assert (await http.get("/v1/ice-servers", headers={"Authorization": f"Basic {token}"})).status == 401
        response = await http.get("/v1/ice-servers", headers=right)
        assert (response.status, response.headers["Retry-After"]) == (429, "30")


# What it says about itself


async def test_metrics_tell_what_happened() -> None:
    async with serving(Deployment()) as (url, http), clients(url, 2) as (ana, ben):
        await ana.sit_down(ANA)
        await ben.sit_down(BEN)
        await ana.next()
        await ana.say(Report("relay", 1_500))
        await ana.is_served()
        response = await http.get("/metrics")
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        lines = (await response.text()).splitlines()
        for line in (
            "p2pchat_sockets 2",
            "p2pchat_rooms 1",
            "p2pchat_peers 2",
            "p2pchat_pending_sockets 0",
            "p2pchat_draining 0",
            "p2pchat_backplane_up 1",
            'p2pchat_joins_total{result="ok"} 2',
            'p2pchat_connections_total{outcome="relay"} 1',
            'p2pchat_connect_seconds_bucket{le="2.0"} 1',
        ):
            assert line in lines


@pytest.mark.parametrize(
    ("deployment", "headers", "status"),
    [
        (Deployment(), {}, 200),
        (Deployment(), {"X-Forwarded-For": "192.0.2.1"}, 403),
        (Deployment(), {"Forwarded": "for=127.0.0.1"}, 403),
        (Deployment(trusted_proxies=(LOOPBACK,)), {}, 200),
        (Deployment(trusted_proxies=(LOOPBACK,)), {"X-Forwarded-For": "192.0.2.1"}, 403),
        (Deployment(trusted_proxies=(LOOPBACK,)), {"X-Forwarded-For": "127.0.0.1, 192.0.2.1"}, 403),
        (Deployment(metrics_from=(ip_network("192.0.2.0/24"),)), {}, 403),
        (
            Deployment(trusted_proxies=(LOOPBACK,), metrics_from=(ip_network("192.0.2.0/24"),)),
            {"X-Forwarded-For": "192.0.2.1"},
            200,
        ),
    ],
)
async def test_metrics_are_for_those_whom_the_operator_named(
    deployment: Deployment, headers: dict[str, str], status: int
) -> None:
    async with serving(deployment) as (_, http):
        assert (await http.get("/metrics", headers=headers)).status == status


async def test_while_it_drains_nobody_new_comes_and_it_says_so() -> None:
    with ServerProcess() as server:
        async with clients(server.url, 2) as (ana, _mute), aiohttp.ClientSession(server.url) as http:
            await ana.sit_down(ANA)
            async with http.get("/readyz") as response:
                assert (response.status, await response.text()) == (200, "ready\n")
            server.process.send_signal(signal.SIGTERM)
            await ana.refused(ErrorCode.SHUTTING_DOWN)
            # The other one does not read, so the server has a moment left.
            async with http.get("/readyz") as response:
                assert (response.status, await response.text()) == (503, "draining\n")
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await http.ws_connect("/v1/ws")
            assert refusal.value.status == 503
            assert refusal.value.headers is not None
            assert 1 <= int(refusal.value.headers["Retry-After"]) <= 5
            assert (await http.get("/healthz")).status == 200
            assert await ana.closed() == CLOSE_CODES[ErrorCode.SHUTTING_DOWN]
        assert await asyncio.to_thread(server.process.wait, PATIENCE) == 0


async def test_a_log_for_programs_tells_sources_apart_and_says_nothing_about_them() -> None:
    with ServerProcess(0, "-v", "--log", "json", "--trusted-proxy", "127.0.0.1") as server:
        for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
            async with clients(server.url, 1, headers={"X-Forwarded-For": address}) as (ana,):
                await ana.sit_down(ANA, "secret-room")
        assert server.stop() == 0
        entries = [json.loads(line) for line in server.stderr().splitlines()]
        opened = [entry["source"] for entry in entries if "source" in entry]
        assert opened[0] == opened[2] != opened[1]
        assert {"time", "level", "logger", "message", "socket"} <= entries[0].keys()
        assert not [word for word in ("192.0.2", "127.0.0.1", "secret", ANA) if word in server.stderr()]
