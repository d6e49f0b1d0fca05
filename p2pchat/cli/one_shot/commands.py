"""What `send` and `receive` need from the process: its terminal, its signals, its disk, and a real node."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from p2pchat.cli.lines import read_lines
from p2pchat.cli.narration import narrate
from p2pchat.cli.one_shot.code_prompt import ask_for_code
from p2pchat.cli.one_shot.part import Comeback
from p2pchat.cli.one_shot.progress import ProgressBar, terminal_columns
from p2pchat.cli.one_shot.receive import ASK, POLICIES, Wanted, check_code, receive
from p2pchat.cli.one_shot.send import Sent, Shown, absolute, send
from p2pchat.cli.one_shot.standard_input import STDIN_NAME, spooled
from p2pchat.cli.one_shot.telling import ForPeople, ForPrograms, Teller
from p2pchat.cli.options import DEFAULT_SERVER, Options
from p2pchat.cli.output import standard_output
from p2pchat.errors import ServerUnreachable, UnsafeName, UsageError
from p2pchat.node.loop import run
from p2pchat.node.node import Node
from p2pchat.node.settings import Settings
from p2pchat.protocol.transfer.paths import safe_components
from p2pchat.store.meetings import MEETINGS_FILE, Meetings, code_occasion, paths_occasion
from p2pchat.store.spool import SpoolFile, remove_stale, stdout_folder

STDIN: str = "-"
"""The path that means standard input."""


@dataclass(frozen=True, slots=True)
class SendOptions:
    """The options of `send`, as they were given."""

    paths: tuple[str, ...]
    to: str = ""
    input_name: str | None = None
    follow_links: bool = False
    qr: bool = False
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class ReceiveOptions:
    """The options of `receive`, as they were given."""

    code: str | None = None
    contacts: tuple[str, ...] = ()
    output: str | None = None
    yes: bool = False
    only: tuple[str, ...] = ()
    preserve: bool = False
    stdout: bool = False
    timeout: float | None = None


def send_files(chosen: Options, given: SendOptions) -> None:
    """Runs `p2pchat send`; see there for what is raised."""
    settings = chosen.settings if given.to else _with_mailboxes(chosen.settings)
    name = _input_name(given, settings.ephemeral)
    if given.to and given.qr:
        raise UsageError("--to needs no code, and so there is none to show with --qr")
    files = [_path(path) for path in given.paths if path != STDIN]
    server = "" if settings.server == DEFAULT_SERVER else settings.server
    if not settings.ephemeral:
        remove_stale(settings.home)
    with contextlib.ExitStack() as stack:
        file: SpoolFile | None = None
        if name:
            file = SpoolFile(settings.home, name)
            stack.callback(file.remove)
            if sys.stdin.isatty():
                narrate("Type what you want to send; Ctrl-D on a line of its own ends it.")
        sent = Sent([*files, *([file.path] if file else [])], name, given.to, given.follow_links)
        comeback = stack.enter_context(_comeback(chosen, paths_occasion([given.to, *absolute(sent.paths)])))

        async def do() -> None:
            await send(
                Node(settings),
                sent,
                _teller(chosen),
                shown=Shown(settings.name, server, given.qr, settings.lan),
                comeback=comeback,
                seconds=given.timeout,
                spooling=spooled(sys.stdin.fileno(), file) if file else None,
            )

        _run(do(), settings.server)


def receive_files(chosen: Options, given: ReceiveOptions) -> None:
    """Runs `p2pchat receive`; see there for what is raised."""
    # Whether to ask is decided here, where the folder and the names are known.
    settings = replace(chosen.settings, auto_accept=False)
    if not given.contacts:
        settings = _with_mailboxes(settings)
    _check(chosen, given)
    somebody = sys.stdin.isatty() and not chosen.json
    if chosen.if_exists == ASK and not somebody:
        raise UsageError("there is no terminal to ask on", f"choose --if-exists {', '.join(POLICIES)}")
    code = ""
    if not given.contacts:
        code = ask_for_code(check_code) if given.code is None else check_code(given.code)
    can_ask = somebody and (not given.yes or chosen.if_exists == ASK)
    wanted = Wanted(
        code,
        given.contacts,
        _output(chosen, given),
        given.yes,
        chosen.if_exists or (POLICIES[0] if given.yes else ASK),
        given.only,
        given.preserve,
        given.stdout,
    )
    saved: tuple[str, ...] = ()
    with _comeback(chosen, code_occasion(code)) as comeback:

        async def do() -> None:
            nonlocal saved
            saved = await receive(
                Node(settings),
                wanted,
                _teller(chosen),
                comeback=comeback,
                answers=read_lines(sys.stdin.fileno()) if can_ask else None,
                seconds=given.timeout if given.timeout is not None else None if given.contacts else 60.0,
            )

        _run(do(), settings.server)
    if given.stdout:
        _write_out(Path(saved[0]), settings.home)


def _with_mailboxes(settings: Settings) -> Settings:
    """A code names a mailbox, and mailboxes are at a server."""
    return replace(settings, server=settings.server or DEFAULT_SERVER)


def _check(chosen: Options, given: ReceiveOptions) -> None:
    """Refuses options that exclude each other."""
    if given.contacts and given.code is not None:
        raise UsageError("a code and --from exclude each other", "with --from no code is needed")
    if given.stdout:
        others = {"--output": given.output, "--only": given.only, "--json": chosen.json}
        others["--ephemeral"] = chosen.settings.ephemeral
        for option, value in others.items():
            if value:
                raise UsageError(f"--stdout and {option} exclude each other", "choose one")


def _input_name(given: SendOptions, ephemeral: bool) -> str:
    """Returns what standard input is called at the receiver; nothing when it is not sent."""
    count = given.paths.count(STDIN)
    if not count:
        if given.input_name is not None:
            raise UsageError("--as names standard input, which is not sent", "p2pchat send - --as NAME")
        return ""
    if count > 1:
        raise UsageError("standard input can be sent only once")
    if ephemeral:
        raise UsageError(
            "standard input is kept in a file until it has been sent, and --ephemeral allows none",
            "send a file, or leave --ephemeral out",
        )
    name = STDIN_NAME if given.input_name is None else given.input_name
    try:
        components = safe_components(name)
    except UnsafeName as error:
        raise UsageError(f"--as: {error.message}", "choose another name") from None
    if len(components) != 1:
        raise UsageError("--as has to be a name without a folder")
    return name


def _output(chosen: Options, given: ReceiveOptions) -> Path | None:
    if given.stdout:
        remove_stale(chosen.settings.home)
        return stdout_folder(chosen.settings.home)
    return None if given.output is None else _folder(given.output)


def _write_out(path: Path, home: Path) -> None:
    """Writes a received file to standard output, and removes it.

    Raises:
        OutputClosed: nobody reads any more.
    """
    try:
        standard_output().copy(path)
    finally:
        path.unlink(missing_ok=True)
        remove_stale(home)


@contextlib.contextmanager
def _comeback(chosen: Options, occasion: bytes) -> Iterator[Comeback]:
    settings = chosen.settings
    meetings = Meetings(None if settings.ephemeral else settings.home / MEETINGS_FILE)
    try:
        yield Comeback(meetings, occasion, settings.patience, settings.ephemeral)
    finally:
        meetings.close()


def _teller(chosen: Options) -> Teller:
    output = standard_output()
    if chosen.json:
        return ForPrograms(output.write_line)
    draws = sys.stderr.isatty() and not chosen.plain and os.environ.get("TERM") != "dumb"
    bar = ProgressBar(sys.stderr, lambda: terminal_columns(sys.stderr)) if draws else None
    return ForPeople(output.write_path, bar)


def _run(command: Coroutine[Any, Any, None], server: str) -> None:
    """Runs a command; SIGTERM does to it what Ctrl-C does, also where Ctrl-C is ignored (`nohup`, a script's `&`).

    The other side is told, and the exit code says that nothing was finished. Who named no server does not know the
    address of the one that did not answer, and is told what to do instead.
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
    except ServerUnreachable as error:
        if server != DEFAULT_SERVER:
            raise
        hint = "a code needs a server: name one with --server URL, or start p2pchat-server here"
        raise ServerUnreachable(f"no server: {error.message}", hint) from error


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise UsageError("an empty path names no file")
    return Path(text)


def _folder(text: str) -> Path:
    path = Path(os.path.expanduser(text)).absolute()
    if not text or "\0" in text or (path.exists() and not path.is_dir()):
        raise UsageError("--output has to be a folder, or a path where one can be made")
    return path
