"""Nothing lands on a disk before its owner has seen what it is and said yes; and nobody else decides."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from p2pchat.node.events import MessageReceived, TransferOffered, TransferState
from p2pchat.protocol import frames
from p2pchat.protocol.codec import encode
from p2pchat.protocol.transfer import bulk
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.rtc.channels import Channel
from tests.incidents.stage import Program, command_line, ended, everything, offered, two_players
from tests.node.player import Player, on_guarded_loop
from tests.node.test_hostile_peer import stranger


def project(folder: Path) -> Path:
    """A folder of 120 files, one of which is a program."""
    tree = folder / "project"
    tree.mkdir()
    for number in range(119):
        (tree / f"{number:03}.txt").write_bytes(b"x")
    (tree / "~build").write_bytes(b"#!/bin/sh\n")
    (tree / "~build").chmod(0o755)
    return tree


@on_guarded_loop
async def test_croc_cve_2023_43619_every_file_is_named_or_counted_before_anything_is_accepted(
    signaling_server: str, tmp_path: Path
) -> None:
    """The sender could send further files than those that were shown, and they were taken silently."""
    tree = project(tmp_path)
    async with two_players(signaling_server, tmp_path) as (ana, ben):
        offer = await offered(ana, ben, tree)
        assert (offer.files, offer.total) == (120, 119 + 10)
        assert len(offer.items) == 100
        items = await ben.node.items(offer.transfer, 0, 1000)
        assert {item.path for item in items} == {f"project/{path.name}" for path in tree.iterdir()}
        assert [item.path for item in items if item.executable] == ["project/~build"]
        await ben.node.accept(offer.transfer)
        assert (await ended(ben)).state is TransferState.DONE
        copy = ben.downloads / "project"
        assert {path.name for path in copy.iterdir()} == {path.name for path in tree.iterdir()}
        assert not any(os.access(path, os.X_OK) for path in copy.iterdir())


async def test_croc_cve_2023_43619_the_program_says_what_comes_before_it_takes_it(
    signaling_server: str, tmp_path: Path
) -> None:
    """The same, as somebody at a terminal sees it: number, size, names, and what could be run."""
    tree = project(tmp_path)
    async with Program("ana", signaling_server, tmp_path, "send", "--json", str(tree)) as ana:
        code = (await ana.until(rb'"code": "([0-9]+-[a-z-]+)"'))[1].decode()
        async with Program("ben", signaling_server, tmp_path, "receive", P2PCHAT_CODE=code) as ben:
            assert ben.process.stdin is not None
            ben.process.stdin.close()
            assert (await ben.ended(), await ana.ended()) == (2, 6)
    shown = ben.errors.decode()
    assert "120 files, 129 B" in shown
    named = set(re.findall(r"project/([0-9]{3}\.txt|~build)", shown))
    more = re.search(r"([0-9]+) more file", shown)
    assert named
    assert len(named) + (int(more[1]) if more else 0) >= 120
    assert re.search("executable|can be run", shown)
    assert not ben.downloads.exists() or everything(ben.downloads) == {}


@on_guarded_loop
async def test_webwormhole_2025_nothing_is_written_before_it_is_accepted(signaling_server: str, tmp_path: Path) -> None:
    """There was no question at all: whoever had the code wrote to the disk of the other one."""
    async with Player("ana", signaling_server, tmp_path) as ana, stranger(signaling_server) as mallory:
        await mallory.introduce()
        manifest = Manifest.of([frames.Entry("folder/fine", 1000), frames.Entry("folder/empty", 0, True)])
        mallory.send(Channel.CONTROL, encode(manifest.to_offer(7)))
        await ana.until(TransferOffered)
        before = everything(tmp_path)
        for _ in range(3):
            mallory.send(Channel.BULK, bulk.pack(7, 0, 0, b"x" * 1000))
        mallory.send(Channel.CONTROL, encode(frames.Message("00000000aaaaaaaa", "done", 0.0)))
        await ana.until(MessageReceived)
        assert not ana.downloads.exists()
        assert {name for name in everything(tmp_path) if name not in before} == set()


@on_guarded_loop
async def test_filepizza_2025_somebody_else_cannot_end_a_transfer(signaling_server: str, tmp_path: Path) -> None:
    """Whoever knew a channel's name could destroy it, and a connection of one kind closed the uploader's page."""
    original = tmp_path / "original"
    original.write_bytes(os.urandom(8_000_000))
    async with two_players(signaling_server, tmp_path) as (ana, ben), stranger(signaling_server) as mallory:
        await mallory.introduce()
        offer = await offered(ana, ben, original)
        await ben.node.accept(offer.transfer)
        for number in range(3):
            for by_sender in (True, False):
                mallory.send(Channel.CONTROL, encode(frames.Cancel(number, by_sender, "user", "ended by nobody")))
                mallory.send(Channel.CONTROL, encode(frames.Pause(number, by_sender)))
            mallory.send(Channel.CONTROL, encode(frames.Decline(number, "no")))
            mallory.send(Channel.CONTROL, encode(frames.Done(number)))
        mallory.send(Channel.CONTROL, encode(frames.Message("00000000aaaaaaaa", "done", 0.0)))
        await message_to_either(ana, ben)
        assert (await ended(ben)).state is TransferState.DONE
        assert (ben.downloads / "original").read_bytes() == original.read_bytes()


async def message_to_either(*players: Player) -> None:
    """Waits until one of them has a message."""
    waits = [asyncio.create_task(player.until(MessageReceived)) for player in players]
    _, others = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()


async def test_croc_cve_2023_43621_no_secret_is_in_the_list_of_processes(signaling_server: str, tmp_path: Path) -> None:
    """The code was an argument of the command, which all users of a machine can see."""
    original = tmp_path / "original"
    original.write_bytes(bytes(100))
    async with Program("ana", signaling_server, tmp_path, "send", "--json", str(original)) as ana:
        code = (await ana.until(rb'"code": "([0-9]+-[a-z-]+)"'))[1].decode()
        words = [word.encode() for word in code.split("-")[1:]]
        async with Program("ben", signaling_server, tmp_path, "receive", "--yes", P2PCHAT_CODE=code) as ben:
            await ben.until(b"connected")
            for program in (ana, ben):
                shown = command_line(program.process.pid)
                assert b"p2pchat" in shown
                assert not any(word in shown for word in words)
            assert (await ben.ended(), await ana.ended()) == (0, 0)
    async with Program("ana", signaling_server, tmp_path, "chat", "lab", "--secret", "a passphrase of mine") as ana:
        assert await ana.ended() == 2
