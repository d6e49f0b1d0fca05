"""Whatever the server does with the messages, nobody is taken for somebody else, and everybody hears why it failed."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from p2pchat.node.events import MessageReceived, PeerChanged, PeerState, Problem, ServerChanged
from p2pchat.protocol import limits
from p2pchat.protocol import signaling as wire
from p2pchat.rtc.link import Link
from tests.node.player import on_guarded_loop
from tests.trust.malicious_server import (
    ForgeSender,
    MaliciousServer,
    OldOffer,
    Reorder,
    Replay,
    Trick,
    drop,
    duplicate,
    garbage,
    reflect,
    swap_fingerprints,
)
from tests.trust.stage import Meeting, acquaint, first, nobody_is_fooled, second

PREVENTING: list[Callable[[], Trick]] = [lambda: swap_fingerprints, lambda: drop, lambda: reflect, OldOffer]


@pytest.mark.parametrize("trick", PREVENTING, ids=["swapped fingerprints", "drop", "reflect", "old offer"])
@pytest.mark.parametrize("meeting", list(Meeting), ids=lambda meeting: meeting.value)
@pytest.mark.usefixtures("impatient")
@on_guarded_loop
async def test_a_server_that_tampers_gets_no_link_and_both_hear_why(
    tmp_path: Path, meeting: Meeting, trick: Callable[[], Trick]
) -> None:
    acquaint(tmp_path, "ana", "ben")
    async with (
        MaliciousServer(trick()) as server,
        first(meeting, server.url, tmp_path) as ana,
        await second(meeting, ana, server.url, tmp_path) as ben,
    ):
        await ana.until_settled()
        await ben.until_settled()
        nobody_is_fooled(tmp_path, [ana, ben])
        assert ana.connections() == ben.connections() == []


@pytest.mark.parametrize("trick", [lambda: duplicate, Replay], ids=["duplicate", "replay"])
@pytest.mark.parametrize("meeting", [Meeting.OPEN, Meeting.SECRET], ids=lambda meeting: meeting.value)
@on_guarded_loop
async def test_a_server_that_repeats_connects_the_right_two(
    tmp_path: Path, meeting: Meeting, trick: Callable[[], Trick]
) -> None:
    acquaint(tmp_path, "ana", "ben")
    async with (
        MaliciousServer(trick()) as server,
        first(meeting, server.url, tmp_path) as ana,
        await second(meeting, ana, server.url, tmp_path) as ben,
    ):
        for party, other in ((ana, "ben"), (ben, "ana")):
            assert (await party.until_peer(PeerState.CONNECTED)).info.name == other
        await ana.node.say(ana.conversation, "once")
        assert (await ben.until(MessageReceived)).text == "once"
        nobody_is_fooled(tmp_path, [ana, ben])


@pytest.mark.parametrize(
    ("meeting", "trick"),
    [*((meeting, Reorder) for meeting in Meeting), (Meeting.CODE, lambda: duplicate), (Meeting.CODE, Replay)],
    ids=["open room", "room with a secret", "code", "code, duplicate", "code, replay"],
)
@pytest.mark.usefixtures("impatient")
@on_guarded_loop
async def test_a_server_that_mixes_up_connects_the_right_two_or_nobody(
    tmp_path: Path, meeting: Meeting, trick: Callable[[], Trick]
) -> None:
    """A repeated or early message ends a pairing; a room may survive it."""
    acquaint(tmp_path, "ana", "ben")
    async with (
        MaliciousServer(trick()) as server,
        first(meeting, server.url, tmp_path) as ana,
        await second(meeting, ana, server.url, tmp_path) as ben,
    ):
        await ana.until_settled()
        await ben.until_settled()
        nobody_is_fooled(tmp_path, [ana, ben])
        assert {info.name for info in ana.connections()} <= {"ben"}
        assert {info.name for info in ben.connections()} <= {"ana"}


@pytest.mark.parametrize("meeting", list(Meeting), ids=lambda meeting: meeting.value)
@pytest.mark.usefixtures("impatient")
@on_guarded_loop
async def test_an_offer_under_another_name_of_the_server_reaches_nobody_else(tmp_path: Path, meeting: Meeting) -> None:
    acquaint(tmp_path, "ana", "ben")
    async with (
        MaliciousServer(ForgeSender("cydcydcy"), ghosts=("cydcydcy",)) as server,
        first(meeting, server.url, tmp_path) as ana,
    ):
        await server.say(ana.peer_id, wire.PeerJoined("cydcydcy"))
        async with await second(meeting, ana, server.url, tmp_path) as ben:
            await ana.until_settled()
            await ben.until_settled()
            nobody_is_fooled(tmp_path, [ana, ben])


@pytest.mark.usefixtures("impatient")
@on_guarded_loop
async def test_a_server_that_plays_an_old_meeting_again_makes_nobody_appear(tmp_path: Path) -> None:
    acquaint(tmp_path, "ana", "ben")
    async with MaliciousServer() as server, first(Meeting.SECRET, server.url, tmp_path) as ana:
        async with await second(Meeting.SECRET, ana, server.url, tmp_path) as ben:
            await ana.until_peer(PeerState.CONNECTED)
            ben_id = ben.peer_id
        await ana.until_peer(PeerState.LEFT)
        before = len(ana.connections())
        await server.say(ana.peer_id, wire.PeerJoined(ben_id))
        for sender, to, body in list(server.seen):
            if to == ana.peer_id:
                await server.deliver(sender, to, body)
        assert (await ana.until_peer(PeerState.FAILED)).info.reason
        assert len(ana.connections()) == before


@pytest.mark.parametrize("meeting", list(Meeting), ids=lambda meeting: meeting.value)
@on_guarded_loop
async def test_nonsense_of_the_server_leaves_a_link_alone(tmp_path: Path, meeting: Meeting) -> None:
    acquaint(tmp_path, "ana", "ben")
    async with (
        MaliciousServer() as server,
        first(meeting, server.url, tmp_path) as ana,
        await second(meeting, ana, server.url, tmp_path) as ben,
    ):
        await ana.until_peer(PeerState.CONNECTED, "ben")
        await ben.until_peer(PeerState.CONNECTED, "ana")
        for message in garbage():
            await server.say(ana.peer_id, message)
        assert (await ana.until(ServerChanged, lambda event: not event.online)).reason
        await ben.node.say(ben.conversation, "unaffected")
        assert (await ana.until(MessageReceived)).text == "unaffected"
        nobody_is_fooled(tmp_path, [ana, ben])


@on_guarded_loop
async def test_a_server_cannot_introduce_somebody_to_herself(tmp_path: Path) -> None:
    """Two members that do not exist: what is for the one comes back from the other."""
    ghosts = ("xxxxxxxx", "yyyyyyyy")
    other = dict(zip(ghosts, reversed(ghosts), strict=True))
    async with (
        MaliciousServer(lambda sender, to, body: [(other[to], sender, body)], ghosts=ghosts[:1]) as server,
        first(Meeting.OPEN, server.url, tmp_path) as ana,
    ):
        await server.say(ana.peer_id, wire.PeerJoined(ghosts[1]))
        problem = await ana.until(Problem)
        assert problem.code == "reflected"
        assert ana.connections() == []


@on_guarded_loop
async def test_members_without_end_who_never_connect_are_not_remembered(tmp_path: Path) -> None:
    async with MaliciousServer() as server, first(Meeting.OPEN, server.url, tmp_path) as ana:
        for number in range(2000):
            ghost = base64.b32encode(number.to_bytes(5, "big")).decode().lower()
            await server.say(ana.peer_id, wire.PeerJoined(ghost))
            await server.say(ana.peer_id, wire.PeerLeft(ghost, "left"))
        await server.say(ana.peer_id, wire.PeerJoined("thelastt"))
        await ana.until(PeerChanged, lambda event: event.info.peer == "thelastt")
        assert [info.peer for info in await ana.node.peers(ana.conversation)] == ["thelastt"]


@on_guarded_loop
async def test_a_flood_of_offers_makes_a_bounded_number_of_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    class CountedLink(Link):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    async with (
        MaliciousServer() as server,
        first(Meeting.OPEN, server.url, tmp_path) as ana,
        await second(Meeting.OPEN, ana, server.url, tmp_path) as ben,
    ):
        await ana.until_peer(PeerState.CONNECTED, "ben")
        offer = next(body for _, to, body in server.seen if to == ana.peer_id and body["kind"] == "offer")
        monkeypatch.setattr("p2pchat.node.connector.Link", CountedLink)
        await server.say(ana.peer_id, wire.PeerJoined("mallorym"))
        began = time.monotonic()
        for generation in range(1, 301):
            await server.deliver("mallorym", ana.peer_id, {**offer, "generation": generation})
        await ben.node.say(ben.conversation, "unaffected")
        assert (await ana.until(MessageReceived)).text == "unaffected"
        seconds = time.monotonic() - began
        assert 0 < len(made) <= limits.SIGNAL_BURST + limits.SIGNALS_PER_SECOND * seconds + 1
