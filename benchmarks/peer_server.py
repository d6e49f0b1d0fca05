"""PeerServer, the signaling server of PeerJS (npm `peer`), where Node is present: installed into a scratch folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

VERSION: Final = "1.0.2"
"""The one that the figures in docs/benchmarks.md are of."""

INSTALL_SECONDS: Final = 120.0
START_SECONDS: Final = 20.0


async def installed(folder: Path) -> Path | None:
    """Installs PeerServer into a folder; returns its program for `node`, or None where it cannot be had."""
    if shutil.which("node") is None or (npm := shutil.which("npm")) is None:
        return None
    process = await asyncio.create_subprocess_exec(
        *(npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", f"peer@{VERSION}"),
        cwd=folder,
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        await asyncio.wait_for(process.wait(), INSTALL_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
    package = folder / "node_modules" / "peer"
    if process.returncode != 0 or not package.exists():
        return None
    program: str = json.loads((package / "package.json").read_text("utf-8"))["bin"]["peerjs"]
    return package / program


@contextlib.asynccontextmanager
async def peer_server(program: Path, sockets: int) -> AsyncIterator[tuple[int, int]]:
    """Starts it on loopback for so many sockets; yields its process id and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *("node", str(program), "--host", "127.0.0.1", "--port", str(port), "--path", "/"),
        *("--concurrent_limit", str(2 * sockets), "--alive_timeout", "3600000"),
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            await _listening(port)
        yield process.pid, port
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _listening(port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.1)
