"""How somebody gets into a room: by its name, with a secret, or by an invite. A secret is never taken from argv.

    --secret-file F   P2PCHAT_SECRET    a secret or a passphrase, the same for all members
    --invite-file F   P2PCHAT_INVITE    an invite link: the server, the room and its secret
    --invite                            the same, asked for without showing it
    --new-secret                        a secret is made; the invite is shown

Of several, what is on the command line wins over the environment; two in the same place are an error.
"""

from __future__ import annotations

import getpass
import os
import secrets
import sys
from dataclasses import dataclass, field
from typing import Final

from p2pchat.cli import secret_files
from p2pchat.errors import UsageError
from p2pchat.protocol.invite import Invite, is_link
from p2pchat.protocol.limits import ROOM_SECRET_BYTES
from p2pchat.protocol.room_secret import read_secret

LOBBY: Final = "lobby"
"""The room of those who name none: on the local network alone, where each of them is seen."""

SECRET_VARIABLE: Final = "P2PCHAT_SECRET"
INVITE_VARIABLE: Final = "P2PCHAT_INVITE"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for; at most one of these."""

    secret_file: str | None = None
    invite_file: str | None = None
    invite: bool = False
    new_secret: bool = False

    @property
    def options(self) -> list[str]:
        """The options that were given."""
        given = {
            "--secret-file": self.secret_file is not None,
            "--invite-file": self.invite_file is not None,
            "--invite": self.invite,
            "--new-secret": self.new_secret,
        }
        return [option for option, is_given in given.items() if is_given]


@dataclass(frozen=True, slots=True)
class Access:
    """What it takes to join a room. Its representation leaves the secret out."""

    room: str
    secret: bytes = field(default=b"", repr=False)
    """`ROOM_SECRET_BYTES`, or nothing for a room that anybody may enter."""
    server: str = ""
    """The invite's; empty for the one of the settings."""
    show_invite: bool = False
    """Whether the secret is new, and others need an invite."""
    lobby: bool = False
    """Whether no room was named. The lobby is on the local network, and no server is asked about it."""


def settle(room: str | None, asked: Asked, has_lobby: bool = False) -> Access:
    """Finds out which room is meant and how to get in. May take half a second, and may ask on the terminal.

    Args:
        room: its name, if it was given.
        asked: the options.
        has_lobby: whether there is a local network, and so a lobby for those who name no room.

    Raises:
        UsageError: no room is named, options exclude each other, the invite is for another room, or what was given is
            no secret or no invite. No message holds any of it.
        ConfigurationError: a file cannot be read.
    """
    if len(asked.options) > 1:
        raise UsageError(f"{asked.options[0]} and {asked.options[1]} exclude each other", "choose one")
    if not asked.options:
        return _by_environment(room, has_lobby)
    if asked.invite or asked.invite_file is not None:
        file = asked.invite_file
        return _by_invite(room, _ask_for_invite() if file is None else secret_files.content(file))
    name = _named(room)
    if asked.secret_file is not None:
        return _by_secret(name, secret_files.content(asked.secret_file), "--invite-file")
    return Access(name, secrets.token_bytes(ROOM_SECRET_BYTES), show_invite=True)


def _by_environment(room: str | None, has_lobby: bool) -> Access:
    secret, invite = os.environ.get(SECRET_VARIABLE, ""), os.environ.get(INVITE_VARIABLE, "")
    if secret and invite:
        raise UsageError(f"{SECRET_VARIABLE} and {INVITE_VARIABLE} exclude each other", "choose one")
    if invite:
        return _by_invite(room, invite)
    if secret:
        return _by_secret(_named(room), secret, INVITE_VARIABLE)
    if room is None and has_lobby:
        return Access(LOBBY, lobby=True)
    return Access(_named(room))


def _by_secret(room: str, text: str, for_links: str) -> Access:
    if is_link(text):
        # Stretched as a passphrase it would lead into a room where nobody is.
        raise UsageError("that is an invite and no secret", f"give it with {for_links}")
    return Access(room, read_secret(text, room))


def _by_invite(room: str | None, text: str) -> Access:
    invite = Invite.parse(text)
    if room not in (None, invite.room):
        raise UsageError(f"the invite is for the room {invite.room}", "leave the room out, or give that one")
    return Access(invite.room, invite.secret, invite.server)


def _named(room: str | None) -> str:
    if room is None:
        raise UsageError("which room?", "name one that you and the others agree on: p2pchat chat ROOM")
    return room


def _ask_for_invite() -> str:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for the invite on", "use --invite-file, or P2PCHAT_INVITE")
    try:
        return getpass.getpass("Invite link (it is not shown): ", sys.stderr)
    except EOFError:
        raise UsageError("no invite was given") from None
