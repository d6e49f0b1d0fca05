"""A block that is damaged on its way to the disk, or on the disk, is fetched again, and nothing else.

The seed is printed; `P2PCHAT_SEED` plays the same again.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from benchmarks.processes import signaling_server
from p2pchat.protocol.limits import BLOCK_BYTES
from tests.soak.stage import Tree, fresh_seed, heard, node, stopped


async def damage_on_the_way(folder: Path, seed: int) -> None:
    """One bit of a block is another one when it is to be stored."""
    dice = random.Random(seed)
    tree = Tree(folder, dice)
    damaged = dice.randrange(len(tree.contents["file 0"]) // BLOCK_BYTES)
    async with (
        signaling_server() as server,
        node(server, folder, "receiver", f"damage={damaged}") as receiver,
        node(server, folder, "sender") as sender,
    ):
        await heard(sender, "connected")
        await sender.tell(do="offer", path=str(tree.source))
        for process in (sender, receiver):
            ended = await heard(process, "ended")
            assert ended["done"], ended["reason"]
            assert ended["bytes"] == tree.total + BLOCK_BYTES
        tree.check_copy()  # at once: who is told that it is done finds nothing but the files
        await stopped(sender, receiver)


async def damage_on_the_disk(folder: Path, seed: int) -> None:
    """The receiver is killed before anything was flushed, and what a power cut would damage is damaged."""
    await damage_while_it_is_gone(folder, seed, ("never-synced",), lambda part: None)


async def damage_by_somebody(folder: Path, seed: int) -> None:
    """The receiver is killed, and somebody changes what it has flushed and noted: an hour later, as the time tells."""

    def an_hour_later(part: Path) -> None:
        now = time.time_ns()
        os.utime(part, ns=(now, now + 3600 * 10**9))

    await damage_while_it_is_gone(folder, seed, ("always-synced",), an_hour_later)


async def damage_while_it_is_gone(
    folder: Path, seed: int, faults: tuple[str, ...], aged: Callable[[Path], None]
) -> None:
    dice = random.Random(seed)
    tree = Tree(folder, dice, large=True)
    async with signaling_server() as server, node(server, folder, "sender") as sender:
        async with node(server, folder, "receiver", *faults) as receiver:
            await heard(sender, "connected")
            await sender.tell(do="offer", path=str(tree.source))
            while (await heard(receiver, "moved"))["bytes"] < 12_000_000:
                pass
            os.kill(receiver.pid, 9)
        part = largest_part(tree.copy)
        flip(part, dice.randrange(BLOCK_BYTES))
        aged(part)
        async with node(server, folder, "receiver") as back:
            there = (await heard(back, "offered"))["resumable"]
            assert 0 < there < tree.total
            ended = await heard(back, "ended")
            assert ended["done"], ended["reason"]
            assert ended["bytes"] == tree.total - there + BLOCK_BYTES
            tree.check_copy()
            assert (await heard(sender, "ended"))["done"]
            await stopped(sender, back)


def largest_part(folder: Path) -> Path:
    """Returns the part of the file that most has been received of."""
    return max(folder.rglob(".*.part"), key=lambda path: path.stat().st_size)


def flip(path: Path, at: int) -> None:
    """Changes one bit of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("damage", [damage_on_the_way, damage_on_the_disk, damage_by_somebody])
def test_a_damaged_block_alone_is_fetched_again(
    tmp_path: Path, damage: Callable[[Path, int], Coroutine[Any, Any, None]]
) -> None:
    asyncio.run(damage(tmp_path, fresh_seed()))
