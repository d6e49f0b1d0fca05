"""Trees that are sent between nodes in processes of their own, and what may become of them."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.processes import Child, child
from p2pchat.protocol.limits import BLOCK_BYTES, CREDIT_BYTES

PATIENCE = 60.0
"""Seconds for each step. The link to a killed process is given up after ten."""

SENT_TWICE = BLOCK_BYTES + CREDIT_BYTES
"""Bytes that one interruption may cost."""


LARGE = 40_000_000
"""Bytes of the file that takes most of the time in a tree that has one."""


class Tree:
    """A folder that is sent: two files of several blocks, empty ones, small ones and a folder below.

    Args:
        folder: where it and its copy are.
        dice: decides sizes and contents.
        large: whether one of the files has `LARGE` bytes.
    """

    def __init__(self, folder: Path, dice: random.Random, large: bool = False) -> None:
        first = LARGE if large else dice.randrange(9_000_000, 16_000_000)
        sizes = [first, dice.randrange(3_000_000, 9_000_000), 0]
        self.contents = {f"file {n}": dice.randbytes(size) for n, size in enumerate(sizes)}
        for number in range(200 if large else 20):
            size = 0 if number % 7 == 6 else dice.randrange(20_000)
            self.contents[f"below/{number}"] = dice.randbytes(size)
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
async def node(server: str, folder: Path, name: str, *faults: str) -> AsyncIterator[Child]:
    """A node in a process of its own, that has joined the room; see `node_process` for its faults."""
    async with child("tests.soak.node_process", name, server, str(folder / name), *faults) as process:
        await heard(process, "ready")
        yield process


async def heard(process: Child, event: str) -> dict[str, Any]:
    """Waits for the next event of a kind."""
    return await process.hear(event, PATIENCE)


async def stopped(*processes: Child) -> None:
    """Has nodes leave, and waits until nothing of theirs is under way."""
    for process in processes:
        await process.tell(do="stop")
        await heard(process, "stopped")


def fresh_seed() -> int:
    """Returns a seed, which is printed; that of `P2PCHAT_SEED` where it is set."""
    seed = int(os.environ.get("P2PCHAT_SEED") or random.SystemRandom().randrange(2**32))
    print(f"P2PCHAT_SEED={seed}", file=sys.stderr)
    return seed
