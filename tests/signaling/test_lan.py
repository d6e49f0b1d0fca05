"""A seat on the local network: neighbours with real hubs, and some who mean no good."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from p2pchat.errors import ServerRefused, ServerUnreachable
from p2pchat.protocol.signaling import Join, Joined, Welcome, decode_from_client
from p2pchat.protocol.signaling import PeerAway as Away
from p2pchat.protocol.signaling import PeerBack as Back
from p2pchat.protocol.signaling import PeerJoined as Announced
from p2pchat.protocol.signaling import Relayed as Passed
from p2pchat.signaling import lan
from p2pchat.signaling.events import (
    Offline,
    Online,
    PeerAway,
    PeerBack,
    PeerFound,
    PeerJoined,
    PeerLeft,
    Relayed,
    SignalingEvent,
)
from p2pchat.signaling.hub_rooms import hub_room
from p2pchat.signaling.services import Service
from signaling_server.app import listening
from signaling_server.limits import ServerLimits
from tests.signaling.neighbours import Neighbour, neighbours, service_at
from tests.signaling.stage import ANA, BEN, EVA, LIMITS, listen, plain_server, say, scripted_server, users

ROOM = "lab"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the other one to come, and for long."""
    monkeypatch.setattr(lan, "SECOND_SECONDS", 0.1)
    monkeypatch.setattr(lan, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(lan, "HUB_RETRY_SECONDS", (0.05, 0.1))


@asynccontextmanager
async def sitting(*peers: str, server: str = "") -> AsyncIterator[list[Neighbour]]:
    """Neighbours in one room who have not heard of each other."""
    async with neighbours(*peers, server=server) as present:
        for neighbour in present:
            assert await neighbour.seat.connect(ROOM) == []
        yield present


def one_offers(*told: SignalingEvent) -> bool:
    return PeerFound in map(type, told)


# --- with each other


async def test_two_neighbours_meet_talk_and_part_without_a_server() -> None:
    async with sitting(ANA, BEN) as (ana, ben):
        ana.meets(ben)
        assert one_offers(await ana.next(), await ben.next())
        ben.seat.relay(ANA, {"kind": "offer"})
        await ana.hears(Relayed(BEN, {"kind": "offer"}))
        ana.seat.relay(BEN, {"kind": "answer"})
        await ben.hears(Relayed(ANA, {"kind": "answer"}))
        await ben.hears_nothing(0.5)
        await ben.close()
        assert isinstance(await ana.next(), PeerLeft)
        await ana.hears_nothing(0.3)


@pytest.mark.parametrize(("hearing", "silent"), [(ANA, BEN), (BEN, ANA)])
async def test_it_is_enough_when_one_of_two_can_be_reached(hearing: str, silent: str) -> None:
    async with sitting(hearing, silent) as (one, other):
        one.network.hears(other.network.service)
        await one.hears(PeerFound(silent))
        await other.hears(PeerJoined(hearing))
        one.seat.relay(silent, 1)
        await other.hears(Relayed(hearing, 1))
        other.seat.relay(hearing, 2)
        await one.hears(Relayed(silent, 2))


async def test_who_comes_to_the_room_later_is_met_at_once() -> None:
    async with neighbours(ANA, BEN, EVA) as (ana, ben, eva):
        for neighbour in (ana, ben, eva):
            await neighbour.network.start()
        for one, other in ((ana, ben), (ana, eva), (ben, eva)):
            one.meets(other)
        await ana.seat.connect(ROOM)
        await eva.seat.connect("another room")
        await ben.seat.connect(ROOM)
        assert one_offers(await ana.next(), await ben.next())
        await eva.hears_nothing(0.3)


async def test_addresses_that_lead_nowhere_cost_little_time() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.2", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        # With its backlog full it drops what comes, as the address of another network does.
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.2", port))
        async with listening("127.0.0.1", port, ServerLimits()) as url, users(url, BEN) as (ben,):
            await ben.client.connect(hub_room(ROOM, BEN))
            async with sitting(ANA) as (ana,):
                begun = time.monotonic()
                ana.network.hears(Service(BEN, ("127.0.0.2", "127.0.0.1"), port))
                await ana.hears(PeerFound(BEN))
                print(f"met after {time.monotonic() - begun:.2f} s, behind one dead address")
                assert time.monotonic() - begun < 2.0
        for filler in fillers:
            filler.close()


async def test_who_is_lost_is_gone_and_who_is_elsewhere_is_found_again() -> None:
    async with sitting(ANA) as (ana,):
        async with listening("127.0.0.1", 0, ServerLimits()) as url, users(url, BEN) as (ben,):
            await ben.client.connect(hub_room(ROOM, BEN))
            ana.network.hears(service_at(url, BEN))
            await ana.hears(PeerFound(BEN))
            await ben.client.close()
            await ana.hears(PeerLeft(BEN, "left"))
        async with listening("127.0.0.1", 0, ServerLimits()) as url, users(url, BEN) as (ben,):
            await ben.client.connect(hub_room(ROOM, BEN))
            ana.network.hears(service_at(url, BEN))
            await ana.hears(PeerFound(BEN))
        assert await ana.next() in (PeerLeft(BEN, "left"), PeerLeft(BEN, "lost"))


async def test_an_announcement_that_is_taken_back_ends_no_seat() -> None:
    async with sitting(ANA, BEN) as (ana, ben):
        ana.meets(ben)
        await ana.next()
        await ben.next()
        ana.network.hears_no_more(BEN)
        ben.network.hears_no_more(ANA)
        ana.seat.relay(BEN, "still here")
        await ben.hears(Relayed(ANA, "still here"))
        await ana.hears_nothing(0.3)


def test_a_hub_does_not_learn_the_name_of_a_room() -> None:
    assert hub_room("book club", ANA) == hub_room("book club", BEN) != hub_room("book clubs", ANA)
    assert "book" not in hub_room("book club", ANA)


def test_a_room_with_a_secret_is_called_something_else_at_each_hub() -> None:
    assert hub_room("sealed-abc", ANA) == hub_room("sealed-abc", ANA) != hub_room("sealed-abc", BEN)
    assert hub_room("sealed-abc", ANA) != hub_room("sealed-abd", ANA)
    assert hub_room("sealed-abc", ANA).startswith("sealed-")
    assert "abc" not in hub_room("sealed-abc", ANA)


# --- with a server as well


async def test_who_is_at_the_server_and_near_is_one_peer() -> None:
    async with listening("127.0.0.1", 0, ServerLimits()) as url, neighbours(ANA, BEN, server=url) as (ana, ben):
        assert await ana.seat.connect(ROOM) == []
        assert await ben.seat.connect(ROOM) == [ANA]
        await ana.hears(PeerJoined(BEN))
        ana.meets(ben)
        ben.seat.relay(ANA, "once")
        await ana.hears(Relayed(BEN, "once"))
        await ana.hears_nothing(0.5)
        await ben.hears_nothing(0.1)


async def test_without_the_server_neighbours_meet_and_with_it_others_come() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with neighbours(ANA, BEN, server=url) as (ana, ben):
        assert await ana.seat.connect(ROOM) == []
        assert await ben.seat.connect(ROOM) == []
        for neighbour in (ana, ben):
            told = await neighbour.next()
            assert isinstance(told, Offline)
            assert "nothing listens there" in told.reason
        ana.meets(ben)
        assert one_offers(await ana.next(), await ben.next())
        ana.seat.relay(BEN, "no server")
        await ben.hears(Relayed(ANA, "no server"))
        async with listening("127.0.0.1", port, ServerLimits()):
            assert await ana.next() == Online((BEN,))
            async with users(url, EVA) as (eva,):
                await eva.client.connect(ROOM)
                await ana.hears(PeerJoined(EVA))
        while not isinstance(told := await ana.next(), Offline):
            assert told != PeerLeft(BEN, "left")
        ana.seat.relay(BEN, "no server again")
        while (event := await ben.next()) != Relayed(ANA, "no server again"):
            assert not (isinstance(event, PeerLeft) and event.peer == ANA)


async def test_a_server_that_takes_its_time_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan, "SERVER_PATIENCE_SECONDS", 0.1)

    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with plain_server(slow) as url, neighbours(ANA, BEN, server=url) as (ana, ben):
        await ana.seat.connect(ROOM)
        await ben.seat.connect(ROOM)
        ana.meets(ben)
        assert one_offers(await ana.next(), await ben.next())


