"""Files and folders of this machine that are offered, and their blocks as they are sent.

What is offered is what was there when the offer was made: a file that has changed since then is not sent half old and
half new, the transfer fails instead. All functions block; call them from a worker thread. One source may serve several
transfers and several threads at once.
"""

from __future__ import annotations

import os
import stat
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final, TypeAlias

from p2pchat.errors import NotSendable, ProtocolError, TransferFailed, UnsafeName
from p2pchat.protocol.frames import Entry
from p2pchat.protocol.transfer.entries import ManifestEntry
from p2pchat.protocol.transfer.manifest import ManifestBuilder
from p2pchat.protocol.transfer.paths import safe_components, shown
from p2pchat.store.shared_blocks import SharedBlocks

OPEN_FILES: Final = 4
"""Files held open at once. A transfer reads them one after the other; a few transfers may share a source."""

# Not to hang on a pipe that took a file's place since it was looked at.
_READ_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class _Version:
    """What tells a changed file from the one that was offered."""

    device: int
    inode: int
    size: int
    modified: int
    """Nanoseconds, and not before 1970."""

    @classmethod
    def of(cls, status: os.stat_result) -> _Version:
        return cls(status.st_dev, status.st_ino, status.st_size, max(0, status.st_mtime_ns))


_Found: TypeAlias = tuple[Entry, _Version | None]
"""A file or folder that is offered, and for a file what was there."""


class Source:
    """What an offer offers. Made by `scan`; close it once no transfer needs it.

    Of two hundred thousand files it keeps two numbers each, beside what the manifest has.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._roots: list[Path] = []
        """The folders in which the given paths lie."""
        self._first = array("I")
        """The first entry of each given path."""
        self._devices = array("Q")
        self._inodes = array("Q")
        self._open: OrderedDict[int, BinaryIO] = OrderedDict()
        self._shared: SharedBlocks | None = None
        self._lock = Lock()
        skipped: list[str] = []
        builder = ManifestBuilder()
        for path in paths:
            self._roots.append(Path(os.path.abspath(path)).parent)
            self._first.append(len(builder.entries))
            for entry, version in _walk(path, skipped):
                builder.add(entry)
                self._devices.append(version.device if version is not None else 0)
                self._inodes.append(version.inode if version is not None else 0)
        self.manifest = builder.finish()
        self.skipped = tuple(skipped)
        """What lies in the folders and is not offered, as paths of the offer: links, pipes, sockets, devices."""

    @classmethod
    def scan(cls, paths: Sequence[Path]) -> Source:
        """Looks at files and folders to be offered. Folders are offered with all that is in them.

        A link that is given directly is followed; links inside folders are not, and are listed in `skipped`.

        Raises:
            NotSendable: a path is missing, unreadable or neither file nor folder; there are more than
                `MANIFEST_ENTRIES` entries; or a name is one that the receiving side would refuse.
        """
        try:
            return cls(paths)
        except UnsafeName as error:
            raise NotSendable(error.message, "give it another name and send it again") from None
        except ProtocolError as error:
            raise NotSendable(error.message, "send fewer files at once, or pack them into one archive") from None

    def read_block(self, number: int) -> tuple[bytes, bytes]:
        """Reads a block.

        Args:
            number: of the block, in the manifest.

        Returns:
            Its bytes, and their SHA-256.

        Raises:
            TransferFailed: the file changed, vanished or cannot be read any more; `reason` says which.
        """
        if self._shared is None:
            return self._read(number)
        return self._shared.get(number, self.manifest.place(number)[2], self._read)

    def share(self) -> None:
        """Several transfers read from here: what one of them has read is kept for the others, for a while."""
        self._shared = SharedBlocks()

    def _read(self, number: int) -> tuple[bytes, bytes]:
        file, offset, length = self.manifest.place(number)
        entry = self.manifest.entries[file]
        try:
            with self._lock:
                handle = self._handle(file)
                handle.seek(offset)
                data = handle.read(length)
                version = _Version.of(os.fstat(handle.fileno()))
        except FileNotFoundError:
            raise _changed(entry, "was moved or deleted") from None
        except PermissionError:
            raise TransferFailed(f"{shown(entry.path)} may not be read any more", reason="permission") from None
        except OSError as error:
            raise TransferFailed(f"{shown(entry.path)} cannot be read: {error.strerror}") from None
        offered = _Version(self._devices[file], self._inodes[file], entry.size, entry.modified)
        if len(data) != length or version != offered:
            raise _changed(entry, "changed")
        return data, sha256(data).digest()

    def close(self) -> None:
        """Closes every file. Reading again opens them again."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def _handle(self, file: int) -> BinaryIO:
        handle = self._open.get(file)
        if handle is not None:
            self._open.move_to_end(file)
            return handle
        if len(self._open) == OPEN_FILES:
            self._open.popitem(last=False)[1].close()
        handle = self._open[file] = open(os.open(self._path(file), _READ_FLAGS), "rb")  # noqa: SIM115
        return handle

    def _path(self, file: int) -> Path:
        root = bisect_right(self._first, file) - 1
        return self._roots[root] / self.manifest.entries.path(file)


def _changed(entry: ManifestEntry, how: str) -> TransferFailed:
    return TransferFailed(
        f"{shown(entry.path)} {how} while it was being sent", "send it again", reason="source-changed"
    )


def _walk(path: Path, skipped: list[str]) -> Iterator[_Found]:
    """Finds what one given path stands for: itself, or all that lies in it."""
    name = os.path.basename(os.path.abspath(path))
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise NotSendable(f"{shown(str(path))} does not exist", "check the path") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if not name:
        raise NotSendable(f"{shown(str(path))} has no name to offer it under", "send a folder below it")
    if stat.S_ISREG(status.st_mode):
        yield _file(path, name)
    elif stat.S_ISDIR(status.st_mode):
        yield from _walk_folder(path, name, skipped)
    else:
        raise NotSendable(f"{shown(str(path))} is neither a file nor a folder", "only files and folders can be sent")


def _walk_folder(folder: Path, name: str, skipped: list[str]) -> Iterator[_Found]:
    safe_components(name)  # here too, so that what is nested deeper than an offer may be ends the walk
    try:
        with os.scandir(folder) as listing:
            children = sorted(listing, key=lambda child: child.name)
    except OSError as error:
        raise _unreadable(folder, error) from None
    empty = True
    for child in children:
        path, below = Path(child.path), f"{name}/{child.name}"
        if child.is_file(follow_symlinks=False):
            empty = False
            yield _file(path, below)
        elif child.is_dir(follow_symlinks=False):
            empty = False
            yield from _walk_folder(path, below, skipped)
        else:
            skipped.append(below)
    if empty:
        yield Entry(name, folder=True), None


def _file(path: Path, name: str) -> _Found:
    """Opens a file once, so that one that cannot be read is refused now and not in the middle of a transfer."""
    try:
        handle = os.open(path, _READ_FLAGS)
        try:
            status = os.fstat(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise _unreadable(path, error) from None
    version = _Version.of(status)
    return Entry(name, version.size, modified=version.modified), version


def _unreadable(path: Path, error: OSError) -> NotSendable:
    return NotSendable(f"{shown(str(path))} cannot be read: {error.strerror}", "check its permissions")
