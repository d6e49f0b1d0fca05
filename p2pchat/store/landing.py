"""What the files of an offer would meet in a folder. Nothing is changed, and no link is followed. Functions block."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
from array import array
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.paths import shown
from p2pchat.protocol.untrusted import safe_line
from p2pchat.store import incoming
from p2pchat.store.directory import Directory
from p2pchat.store.disk import readable_size
from p2pchat.store.journal import Journal, identity
from p2pchat.store.names import free_names, local_name
from p2pchat.store.terms import Terms

EXAMPLES: Final = 20
"""Names told one by one: more than fit on a screen beside everything else."""

_PATH_CHARACTERS: Final = 300
_FOLDERS_REMEMBERED: Final = 4096
"""Folders of an offer that are looked at once: entries of one folder follow each other."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What was found."""

    total: int
    """Bytes of the offer; of a transfer that was interrupted, those that were accepted."""
    stored: int
    """Bytes that are there already, of a transfer that was interrupted."""
    free: int
    """Bytes that may be used there, without the reserve."""
    existing: int
    """Files of the offer whose names are taken by something else."""
    examples: tuple[tuple[str, str], ...]
    """The first of them: the path in the offer, and what it would be under a free name. Safe to show."""
    fault: str
    """Why nothing can be stored there, in words; empty when the place is right, whether or not it is large enough."""


def look(folder: Path, peer: bytes, manifest: Manifest) -> Prospect:
    """Looks what an offer would meet.

    Args:
        folder: where it would go; it need not be there.
        peer: the public key of the one who offers.
        manifest: what is offered.
    """
    fault = fault_of(folder)
    if fault:
        return Prospect(manifest.total, 0, room(folder), 0, (), fault)
    noted = _noted(folder, peer, manifest)
    meeting = _Meeting(folder, manifest, noted.renamed)
    wanted = [file for file in manifest.files if noted.terms.wants(file)]
    existing = [file for file in wanted if noted.finished[file] < 0 and meeting.is_taken(file)]
    examples = tuple(meeting.example(file) for file in itertools.islice(existing, EXAMPLES))
    total = sum(manifest.entries.size(file) for file in wanted)
    return Prospect(total, noted.stored, room(folder), len(existing), examples, "")


def room(folder: Path) -> int:
    """Returns the bytes that may be used in a folder, which need not be there: what is free, less the reserve."""
    with suppress(OSError):
        return max(0, shutil.disk_usage(_nearest(folder)).free - incoming.RESERVE)
    return 0


def too_full(need: int, have: int) -> str:
    """Says that a disk has not enough room; both are bytes."""
    return f"disk full: needs {readable_size(need)}, has {readable_size(have)}"


def fault_of(folder: Path) -> str:
    """Returns why nothing can be stored in a folder, in words; empty when the system allows it."""
    try:
        nearest = _nearest(folder)
        if not nearest.is_dir():
            return f"{shown(str(nearest))} is a file, and no folder"
        if os.access(nearest, os.W_OK | os.X_OK):
            return ""
        if hasattr(os, "statvfs") and os.statvfs(nearest).f_flag & os.ST_RDONLY:
            return f"{shown(str(nearest))} is on a read-only disk"
        return f"{shown(str(nearest))} may not be written to"
    except OSError as error:
        return f"{shown(str(folder))} cannot be used: {error.strerror}"


def _nearest(folder: Path) -> Path:
    """The folder itself, or what of the way to it is there."""
    for path in (folder, *folder.absolute().parents):
        if os.path.lexists(path):
            return path
    return folder


@dataclass(frozen=True, slots=True)
class _Noted:
    """What the journal of an interrupted transfer says."""

    stored: int
    finished: array[int]
    """For each file that is finished, the number of its name; -1 for others."""
    renamed: Mapping[str, str]
    terms: Terms


def _noted(folder: Path, peer: bytes, manifest: Manifest) -> _Noted:
    with suppress(OSError), Directory(folder) as root:
        journal = Journal.find(root, identity(peer, manifest))
        if journal is not None:
            try:
                content = journal.read(manifest)
            finally:
                journal.close()
            terms = Terms().of_header(journal.header, manifest)
            content.leave_out(terms.left_out)
            renamed = journal.header.get("renamed")
            return _Noted(content.stored, content.names, renamed if isinstance(renamed, dict) else {}, terms)
    return _Noted(0, array("h", [-1]) * len(manifest.entries), {}, Terms())


class _Meeting:
    """The names of an offer against those in a folder."""

    def __init__(self, folder: Path, manifest: Manifest, renamed: Mapping[str, str]) -> None:
        self._root = str(folder)
        self._manifest = manifest
        self._renamed = renamed
        self._place: Callable[[tuple[str, ...]], str | None] = lru_cache(_FOLDERS_REMEMBERED)(self._look_up)

    def _look_up(self, components: tuple[str, ...]) -> str | None:
        """Where a folder of the offer lies, if there is a folder of that name, and no link."""
        if not components:
            return self._root
        above = self._place(components[:-1])
        if above is None:
            return None
        name = self._renamed.get("/".join(components), local_name(components[-1]))
        path = os.path.join(above, name)
        with suppress(OSError):
            return path if stat.S_ISDIR(os.lstat(path).st_mode) else None
        return None

    def is_taken(self, file: int) -> bool:
        """Whether something has the name of a file."""
        *above, name = self._manifest.entries[file].components
        place = self._place(tuple(above))
        return place is not None and os.path.lexists(os.path.join(place, local_name(name)))

    def example(self, file: int) -> tuple[str, str]:
        """The path of a file in the offer, and the one that it would get under a free name."""
        path = self._manifest.entries.path(file)
        first, *rest = self._manifest.entries[file].components
        if self._renamed or not rest:
            *above, name = (first, *rest)
            free = "/".join((*above, _free(self._place(tuple(above)) or self._root, name, folder=False)))
        else:
            free = "/".join((_free(self._root, first, folder=True), *rest))
        return safe_line(path, _PATH_CHARACTERS), safe_line(free, _PATH_CHARACTERS)


def _free(place: str, name: str, folder: bool) -> str:
    names = free_names(local_name(name), folder)
    return next((free for free in names if not os.path.lexists(os.path.join(place, free))), name)
