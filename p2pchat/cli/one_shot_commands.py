"""What `send` and `receive` need from the process: its terminal, its signals, and a real node."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from p2pchat.cli.code_prompt import ask_for_code
from p2pchat.cli.lines import read_lines
from p2pchat.cli.options import DEFAULT_SERVER, Options
from p2pchat.cli.output import standard_output
from p2pchat.cli.progress import ProgressBar, terminal_columns
from p2pchat.cli.receive import check_code, receive
from p2pchat.cli.send import send
from p2pchat.cli.telling import ForPeople, ForPrograms, Teller
from p2pchat.errors import UsageError
from p2pchat.node.loop import run
from p2pchat.node.node import Node


def send_files(chosen: Options, paths: tuple[str, ...], with_qr: bool, seconds: float | None) -> None:
    """Runs `p2pchat send`; see there for what is raised."""
    server = "" if chosen.settings.server == DEFAULT_SERVER else chosen.settings.server
    files = [_path(path) for path in paths]

    async def do() -> None:
        teller = _teller(chosen)
        await send(Node(chosen.settings), files, teller, server=server, with_qr=with_qr, seconds=seconds)

    _run(do())


def receive_files(chosen: Options, code: str | None, output: str | None, yes: bool, seconds: float) -> None:
    """Runs `p2pchat receive`; see there for what is raised."""
    folder = None if output is None else _folder(output)
    checked = ask_for_code(check_code) if code is None else check_code(code)
    can_ask = sys.stdin.isatty() and not chosen.json and not yes

    async def do() -> None:
        await receive(
            Node(chosen.settings),
            checked,
            _teller(chosen),
            output=folder,
            folder=folder or chosen.settings.downloads,
            yes=yes,
            answers=read_lines(sys.stdin.fileno()) if can_ask else None,
            seconds=seconds,
        )

    _run(do())


def _teller(chosen: Options) -> Teller:
    output = standard_output()
    if chosen.json:
        return ForPrograms(output.write_line)
    draws = sys.stderr.isatty() and not chosen.plain and os.environ.get("TERM") != "dumb"
    bar = ProgressBar(sys.stderr, lambda: terminal_columns(sys.stderr)) if draws else None
    return ForPeople(output.write_path, bar)


def _run(command: Coroutine[Any, Any, None]) -> None:
    """Runs a command; SIGTERM does to it what Ctrl-C does, also where Ctrl-C is ignored (`nohup`, a script's `&`).

    The other side is told, and the exit code says that nothing was finished.
    """

    async def cancellable() -> None:
        task = asyncio.current_task()
        assert task is not None
        with contextlib.suppress(NotImplementedError):  # Windows has no such signal
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await command

    try:
        run(cancellable())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise UsageError("an empty path names no file")
    return Path(text)


def _folder(text: str) -> Path:
    path = Path(os.path.expanduser(text)).absolute()
    if not text or "\0" in text or (path.exists() and not path.is_dir()):
        raise UsageError("--output has to be a folder, or a path where one can be made")
    return path
