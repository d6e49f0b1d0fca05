"""The command `p2pchat`.

Nothing heavy is imported until a command needs it: `p2pchat --help` answers at once.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from p2pchat import __version__
from p2pchat.cli import narration, options, outcome
from p2pchat.cli.options import Options
from p2pchat.cli.session import LINGER_DEFAULT
from p2pchat.errors import UsageError

DEFAULT_COMMAND = "chat"


class ChatByDefault(click.Group):
    """Takes a first argument that is no command as one of `chat`: `p2pchat lab` is `p2pchat chat lab`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts the default command where none was named."""
        if not args or args[0] not in {*self.commands, *ctx.help_option_names, "--version"}:
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)


@click.group(cls=ChatByDefault, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def p2pchat() -> None:
    """Talk, share files and type live with others, directly from terminal to terminal.

    `p2pchat ROOM` is short for `p2pchat chat ROOM`.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no connection, 4 timed out, 5 identity, 6 turned down,
    130 interrupted.
    """


@p2pchat.command()
@click.argument("room", required=False)
@options.common
@click.option(
    "--linger",
    type=click.FloatRange(min=0.0, max=86_400.0),
    default=LINGER_DEFAULT,
    show_default=True,
    metavar="SECONDS",
    help="In plain and machine mode: how long the end of input waits for what is still being sent.",
)
@click.pass_context
def chat(context: click.Context, /, room: str | None, linger: float, **_: Any) -> None:
    """Join ROOM and talk with everybody in it.

    On a terminal this opens the full screen; otherwise, or with TERM=dumb, line mode.
    """
    chosen = options.resolve(context)
    narration.configure(chosen.verbose)
    if room is None:
        raise UsageError("which room?", "name one that you and the others agree on: p2pchat chat ROOM")
    if chosen.json or chosen.plain or not options.on_a_terminal():
        _chat_in_lines(room, linger, chosen)
    else:
        _chat_on_screen(room, chosen)


@p2pchat.command()
@options.name
@options.home
@options.config_file
@options.plain
@options.verbose
@click.pass_context
def demo(context: click.Context, /, **_: Any) -> None:
    """Show what p2pchat does: two real peers on this machine, with a signaling server of their own.

    On a terminal the full screen opens, with a second peer that chats back, types live, and sends and accepts a file.
    Otherwise, or with --plain, one complete round plays by itself, and is checked: it ends with exit code 0 within 20
    seconds, or says what failed. Nothing is kept.
    """
    from p2pchat.cli import demo as demonstration

    chosen = options.resolve(context)
    narration.configure(chosen.verbose)
    demonstration.play(chosen.settings.name, on_screen=options.on_a_terminal() and not chosen.plain)


def _chat_in_lines(room: str, linger: float, chosen: Options) -> None:
    from p2pchat.cli import chat_json, chat_plain
    from p2pchat.cli.lines import read_lines
    from p2pchat.cli.output import standard_output
    from p2pchat.node.loop import run
    from p2pchat.node.node import Node

    async def take_part() -> None:
        node = Node(chosen.settings)
        lines = read_lines(sys.stdin.fileno())
        write_line = standard_output().write_line
        if chosen.json:
            await chat_json.chat(node, room, lines=lines, write_line=write_line, linger=linger)
        else:
            echo = not sys.stdin.isatty()
            await chat_plain.chat(node, room, lines=lines, write_line=write_line, linger=linger, echo=echo)

    run(take_part())


def _chat_on_screen(room: str, chosen: Options) -> None:
    from p2pchat import tui
    from p2pchat.node.threaded import NodeThread

    error = tui.run(NodeThread(chosen.settings), room, live=False, downloads=chosen.settings.downloads)
    if error is not None:
        raise error


def main() -> None:
    """Runs the command line and ends the process with the code of `p2pchat.cli.outcome`."""
    narration.configure(verbose=False)
    sys.exit(outcome.conclude(lambda: p2pchat.main(prog_name=narration.PROGRAM, standalone_mode=False)))
