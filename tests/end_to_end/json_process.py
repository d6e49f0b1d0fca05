"""`p2pchat chat ROOM --json` as a process of its own, as a script would use it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.environment import without_settings

PATIENCE = 80.0
"""Seconds until a wait has failed."""


class JsonProcess:
    """One process. Use it as an asynchronous context manager: it never outlives the block."""

    def __init__(self, name: str, server: str, home: Path, *options: str, room: str = "lab") -> None:
        self.name = name
        self.downloads = home / name / "downloads"
        self.events: list[dict[str, Any]] = []
        self._command = [
            *(sys.executable, "-m", "p2pchat", "chat", room, "--json", "--server", server, "--name", name),
            *("--home", str(home / name), "--downloads", str(self.downloads), *options),
        ]
        self._news = asyncio.Event()
        self._ended = False

    async def __aenter__(self) -> Self:
        environment = without_settings()
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            limit=1 << 20,
        )
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.events.append(json.loads(line))
            self._news.set()
        self._ended = True
        self._news.set()

    def do(self, do: str, **keys: Any) -> None:
        """Writes a command."""
        self.write(json.dumps({"do": do, **keys}).encode())

    def write(self, line: bytes) -> None:
        """Writes a line as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")

    def hang_up(self) -> None:
        """Ends the standard input."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self) -> None:
        """Ends the process without a chance to say goodbye."""
        self.process.send_signal(signal.SIGKILL)

    def all(self, event: str, **keys: Any) -> list[dict[str, Any]]:
        """The events of a kind, with these values, so far."""
        return [
            told
            for told in self.events
            if told["event"] == event and all(told.get(key) == value for key, value in keys.items())
        ]

    async def until(self, event: str, *, count: int = 1, **keys: Any) -> dict[str, Any]:
        """Waits until so many events of a kind with these values were told; returns the last of them."""

        def fits(told: dict[str, Any]) -> bool:
            return all(told.get(key) == value for key, value in keys.items())

        return await self.until_told(event, fits, count, str(keys))

    async def until_told(
        self, event: str, fits: Callable[[dict[str, Any]], bool], count: int = 1, what: str = "that fits"
    ) -> dict[str, Any]:
        """Waits until so many events of a kind that fit were told; returns the last of them."""
        try:
            async with asyncio.timeout(PATIENCE):
                while len(found := [told for told in self.all(event) if fits(told)]) < count:
                    if self._ended:
                        raise AssertionError(f"{self.name} ended; {await self.standard_error()}")
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{self.name} waits for {event} {what}; told: {self.events[-10:]}") from None
        return found[count - 1]

    async def ended(self) -> int:
        """Waits for the end of the process; returns its exit code."""
        return await asyncio.wait_for(self.process.wait(), PATIENCE)

    async def standard_error(self) -> str:
        """What it wrote to standard error, after it has ended."""
        assert self.process.stderr is not None
        return (await self.process.stderr.read()).decode()


async def connected(*peers: JsonProcess) -> None:
    """Waits until all of them are connected with all others."""
    for peer in peers:
        for other in peers:
            if other is not peer:
                await peer.until("peer", name=other.name, state="connected")
