"""Nodes talk over real data channels, found through a real server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from p2pchat.errors import PeerUnreachable, UsageError
from p2pchat.node.events import (
    LineState,
    LiveTextChanged,
    MessageDelivered,
    MessageReceived,
    MessageSent,
    PeerChanged,
    PeerMeasured,
    PeerState,
    ServerChanged,
)
from tests.node.player import ROOM, Player, connected, on_guarded_loop
from tests.server_process import ServerProcess

HOSTILE = "\x1b]0;x\x07\x1b[2J \x9b31m \u202eevil\u2066 [red]markup[/] [@click=app.quit]x[/]"


@on_guarded_loop
async def test_a_message_arrives_once_and_is_confirmed(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        sent = await ana.node.say(ROOM, "Got the draft?")
        delivered = await ana.until(MessageDelivered)
        received = await ben.until(MessageReceived)
        assert (received.id, received.text, received.name) == (sent, "Got the draft?", "ana")
        assert delivered.id == sent
        assert [message.id for message in ana.all(MessageSent)] == [sent]
        await ana.until(PeerMeasured)
        assert len(ben.all(MessageReceived)) == 1


@on_guarded_loop
async def test_live_text_shows_each_state_and_ends_final(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        for text in ("hello wrld", "hello world"):
            await ana.node.set_live_text(ROOM, text)
            await ben.until(LiveTextChanged, lambda event, text=text: event.text == text)  # type: ignore[misc]
        sent = await ana.node.commit_live_text(ROOM)
        final = await ben.until(LiveTextChanged, lambda event: event.state is LineState.FINAL)
        await ana.until(MessageDelivered, lambda event: event.id == sent)
        assert final.text == "hello world"
        assert ben.all(MessageReceived) == []


@on_guarded_loop
async def test_three_peers_all_hear_each_other(signaling_server: str, tmp_path: Path) -> None:
    async with (
        Player("ana", signaling_server, tmp_path) as ana,
        Player("ben", signaling_server, tmp_path) as ben,
        Player("cyd", signaling_server, tmp_path) as cyd,
    ):
        everybody = (ana, ben, cyd)
        await connected(*everybody)
        for player in everybody:
            await player.node.say(ROOM, f"{player.name} is here")
        for player in everybody:
            for other in everybody:
                if other is not player:
                    await player.until(MessageReceived, lambda event, who=other: event.text == f"{who.name} is here")  # type: ignore[misc]
        assert all(len(player.all(MessageReceived)) == 2 for player in everybody)


@on_guarded_loop
async def test_what_is_said_to_an_empty_room_is_heard_by_the_first_who_comes(
    signaling_server: str, tmp_path: Path
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana:
        await ana.node.say(ROOM, "anybody?")
        assert not await ana.node.settle(0.0)
        async with Player("ben", signaling_server, tmp_path) as ben:
            assert (await ben.until(MessageReceived)).text == "anybody?"
            assert await ana.node.settle(20.0)


@on_guarded_loop
async def test_text_that_attacks_a_terminal_arrives_harmless(signaling_server: str, tmp_path: Path) -> None:
    async with (
        Player(HOSTILE[:60], signaling_server, tmp_path / "a") as ana,
        Player("ben", signaling_server, tmp_path / "b") as ben,
    ):
        await ben.until_peer(PeerState.CONNECTED)
        await ana.node.say(ROOM, HOSTILE)
        await ana.node.set_live_text(ROOM, HOSTILE)
        message = await ben.until(MessageReceived)
        line = await ben.until(LiveTextChanged)
        for shown in (message.text, message.name, line.text, line.name):
            assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066" for c in shown), shown
        assert "[red]markup[/]" in message.text


@on_guarded_loop
async def test_a_peer_that_leaves_is_told_as_left(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana:
        async with Player("ben", signaling_server, tmp_path) as ben:
            await connected(ana, ben)
        assert (await ana.until_peer(PeerState.LEFT)).info.reason == "left the conversation"
        with pytest.raises(PeerUnreachable):
            await ana.node.offer(ROOM, [tmp_path], "ben")


@on_guarded_loop
async def test_established_links_survive_the_server_and_newcomers_find_it_again(tmp_path: Path) -> None:
    with ServerProcess() as first:
        async with Player("ana", first.url, tmp_path) as ana, Player("ben", first.url, tmp_path) as ben:
            await connected(ana, ben)
            first.process.kill()
            await ana.until(ServerChanged, lambda event: not event.online)
            await ana.node.say(ROOM, "still there?")
            await ben.until(MessageReceived)
            with ServerProcess(first.port):
                for player in (ana, ben):
                    await player.until(ServerChanged, lambda event: event.online)
                async with Player("cyd", first.url, tmp_path) as cyd:
                    await connected(ana, ben, cyd)
            # The link between the two is still the one it was.
            changes = [event.info.state for event in ana.all(PeerChanged) if event.info.name == "ben"]
            assert changes == [PeerState.CONNECTED]


@on_guarded_loop
async def test_impossible_requests_are_refused_with_a_reason(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana:
        with pytest.raises(UsageError, match="empty"):
            await ana.node.say(ROOM, "  \n")
        with pytest.raises(UsageError, match="16000 are the most"):
            await ana.node.say(ROOM, "x" * 16_001)
        with pytest.raises(UsageError, match="joined already"):
            await ana.node.join(ROOM)
        with pytest.raises(UsageError, match="not joined"):
            await ana.node.say("elsewhere", "hi")
        with pytest.raises(UsageError, match="no transfer"):
            await ana.node.accept("nonsense")
        with pytest.raises(PeerUnreachable, match="nobody is connected"):
            await ana.node.offer(ROOM, [tmp_path])
        assert await ana.node.commit_live_text(ROOM) == ""


@on_guarded_loop
async def test_stopping_is_quick_while_a_peer_is_being_connected(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana:
        async with Player("ben", signaling_server, tmp_path):
            await ana.until(PeerChanged)
        await asyncio.wait_for(ana.node.leave(ROOM), 20.0)
