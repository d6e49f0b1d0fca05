"""Files and folders that benchmarks send, and whether what arrived is the same."""

from __future__ import annotations

import filecmp
import os
from pathlib import Path

MEGABYTE = 1_000_000
DATA_EVERY = 256 * 1024 * 1024
"""Bytes from one island of data in a sparse file to the next: a disk image has some."""

LEVELS = 30
"""Depth of the deepest folder of an odd tree; a path may have two more components."""

FOLDER_FILES = 200
"""Files in one folder of an odd tree."""


def dense_file(path: Path, size: int) -> Path:
    """Makes a file that no compression makes smaller."""
    with path.open("wb") as file:
        while size > 0:
            size -= file.write(os.urandom(min(size, MEGABYTE)))
    return path


def sparse_file(path: Path, size: int) -> Path:
    """Makes a file that is nearly all holes: it takes hardly any room on this disk, and any amount on the way."""
    with path.open("wb") as file:
        for offset in range(0, size - MEGABYTE, DATA_EVERY):
            file.seek(offset)
            file.write(os.urandom(MEGABYTE))
        file.truncate(size)
    return path


def small_files(folder: Path, count: int, size: int) -> Path:
    """Makes a folder of files that are all of one size."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:05}").write_bytes(os.urandom(size))
    return folder


def odd_tree(folder: Path, count: int) -> Path:
    """Makes a tree of so many small files with everything in it that trees have.

    Names with spaces, of many scripts, with emoji and of 255 bytes; empty files and empty folders; a folder 30 levels
    deep.
    """
    folder.mkdir()
    noise = os.urandom(2000)
    deep = folder.joinpath(*(f"level {level}" for level in range(2, LEVELS)))
    deep.mkdir(parents=True)
    for start in range(0, count, FOLDER_FILES):
        below = folder / f"{start // FOLDER_FILES:04} folder"
        below.mkdir()
        (below / "empty folder").mkdir()
        for number in range(start, min(start + FOLDER_FILES, count)):
            place = deep if number == count - 1 else below
            (place / _odd_name(number)).write_bytes(noise[: number % len(noise)])
    return folder


def _odd_name(number: int) -> str:
    match number % 10:
        case 0:
            return f"a name with spaces {number}.txt"
        case 1:
            return f"👩‍👩‍👧 holiday 🏖 {number}.jpg"
        case 2:
            return f"{number}größe naïve 日本語 العربية.txt"
        case 3:
            return f"{number}".ljust(255, "x")
        case _:
            return f"file{number}.dat"


def same(original: Path, copy: Path) -> bool:
    """Whether two files, or two folders with all that is below, are identical."""
    if original.is_file():
        return filecmp.cmp(original, copy, shallow=False)
    theirs = {path.relative_to(copy) for path in copy.rglob("*")}
    ours = {path.relative_to(original) for path in original.rglob("*")}
    if ours != theirs:
        return False
    return all(
        (copy / path).is_dir()
        if (original / path).is_dir()
        else (original / path).read_bytes() == (copy / path).read_bytes()
        for path in ours
    )
