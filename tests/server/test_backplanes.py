"""What rooms do, wherever they are kept: the same conversations in the memory of one server and in a Redis of two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TypeAlias

import pytest

from p2pchat.protocol.signaling import (
    Allocate,
    Allocated,
    Claim,
    Error,
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
from tests.server.fellows import Fellows, Person, fellows
from tests.server.redis_process import RedisProcess, needs_redis

ANA, BEN, EVA = "anaanaaa", "benbenbb", "evaevaee"
LIMITS = ServerLimits()
Open: TypeAlias = Callable[..., AbstractAsyncContextManager[Fellows]]


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisProcess]:
    with RedisProcess() as process:
        yield process


@pytest.fixture(params=["memory", pytest.param("redis", marks=needs_redis)])
def open_servers(request: pytest.FixtureRequest) -> Open:
    url = ""
    if request.param == "redis":
        process: RedisProcess = request.getfixturevalue("redis")
        process.forget_everything()
        url = process.url
    return lambda limits=LIMITS: fellows(limits, url)


@pytest.fixture
async def servers(open_servers: Open) -> AsyncIterator[Fellows]:
    async with open_servers() as opened:
        yield opened


async def couple(servers: Fellows) -> tuple[Person, Person]:
    """Two in the lobby, at different servers where there are two."""
    ana, ben = await servers.person(ANA), await servers.person(BEN)
    await ana.sits(Join("lobby"))
    assert await ben.sits(Join("lobby")) == Joined("lobby", [ANA])
    await ana.hears(PeerJoined(BEN))
    return ana, ben


async def test_two_meet_talk_and_part(servers: Fellows) -> None:
    ana, ben = await couple(servers)
    ben.says(Relay(ANA, {"sdp": "äöü 😀"}))
    await ana.hears(Relayed(BEN, {"sdp": "äöü 😀"}))
    ana.says(Relay(BEN, 1))
    ana.says(Leave())
    await ben.hears(Relayed(ANA, 1), PeerLeft(ANA, "left"))


async def test_messages_arrive_in_their_order(servers: Fellows) -> None:
    ana, ben = await couple(servers)
    for number in range(50):
        ana.says(Relay(BEN, number))
    await ben.hears(*[Relayed(ANA, number) for number in range(50)])


async def test_rooms_do_not_hear_each_other(servers: Fellows) -> None:
    ana, ben = await servers.person(ANA), await servers.person(BEN)
    await ana.sits(Join("red"))
    await ben.sits(Join("blue"))
    ana.says(Relay(BEN, 1, id=7))
    assert (await ana.refused(ErrorCode.NO_SUCH_PEER)).id == 7
    ana.says(Leave())
    await ben.is_served()


async def test_who_is_lost_is_away_and_comes_back_to_the_same_seat(servers: Fellows) -> None:
    ana, ben = await couple(servers)
    ana.goes()
    await ben.hears(PeerAway(ANA))
    eva = await servers.person(EVA)
    assert await eva.sits(Join("lobby")) == Joined("lobby", [ANA, BEN], [ANA])
    await ben.hears(PeerJoined(EVA))
    again = await servers.person(ANA)
    assert await again.sits(Join("lobby")) == Joined("lobby", [BEN, EVA])
    await ben.hears(PeerBack(ANA))
    await eva.hears(PeerBack(ANA))
    await again.has_heard_all(ben)


async def test_who_stays_away_has_left_when_the_time_is_over(open_servers: Open) -> None:
    async with open_servers(replace(LIMITS, away_seconds=0.5)) as servers:
        ana, ben = await couple(servers)
        ana.goes()
        await ben.hears(PeerAway(ANA), PeerLeft(ANA, "lost"))
        another = await servers.person(ANA, "another key of 16+")
        assert await another.sits(Join("lobby")) == Joined("lobby", [BEN])


async def test_a_server_that_keeps_no_seats_frees_them_at_once(open_servers: Open) -> None:
    async with open_servers(replace(LIMITS, away_seconds=0)) as servers:
        ana, ben = await couple(servers)
        ana.goes()
        await ben.hears(PeerLeft(ANA, "lost"))


async def test_a_room_whose_members_are_all_away_makes_place_for_another(open_servers: Open) -> None:
    async with open_servers(replace(LIMITS, away_seconds=0.5, rooms=1)) as servers:
        ana, ben = await servers.person(ANA), await servers.person(BEN)
        await ana.sits(Join("red"))
        ben.says(Join("blue"))
        assert (await ben.refused(ErrorCode.TOO_MANY_ROOMS)).retry_after == LIMITS.full_retry_seconds
        ana.goes()
        assert await asyncio.wait_for(seat_in_the_end(ben, Join("blue")), 20) == Joined("blue", [])


async def seat_in_the_end(person: Person, request: Join) -> object:
    """What somebody hears who asks for a seat again and again, as often as a server allows."""
    while True:
        person.says(request)
        answer = await person.next()
        if not isinstance(answer, Error):
            return answer
        await asyncio.sleep(0.1)


async def test_what_is_sent_to_somebody_who_is_away_arrives_when_that_one_is_back(servers: Fellows) -> None:
    ana, ben = await couple(servers)
    ana.goes()
    await ben.hears(PeerAway(ANA))
    for number in range(LIMITS.kept_messages + 2):
        ben.says(Relay(ANA, number))
    again = await servers.person(ANA)
    await again.sits(Join("lobby"))
    await again.hears(*[Relayed(BEN, number) for number in range(2, LIMITS.kept_messages + 2)])
    await ben.hears(PeerBack(ANA))
    await again.has_heard_all(ben)


async def test_what_is_sent_to_somebody_who_does_not_come_back_is_given_up(open_servers: Open) -> None:
    async with open_servers(replace(LIMITS, away_seconds=0.5)) as servers:
        ana, ben = await couple(servers)
        ana.goes()
        await ben.hears(PeerAway(ANA))
        ben.says(Relay(ANA, "never mind"))
        await ben.hears(PeerLeft(ANA, "lost"))
        another = await servers.person(ANA)
        await another.sits(Join("lobby"))
        await ben.hears(PeerJoined(ANA))
        await another.has_heard_all(ben)


async def test_the_owner_takes_its_seat_over_and_nobody_notices(servers: Fellows) -> None:
    ana, ben = await couple(servers)
    again = await servers.person(ANA, at=1)
    assert await again.sits(Join("lobby")) == Joined("lobby", [BEN])
    await ana.refused(ErrorCode.REPLACED)
    await ana.hears(ErrorCode.REPLACED)
    await again.has_heard_all(ben)
    await ben.has_heard_all(again)


async def test_another_key_does_not_get_the_seat_also_while_its_owner_is_away(servers: Fellows) -> None:
    ana, ben = await couple(servers)
    thief = await servers.person(ANA, "not the key of ana")
    thief.says(Join("lobby"))
    await thief.refused(ErrorCode.PEER_ID_TAKEN)
    ana.goes()
    await ben.hears(PeerAway(ANA))
    thief.says(Join("lobby"))
    await thief.refused(ErrorCode.PEER_ID_TAKEN)


async def test_in_a_full_room_a_newcomer_gets_the_seat_of_who_is_away(open_servers: Open) -> None:
    async with open_servers(replace(LIMITS, room_peers=2)) as servers:
        ana, ben = await couple(servers)
        ben.goes()
        await ana.hears(PeerAway(BEN))
        eva = await servers.person(EVA)
        assert await eva.sits(Join("lobby")) == Joined("lobby", [ANA])
        await ana.hears(PeerLeft(BEN, "lost"), PeerJoined(EVA))
        late = await servers.person(BEN)
        late.says(Join("lobby"))
        assert (await late.refused(ErrorCode.ROOM_FULL)).retry_after == LIMITS.full_retry_seconds
        await ana.has_heard_all(eva)


async def test_who_is_away_comes_back_into_a_full_room(open_servers: Open) -> None:
    async with open_servers(replace(LIMITS, room_peers=2)) as servers:
        ana, ben = await couple(servers)
        ana.goes()
        await ben.hears(PeerAway(ANA))
        again = await servers.person(ANA)
        assert await again.sits(Join("lobby")) == Joined("lobby", [BEN])
        await ben.hears(PeerBack(ANA))


async def test_of_many_who_come_at_once_into_a_room_of_the_lost_as_many_get_seats_as_are_kept(
    open_servers: Open,
) -> None:
    async with open_servers(replace(LIMITS, room_peers=4)) as servers:
        ana, ben = await couple(servers)
        for peer in ("lostlost", "lastlast"):
            lost = await servers.person(peer)
            await lost.sits(Join("lobby"))
            lost.goes()
            for person in (ana, ben):
                await person.hears(PeerJoined(peer), PeerAway(peer))
        crowd = [await servers.person(f"peerpee{letter}") for letter in "abcdefgh"]
        for person in crowd:
            person.says(Join("lobby"))
        answers = [await first_answer(person) for person in crowd]
        assert sum(isinstance(answer, Joined) for answer in answers) == 2
        assert {answer.code for answer in answers if isinstance(answer, Error)} == {ErrorCode.ROOM_FULL}
        for person in (ana, ben):
            heard = [await person.next() for _ in range(4)]
            assert PeerLeft("lostlost", "lost") in heard
            assert PeerLeft("lastlast", "lost") in heard
            assert sum(isinstance(message, PeerJoined) for message in heard) == 2


async def test_of_many_who_come_at_once_exactly_as_many_get_seats_as_there_are(open_servers: Open) -> None:
    async with open_servers(replace(LIMITS, room_peers=8)) as servers:
        crowd = [await servers.person(f"peerpee{letter}") for letter in "abcdefghijklmnopqrst"]
        for person in crowd:
            person.says(Join("lobby"))
        answers = [await first_answer(person) for person in crowd]
        assert sum(isinstance(answer, Joined) for answer in answers) == 8
        refusals = {answer.code for answer in answers if isinstance(answer, Error)}
        assert refusals == {ErrorCode.ROOM_FULL}


async def first_answer(person: Person) -> object:
    """The answer to a request for a seat: what comes before anything about others."""
    return await person.next()


async def test_of_many_rooms_at_once_exactly_as_many_are_made_as_there_may_be(open_servers: Open) -> None:
    async with open_servers(replace(LIMITS, rooms=5)) as servers:
        crowd = [await servers.person(f"peerpee{letter}") for letter in "abcdefghijkl"]
        for person in crowd:
            person.says(Join(f"room of {person.peer}"))
        answers = [await first_answer(person) for person in crowd]
        assert sum(isinstance(answer, Joined) for answer in answers) == 5


async def test_of_two_who_want_one_peer_id_at_once_one_gets_it(servers: Fellows) -> None:
    first, second = await servers.person(ANA, "the key of the first"), await servers.person(ANA, "that of the second")
    first.says(Join("lobby"))
    second.says(Join("lobby"))
    answers = [await first_answer(first), await first_answer(second)]
    assert sorted(type(answer).__name__ for answer in answers) == ["Error", "Joined"]


async def test_a_seat_that_is_given_up_before_it_is_given_is_free_again(servers: Fellows) -> None:
    ana, ben = await couple(servers)
    hasty = await servers.person(EVA)
    hasty.says(Join("lobby"))
    hasty.goes()
    heard = [await ana.next(), await ana.next()]
    assert heard in ([PeerJoined(EVA), PeerAway(EVA)], [PeerJoined(EVA), PeerLeft(EVA, "lost")])
    await ben.hears(*heard)


# Mailboxes


async def mailbox(servers: Fellows) -> tuple[Person, int]:
    ana = await servers.person(ANA)
    allocated = await ana.sits(Allocate())
    assert isinstance(allocated, Allocated)
    return ana, allocated.mailbox


async def test_two_meet_in_a_mailbox_and_a_third_is_told_to_all(servers: Fellows) -> None:
    ana, number = await mailbox(servers)
    assert 1 <= number <= 9
    ben, eva = await servers.person(BEN), await servers.person(EVA)
    assert await ben.sits(Claim(number)) == Joined(f"mailbox {number}", [ANA])
    await ana.hears(PeerJoined(BEN))
    ben.says(Relay(ANA, "x"))
    await ana.hears(Relayed(BEN, "x"))
    eva.says(Claim(number))
    for person in (eva, ana, ben):
        await person.refused(ErrorCode.CROWDED)


async def test_a_number_leads_nowhere_before_and_after_its_mailbox(servers: Fellows) -> None:
    ben = await servers.person(BEN)
    ben.says(Claim(500))
    await ben.refused(ErrorCode.NO_SUCH_MAILBOX)
    ana, number = await mailbox(servers)
    ana.says(Leave())
    eva = await servers.person(EVA, at=ana.server is servers.servers[0])  # after ana, as told at her server
    await asyncio.wait_for(until_gone(eva, number), 20)


async def until_gone(person: Person, number: int) -> None:
    person.says(Claim(number))
    while not isinstance(answer := await person.next(), Error):
        person.says(Leave())
        person.says(Claim(number))
    assert answer.code == ErrorCode.NO_SUCH_MAILBOX


async def test_numbers_are_unique_also_when_many_are_wanted_at_once(servers: Fellows) -> None:
    crowd = [await servers.person(f"peerpee{letter}") for letter in "abcdefghijkl"]
    for person in crowd:
        person.says(Allocate())
    answers = [await first_answer(person) for person in crowd]
    numbers = [answer.mailbox for answer in answers if isinstance(answer, Allocated)]
    assert len(set(numbers)) == 12
    assert sum(number < 10 for number in numbers) == 9


async def test_a_number_rests_before_somebody_else_gets_it(servers: Fellows) -> None:
    seen = set()
    ana = await servers.person(ANA)
    for _ in range(4):
        allocated = await ana.sits(Allocate())
        assert isinstance(allocated, Allocated)
        seen.add(allocated.mailbox)
        ana.says(Leave())
    assert len(seen) == 4


async def test_an_owner_that_was_lost_comes_back_to_its_mailbox(servers: Fellows) -> None:
    ana, number = await mailbox(servers)
    ben = await servers.person(BEN)
    await ben.sits(Claim(number))
    ana.goes()
    await ben.hears(PeerAway(ANA))
    again = await servers.person(ANA)
    assert await again.sits(Claim(number)) == Joined(f"mailbox {number}", [BEN])
    await ben.hears(PeerBack(ANA))


async def test_a_mailbox_that_nobody_claims_is_gone_when_its_time_is_over(open_servers: Open) -> None:
    async with open_servers(replace(LIMITS, mailbox_seconds=0.5)) as servers:
        ana, number = await mailbox(servers)
        await ana.refused(ErrorCode.MAILBOX_EXPIRED)
        assert await ana.sits(Join("lobby")) == Joined("lobby", [])
        ben = await servers.person(BEN)
        ben.says(Claim(number))
        await ben.refused(ErrorCode.NO_SUCH_MAILBOX)


async def test_an_owner_that_does_not_come_back_loses_the_mailbox(open_servers: Open) -> None:
    limits = replace(LIMITS, away_seconds=0.3, mailbox_away_seconds=0.6)
    async with open_servers(limits) as servers:
        ana, number = await mailbox(servers)
        ben = await servers.person(BEN)
        await ben.sits(Claim(number))
        ana.goes()
        await ben.hears(PeerAway(ANA), PeerLeft(ANA, "lost"))
        again = await servers.person(ANA)
        await asyncio.wait_for(until_gone(again, number), 20)
