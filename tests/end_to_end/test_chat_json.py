"""Real processes on a real server, over real data channels: what a script sees."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from pathlib import Path

import pytest

from tests.end_to_end.json_process import JsonProcess, connected
from tests.server_process import ServerProcess
from tests.unknown_host import UNKNOWN_HOST


async def test_a_message_arrives_once_and_is_delivered(signaling_server: str, tmp_path: Path) -> None:
    async with (
        JsonProcess("ana", signaling_server, tmp_path) as ana,
        JsonProcess("ben", signaling_server, tmp_path) as ben,
    ):
        await connected(ana, ben)
        ana.do("say", text="Got the draft? 👩‍👩‍👧")
        sent = await ana.until("sent")
        await ana.until("delivered", id=sent["id"])
        assert (await ben.until("message"))["text"] == "Got the draft? 👩‍👩‍👧"
        ana.do("quit")
        assert await ana.ended() == 0
        await ben.until("peer", name="ana", state="left")
        assert len(ben.all("message")) == 1


async def test_live_text_shows_each_state_and_ends_final(signaling_server: str, tmp_path: Path) -> None:
    async with (
        JsonProcess("ana", signaling_server, tmp_path) as ana,
        JsonProcess("ben", signaling_server, tmp_path) as ben,
    ):
        await connected(ana, ben)
        for text in ("hello wrld", "hello world"):
            ana.do("rtt", text=text)
            await ben.until("rtt", text=text, state="live", line=0)
        ana.do("rtt", commit=True)
        await ben.until("rtt", text="hello world", state="final", line=0)
        sent = await ana.until("sent")
        await ana.until("delivered", id=sent["id"])
        assert ben.all("message") == []


async def test_a_file_of_20_megabytes_arrives_identical(signaling_server: str, tmp_path: Path) -> None:
    original = tmp_path / "film.mov"
    original.write_bytes(os.urandom(20_000_000))
    async with (
        JsonProcess("ana", signaling_server, tmp_path) as ana,
        JsonProcess("ben", signaling_server, tmp_path) as ben,
    ):
        await connected(ana, ben)
        ana.do("send", paths=[str(original)])
        offer = await ben.until("offer")
        assert (offer["files"], offer["bytes"], offer["items"]) == (
            1,
            20_000_000,
            [{"path": "film.mov", "size": 20_000_000}],
        )
        ben.do("accept", transfer=offer["transfer"])
        received = await ben.until("transfer", state="done")
        await ana.until("transfer", state="done", direction="send")
        assert received["saved"] == [str(ben.downloads / "film.mov")]
        progress = [told["bytes"] for told in ben.all("progress")]
        assert progress == sorted(progress)
    copy = (ben.downloads / "film.mov").read_bytes()
    assert hashlib.sha256(copy).digest() == hashlib.sha256(original.read_bytes()).digest()


async def test_three_peers_all_see_each_others_messages(signaling_server: str, tmp_path: Path) -> None:
    async with (
        JsonProcess("ana", signaling_server, tmp_path) as ana,
        JsonProcess("ben", signaling_server, tmp_path) as ben,
        JsonProcess("cyd", signaling_server, tmp_path) as cyd,
    ):
        peers = (ana, ben, cyd)
        await connected(*peers)
        for peer in peers:
            peer.do("say", text=f"{peer.name} is here")
        for peer in peers:
            for other in peers:
                if other is not peer:
                    await peer.until("message", name=other.name, text=f"{other.name} is here")
        assert [len(peer.all("message")) for peer in peers] == [2, 2, 2]


async def test_a_killed_peer_is_told_as_lost_within_12_seconds_and_the_rest_goes_on(
    signaling_server: str, tmp_path: Path
) -> None:
    async with (
        JsonProcess("ana", signaling_server, tmp_path) as ana,
        JsonProcess("ben", signaling_server, tmp_path) as ben,
        JsonProcess("cyd", signaling_server, tmp_path) as cyd,
    ):
        await connected(ana, ben, cyd)
        killed_at = time.time()
        cyd.kill()
        lost = await ana.until("peer", name="cyd", state="lost")
        assert lost["reason"]
        # By the event's own time: the heartbeat gives up after 10 s, whenever this test gets to read of it.
        assert lost["t"] - killed_at < 12
        ana.do("say", text="we go on")
        await ben.until("message", text="we go on")


async def test_a_killed_server_does_not_end_a_conversation(tmp_path: Path) -> None:
    with ServerProcess() as server:
        async with JsonProcess("ana", server.url, tmp_path) as ana, JsonProcess("ben", server.url, tmp_path) as ben:
            await connected(ana, ben)
            server.process.kill()
            await ana.until("error")
            ana.do("say", text="still there?")
            await ben.until("message", text="still there?")


async def test_the_end_of_input_waits_until_everything_is_delivered(signaling_server: str, tmp_path: Path) -> None:
    async with JsonProcess("ana", signaling_server, tmp_path, "--linger", "25") as ana:
        await ana.until("ready")
        ana.do("say", text="for whoever comes")
        ana.hang_up()
        await ana.until("sent")
        async with JsonProcess("ben", signaling_server, tmp_path) as ben:
            await ben.until("message", text="for whoever comes")
            assert await ana.ended() == 0


async def test_unusable_lines_are_answered_and_change_nothing(signaling_server: str, tmp_path: Path) -> None:
    async with (
        JsonProcess("ana", signaling_server, tmp_path) as ana,
        JsonProcess("ben", signaling_server, tmp_path) as ben,
    ):
        await connected(ana, ben)
        lines = [
            b"nonsense",
            b"[]",
            b"{}",
            b'{"do": "dance"}',
            b'{"do": "say"}',
            b'{"do": "say", "text": 5}',
            b"\xff\xfe",
        ]
        for number, line in enumerate(lines, 1):
            ana.write(line)
            assert (await ana.until("error", count=number))["message"]
        ana.do("say", text="fine")
        await ben.until("message", text="fine")
        assert len(ben.all("message")) == 1


@pytest.mark.parametrize(
    ("server", "status", "says"),
    [
        ("http://127.0.0.1:1", 3, "refused"),
        (f"http://{UNKNOWN_HOST}", 3, "no-such-host"),
        ("nonsense://x", 2, "has to be a URL"),
    ],
)
async def test_an_unreachable_server_is_named_within_10_seconds(
    tmp_path: Path, server: str, status: int, says: str
) -> None:
    async with JsonProcess("ana", server, tmp_path) as ana:
        assert await asyncio.wait_for(ana.ended(), 20) == status
        assert says in await ana.standard_error() + str(ana.events)


async def test_a_full_room_is_told(tmp_path: Path) -> None:
    with ServerProcess(0, "--max-peers", "2") as server:
        async with JsonProcess("ana", server.url, tmp_path) as ana, JsonProcess("ben", server.url, tmp_path) as ben:
            await connected(ana, ben)
            async with JsonProcess("cyd", server.url, tmp_path) as cyd:
                assert await cyd.ended() == 3
                assert "full" in await cyd.standard_error()
