"""Files and folders of this machine that are offered, and their blocks as they are sent.

What is offered is what was there when the offer was made: a file that has changed since then is not sent half old and
half new, the transfer fails instead. All functions block; call them from a worker thread. One source may serve several
transfers and several threads at once.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final

from p2pchat.errors import NotSendable, ProtocolError, TransferFailed, UnsafeName
from p2pchat.protocol.limits import MANIFEST_ENTRIES
from p2pchat.protocol.transfer.entries import ManifestEntry
from p2pchat.protocol.transfer.manifest import ManifestBuilder
from p2pchat.protocol.transfer.paths import safe_components, shown
from p2pchat.store.names import offered_names
from p2pchat.store.shared_blocks import SharedBlocks
from p2pchat.store.walk import READ_FLAGS, Version, Walk, own_name

OPEN_FILES: Final = 4
"""Files held open at once. A transfer reads them one after the other; a few transfers may share a source."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What an offer would consist of."""

    files: int
    total: int
    """Bytes of all files."""
    names: tuple[str, ...]
    """What each of the given paths would be called."""
    folder: bool
    """Whether the first of them is a folder."""


def survey(paths: Sequence[Path], follow_links: bool = False) -> Survey:
    """Looks at files and folders as `Source.scan` does, and keeps nothing of them but numbers.

    Raises:
        NotSendable: as for `Source.scan`.
    """
    walk = Walk(follow_links)
    names = offered_names([own_name(path) for path in paths])
    entries = files = total = 0
    with _words():
        for path, name in zip(paths, names, strict=True):
            for entry, _ in walk.find(path, name):
                safe_components(entry.path)
                entries += 1
                files += not entry.folder
                total += entry.size
                if entries > MANIFEST_ENTRIES:
                    raise ProtocolError(f"an offer has at most {MANIFEST_ENTRIES:,} files and folders")
    return Survey(files, total, tuple(names), bool(paths) and paths[0].is_dir())


@contextmanager
def _words() -> Iterator[None]:
    """Says of our own files what would otherwise be said of those of a peer."""
    try:
        yield
    except UnsafeName as error:
        raise NotSendable(error.message, "send a folder below it by itself, or give it another name") from None
    except ProtocolError as error:
        raise NotSendable(error.message, "send fewer files at once, or pack them into one archive") from None


class Source:
    """What an offer offers. Made by `scan`; close it once no transfer needs it.

    Of two hundred thousand files it keeps two numbers each, beside what the manifest has.
    """

    def __init__(self, paths: Sequence[Path], follow_links: bool = False) -> None:
        self._roots: list[Path] = []
        """The folders in which the given paths lie."""
        self._first = array("I")
        """The first entry of each given path."""
        self._devices = array("Q")
        self._inodes = array("Q")
        self._open: OrderedDict[int, BinaryIO] = OrderedDict()
        self._shared: SharedBlocks | None = None
        self._lock = Lock()
        walk = Walk(follow_links)
        builder = ManifestBuilder()
        for path, name in zip(paths, offered_names([own_name(path) for path in paths]), strict=True):
            self._roots.append(Path(os.path.abspath(path)).parent)
            self._first.append(len(builder.entries))
            for entry, version in walk.find(path, name):
                builder.add(entry)
                self._devices.append(version.device if version is not None else 0)
                self._inodes.append(version.inode if version is not None else 0)
        self.manifest = builder.finish()
        self.skipped = tuple(walk.skipped)
        """What lies in the folders and is not offered: links, pipes, sockets, devices. Not safe to show as it is."""
        self._own = walk.own
        """The name on this disk of each file and folder that is offered under another one, by its path in the offer."""

    @classmethod
    def scan(cls, paths: Sequence[Path], follow_links: bool = False) -> Source:
        """Looks at files and folders to be offered. Folders are offered with all that is in them.

        Args:
            paths: each is offered under its last component; a link that is given here is followed.
            follow_links: whether links inside folders are followed too. Without it all of them, and with it those that
                lead nowhere or to a folder that is offered already, are listed in `skipped`.

        Raises:
            NotSendable: a path is missing, unreadable or neither file nor folder; there are more than
                `MANIFEST_ENTRIES` entries; or a path is deeper or longer than an offer may have it.
        """
        with _words():
            return cls(paths, follow_links)

    @property
    def renamed(self) -> tuple[tuple[str, str], ...]:
        """What is offered under another name: its path on this disk, from the given path's name on, and in the offer.

        The first is not safe to show as it is.
        """
        return tuple((self._own_path(path), path) for path in self._own)

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
                version = Version.of(os.fstat(handle.fileno()))
        except FileNotFoundError:
            raise _changed(entry, "was moved or deleted") from None
        except PermissionError:
            raise TransferFailed(f"{shown(entry.path)} may not be read any more", reason="permission") from None
        except OSError as error:
            raise TransferFailed(f"{shown(entry.path)} cannot be read: {error.strerror}") from None
        offered = Version(self._devices[file], self._inodes[file], entry.size, entry.modified)
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
        handle = self._open[file] = open(os.open(self._path(file), READ_FLAGS), "rb")  # noqa: SIM115
        return handle

    def _path(self, file: int) -> Path:
        root = bisect_right(self._first, file) - 1
        return self._roots[root] / self._own_path(self.manifest.entries.path(file))

    def _own_path(self, path: str) -> str:
        """Returns what a path of the offer is called on this disk."""
        if not self._own:
            return path
        components = path.split("/")
        depths = range(1, len(components) + 1)
        return "/".join(self._own.get("/".join(components[:depth]), components[depth - 1]) for depth in depths)


def _changed(entry: ManifestEntry, how: str) -> TransferFailed:
    return TransferFailed(
        f"{shown(entry.path)} {how} while it was being sent", "send it again", reason="source-changed"
    )
