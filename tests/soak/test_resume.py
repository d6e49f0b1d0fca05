"""A transfer between two processes, one of which is killed at a random byte: it goes on where it stopped.

The seed is printed; `P2PCHAT_SEED` plays the same again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from benchmarks.processes import signaling_server
from tests.soak.stage import SENT_TWICE, Tree, fresh_seed, heard, node, stopped


async def play(folder: Path, seed: int, victim: str, large: bool = False) -> None:
    """Offers a folder, kills the victim at a random byte, starts it again and waits until everything is there."""
    dice = random.Random(seed)
    tree = Tree(folder, dice, large)
    at = dice.randrange(tree.total * 3 // 4)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(signaling_server())
        receiver = await stack.enter_async_context(node(server, folder, "receiver"))
        sender = await stack.enter_async_context(node(server, folder, "sender"))
        await heard(sender, "connected")
        await sender.tell(do="offer", path=str(tree.source))
        survivor, killed = (sender, receiver) if victim == "receiver" else (receiver, sender)
        while (await heard(survivor, "moved"))["bytes"] < at:
            pass
        with contextlib.suppress(ProcessLookupError):
            os.kill(killed.pid, 9)
        tree.check_names()
        back = await stack.enter_async_context(node(server, folder, victim))
        if victim == "sender":
            await heard(back, "connected")
            await back.tell(do="offer", path=str(tree.source))
        else:
            resumable = (await heard(back, "offered"))["resumable"]
            assert at - SENT_TWICE <= resumable <= tree.total
        ended = await heard(survivor, "ended")
        assert ended["done"], ended["reason"]
        assert tree.total <= ended["bytes"] <= tree.total + SENT_TWICE
        assert (await heard(back, "ended"))["done"]
        await stopped(survivor, back)
    tree.check_copy()


@pytest.mark.parametrize("victim", ["receiver", "sender"])
def test_a_transfer_goes_on_where_a_killed_program_stopped(tmp_path: Path, victim: str) -> None:
    asyncio.run(play(tmp_path, fresh_seed(), victim))


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_hundred_programs_are_killed(tmp_path: Path) -> None:
    seed = fresh_seed()
    for number in range(100):
        folder = tmp_path / str(number)
        folder.mkdir()
        asyncio.run(play(folder, seed + number, ("receiver", "sender")[number % 2], large=number % 4 > 1))
        shutil.rmtree(folder)
