"""The command `p2pchat`.

Nothing heavy is imported until a command needs it: `p2pchat --help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from p2pchat import __version__
from p2pchat.cli import narration, options, outcome
from p2pchat.cli.contacts import contacts
from p2pchat.cli.groups import GroupWithDefault
from p2pchat.cli.options import Command, Options
from p2pchat.cli.session import LINGER_DEFAULT

if TYPE_CHECKING:
    from p2pchat.cli.room_access import Access


class ChatByDefault(GroupWithDefault):
    """`p2pchat lab` is `p2pchat chat lab`."""

    default_command = "chat"


@click.group(cls=ChatByDefault, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def p2pchat() -> None:
    """Talk, share files and type live with others, directly from terminal to terminal.

    `p2pchat ROOM` is short for `p2pchat chat ROOM`, and `p2pchat` alone is the lobby of the local network.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no connection, 4 timed out, 5 identity, 6 turned down,
    130 interrupted.
    """


def _timeout(help_text: str, **how: Any) -> Callable[[Command], Command]:
    """The option `--timeout`."""
    seconds = click.FloatRange(min=0.0, min_open=True, max=86_400.0)
    return click.option("--timeout", type=seconds, metavar="SECONDS", help=help_text, show_default=True, **how)


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
@options.announce
@options.events
@options.theme
@options.reduced_motion
@options.flash
@options.on_alert
@options.language
@options.sdp_t140
@click.option("--secret-file", metavar="FILE", help="A file with the room's secret, or a passphrase.")
@click.option("--new-secret", is_flag=True, help="Make a secret for the room, and show the invite to it.")
@click.option("--invite", is_flag=True, help="Ask for the invite link to a room; it names room and server.")
@click.option("--invite-file", metavar="FILE", help="A file with the invite link.")
@click.pass_context
def chat(
    context: click.Context,
    /,
    room: str | None,
    linger: float,
    secret_file: str | None,
    new_secret: bool,
    invite: bool,
    invite_file: str | None,
    **_: Any,
) -> None:
    """Join ROOM and talk with everybody in it; without ROOM, with everybody on the local network who names none.

    A room is on the local network, and on the server as well when one is named. The local network needs no server.

    On a terminal this opens the full screen; otherwise, or with TERM=dumb, line mode.

    A room with a secret is for those who have it, and the server learns neither its name nor what is signaled in it.
    The secret can also be in P2PCHAT_SECRET, and an invite in P2PCHAT_INVITE.
    """
    from p2pchat.cli import room_access

    chosen = options.resolve(context)
    narration.configure(chosen.verbose)
    asked = room_access.Asked(secret_file, invite_file, invite, new_secret)
    access = room_access.settle(room, asked, chosen.settings.lan)
    if access.lobby:
        chosen = options.without_server(chosen)
    elif access.server:
        chosen = options.with_server(chosen, access.server, "the invite")
    if chosen.json or chosen.plain or not options.on_a_terminal():
        _chat_in_lines(access, linger, chosen)
    else:
        _chat_on_screen(access, chosen)


@p2pchat.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@options.common
@click.option("--to", metavar="NAME", default="", help="Send to a contact: no code is needed.")
@click.option("--as", "input_name", metavar="NAME", help="What standard input is called there.  [default: stdin]")
@click.option("--follow-links", is_flag=True, help="Send what symbolic links inside folders point to, too.")
@click.option("--qr", is_flag=True, help="Show the code as a QR code, too.")
@_timeout("Wait so long for the other person.  [default: as long as it takes]")
@click.pass_context
def send(
    context: click.Context,
    /,
    paths: tuple[str, ...],
    to: str,
    input_name: str | None,
    follow_links: bool,
    qr: bool,
    timeout: float | None,
    **_: Any,
) -> None:
    """Send files and folders; - is standard input.

    \b
    With a code:      p2pchat send film.mov         p2pchat receive 7-marble-tunnel-oyster
    To a contact:     p2pchat send film.mov --to B  p2pchat receive --from A
    From a pipe:      tar c . | p2pchat send -      p2pchat receive CODE --stdout | tar x

    It ends when the receiver has verified everything. When the receiver is lost in the middle, this waits for it: run
    the same command there again, and it goes on where it stopped. So does the same `send` after this machine stopped.
    """  # noqa: D301 - click takes this character for "do not fill these lines"
    from p2pchat.cli.one_shot import commands

    chosen = options.resolve(context)
    narration.configure(chosen.verbose)
    commands.send_files(chosen, commands.SendOptions(paths, to, input_name, follow_links, qr, timeout))


@p2pchat.command()
@click.argument("code", required=False, envvar="P2PCHAT_CODE")
@options.common
@click.option("--from", "contacts", metavar="NAME", multiple=True, help="Wait for this contact; no code is needed.")
@click.option("--output", metavar="DIR", help="Where the files go.  [default: as --downloads]")
@click.option("--yes", is_flag=True, help="Accept without asking.")
@options.if_exists
@click.option("--only", metavar="PATTERN", multiple=True, help="Take only what fits, such as '*.jpg' or photos/2026.")
@click.option("--preserve", is_flag=True, help="Keep modification times and executable bits.")
@click.option("--stdout", is_flag=True, help="Write the one file that is offered to standard output.")
@_timeout("Wait so long for the other person.  [default: 60, and with --from as long as it takes]")
@click.pass_context
def receive(
    context: click.Context,
    /,
    code: str | None,
    contacts: tuple[str, ...],
    output: str | None,
    yes: bool,
    only: tuple[str, ...],
    preserve: bool,
    stdout: bool,
    timeout: float | None,
    **_: Any,
) -> None:
    """Receive the files of whoever told you CODE, or the link to it; asks for it when it is left out.

    With --from (which may be repeated) it waits for what a contact sends with `p2pchat send PATH --to YOU`.

    CODE can also be in P2PCHAT_CODE: other users of a machine can see its command lines. The paths of what was saved
    are written to standard output. What was interrupted goes on when the same command is run again.
    """
    from p2pchat.cli.one_shot import commands

    chosen = options.resolve(context)
    narration.configure(chosen.verbose)
    if contacts and context.get_parameter_source("code") is ParameterSource.ENVIRONMENT:
        code = None
    given = commands.ReceiveOptions(code, contacts, output, yes, only, preserve, stdout, timeout)
    commands.receive_files(chosen, given)


p2pchat.add_command(contacts)


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
    from p2pchat.cli.demo import demonstration

    chosen = options.resolve(context)
    narration.configure(chosen.verbose)
    demonstration.play(chosen.settings.name, on_screen=options.on_a_terminal() and not chosen.plain)


@p2pchat.command()
@options.server
@options.token_file
@options.lan
@options.profile
@options.home
@options.config_file
@options.ice
@options.relay_only
@options.ephemeral
@options.downloads
@options.json
@options.verbose
@click.pass_context
def doctor(context: click.Context, /, **_: Any) -> None:
    """Test what chatting needs on this machine, and say what to do about each problem.

    It tests the network, multicast, the signaling server, STUN and TURN, the terminal, versions, the profile, the disk
    and the clock, in less than 15 seconds. Nobody is contacted but the local network and the servers that are
    configured, or that the signaling server names.

    It ends with 0 when chatting would work, and with 3 when something that it needs does not.
    """
    from p2pchat.cli.doctor import command

    chosen = options.resolve(context)
    narration.configure(chosen.verbose)
    command.examine_here(chosen)


def _chat_in_lines(access: Access, linger: float, chosen: Options) -> None:
    from p2pchat.cli import chat_json, chat_plain
    from p2pchat.cli.assistive import observed
    from p2pchat.cli.keyboard import Keyboard
    from p2pchat.cli.lines import read_lines
    from p2pchat.cli.output import standard_output
    from p2pchat.node.loop import run
    from p2pchat.node.node import Node

    async def take_part() -> None:
        node = observed(Node(chosen.settings), chosen.events)
        lines = read_lines(sys.stdin.fileno())
        output = standard_output()
        write_line = output.write_line
        on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
        if chosen.json:
            await chat_json.chat(node, access, lines=lines, write_line=write_line, linger=linger)
        else:
            await chat_plain.chat(
                node,
                access,
                lines=lines,
                write_line=write_line,
                linger=linger,
                echo=not sys.stdin.isatty(),
                size=chosen.announce,
                languages=chosen.settings.languages,
                on_alert=chosen.presentation.on_alert,
                keyboard=Keyboard(sys.stdin.fileno(), output.write_text) if on_terminal else None,
                show_link=lambda link: narration.narrate(f"Whoever has this link can come in:\n\n    {link}\n"),
            )

    run(take_part())


def _chat_on_screen(access: Access, chosen: Options) -> None:
    from p2pchat import tui
    from p2pchat.cli.assistive import observed
    from p2pchat.node.threaded import NodeThread

    settings = chosen.settings
    error = tui.run(
        observed(NodeThread(settings), chosen.events),
        access.room,
        secret=access.secret,
        live=False,
        downloads=settings.downloads,
        presentation=chosen.presentation,
    )
    if error is not None:
        raise error


def main() -> None:
    """Runs the command line and ends the process with the code of `p2pchat.cli.outcome`."""
    narration.configure(verbose=False)
    sys.exit(outcome.conclude(lambda: p2pchat.main(prog_name=narration.PROGRAM, standalone_mode=False)))
