"""What is in a folder of this machine, for the pickers. Everything in here blocks: call it on a thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COUNTED: Final = 200_000
"""Most files that a chosen folder is counted to, so that choosing `/` does not go through a whole disk."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder of this machine; its name is not cleaned for display."""

    path: Path
    folder: bool
    size: int


@dataclass(frozen=True, slots=True)
class Count:
    """How much some paths are together."""

    files: int
    total: int
    """Bytes."""
    more: bool = False
    """Whether there is more, that was not counted."""


def listing(folder: Path, *, hidden: bool, files: bool = True) -> list[Entry]:
    """What is in a folder: folders first, each sort in the order of its names.

    Args:
        folder: which one.
        hidden: whether names that begin with a dot are listed.
        files: whether files are listed, and not only folders.

    Raises:
        OSError: the folder cannot be read.
    """
    entries = []
    with os.scandir(folder) as found:
        for entry in found:
            if entry.name.startswith(".") and not hidden:
                continue
            try:
                is_folder = entry.is_dir()
                if is_folder or (files and entry.is_file()):
                    entries.append(Entry(folder / entry.name, is_folder, 0 if is_folder else entry.stat().st_size))
            except OSError:
                continue  # it vanished, or may not be looked at: it could not be sent either
    return sorted(entries, key=lambda entry: (not entry.folder, entry.path.name.casefold(), entry.path.name))


def count(paths: tuple[Path, ...]) -> Count:
    """Counts files and bytes, those in folders included; links inside folders are not followed."""
    files = total = 0
    for path in paths:
        for found in _files(path):
            files += 1
            total += found
            if files >= COUNTED:
                return Count(files, total, more=True)
    return Count(files, total)


def _files(path: Path) -> Iterator[int]:
    """The size of each file that is a path, or in it."""
    if not path.is_dir():
        yield _size(path)
        return
    for folder, _, names in os.walk(path):
        for name in names:
            if not (found := Path(folder, name)).is_symlink():
                yield _size(found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
