"""The files of a transfer that have no final name yet: hidden, exclusive, and only a few of them open at once.

Not safe for several threads at once. Methods raise OSError.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from contextlib import suppress
from typing import Final

from p2pchat.errors import StorageFailed
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.paths import shown
from p2pchat.store import leftovers
from p2pchat.store.directory import Directory
from p2pchat.store.disk import set_mode
from p2pchat.store.journal import Journal
from p2pchat.store.leftovers import Part
from p2pchat.store.names import free_names, local_name, part_name
from p2pchat.store.places import Places

OPEN_FILES: Final = 4
"""Files held open at once for one transfer. Its sender goes through them one after the other."""


class Parts:
    """The parts of one transfer.

    Args:
        places: where its files go.
        manifest: what was offered.
        label: tells these parts from those of other transfers.
    """

    def __init__(self, places: Places, manifest: Manifest, label: str) -> None:
        self._places = places
        self._manifest = manifest
        self.label = label
        self.journal: Journal | None = None
        """Where they are noted."""
        self.found: dict[int, Part] = {}
        """Those that are there, by file."""
        self._open: OrderedDict[int, int] = OrderedDict()
        self.existing: set[int] = set()
        """Files that may be there already: when one of them differs, its part begins as a copy of what is there."""

    def handle(self, file: int) -> int:
        """Returns the open file of a part, which is made when it is not there yet. It stays ours.

        Raises:
            StorageFailed: something else took the part's place, or there is no name left for it.
        """
        handle = self._open.get(file)
        if handle is not None:
            self._open.move_to_end(file)
            return handle
        if len(self._open) == OPEN_FILES:
            oldest = self._open.popitem(last=False)[1]
            try:
                os.fsync(oldest)  # whoever flushes all that is open does not reach it any more
            finally:
                os.close(oldest)
        with self._places.directory(file) as directory:
            handle = self._reopen(directory, file) if file in self.found else self._create(directory, file)
        self._open[file] = handle
        return handle

    def take(self, file: int) -> tuple[int, Part]:
        """Returns the open file of a part, which is the caller's to close from here on, and the part."""
        handle = self.handle(file)
        del self._open[file]
        return handle, self.found[file]

    def duplicates(self) -> list[int]:
        """Returns all open files once more; they are the caller's to close."""
        return [os.dup(handle) for handle in self._open.values()]

    def close(self) -> None:
        """Closes all files. The parts stay."""
        while self._open:
            os.close(self._open.popitem()[1])

    def remove(self) -> None:
        """Closes and removes all parts."""
        self.close()
        for file, part in self.found.items():
            with suppress(OSError), self._places.directory(file) as directory:
                directory.remove(part.name)

    def _create(self, directory: Directory, file: int) -> int:
        name = local_name(self._manifest.entries[file].components[-1])
        for number, label in enumerate(free_names(self.label, folder=True)):
            part = part_name(name, label)
            try:
                handle = directory.create(part)
            except FileExistsError:
                if self.journal is None or number or not self.journal.records:
                    continue
                directory.remove(part)  # ours, from before we were interrupted: nobody else has this label
                handle = directory.create(part)
            status = os.fstat(handle)
            # Made with the mode that the umask (or an inherited ACL) gives, to learn it; closed while it is empty.
            self.found[file] = Part(part, status.st_mode & 0o666, status.st_ino, number)
            try:
                set_mode(handle, 0o600)
                if file in self.existing:
                    leftovers.copy_existing(self._places, self._manifest, file, handle)
            except BaseException:  # half a copy must not be taken for a whole one when this is tried again
                os.close(handle)
                del self.found[file]
                directory.remove(part)
                raise
            if self.journal is not None and len(self._manifest.blocks_of(file)) > 1:
                self.journal.part(file, number, status.st_ino)
            return handle
        raise StorageFailed(f"every name for {shown(name)} is taken", "choose another folder", reason="disk")

    def _reopen(self, directory: Directory, file: int) -> int:
        part = self.found[file]
        handle = directory.open(part.name)
        if os.fstat(handle).st_ino != part.inode:
            os.close(handle)
            path = self._manifest.entries.path(file)
            raise StorageFailed(f"{shown(path)} was replaced while it was received", "receive it again", reason="disk")
        return handle