async def test_a_server_that_says_no_is_heard() -> None:
    async with listening("127.0.0.1", 0, ServerLimits(room_peers=2)) as url, users(url, EVA, BEN) as (eva, ben):
        await eva.client.connect(ROOM)
        await ben.client.connect(ROOM)
        async with neighbours(ANA, server=url) as (ana,):
            with pytest.raises(ServerRefused, match="full"):
                await ana.seat.connect(ROOM)


async def test_without_any_network_it_is_said_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async with neighbours(ANA) as (ana,):

        async def no_network() -> None:
            raise ServerUnreachable("the local network cannot be used: network is unreachable")

        monkeypatch.setattr(ana.network, "start", no_network)
        with pytest.raises(ServerUnreachable, match="local network"):
            await ana.seat.connect(ROOM)


async def test_who_has_lost_the_server_is_away_while_no_other_way_leads_there() -> None:
    go_on = asyncio.Event()

    async def script(websocket: web.WebSocketResponse) -> None:
        await say(websocket, Welcome(1, LIMITS.told()))
        await websocket.receive()
        await say(websocket, Joined("lobby", [BEN]), Away(BEN))
        await go_on.wait()
        await say(websocket, Back(BEN))
        await listen(websocket)

    async with scripted_server(script) as url, neighbours(ANA, server=url) as (ana,), neighbours(BEN) as (ben,):
        assert await ana.seat.connect(ROOM) == [BEN]
        await ana.hears(PeerAway(BEN))
        await ben.seat.connect(ROOM)
        ana.network.hears(ben.network.service)
        await ana.hears(PeerBack(BEN))
        await ben.close()
        await ana.hears(PeerAway(BEN))
        go_on.set()
        await ana.hears(PeerBack(BEN))
        await ana.hears_nothing(0.1)


