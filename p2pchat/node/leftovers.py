"""Transfers to us on this disk: those that begin, those that were interrupted, and what becomes of what they left.

Everything in here blocks and belongs on a thread of the disk pool. The register only helps to find things again: when
it cannot be written, transfers go on all the same, and what they leave is still found in the download folder.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from p2pchat.errors import P2PChatError, UsageError
from p2pchat.node.answers import Landing, Leftover
from p2pchat.protocol.identity import key_tag
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.untrusted import safe_line
from p2pchat.store import landing
from p2pchat.store.discarding import Remains, discard, folders_of, remains
from p2pchat.store.incoming import IncomingFiles
from p2pchat.store.interrupted import Interrupted, InterruptedTransfers, id_of
from p2pchat.store.journal import identity, resumable
from p2pchat.store.terms import IfExists, Terms

logger = logging.getLogger(__name__)

TITLE_CHARACTERS: Final = 60
"""Longest name in a title: a title is a part of a line."""


class Leftovers:
    """What of transfers to us lies on the disk.

    Args:
        register: where interrupted transfers are noted.
        downloads: where received files go unless told otherwise.
    """

    def __init__(self, register: InterruptedTransfers, downloads: Path) -> None:
        self._register = register
        self._downloads = _absolute(downloads)

    # --- an offer

    def find(self, peer: bytes, manifest: Manifest) -> tuple[Path | None, int]:
        """Returns where an interrupted transfer of an offer lies, and how many bytes of it are there."""
        transfer = identity(peer, manifest)
        folders = [self._downloads]
        try:
            folders = [*(entry.folder for entry in self._register.of(transfer)), *folders]
        except P2PChatError as error:
            logger.warning("interrupted transfers cannot be looked up: %s", error.message)
        for folder in folders:
            if remains(folder, transfer) is Remains.SOMETHING:
                return folder, resumable(folder, peer, manifest)
        return None, 0

    def inspect(self, folder: Path | None, peer: bytes, manifest: Manifest) -> Landing:
        """See `NodeApi.inspect`."""
        folder = _absolute(folder if folder is not None else self._downloads)
        prospect = landing.look(folder, peer, manifest)
        needed = prospect.total - prospect.stored
        fault = prospect.fault
        if not fault and needed > prospect.free:
            fault = landing.too_full(needed, prospect.free)
        return Landing(folder, needed, prospect.free, prospect.existing, prospect.examples, prospect.stored, fault)

    def begin(self, peer: bytes, name: str, manifest: Manifest, label: str, folder: Path, terms: Terms) -> Accepted:
        """Gets the disk ready for an offer; see `IncomingFiles` for what is raised.

        Args:
            peer: the public key of the one who offers.
            name: what that one is called.
            manifest: what is offered.
            label: of the transfer, as `IncomingFiles` wants it.
            folder: where it goes.
            terms: how it is accepted.
        """
        folder, transfer = _absolute(folder), identity(peer, manifest)
        goes_on = remains(folder, transfer) is Remains.SOMETHING
        merge = terms.if_exists is not IfExists.RENAME
        folders = None if goes_on else folders_of(folder, manifest, terms.left_out, merge)
        files = IncomingFiles(folder, manifest, label, peer, terms.if_exists, terms.left_out, terms.preserve)
        stored = files.stored
        total = _bytes_of(manifest, files.left_out)
        entry = Interrupted(transfer, peer, name, title_of(manifest), folder, total, stored, time.time())
        self._note(lambda: self._register.begin(entry, folders))
        return Accepted(files, entry)

    # --- a transfer that was accepted

    def progressed(self, accepted: Accepted, stored: int) -> None:
        """Notes how much of a transfer is there."""
        self._note(lambda: self._register.progressed(accepted.entry.id, stored, time.time()))

    def keep(self, accepted: Accepted) -> None:
        """The transfer was interrupted: what is there waits for another time."""
        accepted.files.close()
        self.progressed(accepted, accepted.files.stored)

    def done(self, accepted: Accepted) -> None:
        """The transfer is complete."""
        accepted.files.close()
        self._note(lambda: self._register.forget(accepted.entry.id))

    def drop(self, accepted: Accepted) -> None:
        """The transfer is not wanted any more: removes what is not finished."""
        accepted.files.close()
        entry = accepted.entry
        try:
            discard(entry.folder, entry.transfer, self._register.folders(entry.id))
            self._register.forget(entry.id)
        except P2PChatError as error:
            logger.warning("a transfer that has ended could not be removed: %s", error.message)

    # --- what was interrupted

    def all(self) -> list[Leftover]:
        """See `NodeApi.leftovers`. Of a disk that is not here now nothing is listed, and nothing is forgotten."""
        found = []
        for entry in self._register.all():
            there = remains(entry.folder, entry.transfer)
            if there is Remains.NOTHING:
                self._register.forget(entry.id)
            elif there is Remains.SOMETHING:
                tag, name = key_tag(entry.peer), safe_line(entry.name)
                title = safe_line(entry.title)
                found.append(
                    Leftover(entry.id, tag, name, title, entry.folder, entry.total, entry.stored, entry.at),
                )
        return found

    def discard(self, folder: Path, transfer: str) -> None:
        """Removes what was left of a transfer in a folder; see `NodeApi.discard` for what is raised."""
        folder = _absolute(folder)
        there = remains(folder, transfer)
        if there in (Remains.NOTHING, Remains.UNKNOWN):
            raise UsageError("nothing of this transfer is left")
        discard(folder, transfer, self._register.folders(id_of(transfer, folder)))
        self._register.forget(id_of(transfer, folder))

    def discard_by_id(self, leftover: str) -> str:
        """The same for the id of a `Leftover`. Returns what the transfer's journal was known by."""
        entry = self._register.get(leftover)
        if entry is None:
            raise UsageError(f"there is no transfer {safe_line(leftover, 20)}", "see the list of transfers")
        self.discard(entry.folder, entry.transfer)
        return entry.transfer

    def close(self) -> None:
        """Closes the register."""
        self._register.close()

    @staticmethod
    def _note(note: Callable[[], None]) -> None:
        try:
            note()
        except P2PChatError as error:
            logger.warning("a transfer cannot be noted: %s", error.message)


@dataclass(frozen=True, slots=True)
class Accepted:
    """An offer that was accepted."""

    files: IncomingFiles
    entry: Interrupted
    """As which it is noted until it is done."""


def title_of(manifest: Manifest) -> str:
    """Returns what an offer is, in a few words: `film.mov`, or `backup/ and 3 more`."""
    entries = manifest.entries
    names = {entries.path(number).partition("/")[0] for number in range(len(entries))}
    first = entries[0]
    title = safe_line(first.components[0], TITLE_CHARACTERS)
    if first.folder or len(first.components) > 1:
        title += "/"
    return f"{title} and {len(names) - 1} more" if len(names) > 1 else title


def _bytes_of(manifest: Manifest, left_out: bytes) -> int:
    if not left_out:
        return manifest.total
    return sum(manifest.entries.size(file) for file in manifest.files if not left_out[file])


def _absolute(folder: Path) -> Path:
    return Path(os.path.abspath(folder))
