"""Candidates that come late, servers that are silent or lie, and relays that have to wait."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from p2pchat.errors import PeerUnreachable
from p2pchat.protocol.limits import CANDIDATES
from p2pchat.protocol.signaling import IceServer
from p2pchat.rtc import candidates, gathering, ice, reflexive
from p2pchat.rtc.link_events import Closed, Gathered, Opened
from p2pchat.rtc.servers import Failure
from tests.node.player import on_guarded_loop
from tests.rtc import stun_server
from tests.rtc.end import TricklingEnd, closed, connected
from tests.rtc.stun_server import mapped_to, serving, uri
from tests.unknown_host import UNKNOWN_HOST

OUTSIDE = "198.51.100.7"


def asking(*uris: str) -> ice.Configuration:
    return ice.configuration(uris, relay_only=False)


def lasts(end: TricklingEnd) -> list[Gathered]:
    return [event for event in end.told if isinstance(event, Gathered) and event.last]


@on_guarded_loop
async def test_a_description_leaves_with_host_candidates_before_any_server_has_answered() -> None:
    async with serving(stun_server.silence) as (address, asked):
        ana = TricklingEnd(asking(uri(address)))
        offer = await ana.link.offer()
        assert asked == []
        assert " typ host" in offer
        assert "a=ice-options:trickle" in offer
        assert "end-of-candidates" not in offer
        await closed(ana)


@on_guarded_loop
async def test_without_servers_a_description_says_that_it_is_complete() -> None:
    ana = TricklingEnd()
    assert "a=end-of-candidates" in await ana.link.offer()
    await closed(ana)
    assert not any(isinstance(event, Gathered) for event in ana.told)


@on_guarded_loop
async def test_what_a_stun_server_says_follows_the_offer() -> None:
    async with serving(mapped_to(OUTSIDE)) as (address, asked):
        ana = TricklingEnd(asking(uri(address)))
        offer = await ana.link.offer()
        assert OUTSIDE not in offer
        found = await ana.until(Gathered, lambda event: bool(event.candidates))
        assert re.search(rf"candidate:\S+ 1 udp \d+ {OUTSIDE} \d+ typ srflx raddr \S+ rport \d+", found.candidates[0])
        await ana.until(Gathered, lambda event: event.last)
        assert len(asked) == len({port for _, port in asked})  # each of our sockets asked once
        await closed(ana)


@on_guarded_loop
async def test_two_servers_that_see_different_ports_are_both_told_and_the_same_address_is_told_once() -> None:
    async with (
        serving(mapped_to(OUTSIDE, 4001)) as (first, _),
        serving(mapped_to(OUTSIDE, 4002)) as (second, _),
        serving(mapped_to(OUTSIDE, 4002)) as (third, _),
    ):
        ana = TricklingEnd(asking(uri(first), uri(second), uri(third)))
        offer = await ana.link.offer()
        await ana.until(Gathered, lambda event: event.last)
        ipv4_sockets = len(re.findall(r"candidate:\S+ 1 udp \d+ [\d.]+ \d+ typ host", offer))
        assert len([candidate for candidate in ana.sent if " typ srflx" in candidate]) == 2 * ipv4_sockets
        await closed(ana)


@on_guarded_loop
async def test_another_address_of_the_server_is_asked_too() -> None:
    async with AsyncExitStack() as stack:
        other, _ = await stack.enter_async_context(serving(mapped_to(OUTSIDE, 4002)))
        first, _ = await stack.enter_async_context(serving(mapped_to(OUTSIDE, 4001, OTHER_ADDRESS=other)))
        ana = TricklingEnd(asking(uri(first)))
        await ana.link.offer()
        await ana.until(Gathered, lambda event: event.last)
        assert {candidate.split()[5] for candidate in ana.sent} == {"4001", "4002"}
        await closed(ana)


@on_guarded_loop
async def test_a_server_is_asked_over_ipv6_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from p2pchat.rtc import addresses

    monkeypatch.setattr(addresses, "_without_loopback", lambda use_ipv4, use_ipv6: ["::1"])
    async with serving(mapped_to("2001:db8::7"), host="::1") as (address, _):
        ana = TricklingEnd(asking(uri(address)))
        await ana.link.offer()
        found = await ana.until(Gathered, lambda event: bool(event.candidates))
        assert " 2001:db8::7 " in found.candidates[0]
        await closed(ana)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (stun_server.silence, Failure.SILENT),
        (stun_server.another_transaction, Failure.SILENT),
        (stun_server.malformed, Failure.SILENT),
        (stun_server.no_address, Failure.NONSENSE),
        (mapped_to("0.0.0.0"), Failure.NONSENSE),
        (mapped_to("224.0.0.1"), Failure.NONSENSE),
        (mapped_to(OUTSIDE, 0), Failure.NONSENSE),
        (stun_server.error, Failure.REJECTED),
    ],
)
@on_guarded_loop
async def test_a_server_that_does_not_say_how_we_look_costs_nothing(
    answer: stun_server.Answer, failure: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reflexive, "STUN_SECONDS", 0.3)
    async with serving(answer) as (address, asked):
        ana, ben = TricklingEnd(asking(uri(address))), TricklingEnd(asking(uri(address)))
        await connected(ana, ben)
        assert asked
        lone = TricklingEnd(asking(uri(address)))
        await lone.link.offer()
        await lone.until(Gathered, lambda event: event.last)
        assert lone.sent == []
        (asked_server,) = lone.link._gathering.facts().asked
        assert asked_server.failure is failure
        await closed(ana, ben, lone)


@on_guarded_loop
async def test_an_answer_of_64_kilobytes_without_an_address_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflexive, "STUN_SECONDS", 0.3)
    async with serving(stun_server.huge) as (address, _):
        ana = TricklingEnd(asking(uri(address)))
        await ana.link.offer()
        await ana.until(Gathered, lambda event: event.last)
        assert ana.sent == []
        await closed(ana)


@on_guarded_loop
async def test_an_unknown_name_and_a_server_of_another_family_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    from p2pchat.rtc import addresses

    monkeypatch.setattr(addresses, "_without_loopback", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    ana = TricklingEnd(asking(f"stun:{UNKNOWN_HOST}", "stun:[::1]:9"))
    await ana.link.offer()
    await ana.until(Gathered, lambda event: event.last)
    assert {each.failure for each in ana.link._gathering.facts().asked} == {Failure.UNKNOWN_NAME, Failure.UNREACHABLE}
    await closed(ana)


@on_guarded_loop
async def test_a_silent_server_delays_two_machines_of_one_network_by_nothing() -> None:
    async def time_to_connect(configuration: ice.Configuration) -> float:
        ana, ben = TricklingEnd(configuration), TricklingEnd(configuration)
        begun = time.monotonic()
        await connected(ana, ben)
        taken = time.monotonic() - begun
        assert not lasts(ana)
        await closed(ana, ben)
        return taken

    async with serving(stun_server.silence) as (address, _):
        # A machine that is busy for seconds cannot make this fail: waiting for the server would take five.
        assert await time_to_connect(asking(uri(address))) < reflexive.STUN_SECONDS


@on_guarded_loop
async def test_candidates_that_come_before_the_answer_are_kept() -> None:
    ana, ben = TricklingEnd(), TricklingEnd()
    answer = await ben.link.answer(await ana.link.offer())
    await ana.link.use_candidates([line.removeprefix("a=") for line in answer.splitlines() if "a=candidate" in line])
    await ana.link.use_candidates([])
    without = "".join(line + "\r\n" for line in answer.splitlines() if "candidate" not in line)
    await ana.link.accept_answer(without)
    await ana.until(Opened)
    await closed(ana, ben)


@on_guarded_loop
async def test_candidates_that_come_before_the_offer_was_read_are_kept() -> None:
    ana, ben = TricklingEnd(), TricklingEnd()
    offer = await ana.link.offer()
    await ben.link.use_candidates([line.removeprefix("a=") for line in offer.splitlines() if "a=candidate" in line])
    without = "".join(line + "\r\n" for line in offer.splitlines() if "a=candidate" not in line)
    answer = await ben.link.answer(without)
    # Ana knows no address of Ben either: Ben's checks have to arrive.
    await ana.link.accept_answer("".join(line + "\r\n" for line in answer.splitlines() if "candidate" not in line))
    await ana.until(Opened)
    await closed(ana, ben)


@pytest.mark.parametrize(
    "candidate",
    [
        "",
        "candidate:",
        "candidate:1 1 udp 1 256.1.1.1 9 typ host",
        "candidate:1 1 udp 1 127.0.0.1 99999 typ host",
        "candidate:1 1 udp 99999999999999 127.0.0.1 9 typ host",
        "candidate:1 x udp 1 127.0.0.1 9 typ host",
        "candidate:1 2 udp 1 127.0.0.1 9 typ host",
        "candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active",
        "candidate:1 1 udp 1 127.0.0.1 9 typ host " + "x" * 300,
        "candidate:1 1 udp 1 nobody.example 9 typ host",
        "candidate:1 1 udp 1 127.0.0.1 9 typ prflx",
        "\0",
    ],
)
@on_guarded_loop
async def test_a_bad_candidate_is_left_out_and_the_others_connect(candidate: str) -> None:
    ana, ben = TricklingEnd(), TricklingEnd()
    await ana.link.use_candidates([candidate])
    await connected(ana, ben)
    await ben.link.use_candidates([candidate])
    await closed(ana, ben)


@on_guarded_loop
async def test_an_answer_is_used_while_a_name_in_it_is_still_being_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    never = asyncio.Event()
    monkeypatch.setattr("aioice.ice.get_or_create_mdns_protocol", lambda agent: never.wait())
    ana, ben = TricklingEnd(), TricklingEnd()
    answer = await ben.link.answer(await ana.link.offer())
    named = "a=candidate:1 1 udp 1 somebody.local 9 typ host\r\n"
    await asyncio.wait_for(ana.link.accept_answer(answer.replace("a=candidate", named + "a=candidate", 1)), 20)
    await ana.until(Opened)
    await closed(ana, ben)


@on_guarded_loop
async def test_candidates_are_told_in_signals_that_the_peer_takes() -> None:
    ana = TricklingEnd()
    await ana.link.offer()
    for port in range(1, 2 * CANDIDATES + 2):
        ana.link._gathering._tell_candidate(candidates.found("srflx", (OUTSIDE, port), "127.0.0.1", ("127.0.0.1", 9)))
    await ana.until(Gathered, lambda event: event.last)
    told = [event for event in ana.told if isinstance(event, Gathered)]
    assert [len(event.candidates) for event in told] == [CANDIDATES, CANDIDATES, 1]
    assert [event.last for event in told] == [False, False, True]
    await closed(ana)


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("ufrag", "u" * 20_000),
        ("ufrag", "abc"),
        ("ufrag", "\ud800abc"),
        ("pwd", "p" * 20_000),
        ("pwd", "short"),
    ],
    ids=["long", "short", "surrogate", "long-password", "short-password"],
)
@on_guarded_loop
async def test_a_user_name_that_would_make_checks_large_is_refused(line: str, other: str) -> None:
    ana, ben = TricklingEnd(), TricklingEnd()
    offer = await ana.link.offer()
    forged = re.sub(rf"a=ice-{line}:\S+", f"a=ice-{line}:{other}", offer)
    with pytest.raises(PeerUnreachable, match="user name"):
        await ben.link.answer(forged)
    await closed(ana, ben)


@on_guarded_loop
async def test_an_offer_that_names_no_certificate_is_refused() -> None:
    ana, ben = TricklingEnd(), TricklingEnd()
    offer = await ana.link.offer()
    with pytest.raises(PeerUnreachable, match="cannot be used"):
        await ben.link.answer(re.sub(r"a=fingerprint:.*\r\n", "", offer))
    await closed(ana, ben)


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize("offering", [True, False])
@on_guarded_loop
async def test_a_link_closed_while_it_is_being_described_leaves_nothing(offering: bool, turns: int) -> None:
    async with serving(stun_server.silence) as (address, _):
        ana, ben = TricklingEnd(), TricklingEnd(asking(uri(address)))
        making = ben.link.offer() if offering else ben.link.answer(await ana.link.offer())
        describing = asyncio.create_task(making)
        for _ in range(turns):
            await asyncio.sleep(0)
        await ben.link.close("another attempt took its place")
        with contextlib.suppress(PeerUnreachable):
            await describing
        assert ben.link._gathering._work == set()
        sctp = ben.link._connection.sctp
        assert sctp is None or sctp.transport.transport._connection._protocols == []
        await closed(ana)


@on_guarded_loop
async def test_a_peer_cannot_name_candidates_without_end() -> None:
    ana = TricklingEnd()
    await ana.link.offer()
    for number in range(1, 10):
        await ana.link.use_candidates(
            [f"candidate:1 1 udp 1 192.0.2.{each} {number + 1} typ host" for each in range(30)]
        )
    assert len(ana.link._gathering.facts().theirs) == gathering.CANDIDATES_MOST
    await closed(ana)


@on_guarded_loop
async def test_a_peer_that_takes_no_candidates_later_has_all_in_the_answer() -> None:
    async with serving(mapped_to(OUTSIDE)) as (address, _):
        ana, ben = TricklingEnd(), TricklingEnd(asking(uri(address)))
        offer = (await ana.link.offer()).replace("a=ice-options:trickle\r\n", "")
        answer = await ben.link.answer(offer)
        assert f" {OUTSIDE} " in answer
        assert "a=end-of-candidates" in answer
        await ana.link.accept_answer(answer)
        await ana.until(Opened)
        assert ben.sent == []
        await closed(ana, ben)


@on_guarded_loop
async def test_an_answer_waits_for_a_silent_server_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "COMPLETE_SECONDS", 0.1)
    async with serving(stun_server.silence) as (address, _):
        ana, ben = TricklingEnd(), TricklingEnd(asking(uri(address)))
        offer = (await ana.link.offer()).replace("a=ice-options:trickle\r\n", "")
        await ana.link.accept_answer(await asyncio.wait_for(ben.link.answer(offer), reflexive.STUN_SECONDS))
        await ana.until(Opened)
        await closed(ana, ben)


@on_guarded_loop
async def test_when_every_check_fails_and_no_candidate_is_left_the_link_says_so_at_once() -> None:
    ana, ben = TricklingEnd(), TricklingEnd()
    answer = await ben.link.answer(await ana.link.offer())
    without = "".join(line + "\r\n" for line in answer.splitlines() if "a=candidate" not in line)
    await ben.link.close("gone")
    await ana.link.accept_answer(without)
    assert "named no address" in (await ana.until(Closed)).reason


@on_guarded_loop
async def test_both_ends_use_the_same_pair() -> None:
    ana, ben = TricklingEnd(), TricklingEnd()
    await connected(ana, ben)
    at_ana, at_ben = ana.link._gathering._agent, ben.link._gathering._agent
    assert at_ana is not None
    assert at_ben is not None
    assert at_ana.selected is not None
    assert at_ben.selected is not None
    assert at_ana.selected.local_addr == at_ben.selected.remote_addr
    assert at_ana.selected.remote_addr == at_ben.selected.local_addr
    await closed(ana, ben)


def test_servers_of_a_signaling_server_come_after_the_users_own_and_bad_ones_are_left_out() -> None:
    own = ice.configuration(["stun:own.example"], relay_only=False)
    joined = ice.with_servers(
        own,
        [
            IceServer(["stun:own.example", "stun:theirs.example:1", "http://x", "stun:a b"]),
            IceServer(["turn:theirs.example", "turns:theirs.example?transport=tcp", "turns:x?transport=udp"], "u", "p"),
        ],
    )
    assert [server.host for server in joined.stun] == ["own.example", "theirs.example"]
    assert [(server.transport, server.username) for server in joined.turn] == [("udp", "u"), ("tls", "u")]
    assert ice.direct_only(joined).turn == []
    assert ice.direct_only(joined).stun == joined.stun
    assert replace(joined, relay_only=True).stun == []
    assert "p" not in repr(joined.turn).replace("theirs.example", "").replace("udp", "").replace("port", "")
