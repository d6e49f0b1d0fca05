"""Paths that somebody types, pastes or drops into the composer: quoting, completion, recognition."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from p2pchat.errors import UsageError
from p2pchat.protocol.untrusted import safe_line

DROPPED_CHARACTERS: Final = 4096
"""Longest paste that is looked at as paths, in characters: longer ones are text, and every path costs a system call."""

CANDIDATES: Final = 50
"""Most names that a completion lists; nobody reads more."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What Tab makes of an unfinished path."""

    text: str
    """The text with the path as far as it is certain."""
    names: tuple[str, ...]
    """What it may become, when there is more than one; names of this machine, not cleaned for display."""


def parse(text: str) -> list[Path]:
    """The paths in the argument of a command, quoted as in a shell; `~` is the home folder.

    Raises:
        UsageError: a quotation mark has no partner.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError("A quotation mark has no partner", 'Write "my file.txt", or my\\ file.txt') from error
    return [_path(word) for word in words]


def dropped(text: str) -> list[Path]:
    """The files and folders that a pasted text names, when it consists of nothing else.

    Terminals paste a dropped file as a quoted path, as a path with backslashes, or as a `file:` URL. Only absolute
    paths of what exists count: a word that happens to be a file's name here is a word.
    """
    if len(text) > DROPPED_CHARACTERS or not text.strip():
        return []
    try:
        words = shlex.split(text)
    except ValueError:
        return []
    paths = [_path(unquote(urlsplit(word).path) if word.startswith("file://") else word) for word in words]
    return paths if all(path.is_absolute() and _exists(path) for path in paths) else []


def quote(path: Path) -> str:
    """A path as the argument of a command."""
    return shlex.quote(str(path))


def complete(text: str) -> Completion:
    """Completes the last path in the argument of a command as far as it is certain."""
    before, word = _last_word(text)
    folder, _, beginning = word.rpartition("/")
    folder = f"{folder}/" if "/" in word else ""
    names = [name for name in _names(folder) if name.startswith(beginning) and (beginning or not name.startswith("."))]
    if not names:
        return Completion(text, ())
    common = _common_beginning(names)
    end = " " if len(names) == 1 and not common.endswith("/") else ""
    return Completion(before + _escape(folder + common) + end, tuple(names[:CANDIDATES]) if len(names) > 1 else ())


def suggest(path: str) -> str | None:
    """The first path that begins like a path that is being typed without quotation; None when there is none."""
    folder, slash, beginning = path.rpartition("/")
    names = [name for name in _names(folder + slash) if name.startswith(beginning)]
    return folder + slash + names[0] if slash and beginning and names else None


def expand(text: str, folder: Path) -> Path:
    """The path that somebody typed without quotation while this folder was shown."""
    return folder / _path(text)


def _names(folder: str) -> list[str]:
    """What is in a folder, folders with a slash at the end, sorted; nothing when it cannot be read.

    A name that would do something to the terminal can be sent with its folder, but not typed.
    """
    try:
        with os.scandir(_path(folder or ".")) as entries:
            names = [entry.name + ("/" if entry.is_dir() else "") for entry in entries]
    except (OSError, ValueError):
        return []
    return sorted(name for name in names if safe_line(name, len(name) + 1) == name)


def _common_beginning(names: list[str]) -> str:
    first, last = min(names), max(names)
    length = next((index for index, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:length]


def _last_word(text: str) -> tuple[str, str]:
    """Splits off the last word: what stands before it, and the word without its quotation."""
    start, word, quotation, escaped = 0, "", "", False
    for index, character in enumerate(text):
        if escaped:
            word, escaped = word + character, False
        elif character == "\\" and quotation != "'":
            escaped = True
        elif quotation and character == quotation:
            quotation = ""
        elif not quotation and character in "\"'":
            quotation = character
        elif not quotation and character.isspace():
            start, word = index + 1, ""
        else:
            word += character
    return text[:start], word


def _escape(path: str) -> str:
    """Backslashes instead of quotation marks, so that typing can go on at the end."""
    tilde, rest = ("~/", path[2:]) if path.startswith("~/") else ("", path)
    return tilde + "".join(f"\\{char}" if char in " \\\"'$`&;|<>()[]{}*?!#\t" else char for char in rest)


def _path(word: str) -> Path:
    # Path.expanduser raises where there is no such user; this leaves the word as it is.
    return Path(os.path.expanduser(word))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
