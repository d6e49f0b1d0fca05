"""`p2pchat` as its users start it: whole processes, driven and read through `--json`."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from benchmarks.memory import Memory
from benchmarks.processes import Child, child
from benchmarks.trees import same

PATIENCE = 7200.0
"""Seconds until a transfer has failed: 10 GiB at 1.5 MB/s."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one transfer went. Times are seconds."""

    at_receiver: float
    """From accepting to everything verified and on the disk, as the receiver reports it."""
    at_sender: float
    """The same as the sender reports it."""
    whole: float
    """From starting the first program to the end of the last one."""
    memory: dict[str, Memory] = field(default_factory=dict)
    """Of each side, if that was asked for."""


@contextlib.asynccontextmanager
async def program(command: str, name: str, server: str, folder: Path, *arguments: str) -> AsyncIterator[Child]:
    """Starts a command of p2pchat in machine mode, with a home of its own below `folder`."""
    home = folder / name
    options = ("--json", "--server", server, "--name", name, "--home", str(home), "--downloads", str(home / "files"))
    async with child("p2pchat", command, *options, *arguments) as process:
        yield process


async def one_shot(server: str, path: Path, folder: Path, *, watched: bool = False) -> Outcome:
    """Sends a file or folder with `send` to `receive --yes`, and checks that it arrived.

    Args:
        server: where they meet.
        path: what is sent.
        folder: where their homes are; what arrived there is removed again.
        watched: whether to look at their memory meanwhile.
    """
    began = time.monotonic()
    async with program("send", "ana", server, folder, str(path)) as ana, Memory.watching(ana.pid, watched) as ours:
        code = (await ana.hear("code", PATIENCE))["code"]
        async with (
            program("receive", "ben", server, folder, "--yes", code) as ben,
            Memory.watching(ben.pid, watched) as theirs,
        ):
            sent, received = await asyncio.gather(_done(ana), _done(ben))
            await asyncio.gather(ana.ended(), ben.ended())
    whole = time.monotonic() - began
    await asyncio.to_thread(_check, path, folder / "ben" / "files" / path.name)
    return Outcome(received, sent, whole, {"send": ours, "receive": theirs} if watched else {})


async def in_a_room(server: str, path: Path, folder: Path) -> Outcome:
    """Sends a file or folder between two `chat --json`; their memory counts from before the offer."""
    began = time.monotonic()
    async with program("chat", "ben", server, folder, "benchmark") as ben:
        await ben.hear("ready")
        async with program("chat", "ana", server, folder, "benchmark") as ana:
            for process in (ana, ben):
                while (await process.hear("peer"))["state"] != "connected":
                    pass
            async with Memory.watching(ana.pid) as ours, Memory.watching(ben.pid) as theirs:
                await asyncio.gather(ours.settle(), theirs.settle())
                await ana.tell(do="send", paths=[str(path)])
                offer = await ben.hear("offer", PATIENCE)
                await ben.tell(do="accept", transfer=offer["transfer"])
                sent, received = await asyncio.gather(_done(ana), _done(ben))
            for process in (ana, ben):
                await process.tell(do="quit")
            await asyncio.gather(ana.ended(), ben.ended())
    whole = time.monotonic() - began
    await asyncio.to_thread(_check, path, folder / "ben" / "files" / path.name)
    return Outcome(received, sent, whole, {"chat, sending": ours, "chat, receiving": theirs})


async def _done(process: Child) -> float:
    """Waits until a side says that its transfer is done; returns the seconds that it says it took."""
    while (told := await process.hear("transfer", PATIENCE))["state"] in ("waiting", "active", "paused"):
        pass
    if told["state"] != "done":
        raise click.ClickException(f"the transfer {told['state']}: {told['reason']}")
    return float(told["seconds"])


def _check(original: Path, copy: Path) -> None:
    if not same(original, copy):
        raise click.ClickException(f"what arrived is not what was sent: {copy}")
    if copy.is_dir():
        shutil.rmtree(copy)
    else:
        copy.unlink()
