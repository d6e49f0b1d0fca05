"""What an interrupted transfer left on the disk: looked for, and removed when the user wants that.

Removed are the journal, the hidden parts that bear its label, and the folders made for it that have nothing in them.
What has a final name stays. Every folder is opened step by step from the one that the transfer was accepted into, so
that no link leads elsewhere, and of what lies there only plain files under a part's own name are touched. All
functions block.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from enum import Enum, auto
from pathlib import Path

from p2pchat.errors import StorageFailed, UsageError
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.paths import shown
from p2pchat.store.directory import Directory
from p2pchat.store.disk import storage_failed
from p2pchat.store.interrupted import Folders
from p2pchat.store.journal import Journal
from p2pchat.store.names import local_name


class Remains(Enum):
    """What there is of an interrupted transfer in a folder."""

    NOTHING = auto()
    """No journal of it lies there."""
    SOMETHING = auto()
    BUSY = auto()
    """It is running, here or in another program."""
    UNKNOWN = auto()
    """The folder cannot be looked into: it is gone, or on a disk that is not here now."""


def remains(folder: Path, transfer: str) -> Remains:
    """Says what there is of a transfer.

    Args:
        folder: what it was accepted into.
        transfer: what its journal is known by.
    """
    try:
        with Directory(folder) as root:
            if not any(_is_journal(name, transfer) for name in os.listdir(folder)):
                return Remains.NOTHING
            journal = Journal.find(root, transfer)
            if journal is not None:
                journal.close()
                return Remains.SOMETHING
            left = any(_is_journal(name, transfer) for name in os.listdir(folder))  # what is of no use is removed
            return Remains.BUSY if left else Remains.NOTHING
    except OSError:
        return Remains.UNKNOWN


def folders_of(folder: Path, manifest: Manifest, left_out: bytes, merge: bool) -> Folders:
    """Returns the folders of an offer, before they are made.

    Args:
        folder: what it is about to be accepted into.
        manifest: what is offered.
        left_out: for each entry, 1 when it is not wanted; empty when all are.
        merge: whether folders that are there are filled; else all of them are made anew.
    """
    found: dict[str, bool] = {}
    for number, entry in enumerate(manifest.entries):
        if left_out and left_out[number]:
            continue
        depth = len(entry.components) - (not entry.folder)
        if "/".join(entry.components[:depth]) in found:
            continue
        for length in range(1, depth + 1):
            components = entry.components[:length]
            path = folder.joinpath(*map(local_name, components))
            found.setdefault("/".join(components), merge and path.is_dir() and not path.is_symlink())
    return Folders(
        tuple(path for path, there in found.items() if not there), tuple(path for path, there in found.items() if there)
    )


def discard(folder: Path, transfer: str, folders: Folders) -> None:
    """Removes what was received of a transfer and is not finished. Nothing if there is nothing.

    Args:
        folder: what it was accepted into.
        transfer: what its journal is known by.
        folders: those of the transfer.

    Raises:
        UsageError: it is running.
        StorageFailed: the disk refused.
    """
    if remains(folder, transfer) is Remains.BUSY:
        raise UsageError("this transfer is running", "cancel it first")
    try:
        with Directory(folder) as root:
            while (journal := Journal.find(root, transfer)) is not None:
                try:
                    _remove_parts(root, journal, folders)
                    _remove_folders(root, journal, folders)
                except BaseException:
                    journal.close()
                    raise
                journal.remove()
                if any(_is_journal(name, transfer, journal.label) for name in os.listdir(folder)):
                    raise StorageFailed(f"its journal in {shown(str(folder))} cannot be removed", reason="permission")
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise storage_failed(error, "what was received", str(folder)) from error


def _is_journal(name: str, transfer: str, label: str = "") -> bool:
    return name.startswith(f".{transfer}.{label}") and name.endswith(".journal")


def _remove_parts(root: Directory, journal: Journal, folders: Folders) -> None:
    part = re.compile(rf"\..*\.{re.escape(journal.label)}( \(\d+\))?\.part", re.DOTALL)
    for path in ("", *folders.found, *folders.made):
        with suppress(FileNotFoundError, NotADirectoryError), _opened(root, _place(path, journal)) as directory:
            for name in os.listdir(directory.path):
                if part.fullmatch(name) and stat.S_ISREG(os.lstat(directory.path / name).st_mode):
                    directory.remove(name)


def _remove_folders(root: Directory, journal: Journal, folders: Folders) -> None:
    for path in sorted(folders.made, key=lambda path: path.count("/"), reverse=True):
        *above, name = _place(path, journal)
        with suppress(OSError), _opened(root, above) as directory:  # not empty, or gone: both are as well
            directory.remove_empty(name)


def _place(path: str, journal: Journal) -> list[str]:
    """What a folder of the offer is called here, from the root down."""
    noted = journal.header.get("renamed")
    renamed: Mapping[str, object] = noted if isinstance(noted, dict) else {}
    components = path.split("/") if path else []
    place: list[str] = []
    for length, component in enumerate(components, 1):
        name = renamed.get("/".join(components[:length]), local_name(component))
        if not isinstance(name, str) or name in ("", ".", "..") or "/" in name or "\\" in name:
            raise NotADirectoryError(f"no name of a folder: {name!r}")
        place.append(name)
    return place


@contextmanager
def _opened(root: Directory, place: list[str]) -> Iterator[Directory]:
    with ExitStack() as stack:
        directory = root
        for name in place:
            directory = stack.enter_context(directory.child(name))
        yield directory
