"""A transfer between two processes, one of which is killed at a random byte: it goes on where it stopped.

The seed is printed; `P2PCHAT_SEED` plays the same again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.processes import Child, child, signaling_server
from p2pchat.protocol.limits import BLOCK_BYTES, CREDIT_BYTES

PATIENCE = 60.0
"""Seconds for each step. The link to a killed process is given up after ten."""

SENT_TWICE = BLOCK_BYTES + CREDIT_BYTES
"""Bytes that one interruption may cost."""


class Tree:
    """A folder that is sent: two files of several blocks, an empty one, small ones and a folder below.

    Args:
        folder: where it and its copy are.
        dice: decides sizes and contents.
    """

    def __init__(self, folder: Path, dice: random.Random) -> None:
        sizes = [dice.randrange(9_000_000, 16_000_000), dice.randrange(3_000_000, 9_000_000), 0]
        self.contents = {f"file {n}": dice.randbytes(size) for n, size in enumerate(sizes)}
        self.contents |= {f"below/{n}": dice.randbytes(dice.randrange(20_000)) for n in range(20)}
        self.source = folder / "tree"
        for name, content in self.contents.items():
            path = self.source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.total = sum(map(len, self.contents.values()))
        self.copy = folder / "receiver" / "downloads" / "tree"

    def check_names(self) -> None:
        """What has its final name is complete."""
        for name, content in self.contents.items():
            path = self.copy / name
            assert not path.exists() or path.read_bytes() == content

    def check_copy(self) -> None:
        """Everything arrived, and nothing else is left."""
        files = (path for path in self.copy.rglob("*") if path.is_file())
        assert {str(path.relative_to(self.copy)): path.read_bytes() for path in files} == self.contents
        assert [path.name for path in self.copy.parent.iterdir()] == ["tree"]


@asynccontextmanager
async def node(server: str, folder: Path, name: str) -> AsyncIterator[Child]:
    """A node in a process of its own, that has joined the room."""
    async with child("tests.soak.node_process", name, server, str(folder / name)) as process:
        await heard(process, "ready")
        yield process


async def heard(process: Child, event: str) -> dict[str, Any]:
    return await process.hear(event, PATIENCE)


async def play(folder: Path, seed: int, victim: str) -> None:
    """Offers a folder, kills the victim at a random byte, starts it again and waits until everything is there."""
    dice = random.Random(seed)
    tree = Tree(folder, dice)
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
        for process in (survivor, back):
            await process.tell(do="stop")
            await heard(process, "stopped")
    tree.check_copy()


def fresh_seed() -> int:
    seed = int(os.environ.get("P2PCHAT_SEED") or random.SystemRandom().randrange(2**32))
    print(f"P2PCHAT_SEED={seed}", file=sys.stderr)
    return seed


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
        asyncio.run(play(folder, seed + number, ("receiver", "sender")[number % 2]))
