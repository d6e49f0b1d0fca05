"""How fast files go from `p2pchat send` to `p2pchat receive`, whole processes, against other ways in the same run.

    one large file     against a bare aiortc channel, which reads, hashes, writes and acknowledges nothing
    many small files   against the same bytes in one file
    one large file     against magic-wormhole, where it is installed

The two sides of each ratio take turns, so that a machine that slows down slows both.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks import wormhole
from benchmarks.processes import child, signaling_server
from benchmarks.programs import one_shot
from benchmarks.trees import dense_file, small_files

LARGE_AIM = 0.9
"""Least ratio of the rate of `send` and `receive` to the bare channel's."""

SMALL_AIM = 2000
"""Least number of small files in a second."""

SMALL_BYTES = 4096
"""Size of each."""


async def bare_rate(size: int) -> float:
    """Returns bytes per second through a bare channel."""
    async with child("benchmarks.bare_channel", "send") as sender, child("benchmarks.bare_channel", "receive") as other:
        await other.tell(do="offer", sdp=(await sender.hear("sdp"))["sdp"])
        await sender.tell(do="answer", sdp=(await other.hear("sdp"))["sdp"])
        await sender.hear("open")
        await other.tell(do="expect", bytes=size)
        await other.hear("ready")
        await sender.tell(do="send", bytes=size)
        return size / float((await other.hear("received", 1800))["seconds"])


async def large_file(folder: Path, size: int, rounds: int) -> None:
    """One file, against the bare channel."""
    file = dense_file(folder / "large.bin", size)
    ratios = []
    async with signaling_server() as server:
        for number in range(1, rounds + 1):
            bare = await bare_rate(size)
            outcome = await one_shot(server, file, folder)
            # From accepting to done; the sender learns of both a round trip later.
            ours = size / max(outcome.at_receiver, outcome.at_sender)
            ratios.append(ours / bare)
            click.echo(
                f"  {number}: bare channel {bare / 1e6:6.1f} MB/s   send/receive {ours / 1e6:6.1f} MB/s   "
                f"ratio {ours / bare:.2f}   (whole processes {outcome.whole:.1f} s)"
            )
    verdict("send/receive / bare channel", ratios, LARGE_AIM)
    file.unlink()


async def many_files(folder: Path, count: int, rounds: int) -> None:
    """A folder of small files, against the same bytes in one file."""
    tree = small_files(folder / "tree", count, SMALL_BYTES)
    one = dense_file(folder / "one.bin", count * SMALL_BYTES)
    rates = []
    ratios = []
    async with signaling_server() as server:
        for number in range(1, rounds + 1):
            whole = await one_shot(server, one, folder)
            parts = await one_shot(server, tree, folder)
            rates.append(count / parts.at_receiver)
            ratios.append(whole.at_receiver / parts.at_receiver)
            click.echo(
                f"  {number}: one file {whole.at_receiver:5.2f} s   {count} files {parts.at_receiver:5.2f} s   "
                f"{rates[-1]:6.0f} files/s   ratio {ratios[-1]:.2f}   (whole processes {parts.whole:.1f} s)"
            )
    verdict("files/s", rates, SMALL_AIM, 0)
    verdict("many files / one file", ratios)


async def against_wormhole(folder: Path, size: int, rounds: int, chosen: str | None) -> None:
    """One file, against magic-wormhole."""
    commands = wormhole.installed(chosen)
    if commands is None:
        click.echo(
            "  skipped: `wormhole` and `twist` (magic-wormhole, magic-wormhole-mailbox-server) are not installed"
        )
        return
    file = dense_file(folder / "large.bin", size)
    theirs_in = Path(tempfile.mkdtemp(dir=folder))
    ratios = []
    async with signaling_server() as server, wormhole.mailbox_server(commands[1], theirs_in) as mailbox:
        for number in range(1, rounds + 1):
            theirs = await wormhole.whole_seconds(commands[0], mailbox, file, theirs_in)
            ours = (await one_shot(server, file, folder)).whole
            ratios.append(theirs / ours)
            click.echo(
                f"  {number}: magic-wormhole {theirs:5.1f} s   send/receive {ours:5.1f} s   ratio {ratios[-1]:.2f}"
            )
    verdict("speed of send/receive / magic-wormhole, whole processes", ratios)
    file.unlink()


def verdict(what: str, figures: Sequence[float], aim: float | None = None, digits: int = 2) -> None:
    """Prints the median and the spread, and whether the aim was reached."""
    median = statistics.median(figures)
    reached = "" if aim is None else f"; aim {aim:g}: {'reached' if median >= aim else 'missed'}"
    spread = f"{min(figures):.{digits}f} to {max(figures):.{digits}f} in {len(figures)}"
    click.echo(f"  {what}: {median:.{digits}f} (median; {spread}{reached})")


PARTS = ("large", "small", "wormhole")


async def measure(parts: Sequence[str], size: int, count: int, rounds: int, chosen: str | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in parts:
            match part:
                case "large":
                    click.echo(f"One file of {size / 1e6:.0f} MB against a bare aiortc channel")
                    await large_file(folder, size, rounds)
                case "small":
                    click.echo(f"{count} files of {SMALL_BYTES} bytes against the same bytes in one file")
                    await many_files(folder, count, rounds)
                case "wormhole":
                    click.echo(f"One file of {size / 1e6:.0f} MB against magic-wormhole")
                    await against_wormhole(folder, size, rounds, chosen)


@click.command("transfer")
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--size", default=200, show_default=True, help="Size of the large file, in 10^6 bytes.")
@click.option("--files", default=10_000, show_default=True, help="Number of small files.")
@click.option("--rounds", default=5, show_default=True, help="How often each of the two is measured.")
@click.option("--wormhole", "chosen", metavar="PATH", help="The command of magic-wormhole.  [default: from PATH]")
def command(parts: tuple[str, ...], size: int, files: int, rounds: int, chosen: str | None) -> None:
    """Files from `send` to `receive` against a bare channel, one large file, and magic-wormhole.

    PARTS are `large`, `small` and `wormhole`; all of them when none is named.
    """
    asyncio.run(measure(parts or PARTS, size * 1_000_000, files, rounds, chosen))
