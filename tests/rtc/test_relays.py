"""Relays of a real TURN server: used when nothing else is left, hidden when wanted, and given back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from aioice.stun import Class, Message, Method

from p2pchat.rtc import addresses, gathering, ice
from p2pchat.rtc.addresses import host_addresses
from p2pchat.rtc.channels import Channel
from p2pchat.rtc.link_events import Closed, Gathered, Opened, Received
from p2pchat.rtc.servers import Failure
from tests.node.player import on_guarded_loop
from tests.rtc import stun_server
from tests.rtc.end import TricklingEnd, closed, connected
from tests.rtc.turn_server import Log, needs_turnserver, turn_server
from tests.unknown_host import UNKNOWN_HOST

pytestmark = needs_turnserver


def with_relays(*uris: str) -> ice.Configuration:
    return ice.configuration(uris, relay_only=False)


def only_relays(*uris: str) -> ice.Configuration:
    return ice.configuration(uris, relay_only=True)


async def say_something(ana: TricklingEnd, ben: TricklingEnd) -> None:
    ana.link.send(Channel.CONTROL, b"through the relay")
    assert (await ben.until(Received)).data == b"through the relay"


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@on_guarded_loop
async def test_a_relay_is_reached_over_each_transport(
    transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with turn_server(tmp_path) as turn:
        monkeypatch.setenv("SSL_CERT_FILE", str(turn.certificate))
        ana, ben = TricklingEnd(only_relays(turn.uri(transport))), TricklingEnd()
        await connected(ana, ben)
        await say_something(ana, ben)
        info, other = ana.link.path_info, ben.link.path_info
        assert info is not None
        assert other is not None
        assert (info.local, info.relay, info.transport, info.relayed) == ("relay", "127.0.0.1", transport, True)
        assert info.addresses == f"through relay 127.0.0.1{'' if transport == 'udp' else f' over {transport.upper()}'}"
        assert (other.remote, other.addresses) == ("relay", "through the other side's relay")
        assert ana.link.path == ben.link.path == "relay"
        await closed(ana, ben)


@on_guarded_loop
async def test_relay_only_shows_no_address_of_ours_in_anything_that_leaves(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn, stun_server.serving(stun_server.truth) as (stun, asked):
        configuration = only_relays(stun_server.uri(stun), turn.uri("udp"))
        for offering in (True, False):
            hidden, open_one = TricklingEnd(configuration), TricklingEnd()
            await (connected(hidden, open_one) if offering else connected(open_one, hidden))
            left = "\n".join(hidden.sent)
            assert " typ relay raddr 0.0.0.0 rport 9" in left
            assert " typ host" not in left
            assert " typ srflx" not in left
            # The relay is on loopback, which is no address of ours here.
            assert [address for address in host_addresses(True, True) if address in left] == []
            assert re.findall(r"^c=(.*)\r$", left, re.MULTILINE) == ["IN IP4 0.0.0.0"]
            seen_by_peer = open_one.link._gathering._agent
            assert seen_by_peer is not None
            assert {candidate.type for candidate in seen_by_peer.remote_candidates} == {"relay"}
            await closed(hidden, open_one)
        assert asked == []


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@on_guarded_loop
async def test_what_cannot_be_read_is_dropped_behind_a_relay_too(transport: str, tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn:
        ana, ben = TricklingEnd(only_relays(turn.uri(transport))), TricklingEnd()
        await connected(ana, ben)
        agent = ben.link._gathering._agent
        assert agent is not None
        assert agent.selected is not None
        for bad in (b"", stun_server.malformed(Message(Method.BINDING, Class.REQUEST), ("", 0))):
            agent.selected.protocol.transport.sendto(bad, agent.selected.remote_addr)
        ben.link.send(Channel.CONTROL, b"after all that")
        assert (await ana.until(Received)).data == b"after all that"
        await say_something(ana, ben)
        assert not any(isinstance(event, Closed) for event in ana.told + ben.told)
        await closed(ana, ben)


@on_guarded_loop
async def test_a_link_closed_before_the_answer_is_used_asks_for_no_relay(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn:
        ana, ben = TricklingEnd(with_relays(turn.uri("udp"))), TricklingEnd()
        answer = await ben.link.answer(await ana.link.offer())
        using = asyncio.create_task(ana.link.accept_answer(without_direct(answer)))
        await asyncio.sleep(0)
        await ana.link.close("another attempt took its place")
        await using
        assert ana.link._gathering._work == set()
        await closed(ben)


@on_guarded_loop
async def test_a_relay_that_is_lost_is_not_blamed_on_the_peer(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn:
        ana, ben = TricklingEnd(only_relays(turn.uri("tcp"))), TricklingEnd()
        await connected(ana, ben)
    assert (await ana.until(Closed)).reason == "the relay of our TURN server 127.0.0.1 over TCP was lost"
    await closed(ben)


@on_guarded_loop
async def test_both_sides_may_use_relays_only(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn:
        ana, ben = (TricklingEnd(only_relays(turn.uri("udp"))) for _ in range(2))
        await connected(ana, ben)
        await say_something(ana, ben)
        await closed(ana, ben)


@on_guarded_loop
async def test_two_machines_of_one_network_never_ask_for_a_relay(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn:
        ana, ben = (TricklingEnd(with_relays(turn.uri("udp"))) for _ in range(2))
        await connected(ana, ben)
        assert ana.link.path == ben.link.path == "direct"
        await asyncio.sleep(2 * gathering.ALLOCATE_AFTER)  # nothing may come, so there is nothing to wait for
        assert Log(tmp_path).allocations() == 0
        await closed(ana, ben)


def without_direct(text: str) -> str:
    return "".join(line + "\r\n" for line in text.splitlines() if "candidate" not in line)


@on_guarded_loop
async def test_without_a_direct_way_the_relay_is_used_after_the_head_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses_of = iter([["::1"], ["127.0.0.1"]])
    monkeypatch.setattr(addresses, "_without_loopback", lambda use_ipv4, use_ipv6: next(addresses_of))
    async with turn_server(tmp_path) as turn:
        ana, ben = TricklingEnd(with_relays(turn.uri("udp"))), TricklingEnd()
        await ana.offers(ben)
        began = asyncio.get_running_loop().time()
        found = await ana.until(Gathered, lambda event: bool(event.candidates))
        assert asyncio.get_running_loop().time() - began > gathering.HEAD_START - 0.1
        assert " typ relay raddr 127.0.0.1" in found.candidates[0]
        await ana.until(Opened)
        assert ana.link.path == "relay"
        await closed(ana, ben)


@on_guarded_loop
async def test_the_head_start_ends_when_the_peer_has_nothing_but_relays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "HEAD_START", 600.0)
    async with turn_server(tmp_path) as turn:
        ana, ben = TricklingEnd(only_relays(turn.uri("udp"))), TricklingEnd(with_relays(turn.uri("udp")))
        await connected(ana, ben)
        await closed(ana, ben)


@on_guarded_loop
async def test_a_direct_pair_that_comes_late_still_wins_within_the_head_start(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn:
        ana, ben = (TricklingEnd(with_relays(turn.uri("udp"))) for _ in range(2))
        offer = await ana.link.offer()
        answer = await ben.link.answer(without_direct(offer))
        await ana.link.accept_answer(without_direct(answer))
        log = Log(tmp_path)
        await log.until(lambda: log.allocations() == 2)
        await ben.link.use_candidates(
            [line.removeprefix("a=") for line in offer.splitlines() if line.startswith("a=candidate")]
        )
        await ana.until(Opened)
        assert ana.link.path == "direct"
        # What was not used is given back.
        await log.until(lambda: log.given_back() == 2)
        await closed(ana, ben)


@pytest.mark.parametrize(
    ("uri_of", "failure"),
    [
        (lambda turn: turn.uri("udp", password="wrong"), Failure.CREDENTIALS),
        (lambda turn: turn.uri("udp", user="nobody"), Failure.CREDENTIALS),
        (lambda turn: f"turn:127.0.0.1:{turn.port}", Failure.CREDENTIALS),
        (lambda turn: turn.uri("tls"), Failure.CERTIFICATE),
        (lambda turn: turn.uri("tls").replace(str(turn.tls_port), str(turn.port)), None),
        (lambda turn: "turn:u:p@127.0.0.1:1?transport=tcp", Failure.CLOSED),
        (lambda turn: f"turn:u:p@{UNKNOWN_HOST}", Failure.UNKNOWN_NAME),
    ],
    ids=["password", "user", "none", "certificate", "not-tls", "closed", "name"],
)
@on_guarded_loop
async def test_what_is_wrong_with_a_turn_server_is_told(
    uri_of: Callable[..., str], failure: Failure | None, tmp_path: Path
) -> None:
    async with turn_server(tmp_path) as turn:
        ana = TricklingEnd(only_relays(uri_of(turn)))
        await ana.link.offer()
        assert (await ana.until(Gathered)).last
        (asked,) = ana.link._gathering.facts().asked
        assert asked.failure is failure or (failure is None and asked.failure is not None)
        await closed(ana)


@on_guarded_loop
async def test_a_quota_that_is_used_up_is_told(tmp_path: Path) -> None:
    async with turn_server(tmp_path, "user-quota=1") as turn:
        first, second = (TricklingEnd(only_relays(turn.uri("udp"))) for _ in range(2))
        await first.link.offer()
        await first.until(Gathered)
        await second.link.offer()
        await second.until(Gathered)
        assert [asked.failure for asked in second.link._gathering.facts().asked] == [Failure.QUOTA]
        await closed(first, second)


@on_guarded_loop
async def test_a_silent_server_is_passed_over_for_the_next_one(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn, stun_server.serving(stun_server.silence) as (silent, asked):
        ana, ben = TricklingEnd(only_relays(f"turn:u:p@127.0.0.1:{silent[1]}", turn.uri("tcp"))), TricklingEnd()
        await connected(ana, ben)
        assert asked
        assert ana.link.path == "relay"
        await closed(ana, ben)


@on_guarded_loop
async def test_closing_does_not_wait_for_a_relay_whose_server_is_gone(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn:
        ana, ben = TricklingEnd(only_relays(turn.uri("udp"))), TricklingEnd()
        await connected(ana, ben)
    await asyncio.wait_for(closed(ana, ben), 15)
    assert (await ana.until(Closed)).reason == "done"
