"""The names under which received files lie on this disk, and those under which files of this disk are offered."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

from p2pchat.protocol.limits import NAME_BYTES
from p2pchat.protocol.transfer.paths import collision_key, portable, shortened

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
    for number in range(1, NUMBERED_NAMES):
        ending = f" ({number})"
        yield _cut(name, NAME_BYTES - len(ending)) + ending if folder else shortened(name, NAME_BYTES, ending)


def offered_names(own: Sequence[str]) -> list[str]:
    """Returns under which names the contents of one folder are offered, in the same order.

    A name stays as it is where that goes. Others become `portable`, and of several that are one name on some system all
    but the first get a number before their extension.

    Args:
        own: the names as this system has them; one may be there more than once.
    """
    names = [portable(name) for name in own]
    next_numbers: dict[str, int] = {}
    """By the key of each name that is taken: the number to try for the next one like it."""
    for index in sorted(range(len(own)), key=lambda index: names[index] != own[index]):
        key = collision_key(names[index])
        if key in next_numbers:
            names[index] = _numbered(names[index], next_numbers)
        next_numbers.setdefault(collision_key(names[index]), 1)
    return names


def _numbered(name: str, next_numbers: dict[str, int]) -> str:
    """Returns the name with the first number that makes it another one than all that are taken."""
    key = collision_key(name)
    candidate = name
    while collision_key(candidate) in next_numbers:
        candidate = shortened(name, NAME_BYTES, f" ({next_numbers[key]})")
        next_numbers[key] += 1
    return candidate


def part_name(name: str, label: str) -> str:
    """Returns the hidden name of a file while it is received; `label` tells the parts of different transfers apart."""
    ending = f".{label}.part"
    return "." + _cut(name, NAME_BYTES - 1 - len(ending.encode())) + ending


def _cut(text: str, size: int) -> str:
    """Cuts a text to so many bytes of UTF-8, between two characters."""
    return text.encode()[:size].decode(errors="ignore")
