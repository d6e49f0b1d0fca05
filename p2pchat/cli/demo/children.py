"""Processes that the demo starts, and that never outlive it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from p2pchat.errors import P2PChatError

STOP_SECONDS: Final = 4.0
"""Time for a child to end once its standard input has: saying goodbye to peers takes up to 3 s."""


@contextlib.contextmanager
def started(
    name: str, module: str, *arguments: str, folder: Path, output: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a module as a child process, which has to end when its standard input does, and ends it on leaving.

    It has a session of its own, so that Ctrl-C in the terminal reaches us alone. Its standard error goes to a file.

    Args:
        name: what the child is called, and the beginning of its log's name.
        module: what to run.
        arguments: for the module.
        folder: where its log and its temporary files go.
        output: its standard output: `subprocess.PIPE` when it is read to the end, `subprocess.DEVNULL` otherwise.
    """
    temporary = {"TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    with (folder / f"{name}.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=log,
            start_new_session=True,
            env={**os.environ, **temporary},
        )
    try:
        yield child
    finally:
        piped(child.stdin).close()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()


def first_line(child: subprocess.Popen[bytes], name: str, seconds: float, folder: Path) -> str:
    """Waits for the first line that a child writes, and returns it.

    Raises:
        P2PChatError: it ended, or wrote no line within `seconds`, and was killed.
    """
    timer = threading.Timer(seconds, child.kill)
    timer.start()
    try:
        line = piped(child.stdout).readline()
    finally:
        timer.cancel()
    if not line.endswith(b"\n"):
        raise ended_early(name, folder)
    return line.decode("utf-8", "replace").strip()


def ended_early(name: str, folder: Path) -> P2PChatError:
    """Returns the error that says that a child has ended, with the last thing that it wrote to its log."""
    last = (folder / f"{name}.log").read_text("utf-8", "replace").strip().rpartition("\n")[2]
    return P2PChatError(f"the {name} did not start, or ended early", f"its last words: {last}" if last else "")


def piped(stream: IO[bytes] | None) -> IO[bytes]:
    """Returns a stream of a child that was started with pipes."""
    assert stream is not None
    return stream
