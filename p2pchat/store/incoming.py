"""Files while they are received, and their final names.

    .report.pdf.<label>.part   hidden, exclusive, 0600; only blocks that match their hash are written to it
    report.pdf                 once all of them are, the file is flushed, and nothing of that name was there
    report (1).pdf             otherwise; nothing is ever overwritten

A folder is made under its own name, or as a whole as `folder (1)`: what is received is never mixed with what was there.
All functions block; call them from a worker thread, any of them and several at once.
"""

from __future__ import annotations

import os
import shutil
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final

from p2pchat.errors import StorageFailed
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.paths import shown
from p2pchat.store.directory import Directory
from p2pchat.store.disk import no_space, storage_failed
from p2pchat.store.names import free_names, local_name, part_name

OPEN_FILES: Final = 4
"""Files held open at once for one transfer. Its sender goes through them one after the other."""


@dataclass(slots=True)
class _Part:
    """A file that has no final name yet."""

    name: str
    mode: int
    """Permissions that a new file has here."""
    device: int
    inode: int


class IncomingFiles:
    """The files of one accepted offer. To be made before the offer is accepted: it makes sure that they fit.

    Args:
        folder: where they go; made when it is not there.
        manifest: what was offered.
        label: tells these files from those of other transfers: a few letters or digits of our own choice.

    Raises:
        StorageFailed: there is less free space than they need, or the folders cannot be made. Nothing is left behind.
    """

    def __init__(self, folder: Path, manifest: Manifest, label: str) -> None:
        self.folder = folder
        self._manifest = manifest
        self._label = label
        self._lock = Lock()
        self._closed = False
        self._written = 0
        self._parts: dict[int, _Part] = {}
        self._open: OrderedDict[int, int] = OrderedDict()
        self._places: dict[tuple[str, ...], tuple[str, ...]] = {(): ()}
        """For each folder of the offer: what it is called here, from `folder` down."""
        with self._words_for("the folder"):
            os.makedirs(folder, exist_ok=True)
            self._check_space(manifest.total)
            self._root = Directory(folder)
        try:
            self._make_folders()
        except BaseException:
            self.discard()
            raise

    def store_block(self, file: int, offset: int, data: bytes, digest: bytes) -> bool:
        """Verifies a block and writes it.

        Args:
            file: index into the manifest's entries; not a folder.
            offset: where in the file the block begins, in bytes.
            data: its bytes.
            digest: the SHA-256 that they must have.

        Returns:
            Whether they have it. If not, nothing was written.

        Raises:
            StorageFailed: the disk refused, or the files were discarded.
        """
        if sha256(data).digest() != digest:
            return False
        with self._lock, self._words_for(shown(self._manifest.entries[file].path)):
            _write_at(self._handle(file), data, offset)
            self._written += len(data)
        return True

    def finish_file(self, file: int) -> Path:
        """Gives a file its final name, once all its blocks are stored, and waits until it would survive a power cut.

        Returns:
            Where it is now.

        Raises:
            StorageFailed: the disk refused, or the files were discarded.
        """
        entry = self._manifest.entries[file]
        with self._words_for(shown(entry.path)):
            with self._lock:
                handle = self._handle(file)
                part = self._parts[file]
                del self._open[file]
            try:  # without the lock: flushing a large file takes seconds, and the next file goes on meanwhile
                _set_mode(handle, part.mode)
                os.fsync(handle)
            finally:
                os.close(handle)
            with self._lock:
                self._check_open()
                place = self._place_of(file)
                with self._directory(place) as directory:
                    name = _rename_to_free(directory, part.name, local_name(entry.components[-1]))
                    del self._parts[file]
                    directory.sync()
        return self.folder.joinpath(*place, name)

    def close(self) -> None:
        """Lets go of the folder; to be called after the last file is finished."""
        with self._lock:
            self._close()

    def discard(self) -> None:
        """Removes what has no final name, and the folders made for it that are empty. Files that are finished stay."""
        with self._lock:
            if self._closed:
                return
            for handle in self._open.values():
                os.close(handle)
            self._open.clear()
            for file, part in self._parts.items():
                with suppress(OSError), self._directory(self._place_of(file)) as directory:
                    directory.remove(part.name)
            for place in sorted(self._places.values(), key=len, reverse=True)[:-1]:
                with suppress(OSError), self._directory(place[:-1]) as directory:
                    directory.remove_empty(place[-1])
            self._close()

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            while self._open:
                os.close(self._open.popitem()[1])
            self._root.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StorageFailed("the transfer has ended")

    def _check_space(self, need: int) -> None:
        have = shutil.disk_usage(self.folder).free
        if have < need:
            raise no_space(need, have, str(self.folder))

    def _make_folders(self) -> None:
        for entry in self._manifest.entries:
            depth = len(entry.components) + entry.folder
            for folder in (entry.components[:length] for length in range(1, depth)):
                if folder not in self._places:
                    with self._words_for(shown("/".join(folder))):
                        self._make_folder(folder)

    def _make_folder(self, folder: tuple[str, ...]) -> None:
        above = self._places[folder[:-1]]
        with self._directory(above) as directory:
            for name in free_names(local_name(folder[-1]), folder=True):
                with suppress(FileExistsError):
                    directory.make(name)
                    self._places[folder] = (*above, name)
                    directory.sync()
                    return
        raise StorageFailed(f"every name for {shown(folder[-1])} is taken", "choose another folder", reason="disk")

    def _place_of(self, file: int) -> tuple[str, ...]:
        return self._places[self._manifest.entries[file].components[:-1]]

    @contextmanager
    def _directory(self, place: tuple[str, ...]) -> Iterator[Directory]:
        """Opens a folder, step by step from the one that is held open, so that no link leads elsewhere."""
        with ExitStack() as stack:
            directory = self._root
            for name in place:
                directory = stack.enter_context(directory.child(name))
            yield directory

    @contextmanager
    def _words_for(self, name: str) -> Iterator[None]:
        """Turns what the system says into an error in words."""
        try:
            yield
        except OSError as error:
            failed = storage_failed(error, name, str(self.folder))
            if failed.reason == "disk":
                with suppress(OSError):  # the space that is left says more, if that is what is short
                    self._check_space(self._manifest.total - self._written)
            raise failed from error

    def _handle(self, file: int) -> int:
        """Returns the open file of a part, which is made when it is not there yet."""
        self._check_open()
        handle = self._open.get(file)
        if handle is not None:
            self._open.move_to_end(file)
            return handle
        if len(self._open) == OPEN_FILES:
            os.close(self._open.popitem(last=False)[1])
        with self._directory(self._place_of(file)) as directory:
            handle = self._reopen(directory, file) if file in self._parts else self._create(directory, file)
        self._open[file] = handle
        return handle

    def _create(self, directory: Directory, file: int) -> int:
        name = local_name(self._manifest.entries[file].components[-1])
        for label in free_names(self._label, folder=True):
            part = part_name(name, label)
            with suppress(FileExistsError):
                handle = directory.create(part)
                status = os.fstat(handle)
                # Made with the mode that the umask (or an inherited ACL) gives, to learn it; closed while it is empty.
                self._parts[file] = _Part(part, status.st_mode & 0o666, status.st_dev, status.st_ino)
                _set_mode(handle, 0o600)
                return handle
        raise StorageFailed(f"every name for {shown(name)} is taken", "choose another folder", reason="disk")

    def _reopen(self, directory: Directory, file: int) -> int:
        part = self._parts[file]
        handle = directory.open(part.name)
        status = os.fstat(handle)
        if (status.st_dev, status.st_ino) != (part.device, part.inode):
            os.close(handle)
            path = self._manifest.entries[file].path
            raise StorageFailed(f"{shown(path)} was replaced while it was received", "receive it again", reason="disk")
        return handle


def _rename_to_free(directory: Directory, part: str, name: str) -> str:
    for free in free_names(name):
        with suppress(FileExistsError):
            directory.rename_to_free(part, free)
            return free
    raise StorageFailed(f"every name for {shown(name)} is taken", "choose another folder", reason="disk")


def _set_mode(handle: int, mode: int) -> None:
    if hasattr(os, "fchmod"):  # Windows has no such permissions
        os.fchmod(handle, mode)


def _write_at(handle: int, data: bytes, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        if hasattr(os, "pwrite"):
            written = os.pwrite(handle, rest, offset)
        else:
            os.lseek(handle, offset, os.SEEK_SET)
            written = os.write(handle, rest)
        rest, offset = rest[written:], offset + written
