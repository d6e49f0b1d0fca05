"""Saving a transcript, and what stands behind `/export`: a format and a path, either of which may be left out."""

from __future__ import annotations

import os
import re
import shlex
from datetime import datetime
from pathlib import Path
from typing import Final

from p2pchat.errors import StorageFailed, UsageError
from p2pchat.node.transcript import Transcript
from p2pchat.node.transcript_formats import FORMATS, render

NAME_CHARACTERS: Final = 60
"""Most characters of the room's name in the name of a file."""

_NOT_IN_A_NAME: Final = re.compile(r"[^\w-]+")


def export(transcript: Transcript, argument: str, at: float) -> Path:
    """Saves a transcript as the user wants it, into a new file for its owner only.

    Args:
        transcript: what was said.
        argument: `FORMAT PATH`, quoted as in a shell. Without FORMAT the path's ending says it, or it is `txt`; without
            PATH the file gets the name of the conversation and the time, in the present folder.
        at: now, in unix seconds.

    Returns:
        The absolute path.

    Raises:
        UsageError: the argument cannot be understood, or something of that name is there.
        StorageFailed: the file cannot be written.
    """
    form, path = _destination(argument, transcript.conversation, at)
    return write(transcript, form, path)


def write(transcript: Transcript, form: str, path: Path) -> Path:
    """Saves a transcript into a new file, which only its owner may read.

    Args:
        transcript: what to save.
        form: as for `transcript_formats.render`.
        path: where, `~` being the home folder; nothing may be there.

    Returns:
        The absolute path.

    Raises:
        UsageError: something is there already, or there is no such format.
        StorageFailed: the file cannot be written. Nothing is left of it.
    """
    lines = render(transcript, form)
    path = Path(os.path.expanduser(path))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError("something of that name is there already, and is not overwritten", "choose another") from None
    except (OSError, ValueError) as error:
        raise StorageFailed(f"it cannot be saved there: {getattr(error, 'strerror', None) or error}") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageFailed(f"it cannot be saved there: {error.strerror}") from None
    return path.absolute()


def _destination(argument: str, conversation: str, at: float) -> tuple[str, Path]:
    try:
        words = shlex.split(argument)
    except ValueError:
        words = [""] * 3
    match words:
        case []:
            return "txt", _named(conversation, "txt", at)
        case [form] if form in FORMATS:
            return form, _named(conversation, form, at)
        case [path] if (form := Path(path).suffix[1:]) in FORMATS:
            return form, Path(path)
        case [form, path]:
            return form, Path(path)
    raise UsageError("/export needs a format and a path", "write /export txt talk.txt; also md and jsonl")


def _named(conversation: str, form: str, at: float) -> Path:
    room = _NOT_IN_A_NAME.sub("-", conversation)[:NAME_CHARACTERS].strip("-") or "conversation"
    return Path(f"{room}-{datetime.fromtimestamp(at):%Y-%m-%d-%H%M}.{form}")
