"""Live text between two nodes when its channel, its connection or a process is killed: marked, healed, not doubled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from p2pchat.node.events import LineState, LiveTextChanged, MessageDelivered, MessageReceived, PeerState
from p2pchat.rtc.channels import Channel
from p2pchat.rtc.link import Link
from tests.end_to_end.json_process import JsonProcess
from tests.end_to_end.json_process import connected as both_connected
from tests.node.player import ROOM, Player, connected, on_guarded_loop


def link_of(player: Player) -> Link:
    (peer,) = player.node._conversations[ROOM].peers.values()
    link = peer._connector._link
    assert link is not None
    return link


async def kill_channel(player: Player) -> None:
    link_of(player)._channels[Channel.TEXT].close()


async def kill_connection(player: Player) -> None:
    await link_of(player)._connection.close()


@pytest.mark.parametrize("kill", [kill_channel, kill_connection])
@pytest.mark.parametrize("victim", ["writer", "reader"])
@on_guarded_loop
async def test_a_line_goes_on_over_a_new_link_as_if_nothing_had_happened(
    signaling_server: str, tmp_path: Path, kill: Callable[[Player], Awaitable[None]], victim: str
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ana.node.set_live_text(ROOM, "hello wor")
        await ben.until(LiveTextChanged, lambda event: event.text == "hello wor")
        await kill(ana if victim == "writer" else ben)
        interrupted = await ben.until(LiveTextChanged, lambda event: event.state is LineState.INTERRUPTED)
        assert interrupted.text == "hello wor"
        await ana.node.set_live_text(ROOM, "hello world")
        healed = await ben.until(LiveTextChanged, lambda event: event.text == "hello world")
        assert healed.line == interrupted.line
        sent = await ana.node.commit_live_text(ROOM)
        await ana.until(MessageDelivered, lambda event: event.id == sent)
        final = await ben.until(LiveTextChanged, lambda event: event.state is LineState.FINAL)
        assert (final.line, final.text) == (interrupted.line, "hello world")
        assert ben.all(MessageReceived) == []
        assert not [event for event in ben.all(LiveTextChanged) if event.text.count("hello") > 1]


@on_guarded_loop
async def test_a_line_that_was_sent_while_there_was_no_link_is_shown_once(
    signaling_server: str, tmp_path: Path
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ana.node.set_live_text(ROOM, "on my w")
        await ben.until(LiveTextChanged, lambda event: event.text == "on my w")
        await kill_connection(ana)
        await ana.until_peer(PeerState.LOST)
        await ana.node.set_live_text(ROOM, "on my way")
        sent = await ana.node.commit_live_text(ROOM)
        await ana.until(MessageDelivered, lambda event: event.id == sent)
        final = await ben.until(LiveTextChanged, lambda event: event.text == "on my way")
        assert final.state is LineState.FINAL
        assert ben.all(MessageReceived) == []
        assert {event.line for event in ben.all(LiveTextChanged)} == {final.line}


@on_guarded_loop
async def test_a_process_that_is_killed_leaves_a_mark_and_comes_back_to_a_new_line(
    signaling_server: str, tmp_path: Path
) -> None:
    async with JsonProcess("ben", signaling_server, tmp_path) as ben:
        async with JsonProcess("ana", signaling_server, tmp_path) as ana:
            await both_connected(ana, ben)
            ana.do("rtt", text="I was just say")
            mark = await ben.until("rtt", text="I was just say")
            ana.kill()
            await ana.ended()
            cut = await ben.until("rtt", state="interrupted")
            assert (cut["line"], cut["text"]) == (mark["line"], "I was just say")
        async with JsonProcess("ana", signaling_server, tmp_path) as ana:
            await ana.until("peer", name="ben", state="connected")
            ana.do("rtt", text="I was just saying hello")
            ana.do("rtt", commit=True)
            final = await ben.until("rtt", state="final")
            await ana.until("delivered")
            assert final["text"] == "I was just saying hello"
            assert final["line"] > cut["line"]
            assert ben.all("message") == []
