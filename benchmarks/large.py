"""What a very large file and a very large tree take: memory above idle at each side, and time.

`send` and `receive` are idle when they have sent an empty file: there is no moment in which they are connected and have
nothing to do. In a room it is the moment before the offer.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import click

from benchmarks.memory import Memory
from benchmarks.processes import signaling_server
from benchmarks.programs import Outcome, in_a_room, one_shot
from benchmarks.trees import odd_tree, sparse_file

AIM = 64 * 1024 * 1024
"""Most bytes above idle at either side."""

MIB = 1024 * 1024


async def measure(gibibytes: float, files: int, ways: tuple[str, ...], within: Path | None) -> None:
    with tempfile.TemporaryDirectory(dir=within) as name:
        folder = Path(name)
        async with signaling_server() as server:
            idle: dict[str, Memory] = {}
            if "send" in ways:
                (folder / "empty").touch()
                idle = (await one_shot(server, folder / "empty", folder, watched=True)).memory
            for what, path in (
                (f"a sparse file of {gibibytes:g} GiB", _file(folder, gibibytes)),
                (f"a tree of {files} files", _tree(folder, files)),
            ):
                if path is None:
                    continue
                if "send" in ways:
                    report(f"{what}, send and receive", await one_shot(server, path, folder, watched=True), idle)
                if "chat" in ways:
                    report(f"{what}, in a room", await in_a_room(server, path, folder), {})


def _file(folder: Path, gibibytes: float) -> Path | None:
    return sparse_file(folder / "image", int(gibibytes * 1024 * MIB)) if gibibytes else None


def _tree(folder: Path, files: int) -> Path | None:
    return odd_tree(folder / "tree", files) if files else None


def report(what: str, outcome: Outcome, idle: dict[str, Memory]) -> None:
    """Prints the figures of one transfer; `idle` has those of an empty one, where the memory itself has none."""
    click.echo(f"{what}: {outcome.at_receiver:.0f} s from accepting to done, whole processes {outcome.whole:.0f} s")
    for side, memory in outcome.memory.items():
        rss = idle[side].peak_rss if side in idle else memory.idle_rss
        above = memory.peak_rss - rss
        pss_above = f", PSS {(memory.peak_pss - memory.idle_pss) / MIB:+.0f} MiB" if memory.idle_pss else ""
        verdict = "reached" if above < AIM else "missed"
        click.echo(
            f"  {side:16} idle {rss / MIB:4.0f} MiB, peak {memory.peak_rss / MIB:4.0f} MiB: {above / MIB:+.0f} MiB"
            f"{pss_above} (aim < {AIM // MIB}: {verdict})"
        )


@click.command("large")
@click.option("--gibibytes", default=10.0, show_default=True, help="Size of the sparse file; 0 to leave it out.")
@click.option("--files", default=200_000, show_default=True, help="Files of the tree; 0 to leave it out.")
@click.option(
    "--way", "ways", type=click.Choice(["send", "chat"]), multiple=True, help="One of the two ways.  [default: both]"
)
@click.option(
    "--within",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the files are made; some 12 GB have to be free.  [default: the folder for temporary files]",
)
def command(gibibytes: float, files: int, ways: tuple[str, ...], within: Path | None) -> None:
    """Memory above idle for a very large file and a very large tree."""
    asyncio.run(measure(gibibytes, files, ways or ("send", "chat"), within))
