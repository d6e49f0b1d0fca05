"""A program of the user's that is started when somebody asks for attention: a lamp, a pager, a vibrating bracelet.

Rules
    1. No shell takes part, and nothing that a peer chose is an argument. Its name is in ALERT_FROM, fit to be shown.
    2. The program gets no terminal, no input, no output and none of our own settings, of which some are secret.
    3. One at a time, and at most one in ALERT_SECONDS: what rings meanwhile starts nothing, and is not made up for.
    4. It is ended after RUN_SECONDS, and when we end; with it, where the system has process groups, what it started.
    5. A program that cannot be started is told once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from p2pchat.errors import ConfigurationError, P2PChatError
from p2pchat.protocol.limits import ALERT_SECONDS, NAME_CHARACTERS
from p2pchat.protocol.untrusted import safe_line

ALERT_FROM: Final = "P2PCHAT_ALERT_FROM"
"""The environment variable with the name of whoever asks for attention."""

RUN_SECONDS: Final = 10.0
"""Longest run of the program, in seconds: longer than a lamp has to flash to be seen."""

END_SECONDS: Final = 1.0
"""What a program gets to switch its lamp off again once it is asked to end, in seconds."""

_OURS: Final = "P2PCHAT_"


class AlertHook:
    """Starts the program. It needs a running event loop from the first alert on.

    Args:
        command: the program and its arguments; empty for none, and then nothing ever happens.
        failed: takes, once, why the program cannot be started.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        failed: Callable[[P2PChatError], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = tuple(command)
        self._failed = failed
        self._clock = clock
        self._started_at: float | None = None
        self._run: asyncio.Task[None] | None = None
        self._told = False

    def alerted(self, name: str) -> None:
        """Somebody of this name rang: starts the program, unless it runs or has been started just now."""
        now = self._clock()
        soon = self._started_at is not None and now < self._started_at + ALERT_SECONDS
        if not self._command or self.running or soon:
            return
        self._started_at = now
        self._run = asyncio.create_task(self._start_and_wait(safe_line(name, NAME_CHARACTERS)))

    @property
    def running(self) -> bool:
        """Whether the program runs, or is about to."""
        return self._run is not None and not self._run.done()

    async def close(self) -> None:
        """Ends the program, if it runs."""
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)

    async def _start_and_wait(self, name: str) -> None:
        # As bytes of UTF-8, also where the locale has another encoding in which the name cannot be written.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
        environment[ALERT_FROM] = os.fsdecode(name.encode())
        nowhere = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=nowhere, stdout=nowhere, stderr=nowhere, env=environment, start_new_session=True
            )
        except (OSError, ValueError) as error:
            self._cannot_start(error)
            return
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), RUN_SECONDS)
        finally:
            await _end(process)

    def _cannot_start(self, error: Exception) -> None:
        if not self._told:
            self._told = True
            reason = getattr(error, "strerror", None) or "it cannot be started"
            self._failed(
                ConfigurationError(
                    f"the program for alerts, {safe_line(self._command[0])}: {reason}", "see on-alert or --on-alert"
                )
            )


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends a program that still runs, and what it started, first kindly; waits until it is gone."""
    if process.returncode is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), END_SECONDS)
    except TimeoutError:
        _signal(process, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, number)
