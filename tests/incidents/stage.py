"""Two nodes, or two programs, between which an incident is played."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from p2pchat.node.events import TransferChanged, TransferInfo, TransferOffered, TransferState
from tests.environment import without_settings
from tests.node.player import PATIENCE, ROOM, Player, connected


@asynccontextmanager
async def two_players(server: str, folder: Path) -> AsyncIterator[tuple[Player, Player]]:
    """Ana and Ben, connected."""
    async with Player("ana", server, folder) as ana, Player("ben", server, folder) as ben:
        await connected(ana, ben)
        yield ana, ben


async def offered(ana: Player, ben: Player, *paths: Path) -> TransferInfo:
    """Ana offers files to Ben; returns the offer as Ben sees it."""
    ben.told.clear()
    await ana.node.offer(ROOM, list(paths), ben.name)
    return (await ben.until(TransferOffered)).info


async def ended(player: Player) -> TransferInfo:
    """Waits for the end of the player's transfer, and until nothing of it is under way on the disk."""
    info = (await player.until(TransferChanged, lambda event: event.info.state.final)).info
    await player.node._transfers._jobs[info.transfer].settle()
    return info


async def hand_over(
    ana: Player, ben: Player, path: Path, output: Path | None = None, if_exists: str = "rename"
) -> None:
    """Ana gives Ben a file or folder, and it arrives."""
    offer = await offered(ana, ben, path)
    await ben.node.accept(offer.transfer, output, if_exists)
    assert (await ended(ben)).state is TransferState.DONE


def everything(folder: Path) -> dict[str, bytes | str | None]:
    """All that is below a folder: contents of files, targets of links, None for folders. No link is followed."""
    found: dict[str, bytes | str | None] = {}
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(place, name)
            key = str(path.relative_to(folder))
            found[key] = os.readlink(path) if path.is_symlink() else None if path.is_dir() else path.read_bytes()
    return found


def command_line(process: int) -> bytes:
    """What other users of this machine can see of a process."""
    return Path(f"/proc/{process}/cmdline").read_bytes()


class Program:
    """A command of p2pchat with a home of its own, on pipes. Use it as an asynchronous context manager.

    Args:
        name: what its user is called.
        server: the signaling server.
        home: the folder of all homes.
        words: the command and its arguments.
        folder: where it runs.
        variables: further variables of its environment.
    """

    def __init__(
        self, name: str, server: str, home: Path, *words: str, folder: Path | None = None, **variables: str
    ) -> None:
        command, *arguments = words
        self.downloads = home / name / "downloads"
        options = ("--server", server, "--name", name, "--home", str(home / name), "--downloads", str(self.downloads))
        self._command = (sys.executable, "-m", "p2pchat", command, *options, *arguments)
        self._folder = folder
        self._variables = variables
        self.output = b""
        """What it has written to standard output."""
        self.errors = b""
        """The same for standard error."""
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        clean = without_settings()
        self.process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=self._folder, env={**clean, **self._variables}
        )
        self._reading = asyncio.gather(self._read(False), self._read(True))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading

    async def _read(self, errors: bool) -> None:
        stream = self.process.stderr if errors else self.process.stdout
        assert stream is not None
        while data := await stream.read(1 << 16):
            if errors:
                self.errors += data
            else:
                self.output += data
            self._news.set()

    async def until(self, pattern: bytes) -> re.Match[bytes]:
        """Waits until it has written what matches, to standard output or standard error."""
        try:
            async with asyncio.timeout(PATIENCE):
                while (found := re.search(pattern, self.output + b"\n" + self.errors)) is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {pattern!r} in {self.output!r} {self.errors!r}") from None
        return found

    async def ended(self) -> int:
        """Waits for its end; returns the exit code."""
        code = await asyncio.wait_for(self.process.wait(), PATIENCE)
        await self._reading
        return code
