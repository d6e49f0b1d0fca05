"""Two who talk all the time, write a line key by key and send a file while something happens to their connection."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.end_to_end.json_process import connected
from tests.end_to_end.programs import contents
from tests.laboratory import services
from tests.laboratory.internet import Home
from tests.laboratory.link import Quality
from tests.laboratory.resident import Resident

FILE_BYTES = 3_000_000
HOME_LINE = Quality(delay=0.01, rate=5e6)
"""A home's upload: the file takes at least five seconds."""

PAUSE_SECONDS = 0.25
"""Between two messages of one side."""

LIVE = "this line is written while the connection comes and goes"


@dataclass
class Talk:
    """What the two do; see `talk`."""

    ana: Resident
    ben: Resident
    file: Path
    said: dict[str, list[str]] = field(default_factory=lambda: {"ana": [], "ben": []})
    _written: int = 0

    @property
    def both(self) -> tuple[Resident, Resident]:
        """Ana and Ben."""
        return self.ana, self.ben

    def other(self, one: Resident) -> Resident:
        """The other one."""
        return self.ben if one is self.ana else self.ana

    def say(self, one: Resident) -> str:
        """Has one of them say the next thing."""
        said = self.said[one.name]
        said.append(f"{one.name} {len(said)}")
        one.do("say", text=said[-1])
        return said[-1]

    async def chatter(self) -> None:
        """Has both talk, and Ana write on her line, until it is cancelled."""
        while True:
            for one in self.both:
                self.say(one)
            self._written = min(self._written + 1, len(LIVE) - 1)
            self.ana.do("rtt", text=LIVE[: self._written])
            await asyncio.sleep(PAUSE_SECONDS)

    async def file_moves(self) -> None:
        """Has Ana send a file; returns when it is well under way."""
        self.ana.do("send", paths=[str(self.file)])
        offer = await self.ben.until("offer")
        self.ben.do("accept", transfer=offer["transfer"])
        await self.ben.until_told("progress", lambda told: told["bytes"] > FILE_BYTES // 8)

    async def heard_anew(self) -> float:
        """Waits until each has heard something new of the other; returns the seconds that it took."""
        since = time.monotonic()
        fresh = {one.name: self.say(one) for one in self.both}
        for one in self.both:
            await one.until("message", text=fresh[self.other(one).name])
        return time.monotonic() - since

    async def ends_well(self) -> None:
        """Checks that nothing is missing, doubled or out of order, that the line is whole and the file verified."""
        self.ana.do("rtt", text=LIVE)
        await self.ben.until("rtt", text=LIVE, state="live")
        self.ana.do("rtt", commit=True)
        await self.ben.until("rtt", text=LIVE, state="final")
        for one in self.both:
            await one.until("message", text=self.said[self.other(one).name][-1])
        for one in self.both:
            assert [told["text"] for told in one.all("message")] == self.said[self.other(one).name]
        done = await self.ben.until_told("transfer", lambda told: told["state"] in ("done", "failed", "cancelled"))
        assert done["state"] == "done", done
        assert contents(self.ben.downloads) == {self.file.name: contents(self.file.parent)[self.file.name]}


@asynccontextmanager
async def talk(at: Home, other: Home, folder: Path) -> AsyncIterator[Talk]:
    """Two at two homes who are connected."""
    server, ice = services.signaling_url(), services.stun_urls()
    file = _large_file(folder)
    async with (
        Resident("ana", at, server, folder, ice, folder.name) as ana,
        Resident("ben", other, server, folder, ice, folder.name) as ben,
    ):
        await connected(ana, ben)
        yield Talk(ana, ben, file)


def _large_file(folder: Path) -> Path:
    file = folder / "sent" / "file"
    file.parent.mkdir(parents=True)
    file.write_bytes(os.urandom(FILE_BYTES))
    return file


@asynccontextmanager
async def chattering(two: Talk) -> AsyncIterator[None]:
    """They talk and write during the block."""
    talking = asyncio.create_task(two.chatter())
    try:
        yield
    finally:
        talking.cancel()


@contextmanager
def stopped(one: Resident) -> Iterator[None]:
    """A program does not run during the block, as on a machine that sleeps."""
    one.stop()
    try:
        yield
    finally:
        one.go_on()
