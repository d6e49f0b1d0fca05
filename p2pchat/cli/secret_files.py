"""Files that hold what nobody else should read: the secret of a room, an invite, the token for a server."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from p2pchat.cli.narration import narrate
from p2pchat.errors import ConfigurationError

FILE_BYTES: Final = 8192
"""Most bytes read of such a file: four times the longest link."""


def content(file: str) -> str:
    """Returns what such a file holds, and warns on standard error of one that other users of this machine can read.

    Args:
        file: its path; `~` is the user's home. It may be a pipe.

    Raises:
        ConfigurationError: it cannot be read, is no text or is too long. No message holds any of it.
    """
    path = Path(os.path.expanduser(file))
    try:
        with path.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            held = opened.read(FILE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError("that is no name of a file") from None
    # On Windows the bits say nothing of who may read it.
    if os.name == "posix" and stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        narrate(f"Other users of this machine can read {path}, which should be secret: chmod 600 takes that back.")
    try:
        text = held.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not text in UTF-8") from None
    if len(held) > FILE_BYTES:
        raise ConfigurationError(f"{path} is longer than any secret, invite or token")
    return text
