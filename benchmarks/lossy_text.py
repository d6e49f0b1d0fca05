"""How long a lost last keystroke takes, with and without the small frames that follow it.

One key is pressed, after a pause; nothing follows it, and the packet that carries it is lost. Without help the sender
notices when its timer runs out, after a second at least (RFC 9260 §16). Both ends are processes of their own, 100 ms
there and back from each other. It needs root, for network namespaces.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import click

from tests.laboratory.link import Network, Quality, missing, network
from tests.laboratory.stage import Talker, latencies, quantile, two_talkers, type_line, typing

PAUSE_SECONDS = 1.3
"""Between two keys: a lone key, whose packets are all acknowledged before the next one."""


async def lone_key(ana: Talker, ben: Talker, network: Network, text: str, lost: bool) -> float:
    """Presses one key; returns the seconds until the other side shows it."""
    await asyncio.sleep(PAUSE_SECONDS)
    if lost:
        network.lose_next(0)
    pressed = time.monotonic()
    ana.do("rtt", text=text)
    await ben.until("rtt", text=text)
    return next(at for at, event in ben.lines if event["text"] == text) - pressed


async def lone_keys(keys: int, delay: float, nudges: bool, lost: bool) -> list[float]:
    """Returns the seconds that each lone key took."""
    with tempfile.TemporaryDirectory() as folder, network(Quality(delay=delay)) as poor:
        async with two_talkers(poor, Path(folder), nudges) as (ana, ben):
            times = []
            for number in range(keys):
                times.append(await lone_key(ana, ben, poor, "x" * (number + 1), lost))
            return times


async def random_loss(seconds: float, delay: float, nudges: bool) -> list[float]:
    """Returns the seconds that each key took of somebody who types, while one packet of a hundred is lost."""
    with tempfile.TemporaryDirectory() as folder, network(Quality(delay=delay, loss=0.01)) as poor:
        async with two_talkers(poor, Path(folder), nudges) as (ana, ben):
            keys = list(typing(seconds, seed=2))
            pressed = await type_line(ana, keys)
            await ben.until("rtt", text=keys[-1].text)
            return latencies(pressed, ben.lines)


def describe(name: str, times: list[float]) -> None:
    figures = "   ".join(f"{word} {quantile(times, part) * 1000:5.0f} ms" for word, part in QUANTILES)
    click.echo(f"{name:38} {figures}   ({len(times)} keys)")


QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("most", 1.0))


async def measure(keys: int, delay: float, seconds: float) -> None:
    describe("nothing lost", await lone_keys(keys, delay, nudges=True, lost=False))
    describe("each key lost, without nudges", await lone_keys(keys, delay, nudges=False, lost=True))
    describe("each key lost, with nudges", await lone_keys(keys, delay, nudges=True, lost=True))
    describe("1 % lost while typing, without nudges", await random_loss(seconds, delay, nudges=False))
    describe("1 % lost while typing, with nudges", await random_loss(seconds, delay, nudges=True))


@click.command("lossy_text")
@click.option("--keys", default=30, show_default=True, help="Lone keys in each measurement.")
@click.option("--delay", default=0.05, show_default=True, help="Seconds one way.")
@click.option("--seconds", default=60.0, show_default=True, help="How long somebody types while packets are lost.")
def command(keys: int, delay: float, seconds: float) -> None:
    """Key-to-remote latency of live text whose packets are lost."""
    if reason := missing():
        click.echo(f"skipped: {reason}")
        return
    asyncio.run(measure(keys, delay, seconds))
