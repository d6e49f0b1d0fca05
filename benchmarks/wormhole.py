"""magic-wormhole, where it is installed: the same file, whole processes, a mailbox server of its own, loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import click

from benchmarks.trees import same

START_SECONDS = 20.0
"""Time for the mailbox server to listen."""

PATIENCE = 1800.0
"""Seconds until a transfer has failed."""

_CODE = re.compile(rb"wormhole receive ([0-9]+-[a-z]+-[a-z]+)")


def installed(chosen: str | None) -> tuple[str, str] | None:
    """Returns the commands `wormhole` and `twist`, which runs its mailbox server; None when they are not there.

    Args:
        chosen: the path of `wormhole`; None to look for it. `twist` is looked for beside it.
    """
    wormhole = shutil.which(chosen or "wormhole")
    twist = shutil.which("twist", path=None if wormhole is None else str(Path(wormhole).parent))
    return None if wormhole is None or twist is None else (wormhole, twist)


@contextlib.asynccontextmanager
async def mailbox_server(twist: str, folder: Path) -> AsyncIterator[str]:
    """Starts a mailbox server on loopback, which keeps its databases in a folder; yields its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(twist, "wormhole-mailbox", f"--port=tcp:{port}:interface=127.0.0.1"),
        *("--channel-db=channels.sqlite", "--usage-db=usage.sqlite"),
        cwd=folder,
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            await _listening(port)
        yield f"ws://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        await process.wait()


async def whole_seconds(wormhole: str, server: str, path: Path, folder: Path) -> float:
    """Sends a file with magic-wormhole into a folder; returns the seconds from starting `send` to the end of both."""
    # The only helper is a port where nobody listens: all there is to connect to are addresses of this machine.
    command = (wormhole, "--relay-url", server, "--transit-helper", "tcp:127.0.0.1:9")
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        sender = await asyncio.create_subprocess_exec(
            *(*command, "send", "--hide-progress", "--no-qr", str(path)), stdout=DEVNULL, stderr=PIPE
        )
        receiver = None
        try:
            assert sender.stderr is not None
            while (found := _CODE.search(line := await sender.stderr.readline())) is None:
                if not line:
                    raise click.ClickException("magic-wormhole showed no code")
            receiver = await asyncio.create_subprocess_exec(
                *(*command, "receive", "--accept-file", "--hide-progress", found[1].decode()),
                cwd=folder,
                stdout=DEVNULL,
                stderr=DEVNULL,
            )
            await asyncio.gather(sender.communicate(), receiver.wait())
        finally:
            for process in (sender, receiver):
                if process is not None and process.returncode is None:
                    process.kill()
                    await process.wait()
    took = time.monotonic() - began
    if not (folder / path.name).exists() or not same(path, folder / path.name):
        raise click.ClickException("magic-wormhole: what arrived is not what was sent")
    (folder / path.name).unlink()
    return took


async def _listening(port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.1)
