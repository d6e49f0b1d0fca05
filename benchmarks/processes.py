"""Child processes of a benchmark, which talk with it in lines of JSON on their standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
from collections.abc import AsyncIterator
from typing import Any

LINE_BYTES = 1 << 20
"""Longest line a child may print: a session description has about 2 kB."""


class Child:
    """A program run as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._skipped: set[str] = set()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def tell(self, **message: Any) -> None:
        """Sends it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        await self._process.stdin.drain()

    async def hear(self, event: str, seconds: float = 60.0) -> dict[str, Any]:
        """Returns the next line with this `event`; skips others.

        Raises:
            RuntimeError: it ended, or nothing of the kind came within `seconds`.
        """
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                while line := await self._process.stdout.readline():
                    message: dict[str, Any] = json.loads(line)
                    if message.get("event") == event:
                        return message
                    self._skipped.add(str(message.get("event")))
        except TimeoutError:
            raise RuntimeError(f"no {event!r} within {seconds:.0f} s") from None
        raise RuntimeError(f"a process ended before {event!r}")

    def has_heard(self, event: str) -> bool:
        """Whether `hear` has skipped such a line while it waited for another."""
        return event in self._skipped

    async def ended(self, seconds: float = 60.0) -> None:
        """Waits for its end.

        Raises:
            RuntimeError: it did not end within `seconds`, or its exit code is not 0.
        """
        try:
            code = await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            raise RuntimeError(f"a process did not end within {seconds:.0f} s") from None
        if code:
            raise RuntimeError(f"a process ended with exit code {code}")


@contextlib.asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncIterator[Child]:
    """Starts a module as a process, and ends it afterwards. No `P2PCHAT_` variable of ours reaches it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("P2PCHAT_")}
        | {"P2PCHAT_LAN": "false"},
        limit=LINE_BYTES,
    )
    try:
        yield Child(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def signaling_server() -> AsyncIterator[str]:
    """Starts a signaling server; yields its URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "signaling_server", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


def say(**message: Any) -> None:
    """In a child: prints a line for the parent."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def told() -> AsyncIterator[dict[str, Any]]:
    """In a child: the lines of the parent, until it closes the pipe."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        yield json.loads(line)


def cpu_seconds() -> float:
    """In a child: processor time used so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
