"""Several servers share rooms through a Redis: servers vanish, Redis goes and comes back, and all seats are kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest

from p2pchat.protocol.signaling import (
    Allocate,
    Allocated,
    Claim,
    ErrorCode,
    Join,
    Joined,
    Leave,
    PeerAway,
    PeerBack,
    PeerJoined,
    PeerLeft,
    Relay,
    Relayed,
)
from signaling_server.limits import ServerLimits
from tests.server.fellows import PATIENCE, Fellows, Person, Server, fellows
from tests.server.redis_process import RedisProcess, needs_redis

pytestmark = needs_redis

ANA, BEN, EVA, IDA = "anaanaaa", "benbenbb", "evaevaee", "idaidaid"
LIMITS = ServerLimits()


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    with RedisProcess() as process:
        yield process


@pytest.fixture
async def servers(redis: RedisProcess) -> AsyncIterator[Fellows]:
    async with fellows(LIMITS, redis.url) as opened:
        yield opened


async def seated(servers: Fellows, *peers: str) -> list[Person]:
    """Takes seats in the lobby, at each server in turn; everybody has heard of everybody."""
    people: list[Person] = []
    for peer in peers:
        person = await servers.person(peer, at=len(people))
        await person.sits(Join("lobby"))
        for other in people:
            await other.hears(PeerJoined(peer))
        people.append(person)
    return people


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def vanishes(server: Server) -> None:
    """The process is gone without a word."""
    task = server.backplane._task  # type: ignore[attr-defined]
    task.cancel()
    await asyncio.wait([task])


async def test_the_members_of_a_server_that_vanishes_are_away_and_come_back_through_another(servers: Fellows) -> None:
    ana, ben = await seated(servers, ANA, BEN)
    await vanishes(ana.server)
    await ben.hears(PeerAway(ANA))
    again = await servers.person(ANA, at=1)
    assert await again.sits(Join("lobby")) == Joined("lobby", [BEN])
    await ben.hears(PeerBack(ANA))
    await again.has_heard_all(ben)


async def test_who_is_quick_comes_back_before_anybody_has_noticed(servers: Fellows) -> None:
    ana, ben = await seated(servers, ANA, BEN)
    await vanishes(ana.server)
    again = await servers.person(ANA, at=1)
    assert await again.sits(Join("lobby")) == Joined("lobby", [BEN])
    await again.has_heard_all(ben)
    await ben.has_heard_all(again)


async def test_an_owner_of_a_mailbox_whose_server_vanishes_comes_back_through_another(servers: Fellows) -> None:
    ana = await servers.person(ANA, at=0)
    allocated = await ana.sits(Allocate())
    assert isinstance(allocated, Allocated)
    await vanishes(ana.server)
    again = await servers.person(ANA, at=1)
    shown = f"mailbox {allocated.mailbox}"
    assert await again.sits(Claim(allocated.mailbox)) == Joined(shown, [])
    ben = await servers.person(BEN, at=1)
    assert await ben.sits(Claim(allocated.mailbox)) == Joined(shown, [ANA])


async def test_who_is_there_takes_the_seat_back_when_another_server_took_its_server_for_gone(servers: Fellows) -> None:
    ana, ben = await seated(servers, ANA, BEN)
    gone = {ana.server.backplane.instance}
    await ben.server.backplane._abandon("lobby", gone)  # type: ignore[attr-defined]
    await ben.hears(PeerAway(ANA), PeerBack(ANA))
    await ana.has_heard_all(ben)


async def test_a_server_that_buries_many_says_meanwhile_that_it_is_alive(
    servers: Fellows, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, ben = await seated(servers, ANA, BEN)
    backplane = ben.server.backplane
    busy = asyncio.Event()

    async def without_end(*_: object) -> None:
        busy.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(backplane, "_abandon", without_end)
    await vanishes(ana.server)
    await asyncio.wait_for(busy.wait(), PATIENCE)
    redis = backplane._redis  # type: ignore[attr-defined]
    sign = f"p2pchat:1:instance:{backplane.instance}"
    await redis.pexpire(sign, 3000)
    async with asyncio.timeout(PATIENCE):
        while await redis.pttl(sign) <= 3000:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_server_that_stops_leaves_its_members_away(servers: Fellows) -> None:
    ana, ben = await seated(servers, ANA, BEN)
    ana.server.hub.shut_down()
    await ana.server.backplane.close()
    await ben.hears(PeerAway(ANA))


async def test_without_redis_members_of_one_server_go_on_and_new_ones_are_told_to_wait(
    servers: Fellows, redis: RedisProcess
) -> None:
    ana, _ben, eva = await seated(servers, ANA, BEN, EVA)  # ana and eva are at the same server
    redis.pause()
    late = await servers.person(IDA, at=0)
    late.says(Join("lobby"))
    wait = (await late.refused(ErrorCode.UNAVAILABLE)).retry_after
    assert wait is not None
    assert 1.0 <= wait <= 5.0
    assert not ana.server.backplane.is_ready
    late.says(Allocate())
    await late.refused(ErrorCode.UNAVAILABLE)
    ana.says(Relay(EVA, "still here"))
    await eva.hears(Relayed(ANA, "still here"))
    eva.says(Leave())
    await ana.hears(PeerLeft(EVA, "left"))
    redis.go_on()
    await until(lambda: all(server.backplane.is_ready for server in servers.servers))
    assert await late.sits(Join("lobby")) == Joined("lobby", [ANA, BEN])


async def test_what_happened_without_redis_is_made_up_for(servers: Fellows, redis: RedisProcess) -> None:
    ana, ben, eva = await seated(servers, ANA, BEN, EVA)
    redis.pause()
    late = await servers.person(IDA, at=0)
    late.says(Join("lobby"))
    await late.refused(ErrorCode.UNAVAILABLE)
    eva.goes()
    await ana.hears(PeerAway(EVA))
    redis.go_on()
    await ben.hears(PeerAway(EVA))
    again = await servers.person(EVA, at=1)
    await until(lambda: all(server.backplane.is_ready for server in servers.servers))
    await again.sits(Join("lobby"))
    await ana.hears(PeerBack(EVA))
    await ben.hears(PeerBack(EVA))


@pytest.mark.parametrize("restarted", [False, True], ids=["forgets", "restarts"])
async def test_a_redis_that_has_forgotten_everything_is_told_again_and_nobody_leaves(
    servers: Fellows, redis: RedisProcess, restarted: bool
) -> None:
    ana, ben = await seated(servers, ANA, BEN)
    ida = await servers.person(IDA, at=0)
    allocated = await ida.sits(Allocate())
    assert isinstance(allocated, Allocated)
    if restarted:
        redis.kill()
        redis.start()
    else:
        redis.forget_everything()
    eva = await servers.person(EVA, at=1)
    await until_seated(eva, "lobby", {ANA, BEN})
    for person in (ana, ben):
        while (heard := await person.next()) != PeerJoined(EVA):
            assert isinstance(heard, PeerAway | PeerBack), heard
    await until(lambda: all(server.backplane.is_ready for server in servers.servers))
    ana.says(Relay(BEN, "as before"))
    while (heard := await ben.next()) != Relayed(ANA, "as before"):
        assert isinstance(heard, PeerAway | PeerBack), heard
    gus = await servers.person("gusgusgg", at=1)
    assert await gus.sits(Claim(allocated.mailbox)) == Joined(f"mailbox {allocated.mailbox}", [IDA])


async def until_seated(person: Person, room: str, members: set[str]) -> None:
    """Comes again and again, until all who should be in the room are there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            person.says(Join(room))
            answer = await person.next()
            if isinstance(answer, Joined) and set(answer.peers) == members:
                return
            if isinstance(answer, Joined):
                person.says(Leave())
            await asyncio.sleep(0.2)
            while not person.server.inbox[person.socket].empty():
                await person.next()


async def test_rooms_of_servers_that_are_all_gone_are_gone_when_the_time_is_over(redis: RedisProcess) -> None:
    limits = replace(LIMITS, away_seconds=1.0, rooms=1)
    async with fellows(limits, redis.url) as first:
        ana = await first.person(ANA)
        await ana.sits(Join("red"))
        for server in first.servers:
            await vanishes(server)
    async with fellows(limits, redis.url) as second:
        ben = await second.person(BEN)
        async with asyncio.timeout(PATIENCE):
            while True:
                ben.says(Join("blue"))
                if isinstance(answer := await ben.next(), Joined):
                    break
                await asyncio.sleep(0.2)
        assert answer == Joined("blue", [])


async def test_a_room_that_makes_no_sense_begins_anew(servers: Fellows, redis: RedisProcess) -> None:
    backplane = servers.servers[0].backplane
    await backplane._redis.hset("p2pchat:1:room:lobby", mapping={"version": "7", "room": "no room"})  # type: ignore[attr-defined]
    await backplane._redis.publish(f"p2pchat:1:to:{backplane.instance}", "no notice")  # type: ignore[attr-defined]
    ana, ben = await seated(servers, ANA, BEN)
    await ana.has_heard_all(ben)
