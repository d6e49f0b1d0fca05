"""Two p2pchat processes at the two ends of a poor network, and somebody who types at one of them."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.end_to_end.json_process import JsonProcess, connected
from tests.laboratory.link import ADDRESSES, Network


class Talker(JsonProcess):
    """`p2pchat chat ROOM --json` at one place of a network; notes when each line of live text came."""

    def __init__(
        self,
        name: str,
        server: str,
        home: Path,
        network: Network,
        place: int,
        nudges: bool = True,
        options: Sequence[str] = (),
        room: str = "lab",
    ) -> None:
        super().__init__(name, server, home, *options, room=room)
        if not nudges:
            self._command[1:3] = ["-m", "tests.laboratory.without_nudges"]
        self._command[:0] = network.at(place)
        self.lines: list[tuple[float, dict[str, Any]]] = []
        """The `rtt` events, and when they came on our monotonic clock."""

    async def _read(self) -> None:
        watching = asyncio.create_task(self._watch())
        await super()._read()
        watching.cancel()

    async def _watch(self) -> None:
        seen = 0
        while True:
            await self._news.wait()
            now = time.monotonic()
            for event in self.events[seen:]:
                if event["event"] == "rtt":
                    self.lines.append((now, event))
            seen = len(self.events)
            self._news.clear()


@contextmanager
def server_at(network: Network, place: int) -> Iterator[str]:
    """A signaling server at one place; both can reach it."""
    command = [*network.at(place), sys.executable, "-m", "signaling_server", "--host", ADDRESSES[place], "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@asynccontextmanager
async def two_talkers(network: Network, folder: Path, nudges: bool = True) -> AsyncIterator[tuple[Talker, Talker]]:
    """Two who are connected over the network."""
    with server_at(network, 0) as server:
        async with (
            Talker("ana", server, folder, network, 0, nudges) as ana,
            Talker("ben", server, folder, network, 1, nudges) as ben,
        ):
            await connected(ana, ben)
            yield ana, ben


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was pressed."""

    after: float
    """Seconds after the one before."""
    text: str
    """How the line reads then."""


TEXT = (
    "well I thought we could meet at the station around half past nine if the train is on time and then walk to the "
    "old harbour where naïve tourists 👨‍👩‍👧 never go and have coffee"
)


def typing(seconds: float, seed: int) -> Iterator[Key]:
    """Somebody who types for so long: bursts of a quick typist, pauses for thought, some typing errors."""
    rng = random.Random(seed)
    text, at = "", 0.0
    while at < seconds:
        word = rng.choice(TEXT.split()) + " "
        strokes = [*word]
        if rng.random() < 0.15:
            strokes[1:1] = ["x", "\b"]
        for number, stroke in enumerate(strokes):
            after = rng.uniform(0.05, 0.25)
            if number == 0 and rng.random() < 0.2:
                after += rng.uniform(0.6, 1.8)
            text = text[:-1] if stroke == "\b" else text + stroke
            at += after
            yield Key(after, text)


async def type_line(talker: Talker, keys: list[Key]) -> list[tuple[float, str]]:
    """Types, and returns when each key was pressed and how the line read then."""
    pressed = []
    due = time.monotonic()
    for key in keys:
        due += key.after
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        pressed.append((time.monotonic(), key.text))
        talker.do("rtt", text=key.text)
    return pressed


def latencies(pressed: list[tuple[float, str]], shown: list[tuple[float, dict[str, Any]]]) -> list[float]:
    """Returns the seconds from each key to the first line at the other side that has it or a later one in it."""
    times: list[float] = []
    for at, event in shown:
        later = range(len(times), len(pressed))
        latest = next((n for n in later if pressed[n][1] == event["text"] and pressed[n][0] <= at), None)
        if latest is not None:
            times += [at - pressed[n][0] for n in range(len(times), latest + 1)]
    return times


def quantile(times: list[float], part: float) -> float:
    """Returns the time that so many of them do not exceed."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