# --- with those who mean no good


async def test_a_hub_that_lies_speaks_for_itself_alone() -> None:
    heard: list[str] = []

    async def lie(websocket: web.WebSocketResponse) -> None:
        await say(websocket, Welcome(1, LIMITS.told()))
        join = decode_from_client((await websocket.receive()).data)
        assert isinstance(join, Join)
        heard.append(join.room)
        await say(websocket, Joined("another room", [ANA, BEN]))
        await say(websocket, Announced(BEN), Passed(BEN, "I am Ben"), Announced(EVA), Passed(EVA, "I am Eva"))
        await listen(websocket)

    async with scripted_server(lie) as url, sitting(ANA, BEN) as (ana, ben):
        ana.network.hears(service_at(url, EVA))
        await ana.hears(PeerJoined(EVA), Relayed(EVA, "I am Eva"))
        await ana.hears_nothing(0.3)
        ana.meets(ben)
        assert one_offers(await ana.next(), await ben.next())
        assert heard == [hub_room(ROOM, BEN)]


async def test_somebody_in_anothers_seat_at_our_hub_keeps_the_other_from_nothing() -> None:
    async with sitting(ANA, BEN) as (ana, ben), users(f"http://127.0.0.1:{ana.network.port}", BEN) as (thief,):
        await thief.client.connect(hub_room(ROOM, BEN))
        await ana.hears(PeerJoined(BEN))
        ana.meets(ben)
        await ben.hears(PeerJoined(ANA))
        ana.seat.relay(BEN, "for Ben")
        await ben.hears(Relayed(ANA, "for Ben"))
        ben.seat.relay(ANA, "from Ben")
        await ana.hears(Relayed(BEN, "from Ben"))


async def test_hubs_that_are_none_do_no_harm() -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        return web.Response(text="a printer")

    async def hang_up(websocket: web.WebSocketResponse) -> None:
        await websocket.close()

    async def babble(websocket: web.WebSocketResponse) -> None:
        await say(websocket, *["\x1b[2J" * 100] * 1000)

    async with (
        plain_server(page) as printer,
        scripted_server(hang_up, babble) as babbler,
        sitting(ANA, BEN) as (ana, ben),
    ):
        ana.network.hears(service_at(printer, "printerr"))
        ana.network.hears(service_at(babbler, "babblerr"))
        ana.network.hears(Service("nobodyyy", ("127.0.0.1",), 1))
        ana.meets(ben)
        assert one_offers(await ana.next(), await ben.next())
        await ana.hears_nothing(0.5)


async def test_a_hub_that_floods_is_left() -> None:
    async def flood(websocket: web.WebSocketResponse) -> None:
        await say(websocket, Welcome(1, LIMITS.told()))
        await websocket.receive()
        await say(websocket, Joined(hub_room(ROOM, BEN), [EVA]))
        while not websocket.closed:
            await say(websocket, *[Passed(EVA, "x" * 1000)] * 20)

    async with scripted_server(flood) as url, sitting(ANA, BEN) as (ana, ben):
        ana.network.hears(service_at(url, EVA))
        await ana.hears(PeerFound(EVA))
        told = 0
        while (event := await ana.next()) != PeerLeft(EVA, "lost"):
            assert event == Relayed(EVA, "x" * 1000)
            told += 1
        assert told <= lan.HUB_MESSAGE_BURST + 10 * lan.HUB_MESSAGES_PER_SECOND
        ana.meets(ben)
        assert one_offers(await ana.next(), await ben.next())


async def test_inventions_that_are_no_longer_announced_keep_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan, "WAYS", 5)
    monkeypatch.setattr(lan, "HUB_RETRY_SECONDS", (0.05, 3600.0))
    inventions = [f"nobody{letter}{letter}" for letter in "abcdefgh"]
    async with sitting(ANA, BEN) as (ana, ben):
        for peer in inventions:
            ana.network.hears(Service(peer, ("127.0.0.1",), 1))
        await ana.hears_nothing(0.5)  # each was tried by then, and rests
        for peer in inventions:
            ana.network.hears_no_more(peer)
        ana.network.hears(ben.network.service)
        await ana.hears(PeerFound(BEN))


async def test_who_has_just_come_does_not_wait_behind_a_crowd_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lan, "DIAL_SECONDS", 3600.0)
    monkeypatch.setattr(lan, "CROWDED_DIAL_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        async with sitting(ANA, BEN) as (ana, ben):
            ana.network.first_dials = asyncio.Semaphore(20)
            ana.network.dialling = asyncio.Semaphore(1)
            for number in range(lan.CROWD + 20):
                peer = "".join("abcdefghijklmnop"[(number >> shift) & 15] for shift in (0, 4)) + "zzzzzz"
                addresses = ("127.0.0.1", f"127.0.1.{number}")  # so that it is not too much of one machine
                ana.network.services.add(Service(peer, addresses, silent.getsockname()[1]))
            ana.network.hears(ben.network.service)
            await ana.hears(PeerFound(BEN))
