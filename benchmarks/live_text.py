"""From a key to the other side's event: live text between two nodes, idle and while a file saturates the link.

Both nodes are processes of one machine, so their monotonic clocks are one clock.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import tempfile
from pathlib import Path

import click

from benchmarks.processes import Child, child, signaling_server

KEYS_PER_SECOND = 8.0
"""A quick typist, 100 words a minute. Keys come at random, so that they do not fall in step with the sender's timer."""

AIM = 100.0
"""Milliseconds that a transfer may add to the 95th percentile."""


async def latencies(sender: Child, receiver: Child, keys: int, seed: int) -> list[float]:
    """Types a line key by key; returns the seconds from each key to the event that shows it."""
    rng = random.Random(seed)
    times = []
    text = ""
    for _ in range(keys):
        text += rng.choice("abcdefghijklmnopqrstuvwxyz ")
        times.append(await latency(sender, receiver, text))
        await asyncio.sleep(rng.expovariate(KEYS_PER_SECOND))
    await latency(sender, receiver, "")
    return times


async def latency(sender: Child, receiver: Child, text: str) -> float:
    """Makes the line read `text`; returns the seconds until it does at the other side."""
    await sender.tell(do="type", text=text)
    typed = await sender.hear("typed")
    while (shown := await receiver.hear("live"))["text"] != text:
        pass
    return float(shown["at"]) - float(typed["at"])


def describe(name: str, times: list[float]) -> float:
    cuts = statistics.quantiles(times, n=100)
    p50, p95, p99 = (cuts[percent - 1] * 1000 for percent in (50, 95, 99))
    click.echo(f"{name:16} p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   p99 {p99:6.1f} ms   ({len(times)} keys)")
    return p95


async def measure(keys: int, megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file.bin"
        file.write_bytes(os.urandom(megabytes * 1_000_000))
        async with (
            signaling_server() as server,
            child("benchmarks.node_process", "receiver", server, f"{folder}/receiver") as receiver,
        ):
            await receiver.hear("ready")
            async with child("benchmarks.node_process", "sender", server, f"{folder}/sender") as sender:
                await sender.hear("connected")
                await receiver.hear("connected")
                idle = describe("idle", await latencies(sender, receiver, keys, seed=1))
                await sender.tell(do="offer", path=str(file))
                await sender.hear("moving")
                busy = describe("during transfer", await latencies(sender, receiver, keys, seed=2))
                if sender.has_heard("ended"):
                    raise click.ClickException("the transfer ended before the last key: give more --megabytes")
                verdict = "reached" if busy - idle <= AIM else "missed"
                click.echo(f"p95 during a transfer is {busy - idle:+.1f} ms against idle (aim {AIM:.0f}: {verdict})")


@click.command("live_text")
@click.option("--keys", default=100, show_default=True, help="Keys typed in each of the two measurements.")
@click.option("--megabytes", default=1000, show_default=True, help="Size of the file that saturates the link.")
def command(keys: int, megabytes: int) -> None:
    """Key-to-remote latency of live text, idle and during a transfer."""
    asyncio.run(measure(keys, megabytes))
