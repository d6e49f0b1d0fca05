"""Files that lie in the profile folder only while a command runs: `spool/` in it, open to nobody else.

    spool/<random>/NAME    standard input, while it is read and sent
    spool/stdout/          what is received for standard output; kept for a day, so that it can go on

Each folder of standard input is locked by the process that made it. What a killed process left is removed by the next
one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from p2pchat.store.disk import no_space, storage_failed
from p2pchat.store.incoming import RESERVE

FOLDER: Final = "spool"
STDOUT: Final = "stdout"

SETTLING_SECONDS: Final = 10.0
"""A younger folder is left alone: its process may be about to lock it."""

STALE_SECONDS: Final = 86_400.0
"""Age after which what was left is removed even where a lock cannot tell whose it is: a day."""

CHECK_BYTES: Final = 16 * 1024 * 1024
"""Bytes written between two looks at the free space: less than the reserve that stays free."""


class SpoolFile:
    """A private file. `remove` it when it has been sent.

    Args:
        home: the profile folder.
        name: what the file is called; a safe name without a folder.

    Raises:
        StorageFailed: the disk refused.
    """

    def __init__(self, home: Path, name: str) -> None:
        self._folder = home / FOLDER / secrets.token_hex(8)
        self.path = self._folder / name
        self._unchecked = 0
        self._lock: int | None = None
        try:
            self._folder.mkdir(mode=0o700, parents=True)
            if fcntl is not None:
                self._lock = os.open(self._folder, os.O_RDONLY)
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            self._file: int | None = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise storage_failed(error, name, str(home)) from error

    def write(self, data: bytes) -> None:
        """Appends data.

        Raises:
            StorageFailed: the disk refused, or would have less free than the reserve of received files.
        """
        if self._unchecked <= 0:
            free = shutil.disk_usage(self._folder).free
            if free < RESERVE + CHECK_BYTES:
                raise no_space(RESERVE + CHECK_BYTES, free, str(self._folder))
            self._unchecked = CHECK_BYTES
        self._unchecked -= len(data)
        if self._file is None:
            return  # removed meanwhile: nobody wants it any more
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            raise storage_failed(error, self.path.name, str(self._folder)) from error

    def finish(self) -> None:
        """All of it is there."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def remove(self) -> None:
        """Removes it, whatever state it is in."""
        self.finish()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        _remove_if_empty(self._folder.parent)


def stdout_folder(home: Path) -> Path:
    """Returns the folder for what is received for standard output; makes it when it is not there.

    Raises:
        StorageFailed: the disk refused.
    """
    folder = home / FOLDER / STDOUT
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise storage_failed(error, STDOUT, str(home)) from error
    return folder


def remove_stale(home: Path) -> None:
    """Removes what killed processes left. To be called when a command begins that spools. Raises nothing."""
    with contextlib.suppress(OSError):
        for folder in (home / FOLDER).iterdir():
            if folder.name == STDOUT:
                _remove_old(folder)
            elif not _in_use(folder):
                shutil.rmtree(folder, ignore_errors=True)
    _remove_if_empty(home / FOLDER / STDOUT)
    _remove_if_empty(home / FOLDER)


def _in_use(folder: Path) -> bool:
    if _age(folder) < (STALE_SECONDS if fcntl is None else SETTLING_SECONDS):
        return True
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _remove_old(folder: Path) -> None:
    for path in folder.iterdir():
        if _age(path) < STALE_SECONDS:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    return time.time() - path.lstat().st_mtime


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
