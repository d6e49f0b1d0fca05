"""The files of a transfer that have no final name yet: hidden, exclusive, and only a few of them open at once.

Not safe for several threads at once. Methods raise OSError.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from p2pchat.errors import StorageFailed
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.paths import shown
from p2pchat.store import leftovers
from p2pchat.store.directory import Directory
from p2pchat.store.disk import set_mode, set_modified, write_sparse
from p2pchat.store.journal import Journal
from p2pchat.store.leftovers import Part
from p2pchat.store.names import free_names, local_name, part_name
from p2pchat.store.places import Places

OPEN_FILES: Final = 8
"""Files of several blocks held open at once for one transfer: more than its credit has room for."""


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

    def create_whole(self, file: int, data: bytes) -> int:
        """Makes a part with all that the file is to have. The open file is the caller's to close, and to flush."""
        with self._places.directory(file) as directory:
            handle, part = self._make(directory, file)
            try:
                if data:
                    write_sparse(handle, data, 0)
            except BaseException:
                os.close(handle)
                directory.remove(part.name)
                raise
        self.found[file] = part
        return handle

    def set_attributes(self, file: int, handle: int, preserve: bool) -> None:
        """Gives a part what the file is to have besides its data.

        Args:
            file: which it is.
            handle: its open file.
            preserve: whether that is the modification time and the executable bit that it has at the sender.
        """
        part, entry = self.found[file], self._manifest.entries[file]
        mode = part.mode
        if preserve and entry.executable:
            mode |= (mode & 0o444) >> 2  # whoever may read it may run it
        if preserve and entry.modified:
            set_modified(handle, self._places.path(file, part.name), entry.modified)
        set_mode(handle, mode)

    def note_before_naming(self, files: Sequence[int]) -> None:
        """Notes what to know small files by, should we be killed now; others were noted when they began."""
        if self.journal is None:
            return
        with self.journal.together():
            for file in files:
                if file in self.found and len(self._manifest.blocks_of(file)) < 2:
                    self.journal.part(file, self.found[file].number, self.found[file].inode)

    def rename(self, directory: Directory, file: int, overwrite: bool) -> int:
        """Gives a file its final name; returns the number of that name. It is no part from then on.

        Args:
            directory: the folder it is in.
            file: which it is.
            overwrite: whether it takes the place of a file of that name.

        Raises:
            StorageFailed: there is no name left for it.
        """
        part, name = self.found[file].name, local_name(self._manifest.entries[file].components[-1])
        if overwrite:
            try:
                directory.replace(part, name)
            except OSError as error:
                if not isinstance(error, IsADirectoryError | PermissionError | FileExistsError):
                    raise
            else:
                del self.found[file]
                return 0
        for number, free in enumerate(free_names(name)):
            with suppress(FileExistsError):
                directory.rename_to_free(part, free)
                del self.found[file]
                return number
        raise StorageFailed(f"every name for {shown(name)} is taken", "choose another folder", reason="disk")

    def release(self, file: int) -> None:
        """Closes the open file of a part, if it is open."""
        handle = self._open.pop(file, None)
        if handle is not None:
            os.close(handle)

    def drop(self, file: int) -> None:
        """Removes the part of a file, which must not be open."""
        part = self.found.pop(file)
        with suppress(OSError), self._places.directory(file) as directory:
            directory.remove(part.name)

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
        for file in list(self.found):
            self.drop(file)

    def _create(self, directory: Directory, file: int) -> int:
        """Makes the part of a file of several blocks, or one that begins as a copy."""
        handle, part = self._make(directory, file)
        try:
            set_mode(handle, 0o600)
            if file in self.existing:
                leftovers.copy_existing(self._places, self._manifest, file, handle)
        except BaseException:  # half a copy must not be taken for a whole one when this is tried again
            os.close(handle)
            directory.remove(part.name)
            raise
        self.found[file] = part
        if self.journal is not None and len(self._manifest.blocks_of(file)) > 1:
            self.journal.part(file, part.number, part.inode)
        return handle

    def _make(self, directory: Directory, file: int) -> tuple[int, Part]:
        """Makes an empty part with the mode that the umask (or an inherited ACL) gives."""
        name = local_name(self._manifest.entries[file].components[-1])
        for number, label in enumerate(free_names(self.label, folder=True)):
            part = part_name(name, label)
            try:
                handle = directory.create(part)
            except FileExistsError:
                if self.journal is None or number or not self.journal.goes_on:
                    continue
                directory.remove(part)  # ours, from before we were interrupted: nobody else has this label
                handle = directory.create(part)
            status = os.fstat(handle)
            return handle, Part(part, status.st_mode & 0o666, status.st_ino, number)
        raise StorageFailed(f"every name for {shown(name)} is taken", "choose another folder", reason="disk")

    def _reopen(self, directory: Directory, file: int) -> int:
        part = self.found[file]
        handle = directory.open(part.name)
        if os.fstat(handle).st_ino != part.inode:
            os.close(handle)
            path = self._manifest.entries.path(file)
            raise StorageFailed(f"{shown(path)} was replaced while it was received", "receive it again", reason="disk")
        return handle
