"""A real `python -m signaling_server`, as a test starts, stops and restarts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from types import TracebackType
from typing import ClassVar, Self

START_SECONDS = 20.0
"""Time to start: 0.5 s on an idle machine, much longer on a busy one."""


class ServerProcess:
    """A server in a process of its own, on loopback. Use it as a context manager: it never outlives the block.

    Args:
        port: 0 for a free one; a test that restarts the server gives the old one.
        options: further options of the command. Nobody counts the sockets of this machine.
        environment: variables for the process.
    """

    exempt: ClassVar[tuple[str, ...]] = ("--exempt-loopback",)

    def __init__(self, port: int = 0, *options: str, **environment: str) -> None:
        command = [sys.executable, "-m", "signaling_server", "--port", str(port), *self.exempt, *options]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("P2PCHAT_")}
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._errors, env=inherited | environment, text=True
        )
        self.url = self._first_line()
        self.port = int(self.url.rpartition(":")[2])

    def _first_line(self) -> str:
        assert self.process.stdout is not None
        watchdog = threading.Timer(START_SECONDS, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline().strip()
        watchdog.cancel()
        if not line.startswith("http"):
            self.process.kill()
            raise AssertionError(f"the server did not start: {line!r} {self.stderr()}")
        return line

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal, and returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=START_SECONDS)

    def stderr(self) -> str:
        """What the process has written to standard error so far."""
        self._errors.seek(0)
        return self._errors.read().decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()
