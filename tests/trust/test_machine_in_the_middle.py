"""The server keeps two people apart, and somebody with keys of its own talks to both: what each of them can see of it.

ana <── links of its own ──> mallory as "ben"  ....  mallory as "ana" <── links of its own ──> ben
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from p2pchat.node.events import CodeChanged, MessageReceived, PeerState, Problem, Trust
from tests.node.player import ROOM, on_guarded_loop
from tests.trust.malicious_server import MAILBOX, MaliciousServer
from tests.trust.pipe import Pipe
from tests.trust.stage import (
    SECRET,
    Meeting,
    Party,
    acquaint,
    first,
    into_room,
    nobody_is_fooled,
    second,
    tag,
    with_code,
    with_new_code,
)

GUESS = f"{MAILBOX}-abandon-abandon-abandon"


async def in_between(stack: AsyncExitStack, server: MaliciousServer, folder: Path, secret: bytes = b"") -> list[Party]:
    """Ana, mallory as ben to her, ben, and mallory as ana to him: each pair in a room of its own."""
    names = [("ana", server.url, ""), ("ben", server.inside(0), "mallory")]
    names += [("ben", server.url, ""), ("ana", server.inside(1), "mallory")]
    guess = b"mallory's guess!" if secret else b""
    return [
        await stack.enter_async_context(Party(name, url, folder, into_room(guess if profile else secret), profile))
        for name, url, profile in names
    ]


@on_guarded_loop
async def test_strangers_in_an_open_room_see_different_safety_words(tmp_path: Path) -> None:
    async with MaliciousServer(apart=True) as server, AsyncExitStack() as stack:
        ana, false_ben, ben, false_ana = await in_between(stack, server, tmp_path)
        to_ben = (await ana.until_peer(PeerState.CONNECTED, "ben")).info
        to_ana = (await ben.until_peer(PeerState.CONNECTED, "ana")).info

        await ana.node.say(ROOM, "is that you?")
        overheard = (await false_ben.until(MessageReceived)).text
        await false_ana.node.say(ROOM, overheard)
        assert (await ben.until(MessageReceived)).text == "is that you?"

        assert len(to_ben.words) == len(to_ana.words) == 5
        assert to_ben.words != to_ana.words
        assert to_ben.trust is to_ana.trust is Trust.NEW
        assert to_ben.peer != tag(tmp_path, "ben")
        assert to_ana.peer != tag(tmp_path, "ana")


@on_guarded_loop
async def test_people_who_know_each_other_are_stopped_by_the_changed_key(tmp_path: Path) -> None:
    acquaint(tmp_path, "ana", "ben")
    async with MaliciousServer(apart=True) as server, AsyncExitStack() as stack:
        ana, false_ben, ben, false_ana = await in_between(stack, server, tmp_path)
        for victim in (ana, ben):
            problem = await victim.until(Problem)
            assert problem.code == "changed-key"
            assert problem.hint
            assert (await victim.until_peer(PeerState.FAILED)).info.reason == problem.message
            assert victim.connections() == []
        assert "your key is not the one" in (await false_ben.until_peer(PeerState.FAILED)).info.reason
        nobody_is_fooled(tmp_path, [ana, ben])
        del false_ana


@pytest.mark.usefixtures("impatient")
@on_guarded_loop
async def test_without_the_secret_of_a_room_there_is_no_way_in_between(tmp_path: Path) -> None:
    acquaint(tmp_path, "ana", "ben")
    async with MaliciousServer(apart=True, one_room=True) as server, AsyncExitStack() as stack:
        ana, false_ben, ben, false_ana = await in_between(stack, server, tmp_path, SECRET)
        for victim in (ana, ben):
            assert (await victim.until(Problem)).code == "forged-signal"
            await victim.until_peer(PeerState.FAILED)
            assert victim.connections() == []
        nobody_is_fooled(tmp_path, [ana, ben])
        assert false_ben.connections() == false_ana.connections() == []


@pytest.mark.usefixtures("impatient")
@on_guarded_loop
async def test_without_the_words_of_a_code_there_is_no_way_in_between(tmp_path: Path) -> None:
    acquaint(tmp_path, "ana", "ben")
    async with MaliciousServer(apart=True) as server, AsyncExitStack() as stack:
        ana = await stack.enter_async_context(Party("ana", server.url, tmp_path, with_new_code))
        code = (await ana.until(CodeChanged)).code
        await stack.enter_async_context(Party("ana", server.inside(1), tmp_path, with_new_code, "mallory"))
        await stack.enter_async_context(Party("ben", server.inside(0), tmp_path, with_code(GUESS), "mallory"))
        ben = await stack.enter_async_context(Party("ben", server.url, tmp_path, with_code(code)))
        for victim in (ana, ben):
            assert (await victim.until(Problem)).code == "wrong-code"
            assert victim.connections() == []
        renewed = await ana.until(CodeChanged, lambda event: event.reason != "")
        assert renewed.code != code
        assert not [body for _, _, body in server.seen if "sealed" in body or "sdp" in body]


@pytest.mark.usefixtures("impatient")
@on_guarded_loop
async def test_passing_the_handshake_on_does_not_help(tmp_path: Path) -> None:
    acquaint(tmp_path, "ana", "ben")
    pipe = Pipe()
    async with MaliciousServer(pipe) as server, first(Meeting.OPEN, server.url, tmp_path) as ana:
        pipe.server = server
        async with await second(Meeting.OPEN, ana, server.url, tmp_path) as ben:
            for victim in (ana, ben):
                reason = (await victim.until_peer(PeerState.FAILED)).info.reason
                assert "the peer's signature is not for this link" in reason
                assert victim.connections() == []
            assert pipe.carried >= 6  # commit, reveal and proof of each
            await pipe.close()


@pytest.mark.parametrize("meeting", [Meeting.OPEN, Meeting.SECRET], ids=lambda meeting: meeting.value)
@on_guarded_loop
async def test_a_third_one_whom_the_server_seats_is_nobody_whom_they_know(tmp_path: Path, meeting: Meeting) -> None:
    acquaint(tmp_path, "ana", "ben")
    async with (
        MaliciousServer(one_room=True) as server,
        first(meeting, server.url, tmp_path) as ana,
        await second(meeting, ana, server.url, tmp_path) as ben,
        Party("ben", server.inside(0), tmp_path, into_room(), "mallory") as mallory,
    ):
        await ana.until_peer(PeerState.CONNECTED, "ben")
        expected = "changed-key" if meeting is Meeting.OPEN else "forged-signal"
        assert (await ana.until(Problem)).code == expected
        await ana.node.say(ROOM, "for ben")
        assert (await ben.until(MessageReceived)).text == "for ben"
        nobody_is_fooled(tmp_path, [ana, ben])
        assert mallory.all(MessageReceived) == []
        assert {info.peer for info in ana.connections()} == {tag(tmp_path, "ben")}


@pytest.mark.usefixtures("impatient")
@on_guarded_loop
async def test_a_third_one_in_a_mailbox_gets_no_guess(tmp_path: Path) -> None:
    async with (
        MaliciousServer() as server,
        first(Meeting.CODE, server.url, tmp_path) as ana,
        await second(Meeting.CODE, ana, server.url, tmp_path) as ben,
        Party("ben", server.url, tmp_path, with_code(GUESS), "mallory") as mallory,
    ):
        await ana.until_peer(PeerState.CONNECTED, "ben")
        await ben.until_peer(PeerState.CONNECTED, "ana")
        assert await mallory.until(Problem)
        assert mallory.connections() == []
        assert {info.peer for info in ana.connections()} == {tag(tmp_path, "ben")}
