"""`p2pchat contacts`: the peers whose keys were seen, and what the user has decided about them. No server is needed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import click

from p2pchat.cli import narration, options
from p2pchat.cli.groups import GroupWithDefault
from p2pchat.errors import UsageError
from p2pchat.node.answers import ContactInfo
from p2pchat.node.api import NodeApi
from p2pchat.tui import measures

HEADINGS: Final = ("KEY", "STATE", "ACCEPTS", "LAST SEEN", "NAME")
"""The columns. The name comes last: others choose its length, and how wide its characters are."""


class ListByDefault(GroupWithDefault):
    """`p2pchat contacts` is `p2pchat contacts list`."""

    default_command = "list"


@click.group(cls=ListByDefault)
def contacts() -> None:
    """See and change who your contacts are: the peers whose keys were seen.

    CONTACT is the name that you gave it, its own name, or at least four characters of its key tag.
    """


def _stored(command: options.Command) -> options.Command:
    """The options of a command that works on the profile and nothing else."""
    for add in reversed((options.profile, options.home, options.config_file, options.verbose)):
        command = add(command)
    return command


@contacts.command("list")
@_stored
@options.json
@click.pass_context
def list_(context: click.Context, /, **_: Any) -> None:
    """List the contacts, the one met last first."""
    as_json = options.resolve(context).json

    async def show(node: NodeApi) -> None:
        from p2pchat.cli.json_events import contact
        from p2pchat.cli.output import standard_output

        write_line = standard_output().write_line
        known = await node.contacts()
        if as_json:
            for info in known:
                write_line(json.dumps(contact(info, time.time()), allow_nan=False))
        elif known:
            for line in table(known, time.time()):
                write_line(line)
        else:
            narration.narrate("There are no contacts.")

    _with_node(context, show)


@contacts.command()
@click.argument("contact")
@click.argument("petname")
@_stored
@click.pass_context
def rename(context: click.Context, /, contact: str, petname: str, **_: Any) -> None:
    """Call CONTACT by another name; with '' by its own."""
    done = f"{contact} is called {petname} now." if petname else f"{contact} is called by its own name now."
    _with_node(context, lambda node: node.rename_contact(contact, petname), done)


@contacts.command()
@click.argument("contact")
@_stored
@click.pass_context
def verify(context: click.Context, /, contact: str, **_: Any) -> None:
    """Note that you have compared the key of CONTACT with its owner's."""
    _with_node(context, lambda node: node.verify_contact(contact), f"{contact} is verified.")


@contacts.command()
@click.argument("contact")
@_stored
@click.pass_context
def forget(context: click.Context, /, contact: str, **_: Any) -> None:
    """Forget CONTACT: its key will be new again."""
    _with_node(context, lambda node: node.forget_contact(contact), f"{contact} is forgotten.")


@contacts.command()
@click.argument("contact")
@_stored
@click.pass_context
def block(context: click.Context, /, contact: str, **_: Any) -> None:
    """Have nothing to do with CONTACT any more."""
    _with_node(context, lambda node: node.block_contact(contact), f"{contact} is blocked.")


@contacts.command()
@click.argument("contact")
@_stored
@click.pass_context
def unblock(context: click.Context, /, contact: str, **_: Any) -> None:
    """Take a block back: CONTACT is known again, and not verified."""
    _with_node(context, lambda node: node.block_contact(contact, blocked=False), f"{contact} is not blocked any more.")


@contacts.command()
@click.argument("contact")
@click.argument("key")
@_stored
@click.pass_context
def replace(context: click.Context, /, contact: str, key: str, **_: Any) -> None:
    """Accept that CONTACT has another KEY now: 64 hexadecimal digits, as a warning shows it."""
    _with_node(context, lambda node: node.replace_contact(contact, key), f"{contact} has another key now.")


@contacts.command("auto-accept")
@click.argument("contact")
@click.argument("size")
@_stored
@click.pass_context
def auto_accept(context: click.Context, /, contact: str, size: str, **_: Any) -> None:
    """Accept offers of CONTACT without a question when they are at most SIZE, such as 50MB; `off` takes it back.

    They go into the download folder, and under free names.
    """
    most = parsed_size(size)
    small = f"Offers of {contact} are accepted without a question up to {measures.size(most)}."
    done = small if most else f"Offers of {contact} wait for your answer."
    _with_node(context, lambda node: node.auto_accept(contact, most), done)


def parsed_size(text: str) -> int:
    """Reads a size in bytes or a decimal unit: `50MB`, `1.5 GB`, `800`; `off` is 0.

    Raises:
        UsageError: it is none.
    """
    if text.strip().lower() == "off":
        return 0
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,3})?) ?([kmgt]?)b?", text.strip().lower(), re.ASCII)
    if found is None:
        raise UsageError("that is no size", "write it like 50MB or 1.5GB, or off")
    return round(float(found[1]) * float(1000 ** " kmgt".index(found[2] or " ")))


def table(known: list[ContactInfo], now: float) -> list[str]:
    """Returns the contacts as lines of a table with headings.

    Args:
        known: the contacts.
        now: unix seconds.
    """
    from p2pchat.cli.trust_commands import contact_name
    from p2pchat.cli.wording import since

    rows = [HEADINGS]
    for info in known:
        accepts = f"to {measures.size(info.auto_accept)}" if info.auto_accept else "asks"
        rows.append((info.tag, info.state, accepts, since(now - info.last_seen), contact_name(info)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    padded = ([*map(str.ljust, row, widths), row[-1]] for row in rows)
    return ["  ".join(row) for row in padded]


def _with_node(context: click.Context, use: Callable[[NodeApi], Awaitable[None]], done: str = "") -> None:
    """Lets a command use a node that contacts nobody, and then says what was done."""
    from p2pchat.node.loop import run
    from p2pchat.node.node import Node

    chosen = options.resolve(context)
    narration.configure(chosen.verbose)

    async def carry_out() -> None:
        node = Node(chosen.settings)
        await node.start()
        try:
            await use(node)
        finally:
            await node.stop()

    run(carry_out())
    if done:
        narration.narrate(done)
