"""How fast a file goes from node to node, against a bare aiortc channel in the same run.

Both sides of both are processes of their own. The node hashes, writes and syncs to disk, acknowledges and paces; the
channel moves zeros. The two take turns, so that a machine that slows down slows both.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
from pathlib import Path

import click

from benchmarks.processes import child, signaling_server

AIM = 0.8
"""Least ratio of the node's rate to the bare channel's."""


async def bare_rate(size: int) -> float:
    """Returns bytes per second through a bare channel."""
    async with child("benchmarks.bare_channel", "send") as sender, child("benchmarks.bare_channel", "receive") as other:
        await other.tell(do="offer", sdp=(await sender.hear("sdp"))["sdp"])
        await sender.tell(do="answer", sdp=(await other.hear("sdp"))["sdp"])
        await sender.hear("open")
        await other.tell(do="expect", bytes=size)
        await other.hear("ready")
        await sender.tell(do="send", bytes=size)
        return size / float((await other.hear("received", 300))["seconds"])


async def node_rate(size: int, folder: Path) -> float:
    """Returns bytes per second from the receiver's accept to a verified and synced file."""
    file = folder / "file.bin"
    file.write_bytes(os.urandom(size))
    async with (
        signaling_server() as server,
        child("benchmarks.node_process", "receiver", server, str(folder / "receiver")) as receiver,
    ):
        await receiver.hear("ready")
        async with child("benchmarks.node_process", "sender", server, str(folder / "sender")) as sender:
            await sender.hear("connected")
            await receiver.hear("connected")
            await sender.tell(do="offer", path=str(file))
            ended = await receiver.hear("transfer", 300)
    saved = [Path(path) for path in ended["saved"]]
    if not ended["done"] or [path.read_bytes() for path in saved] != [file.read_bytes()]:
        raise click.ClickException(f"the transfer failed: {ended['reason']}")
    for path in saved:
        path.unlink()
    return size / float(ended["seconds"])


async def measure(size: int, rounds: int) -> None:
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            bare = await bare_rate(size)
            node = await node_rate(size, Path(folder))
            ratios.append(node / bare)
            click.echo(
                f"round {number + 1}: bare channel {bare / 1e6:6.1f} MB/s   node {node / 1e6:6.1f} MB/s"
                f"   ratio {node / bare:.2f}"
            )
    median = statistics.median(ratios)
    verdict = "reached" if median >= AIM else "missed"
    click.echo(f"node / bare channel: {median:.2f} (median of {rounds}; aim {AIM}: {verdict})")


@click.command("transfer")
@click.option("--megabytes", default=50, show_default=True, help="Size of the file, in 10^6 bytes.")
@click.option("--rounds", default=3, show_default=True, help="How often each of the two is measured.")
def command(megabytes: int, rounds: int) -> None:
    """A file from node to node, against a bare aiortc channel."""
    asyncio.run(measure(megabytes * 1_000_000, rounds))
