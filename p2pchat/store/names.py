"""The names under which received files lie on this disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from p2pchat.protocol.limits import NAME_BYTES

_NOT_ON_WINDOWS: Final = str.maketrans(dict.fromkeys('<>"|?*', "_"))
"""Characters that are harmless, and common, in names elsewhere."""

NUMBERED_NAMES: Final = 10_000
"""Most names tried for one file: whoever has ten thousand of the same name needs another folder."""


def local_name(component: str) -> str:
    """Returns what a safe component is called here: on Windows, `_` stands for what its names cannot hold."""
    return component.translate(_NOT_ON_WINDOWS) if os.name == "nt" else component


def free_names(name: str, folder: bool = False) -> Iterator[str]:
    """Returns `name` and then `name (1)`, `name (2)`...; in a file's name the number goes before its extension.

    All of them fit into `NAME_BYTES`. The first that can be created without overwriting is the one to take.
    """
    yield name
    path = PurePath(name)
    stem, extension = (name, "") if folder else (path.stem, path.suffix)
    for number in range(1, NUMBERED_NAMES):
        ending = f" ({number}){extension}"
        if len(ending.encode()) > NAME_BYTES // 2:  # an extension as long as that is none
            stem, ending = name, f" ({number})"
        yield _cut(stem, NAME_BYTES - len(ending.encode())) + ending


def part_name(name: str, label: str) -> str:
    """Returns the hidden name of a file while it is received; `label` tells the parts of different transfers apart."""
    ending = f".{label}.part"
    return "." + _cut(name, NAME_BYTES - 1 - len(ending.encode())) + ending


def _cut(text: str, size: int) -> str:
    """Cuts a text to so many bytes of UTF-8, between two characters."""
    return text.encode()[:size].decode(errors="ignore")
