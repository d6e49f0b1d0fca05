"""Coming in over HTTP: an offer is posted, a peer answers, and the hub has seen one more client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from p2pchat.protocol.limits import SDP_BYTES
from p2pchat.protocol.signaling import Hello, Join, Joined, PeerJoined, PeerLeft, Pong, Relay, Relayed, Welcome
from signaling_server.app import listening
from signaling_server.deployment import Deployment
from signaling_server.http_offer import SDP_CHARACTERS, with_candidates
from signaling_server.limits import ServerLimits
from signaling_server.tokens import Tokens
from tests.server.raw_client import PATIENCE, RawClient, clients

ANA, BEN = "anaanaaa", "benbenbb"
LIMITS = ServerLimits()
SDP = {"Content-Type": "application/sdp"}
OFFER = "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
ANSWER = OFFER + "a=end-of-candidates\r\n"
TOKEN = "a-token-of-the-environment"


@asynccontextmanager
async def serving(
    limits: ServerLimits = LIMITS, deployment: Deployment | None = None
) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    async with listening("127.0.0.1", 0, limits, deployment) as url, aiohttp.ClientSession(url) as session:
        yield url, session


async def hears_offer(peer: RawClient) -> tuple[str, Any]:
    """Reads on to the next relayed message."""
    while not isinstance(message := await peer.next(), Relayed):
        pass
    return message.sender, message.body


async def answers(peer: RawClient, sdp: str = ANSWER, **body: Any) -> str:
    """Answers the next offer; returns who made it."""
    caller, offer = await hears_offer(peer)
    assert offer == {"generation": 1, "kind": "offer", "sdp": OFFER}
    await peer.say(Relay(caller, {"generation": 1, "kind": "answer", "sdp": sdp} | body))
    return caller


async def test_an_offer_is_answered_by_the_peer_that_waits_longest_and_keeps_its_seat_until_it_is_deleted() -> None:
    async with serving() as (url, http), clients(url, 2) as (ana, ben):
        await ana.sit_down(ANA)
        await ben.sit_down(BEN)
        await ana.hears(PeerJoined(BEN))
        posted = asyncio.create_task(http.post("/v1/rooms/lobby/offer", data=OFFER, headers=SDP))
        caller = await answers(ana)
        response = await posted
        assert (response.status, response.content_type, await response.text()) == (201, "application/sdp", ANSWER)
        await ben.hears(PeerJoined(caller))
        location = response.headers["Location"]
        assert location.startswith("/v1/rooms/lobby/offer/")
        await ana.is_served()
        assert (await http.delete(location)).status == 200
        await ben.hears(PeerLeft(caller, "left"))
        assert (await http.delete(location)).status == 404


async def test_an_offer_may_be_for_one_peer_and_others_are_told_that_it_is_not_for_them() -> None:
    async with serving() as (url, http), clients(url, 2) as (ana, ben):
        await ana.sit_down(ANA)
        await ben.sit_down(BEN)
        posted = asyncio.create_task(http.post(f"/v1/rooms/lobby/offer?peer={BEN}", data=OFFER, headers=SDP))
        caller, _ = await hears_offer(ben)
        await ana.say(Relay(caller, {"generation": 4, "kind": "offer", "sdp": OFFER}))
        _, body = await hears_offer(ana)
        assert (body["kind"], body["generation"]) == ("refuse", 4)
        await ben.say(Relay(caller, {"generation": 1, "kind": "answer", "sdp": ANSWER}))
        assert (await posted).status == 201


async def test_candidates_that_come_after_the_answer_are_in_it() -> None:
    async with serving() as (url, http), clients(url, 1) as (ana,):
        await ana.sit_down(ANA)
        posted = asyncio.create_task(http.post("/v1/rooms/lobby/offer", data=OFFER, headers=SDP))
        caller = await answers(ana, OFFER)
        for candidates in (["candidate:1 1 udp 1 192.0.2.1 1 typ srflx", "evil\r\na=x"], []):
            await ana.say(Relay(caller, {"generation": 1, "kind": "candidates", "candidates": candidates}))
        assert await (await posted).text() == OFFER + "a=candidate:1 1 udp 1 192.0.2.1 1 typ srflx\r\n"


def test_candidates_belong_into_the_first_section() -> None:
    assert with_candidates("v=0\r\nm=a\r\nm=b\r\n", ["candidate:1"]) == "v=0\r\nm=a\r\na=candidate:1\r\nm=b\r\n"


async def test_two_steps_for_what_only_the_peers_can_read() -> None:
    async with serving() as (url, http), clients(url, 1) as (ana,):
        await ana.sit_down(ANA)
        taken = await http.post("/v1/rooms/lobby/offer", json={})
        seat = await taken.json()
        assert (taken.status, seat["peers"]) == (201, [ANA])
        location = taken.headers["Location"]
        asked = asyncio.create_task(http.post(f"{location}?peer={ANA}", json={"sealed": "c2Vj", "generation": 1}))
        assert await hears_offer(ana) == (seat["peer"], {"sealed": "c2Vj", "generation": 1})
        again = await http.post(f"{location}?peer={ANA}", json={})
        assert again.status == 409
        for sealed in ("b25l", "dHdv"):
            await ana.say(Relay(seat["peer"], {"sealed": sealed, "generation": 1}))
        assert [body["sealed"] for body in await (await asked).json()] == ["b25l", "dHdv"]
        assert (await http.post(f"{location}?peer={BEN}", json={})).status == 404
        assert (await http.post(f"{location}?peer=nonsense!", json={})).status == 400
        assert (await http.post(location, data=OFFER, headers=SDP)).status == 415
        await http.delete(location)
        assert (await http.post(f"{location}?peer={ANA}", json={})).status == 404


@pytest.mark.parametrize(
    ("path", "data", "kind", "status"),
    [
        ("lobby", OFFER, "application/sdp", 404),
        ("lobby", OFFER, "text/plain", 415),
        ("lobby", "x", "application/sdp", 400),
        ("lobby", b"v=0\xff", "application/sdp", 400),
        ("lobby", "[1]", "application/json", 400),
        ("lobby", "[" * 50_000, "application/json", 400),
        ("lobby", "v=0" + "x" * SDP_CHARACTERS, "application/sdp", 413),
        ("lobby", "v=0" + "x" * 1_000_000, "application/sdp", 413),
        ("x" * 65, OFFER, "application/sdp", 400),
        ("a%0Ab", OFFER, "application/sdp", 400),
    ],
)
async def test_what_cannot_be_passed_on_is_refused(path: str, data: str | bytes, kind: str, status: int) -> None:
    async with serving() as (_, http):
        response = await http.post(f"/v1/rooms/{path}/offer", data=data, headers={"Content-Type": kind})
        assert response.status == status


async def test_a_refusal_a_silence_and_a_peer_that_leaves() -> None:
    async with serving(replace(LIMITS, http_offer_seconds=1.0)) as (url, http), clients(url, 1) as (ana,):
        await ana.sit_down(ANA)
        posted = asyncio.create_task(http.post("/v1/rooms/lobby/offer", data=OFFER, headers=SDP))
        caller, _ = await hears_offer(ana)
        await ana.say(Relay(caller, {"generation": 1, "kind": "refuse", "reason": "busy"}))
        response = await posted
        assert (response.status, response.headers["Retry-After"]) == (409, "5")
        await ana.hears(PeerLeft(caller, "left"))
        assert (await http.post("/v1/rooms/lobby/offer", data=OFFER, headers=SDP)).status == 504
        posted = asyncio.create_task(http.post("/v1/rooms/lobby/offer", data=OFFER, headers=SDP))
        await hears_offer(ana)
        await ana.say('{"type":"leave"}')
        assert (await posted).status == 404


async def test_an_offer_is_not_for_another_who_has_come_over_http() -> None:
    async with serving() as (url, http), clients(url, 1) as (ana,):
        await http.post("/v1/rooms/lobby/offer", json={})
        assert (await http.post("/v1/rooms/lobby/offer", data=OFFER, headers=SDP)).status == 404
        await ana.sit_down(ANA)
        posted = asyncio.create_task(http.post("/v1/rooms/lobby/offer", data=OFFER, headers=SDP))
        await answers(ana)
        assert (await posted).status == 201


async def test_who_offers_without_end_to_a_caller_does_not_use_up_what_it_has_to_say() -> None:
    async with serving() as (url, http), clients(url, 2) as (ana, ben):
        await ana.sit_down(ANA)
        taken = await http.post("/v1/rooms/lobby/offer", json={})
        seat, location = (await taken.json())["peer"], taken.headers["Location"]
        await ben.sit_down(BEN)
        offers = [Relay(seat, {"kind": "offer", "generation": number}) for number in range(50)]
        await ana.say(*offers)
        await ben.say(*offers)
        for peer in (ana, ben):
            await peer.say('{"type":"ping","n":9}')
            while await peer.next() != Pong(9):
                pass
        asked = asyncio.create_task(http.post(f"{location}?peer={ANA}", json={"sealed": "c2Vj"}))
        while (await hears_offer(ana))[1] != {"sealed": "c2Vj"}:
            pass
        await ana.say(Relay(seat, {"sealed": "b25l"}))
        assert (await asked).status == 200


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async with serving(replace(LIMITS, http_offer_seconds=0.2)) as (_, http):

        async def nothing() -> AsyncIterator[bytes]:
            yield b"v=0"
            await asyncio.sleep(PATIENCE)

        posted = http.post("/v1/rooms/lobby/offer", data=nothing(), headers=SDP)
        assert (await asyncio.wait_for(posted, PATIENCE)).status == 408


async def test_a_full_room_a_full_server_and_too_many_joins() -> None:
    limits = replace(LIMITS, room_peers=2, http_seats=1, joins_per_minute=4)
    async with serving(limits) as (url, http), clients(url, 2) as (ana, ben):
        await ana.sit_down(ANA, "red")
        taken = await http.post("/v1/rooms/red/offer", json={})
        assert taken.status == 201
        response = await http.post("/v1/rooms/blue/offer", json={})
        assert (response.status, response.headers["Retry-After"]) == (503, "30")
        await http.delete(taken.headers["Location"])
        await ben.sit_down(BEN, "red")
        response = await http.post("/v1/rooms/red/offer", json={})
        assert (response.status, response.headers["Retry-After"]) == (409, "30")
        response = await http.post("/v1/rooms/red/offer", json={})
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 0


async def test_the_seat_ends_with_its_time_and_with_the_server() -> None:
    async with clients_and_server(replace(LIMITS, http_seat_seconds=0.2)) as (ana, http):
        taken = await http.post("/v1/rooms/lobby/offer", json={})
        caller = (await taken.json())["peer"]
        await ana.hears(PeerJoined(caller), PeerLeft(caller, "left"))
        assert (await http.delete(taken.headers["Location"])).status == 404
    async with clients_and_server(LIMITS) as (ana, http):
        assert (await http.post("/v1/rooms/lobby/offer", json={})).status == 201
        waiting = asyncio.create_task(http.post("/v1/rooms/lobby/offer", data=OFFER, headers=SDP))
        await hears_offer(ana)
    with pytest.raises(aiohttp.ClientError):
        await waiting


@asynccontextmanager
async def clients_and_server(limits: ServerLimits) -> AsyncIterator[tuple[RawClient, aiohttp.ClientSession]]:
    async with serving(limits) as (url, http), clients(url, 1) as (ana,):
        await ana.sit_down(ANA)
        yield ana, http


async def test_the_token_of_the_server_is_needed_here_too() -> None:
    deployment = Deployment(tokens=Tokens(None, [TOKEN]))
    async with serving(deployment=deployment) as (url, http), clients(url, 1) as (ana,):
        await ana.say(Hello(1, ANA, ANA * 2, token=TOKEN), Join("lobby"))
        assert isinstance(await ana.next(), Welcome)
        await ana.hears(Joined("lobby", []))
        response = await http.post("/v1/rooms/lobby/offer", json={})
        assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
        response = await http.post("/v1/rooms/lobby/offer", json={}, headers={"Authorization": f"Bearer {TOKEN}"})
        assert response.status == 201
        async with asyncio.timeout(PATIENCE):
            assert isinstance(await ana.next(), PeerJoined)


def test_the_longest_description_is_what_peers_take() -> None:
    assert SDP_CHARACTERS == SDP_BYTES
