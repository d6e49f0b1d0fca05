"""`p2pchat doctor --json` as a process, and what it found."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 60.0


@dataclass(frozen=True)
class Report:
    """What was found."""

    code: int
    """The exit code."""
    findings: list[dict[str, Any]]
    works: bool

    def state(self, check: str) -> str:
        """The worst state of a check."""
        states = [each["state"] for each in self.findings if each["check"] == check]
        return max(states, key=["ok", "warning", "fault"].index, default="not tested")

    def said(self, check: str) -> str:
        """All words of a check."""
        return " ".join(f"{each['message']} {each['hint']}" for each in self.findings if each["check"] == check)


def examine(home: Path, *options: str, before: Sequence[str] = (), **environment: str) -> Report:
    """Runs it to its end.

    Args:
        home: the folder of all state.
        options: of the command.
        before: a command that runs it, such as `unshare --net`.
        environment: further variables.
    """
    command = [*before, sys.executable, "-m", "p2pchat", "doctor", "--json", "--home", str(home), *options]
    downloads = ("--downloads", str(home / "downloads"))
    ended = subprocess.run(
        [*command, *downloads], env=os.environ | environment, capture_output=True, timeout=PATIENCE, check=False
    )
    *findings, last = [json.loads(line) for line in ended.stdout.splitlines()]
    assert last["event"] == "doctor", ended.stderr
    return Report(ended.returncode, findings, last["works"])


async def examined(home: Path, *options: str, **environment: str) -> Report:
    """The same while the test's own event loop serves it."""
    return await asyncio.to_thread(lambda: examine(home, *options, **environment))
