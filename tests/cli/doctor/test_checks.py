"""Single checks: what they say of a machine that is like this."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web

from p2pchat.cli.doctor import ice, machine, mdns, network, report, server
from p2pchat.cli.doctor.findings import Finding, State, fault, ok, warning
from p2pchat.cli.doctor.network import Address, described
from p2pchat.node.settings import Settings
from p2pchat.protocol.signaling import IceServer, Limits, Ping, Pong, Welcome, decode_from_client, encode
from p2pchat.store.profile import KEY_FILE, Profile
from tests.rtc.stun_server import mapped_to, serving, truth, uri

WIDE = os.terminal_size((100, 40))


def settings(home: Path, **more: object) -> Settings:
    return Settings("ana", "", home / "default", home / "files", **more)  # type: ignore[arg-type]


# The network


@pytest.mark.parametrize(
    ("interface", "address", "role", "reach"),
    [
        ("lo", "127.0.0.1", "loopback", "loopback"),
        ("wlan0", "192.168.1.7", "network", "private"),
        ("eth0", "8.8.4.4", "network", "public"),
        ("eth0", "fe80::1%eth0", "network", "link-local"),
        ("wlan0", "169.254.7.7", "network", "link-local"),
        ("rmnet0", "100.72.1.1", "network", "carrier"),
        ("tailscale0", "100.101.1.1", "vpn", "carrier"),
        ("wg0", "10.8.0.2", "vpn", "private"),
        ("docker0", "172.17.0.1", "container", "private"),
        ("br-1f2e", "172.18.0.1", "container", "private"),
    ],
)
def test_addresses_are_told_apart(interface: str, address: str, role: str, reach: str) -> None:
    found = described(interface, address)
    assert (found.role, found.reach) == (role, reach)


def test_addresses_that_others_cannot_reach_are_no_network() -> None:
    found = network.interfaces([described("lo", "127.0.0.1"), described("wlan0", "fe80::1")])
    assert found.state is State.FAULT
    assert "link-local" in found.message


def test_addresses_for_containers_alone_are_a_warning() -> None:
    found = network.interfaces([described("lo", "::1"), described("docker0", "172.17.0.1")])
    assert found.state is State.WARNING


# Multicast


async def test_who_answers_multicast_is_counted() -> None:
    local = [Address("lo", "127.0.0.1", "network", "private")]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as responder:
        responder.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        responder.bind(("127.0.0.2", 0))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        asked = asyncio.create_task(mdns.mdns(local, port))
        await asyncio.sleep(0)  # it listens from its first step on
        answer = struct.pack("!6H", 0, 0x8400, 0, 1, 0, 0) + b"\x08_p2pchat\x04_tcp\x05local\0"
        responder.sendto(answer, (mdns.GROUP, port))
        responder.sendto(b"nonsense", (mdns.GROUP, port))
        found = await asked
    assert (found.state, found.facts["answers"], found.facts["p2pchat"]) == (State.OK, 1, 1)


async def test_our_own_p2pchat_is_no_other_device() -> None:
    local = [Address("lo", "127.0.0.1", "network", "private")]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as responder:
        responder.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        responder.bind(("127.0.0.1", 0))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        asked = asyncio.create_task(mdns.mdns(local, port))
        await asyncio.sleep(0)  # it listens from its first step on
        answer = struct.pack("!6H", 0, 0x8400, 0, 1, 0, 0) + b"\x08_p2pchat\x04_tcp\x05local\0"
        responder.sendto(answer, (mdns.GROUP, port))
        found = await asked
    assert (found.facts["answers"], found.facts["p2pchat"]) == (0, 0)


async def test_without_a_network_it_is_not_the_firewall_that_stops_multicast() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    found = await mdns.mdns([Address("lo", "127.0.0.1", "loopback", "loopback")], port)
    assert found.state is State.WARNING
    assert "firewall" not in found.hint


async def test_a_port_that_another_program_keeps_is_a_warning() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as keeper:
        keeper.bind(("", 0))
        found = await mdns.mdns([], keeper.getsockname()[1])
    assert found.state is State.WARNING
    assert "Port" in found.message


# The server's clock, and what it says


@asynccontextmanager
async def strange_server(ahead: float, agent: str) -> AsyncIterator[str]:
    """A server whose clock is wrong, and that calls itself as it likes."""

    async def health(_: web.Request) -> web.Response:
        return web.Response(headers={"Date": formatdate(time.time() + ahead, usegmt=True)})

    async def greet(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        await websocket.receive()
        await websocket.send_str(encode(Welcome(1, Limits(1, 1, 1, 1, 1), agent)))
        async for message in websocket:
            if message.type is WSMsgType.TEXT and isinstance(ping := decode_from_client(message.data), Ping):
                await websocket.send_str(encode(Pong(ping.n)))
        return websocket

    app = web.Application()
    app.router.add_get("/healthz", health)
    app.router.add_get("/v1/ws", greet)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("ahead", "state", "words"),
    [(3600.0, State.WARNING, "behind"), (-3600.0, State.WARNING, "ahead of"), (0, "ok", "")],
)
async def test_a_clock_that_is_wrong_is_a_warning(ahead: float, state: State, words: str, tmp_path: Path) -> None:
    async with strange_server(ahead, "lab") as url:
        examined = await server.server(Settings("ana", url, tmp_path, tmp_path), 30.0)
    [clock] = [each for each in examined.findings if each.check == "clock"]
    assert clock.state == state
    assert words in clock.message


async def test_what_a_server_calls_itself_reaches_the_terminal_safely(tmp_path: Path) -> None:
    async with strange_server(0.0, "\x1b[2Jlab\nchatting would work\u202e") as url:
        examined = await server.server(Settings("ana", url, tmp_path, tmp_path), 30.0)
    told = "".join(line for each in examined.findings for line in report.lines(each))
    assert examined.answered
    assert not [character for character in "\x1b\n\u202e" if character in told]


# STUN


async def test_a_nat_that_gives_each_connection_another_port_is_named() -> None:
    async with serving(mapped_to("203.0.113.9", 4001)) as (one, _), serving(mapped_to("203.0.113.9", 4002)) as (two, _):
        servers = [ice.Server(uri(one)), ice.Server(uri(two))]
        found = {each.check: each for each in await ice.ice(servers, False, True, 30.0)}
    assert found["nat"].state is State.WARNING
    assert "symmetric NAT" in found["nat"].message


async def test_a_nat_that_keeps_its_port_is_fine() -> None:
    outer = mapped_to("203.0.113.9", 4001)
    async with serving(outer) as (one, _), serving(outer, "127.0.0.2") as (two, _):
        servers = [ice.Server(uri(one)), ice.Server(uri(two))]
        found = {each.check: each for each in await ice.ice(servers, False, True, 30.0)}
    assert found["nat"].facts["kind"] == "endpoint-independent"


async def test_one_stun_server_alone_cannot_tell_the_kind_of_nat() -> None:
    async with serving(mapped_to("203.0.113.9", 4001)) as (one, _):
        found = {each.check: each for each in await ice.ice([ice.Server(uri(one))], False, True, 30.0)}
    assert (found["nat"].state, found["nat"].facts["kind"]) == (State.OK, "unknown")


async def test_no_nat_is_found_where_there_is_none() -> None:
    async with serving(truth) as (one, _):
        found = {each.check: each for each in await ice.ice([ice.Server(uri(one))], False, True, 30.0)}
    assert found["nat"].facts["kind"] == "none"


def test_servers_are_those_of_the_user_and_of_the_signaling_server_as_far_as_they_can_be_used(tmp_path: Path) -> None:
    configured = settings(tmp_path, ice=("turn:ana:p%40ss@relay.example", "stun:stun.example"))
    named = [IceServer(["stun:stun.example", "http://evil.example", "\x1b[2J"], "u", "c")]
    found = ice.wanted(configured, named)
    assert [(each.uri, each.user, each.credential) for each in found] == [
        ("turn:relay.example", "ana", "p@ss"),
        ("stun:stun.example", "", ""),
        ("stun:stun.example", "u", "c"),
    ]


def test_no_stun_server_is_asked_where_only_relays_may_be_used(tmp_path: Path) -> None:
    configured = settings(tmp_path, ice=("stun:stun.example", "turn:ana:secret@relay.example"), relay_only=True)
    found = ice.wanted(configured, [IceServer(["stun:other.example"])])
    assert [each.uri for each in found] == ["turn:relay.example"]


async def test_a_signaling_server_that_was_not_reached_is_not_said_to_name_no_servers() -> None:
    [asked] = await ice.ice([], False, True, 1.0)
    [not_asked] = await ice.ice([], False, False, 1.0)
    assert "names none" in asked.message
    assert "names none" not in not_asked.message


# This machine


def test_the_terminal_of_a_modern_system_is_fine() -> None:
    found = machine.terminal({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "utf-8", WIDE)
    assert (found.state, found.facts["colours"]) == (State.OK, "16 million")


@pytest.mark.parametrize(
    ("environment", "encoding", "size"),
    [
        ({"TERM": "xterm"}, "iso8859-1", WIDE),
        ({"TERM": "xterm"}, "utf-8", os.terminal_size((40, 24))),
        ({}, "utf-8", WIDE),
    ],
)
def test_a_terminal_that_lacks_something_is_a_warning(
    environment: dict[str, str], encoding: str, size: os.terminal_size
) -> None:
    assert machine.terminal(environment, encoding, size).state is State.WARNING


def test_a_package_of_another_version_than_is_required_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.versions().state is State.OK
    monkeypatch.setattr(machine, "_version", lambda name: "99.0")
    found = machine.versions()
    assert found.state is State.WARNING
    assert "aiortc 99.0 instead of 1.16.*" in found.message


def test_looking_at_a_profile_makes_none(tmp_path: Path) -> None:
    assert machine.profile(settings(tmp_path)).state is State.OK
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_others_may_read_is_a_fault(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    tag = Profile(chosen.home).identity().tag
    assert machine.profile(chosen).facts["peer"] == tag
    (chosen.home / KEY_FILE).chmod(0o644)
    found = machine.profile(chosen)
    assert found.state is State.FAULT
    assert "chmod 600" in found.hint


def test_a_full_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.disk(settings(tmp_path)).facts["free"]
    monkeypatch.setattr(machine, "DISK_LEAST", 10**18)
    assert machine.disk(settings(tmp_path)).state is State.WARNING


# The report


def test_the_verdict_names_each_fault_once() -> None:
    findings = [ok("tcp", "fine"), fault("turn", "a", ""), fault("turn", "b", ""), fault("udp", "c", "")]
    assert report.verdict(findings).endswith(": turn, udp")
    assert "2 things" in report.verdict([warning("a", "x", "y"), warning("b", "x", "y")])
    assert report.verdict([ok("tcp", "fine")]) == "chatting would work"


def test_a_finding_begins_with_its_state_and_its_hint_has_a_line_of_its_own() -> None:
    told = report.lines(Finding("udp", State.FAULT, "UDP is blocked\x1b[2J", "use another network"))
    assert told[0].startswith("fault ")
    assert "\x1b" not in told[0]
    assert told[1].strip() == "use another network"
