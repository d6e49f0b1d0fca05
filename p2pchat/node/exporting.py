"""What stands behind `/export`: a format and a path, either of which may be left out."""

from __future__ import annotations

import re
import shlex
from datetime import datetime
from pathlib import Path
from typing import Final

from p2pchat.errors import UsageError
from p2pchat.node import transcript as transcripts
from p2pchat.node.transcript import Transcript
from p2pchat.node.transcript_formats import FORMATS

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
    return transcripts.write(transcript, form, path)


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
