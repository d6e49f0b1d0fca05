"""A program on a terminal, as people run it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.json_process import PATIENCE
from tests.environment import without_settings

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Screen:
    """A terminal of 100 x 30 with a shell in it, in a tmux server of its own."""

    def __init__(self, socket: Path) -> None:
        self._tmux = ("tmux", "-S", str(socket))

    def do(self, *words: str) -> str:
        done = subprocess.run([*self._tmux, *words], capture_output=True, text=True, timeout=20, check=True)
        return done.stdout

    def type(self, *keys: str) -> None:
        self.do("send-keys", *keys)

    def kill(self, number: int) -> None:
        """Sends a signal to the command."""
        shell = self.do("display-message", "-p", "#{pane_pid}").strip()
        words = ["pkill", f"-{number}", "-P", shell]
        subprocess.run(words, timeout=20, check=True)

    def until(self, holds: Callable[[str], bool]) -> str:
        """Waits until something holds of what is shown, and returns that."""
        ends = time.monotonic() + PATIENCE
        while not holds(shown := self.do("capture-pane", "-p", "-J")):
            assert time.monotonic() < ends, shown
            time.sleep(0.1)
        return shown


@contextmanager
def screen(folder: Path, words: list[str]) -> Iterator[Screen]:
    """A terminal in which a command runs; its exit code is shown at the end."""
    shown = Screen(folder / "tmux")
    environment = {name: value for name, value in without_settings().items() if not name.startswith("TMUX")}
    script = f"{shlex.join(words)}; echo exit=$?; exec cat"
    subprocess.run(
        ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", script],
        env={**environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
        timeout=20,
        check=True,
    )
    try:
        yield shown
    finally:
        shown.do("kill-server")
