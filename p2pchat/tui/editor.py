"""Writing in an editor of one's own: the text goes into a file for a moment, and comes back from it.

The file is in the user's runtime folder, which is in memory on most systems, or in the folder for temporary files. Only
its owner may read it, and it is removed afterwards; what the editor itself writes beside it (backups, swap files) is in
the editor's hands. This holds with `--ephemeral` as well: an editor cannot do without a file.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from textual.app import App, SuspendNotSupported

from p2pchat.errors import P2PChatError, StorageFailed, UsageError
from p2pchat.protocol.limits import MESSAGE_CHARACTERS

BYTES: Final = 4 * MESSAGE_CHARACTERS
"""Most bytes that are read of the file: the longest message, in the widest characters of UTF-8."""


def write(app: App[Any], text: str) -> str:
    """Gives the terminal to the user's editor, and returns what became of a text. It blocks until the editor is left.

    Raises:
        UsageError: there is no editor, or the app has no terminal that it could give away.
        P2PChatError, StorageFailed: as `edit` does.
    """
    program = command(os.environ)
    try:
        with app.suspend():
            return edit(text, program, os.environ.get("XDG_RUNTIME_DIR"))
    except SuspendNotSupported:
        raise UsageError("An editor needs a terminal, and this one cannot be given away") from None


def command(environment: Mapping[str, str]) -> list[str]:
    """Returns the program and the arguments of the user's editor: `$VISUAL`, or `$EDITOR`.

    Raises:
        UsageError: neither is set, or it cannot be understood.
    """
    wanted = environment.get("VISUAL", "").strip() or environment.get("EDITOR", "").strip()
    try:
        words = shlex.split(wanted)
    except ValueError:
        words = []
    if not words:
        raise UsageError("There is no editor to write in", "Set EDITOR before you start p2pchat, as in EDITOR=nano")
    return words


def edit(text: str, program: list[str], runtime_folder: str | None = None) -> str:
    """Lets the user edit a text, and returns what became of it. It blocks until the editor is left.

    Args:
        text: the text as it stands.
        program: what `command` returned.
        runtime_folder: a folder for files that are of no use after the session; None for the usual one.

    Raises:
        UsageError: the editor could not be started.
        P2PChatError: it ended with an error; the text is as it was.
        StorageFailed: the file could not be written or read, or what is in it is longer than a message may be.
    """
    folder = runtime_folder if runtime_folder and Path(runtime_folder).is_dir() else None
    try:
        descriptor, name = tempfile.mkstemp(prefix="p2pchat-", suffix=".txt", dir=folder)
    except OSError as error:
        raise StorageFailed(f"There is no place for the text that is edited: {error.strerror}") from None
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
        _run([*program, name])
        with path.open("rb") as edited:
            read = edited.read(BYTES + 1).decode("utf-8", "replace").removesuffix("\n")
    except OSError as error:
        raise StorageFailed(f"The edited text cannot be read: {error.strerror}") from None
    finally:
        path.unlink(missing_ok=True)
    if len(read) > MESSAGE_CHARACTERS:
        raise StorageFailed("The edited text is longer than a message may be", "Send it as a file, with /send")
    return read


def _run(program: list[str]) -> None:
    try:
        ended = subprocess.run(program, check=False)
    except OSError as error:
        reason = f"The editor {program[0]} cannot be started: {error.strerror}"
        raise UsageError(reason, "Set VISUAL or EDITOR to another") from None
    if ended.returncode:
        raise P2PChatError(f"The editor ended with an error ({ended.returncode})", "Your text is as it was")
