"""How many messages the signaling server relays, how late they are, and what a socket costs, against PeerServer.

Each round starts both servers anew, one after the other, with the same load: pairs that write to each other, once at a
steady rate that both bear, and once as fast as answers come. The server has one process; so has the load.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from benchmarks.peer_server import installed, peer_server
from benchmarks.processes import child
from benchmarks.transfer import verdict

STEADY_RATE: Final = 2000.0
"""Messages a second of the steady load: some hundred people who all meet somebody in the same second."""

SPARE_FILES: Final = 200
"""Open files beyond the sockets."""

OPTIONS: Final = ("--messages-per-second", "1000000", "--message-burst", "1000000")
"""Of our server: PeerServer has no such limit either. The default, 20 a second, would end the load."""

BUSY: Final = 0.8
"""Share of a processor from which on a process is what limits the rate."""

AIM: Final = 1.0
"""Least ratio of messages per second to PeerServer's."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one server did in one round."""

    rate: float
    """Messages per second, as fast as answers come."""
    steady_p99: float
    """Milliseconds from sending a message to its arrival, 99th percentile, at the steady rate."""
    full_p99: float
    """The same when as many as possible are sent."""
    memory: float
    """KiB of resident memory for each socket."""
    server_cpu: float
    load_cpu: float
    """Shares of a processor while as many as possible are sent."""


@contextlib.asynccontextmanager
async def our_server() -> AsyncIterator[tuple[int, int]]:
    """Starts a signaling server; yields its process id and its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "signaling_server", "--port", "0", *OPTIONS, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().strip()
        yield process.pid, urlsplit(url).port or 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def run(kind: str, server: AbstractAsyncContextManager[tuple[int, int]], sockets: int, seconds: float) -> Figures:
    """Measures one server."""
    async with server as (pid, port):
        await asyncio.sleep(1)
        empty = _resident(pid)
        async with child("benchmarks.signaling_load", kind, "127.0.0.1", str(port), str(sockets)) as load:
            await load.hear("connected", 300)
            memory = (_resident(pid) - empty) / sockets
            await load.tell(do="steady", rate=STEADY_RATE, seconds=seconds)
            steady = await load.hear("measured", 300)
            used = _processor_seconds(pid)
            await load.tell(do="full", rate=0, seconds=seconds)
            full = await load.hear("measured", 300)
            cpu = (_processor_seconds(pid) - used) / seconds
            for phase in (steady, full):
                if phase["lost"] or phase["refused"]:
                    raise click.ClickException(f"{kind}: {phase['lost']} sockets lost, {phase['refused']} refusals")
            return Figures(full["rate"], steady["p99"], full["p99"], memory, cpu, full["cpu"])


def _resident(pid: int) -> float:
    """Returns the resident memory of a process in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise click.ClickException("the server ended")


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _show(number: int, name: str, figures: Figures) -> None:
    click.echo(
        f"  {number}: {name:10} {figures.rate:7.0f} messages/s   p99 {figures.steady_p99:6.1f} ms steady, "
        f"{figures.full_p99:7.1f} ms full   {figures.memory:5.1f} KiB/socket   "
        f"processor: server {figures.server_cpu:4.0%}, load {figures.load_cpu:4.0%}"
    )


async def measure(counts: tuple[int, ...], rounds: int, seconds: float) -> None:
    """Measures with each number of sockets."""
    with tempfile.TemporaryDirectory() as folder:
        program = await installed(Path(folder))
        if program is None:
            click.echo("Without PeerServer: node or npm is not there, or the package could not be installed")
        for count in counts:
            click.echo(f"{count} sockets, {STEADY_RATE:.0f} messages/s and as many as possible, {seconds:.0f} s each")
            pairs = []
            for number in range(1, rounds + 1):
                ours = await run("p2pchat", our_server(), count, seconds)
                _show(number, "p2pchat", ours)
                if program is not None:
                    theirs = await run("peerjs", peer_server(program, count), count, seconds)
                    _show(number, "PeerServer", theirs)
                    pairs.append((ours, theirs))
            if pairs:
                _compare(pairs)


def _compare(pairs: list[tuple[Figures, Figures]]) -> None:
    verdict("messages per second / PeerServer", [ours.rate / theirs.rate for ours, theirs in pairs], AIM)
    per_processor = [(ours.rate / ours.server_cpu) / (theirs.rate / theirs.server_cpu) for ours, theirs in pairs]
    verdict("the same for a second of the server's processor / PeerServer", per_processor)
    verdict("p99 at the steady rate / PeerServer", [ours.steady_p99 / theirs.steady_p99 for ours, theirs in pairs])
    verdict("memory per socket / PeerServer", [ours.memory / theirs.memory for ours, theirs in pairs])
    busy = statistics.median(ours.server_cpu for ours, _ in pairs)
    load = statistics.median(ours.load_cpu for ours, _ in pairs)
    if max(busy, load) < BUSY:
        limit = "other programs, which have the processors: the figures for a second of the processor count"
    elif busy > load:
        limit = "the server's processor"
    else:
        limit = "the processor of the load, so the rate is a lower bound"
    click.echo(f"  limited by {limit} (server {busy:.0%}, load {load:.0%})")


@click.command("signaling")
@click.option("--sockets", multiple=True, default=(1000, 5000), show_default=True, help="May be given several times.")
@click.option("--rounds", default=3, show_default=True, help="How often each server is measured.")
@click.option("--seconds", default=6.0, show_default=True, help="Length of each of the two measurements.")
def command(sockets: tuple[int, ...], rounds: int, seconds: float) -> None:
    """The signaling server against PeerServer: messages per second, latency, memory per socket. Linux only."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = max(sockets) + SPARE_FILES
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise click.ClickException(f"{needed} open files are needed, and {hard} allowed: see ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    asyncio.run(measure(sockets, rounds, seconds))
