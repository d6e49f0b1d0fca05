"""What lies at the paths that are to be offered, and what it is called in the offer."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from p2pchat.errors import NotSendable
from p2pchat.protocol.frames import Entry
from p2pchat.protocol.transfer.paths import safe_components, shown
from p2pchat.store.names import offered_names

# Not to hang on a pipe that took a file's place since it was looked at.
READ_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""How a file is opened that is offered."""


@dataclass(frozen=True, slots=True)
class Version:
    """What tells a changed file from the one that was offered."""

    device: int
    inode: int
    size: int
    modified: int
    """Nanoseconds, and not before 1970."""

    @classmethod
    def of(cls, status: os.stat_result) -> Version:
        """Returns the version of what the system described."""
        return cls(status.st_dev, status.st_ino, status.st_size, max(0, status.st_mtime_ns))


Found: TypeAlias = tuple[Entry, Version | None]
"""A file or folder that is offered, and for a file what was there."""


def own_name(path: Path) -> str:
    """Returns the last component of a path, also of one such as `.`."""
    return os.path.basename(os.path.abspath(path))


class Walk:
    """Goes through what is to be offered.

    Args:
        follow_links: whether links inside folders are followed.
    """

    def __init__(self, follow_links: bool) -> None:
        self._follow_links = follow_links
        self._entered: set[tuple[int, int]] = set()
        """Device and inode of the folders that were entered, when links are followed: none leads to one of them."""
        self.skipped: list[str] = []
        """What is not offered, as it would be called there."""
        self.own: dict[str, str] = {}
        """The names on this disk of what is offered under other names, by paths of the offer."""

    def find(self, path: Path, name: str) -> Iterator[Found]:
        """Finds what a given path stands for: itself, or all that lies in it.

        Args:
            path: where it is.
            name: what it is called in the offer.

        Raises:
            NotSendable: something is missing, unreadable or neither file nor folder.
            UnsafeName: a folder is nested deeper than an offer may be.
        """
        try:
            status = os.stat(path)
        except FileNotFoundError:
            raise NotSendable(f"{shown(str(path))} does not exist", "check the path") from None
        except OSError as error:
            raise _unreadable(path, error) from None
        own = own_name(path)
        if not own:
            raise NotSendable(f"{shown(str(path))} has no name to offer it under", "send a folder below it")
        if own != name:
            self.own[name] = own
        if stat.S_ISREG(status.st_mode):
            yield _file(path, name)
        elif stat.S_ISDIR(status.st_mode):
            yield from self._folder(path, name)
        else:
            raise NotSendable(
                f"{shown(str(path))} is neither a file nor a folder", "only files and folders can be sent"
            )

    def _folder(self, folder: Path, name: str) -> Iterator[Found]:
        safe_components(name)  # here too, so that what is nested deeper than an offer may be ends the walk
        try:
            if self._follow_links:
                self._entered.add(_identity(os.stat(folder)))
            names, others = _listed(folder)
        except OSError as error:
            raise _unreadable(folder, error) from None
        empty = True
        for own, offered in zip(names, offered_names(names), strict=True):
            below = f"{name}/{offered}"
            is_folder = self._is_folder(others[own]) if own in others else False
            if is_folder is None:
                self.skipped.append(f"{name}/{own}")
                continue
            empty = False
            if offered != own:
                self.own[below] = own
            if is_folder:
                yield from self._folder(folder / own, below)
            else:
                yield _file(folder / own, below)
        if empty:
            yield Entry(name, folder=True), None

    def _is_folder(self, child: os.DirEntry[str]) -> bool | None:
        """Returns whether what is no file stands for a folder or a file; None for neither, or a link not followed."""
        if child.is_dir(follow_symlinks=False):
            return True
        if not self._follow_links or not child.is_symlink():
            return None
        try:
            target = os.stat(child.path)
        except OSError:  # it leads nowhere, or to itself
            return None
        if stat.S_ISDIR(target.st_mode):
            return True if _identity(target) not in self._entered else None
        return False if stat.S_ISREG(target.st_mode) else None


def _listed(folder: Path) -> tuple[list[str], dict[str, os.DirEntry[str]]]:
    """Returns the names in a folder, sorted, and what is known of those that are no files.

    Of the files only the names: what the system says of two hundred thousand others would take 60 MB.
    """
    names: list[str] = []
    others: dict[str, os.DirEntry[str]] = {}
    with os.scandir(folder) as listing:
        for child in listing:
            names.append(child.name)
            if not child.is_file(follow_symlinks=False):
                others[child.name] = child
    names.sort()
    return names, others


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _file(path: Path, name: str) -> Found:
    """Opens a file once, so that one that cannot be read is refused now and not in the middle of a transfer."""
    try:
        handle = os.open(path, READ_FLAGS)
        try:
            status = os.fstat(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise _unreadable(path, error) from None
    version = Version.of(status)
    executable = bool(status.st_mode & stat.S_IXUSR)
    return Entry(name, version.size, modified=version.modified, executable=executable), version


def _unreadable(path: Path, error: OSError) -> NotSendable:
    return NotSendable(f"{shown(str(path))} cannot be read: {error.strerror}", "check its permissions")
