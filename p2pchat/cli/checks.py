"""What each setting has to be: a function of its name returns what a value stands for.

It raises ValueError for a value that cannot be used; `p2pchat.cli.config.ALLOWED` says in words what would be one.
Values come as text, from the configuration file also as numbers and lists.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from p2pchat.protocol.limits import LANGUAGES, NAME_CHARACTERS
from p2pchat.protocol.rtt.announce import SIZES, Size
from p2pchat.protocol.rtt.sdp import is_language
from p2pchat.protocol.untrusted import safe_line
from p2pchat.tui.preferences import THEME_NAMES

IF_EXISTS: Final = ("rename", "skip", "overwrite", "ask")
"""What `--if-exists` may be."""

PATIENCE_LEAST: Final = 1.0
PATIENCE_MOST: Final = 604_800.0
"""Seconds: a week, over which somebody may go home and come back."""

_PROFILE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def server(value: str) -> str:
    """A URL of a signaling server."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname or parts.port == 0:
        raise ValueError
    return value


def name(value: str) -> str:
    """What others see us as, without spaces around it."""
    if not value.strip() or safe_line(value, NAME_CHARACTERS) != value.strip():
        raise ValueError
    return value.strip()


def profile(value: str) -> str:
    """The name of a profile, which is that of its folder."""
    if not _PROFILE.fullmatch(value):
        raise ValueError
    return value


def folder(value: str) -> Path:
    """A folder that is there or can be made."""
    path = Path(os.path.expanduser(value)).absolute()
    if not value or "\0" in value or (path.exists() and not path.is_dir()):
        raise ValueError
    return path


def patience(value: str | float) -> float:
    """Seconds, between `PATIENCE_LEAST` and `PATIENCE_MOST`."""
    seconds = float(value)
    if not PATIENCE_LEAST <= seconds <= PATIENCE_MOST:
        raise ValueError
    return seconds


def if_exists(value: str) -> str:
    """One of `IF_EXISTS`."""
    if value not in IF_EXISTS:
        raise ValueError
    return value


def announce(value: str) -> Size:
    """How much of live text is said at once."""
    for size in SIZES:
        if size == value:
            return size
    raise ValueError


def languages(value: str) -> tuple[str, ...]:
    """Language tags with commas between them, each of them once."""
    tags = tuple(dict.fromkeys(tag.strip() for tag in value.split(",")))
    # All registered languages have two or three letters (RFC 5646 §2.2.1): `English` is none of them.
    if len(tags) > LANGUAGES or not all(is_language(tag) and len(tag.partition("-")[0]) in (2, 3) for tag in tags):
        raise ValueError
    return tags


def theme(value: str) -> str:
    """The name of a theme."""
    if value not in THEME_NAMES:
        raise ValueError
    return value


def program(value: str) -> tuple[str, ...]:
    """A command, taken apart as a shell would, which never sees it."""
    program, *arguments = shlex.split(value) or [""]
    path = os.path.expanduser(program)
    # One in the folder where p2pchat happens to be started is not taken: it may be somebody else's.
    named = os.path.isabs(path) or not os.path.dirname(path)
    found = shutil.which(path) if named else None
    if found is None or "\0" in value:
        raise ValueError
    return os.path.abspath(found), *arguments


def events(value: str) -> str:
    """The number of a file descriptor, or a path."""
    if not value or "\0" in value:
        raise ValueError
    return value if value.isdecimal() else os.path.abspath(os.path.expanduser(value))


def ice_urls(values: list[str] | tuple[str, ...]) -> list[str]:
    """URLs of STUN and TURN servers."""
    for value in values:
        scheme, _, rest = value.partition(":")
        if scheme not in ("stun", "stuns", "turn", "turns") or not rest:
            raise ValueError
    return list(values)
