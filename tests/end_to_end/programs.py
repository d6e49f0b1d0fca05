"""`p2pchat send` and `p2pchat receive` as processes of their own, as people and scripts run them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from tests.end_to_end.json_process import JsonProcess
from tests.environment import without_settings


class Sender(JsonProcess):
    """`p2pchat send --json PATH...`."""

    def __init__(self, server: str, home: Path, *arguments: str) -> None:
        super().__init__("ana", server, home)
        self._command = command("send", "ana", server, home, "--json", *arguments)


class Receiver(JsonProcess):
    """`p2pchat receive --json CODE`."""

    def __init__(self, server: str, home: Path, *arguments: str) -> None:
        super().__init__("ben", server, home)
        self._command = command("receive", "ben", server, home, "--json", *arguments)


def command(word: str, name: str, server: str, home: Path, *arguments: str) -> list[str]:
    options = ("--server", server, "--name", name, "--home", str(home / name))
    downloads = ("--downloads", str(home / name / "downloads"))
    return [sys.executable, "-m", "p2pchat", word, *options, *downloads, *arguments]


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = without_settings()
    return subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env={**clean, **environment},
        check=False,
    )


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, with its SHA-256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
