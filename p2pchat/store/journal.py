"""What of a transfer is on the disk: a hidden file beside the parts, so that an interrupted transfer can go on.

    .<identity>.<label>.journal   identity: of peer and manifest; label: of this transfer, as in the names of its parts

    header      one line of JSON
    records     of 56 bytes, appended as things happen, each with a checksum:
        part      file, number of its hidden name, inode     the file has begun, or (of one block) is about to be named
        block     number, hash, time                          the block is verified and written, and the part as old
        lost      number                                      the block is not there after all
        finished  file, number of its name                    the file is complete, on the disk and under its name
        synced    a count of records                          so many of them would survive a power cut, with their data

A program that is killed loses nothing that it wrote. A power cut may lose data whose record survived: what comes after
the last `synced` is hashed again before it counts, and so is all of a part that somebody has changed since its last
block was noted. A journal is trusted no further than that: a record that is damaged ends it, and whatever does not fit
the manifest or the disk counts as not there.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import Any, Final

from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.store.directory import Directory
from p2pchat.store.disk import set_mode

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_FORMAT: Final = "p2pchat-journal-1"
_HEADER_BYTES: Final = 1 << 20
"""Longest header read. It has 200 bytes, and more when folders got other names, or only some of much is wanted."""

_RECORD: Final = Struct("!BxxxIQ32s")
_SUM: Final = Struct("!Q")
_RECORD_BYTES: Final = _RECORD.size + _SUM.size

INODES: Final = 2**48
"""Inodes are noted modulo this: what replaced a part is hardly ever alike in all of these bits."""

_PART: Final = 1
_BLOCK: Final = 2
_FINISHED: Final = 3
_SYNCED: Final = 4
_LOST: Final = 5

_LABEL: Final = re.compile(r"[0-9a-z]{1,32}")


def identity(peer: bytes, manifest: Manifest) -> str:
    """Returns what a transfer is known by: the same peer offering the same manifest."""
    return sha256(b"p2pchat-transfer-1\0" + peer + manifest.root).hexdigest()[:16]


class Journal:
    """The journal of one transfer, held open and locked. Made by `create` and `find`.

    Not safe for several threads at once. Methods raise OSError.
    """

    def __init__(self, directory: Directory, name: str, handle: int, label: str, header: dict[str, Any]) -> None:
        self._directory = directory
        self._name = name
        self._handle = handle
        self.label = label
        """What tells the parts of this transfer from those of others."""
        self.header = header
        """What was noted when it was made."""
        self.mode = int(header.get("mode", 0o600)) & 0o666
        """Permissions that a new file has here."""
        self.records = 0
        """How many it has."""
        self.goes_on = False
        """Whether it was found, and not made: what bears its label is ours."""
        self._gathered: bytearray | None = None
        """Records that are to be written together."""

    @classmethod
    def create(cls, directory: Directory, identity: str, label: str, header: dict[str, Any]) -> Journal:
        """Makes a journal. It is on the disk when this returns."""
        name = f".{identity}.{label}.journal"
        handle = directory.create(name)
        header = {"format": _FORMAT, "mode": os.fstat(handle).st_mode & 0o666, **header}
        journal = cls(directory, name, handle, label, header)
        try:
            _lock(handle)
            set_mode(handle, 0o600)
            os.write(handle, json.dumps(header).encode() + b"\n")
            os.fsync(handle)
            directory.sync()
        except OSError:
            journal.remove()
            raise
        return journal

    @classmethod
    def find(cls, directory: Directory, identity: str) -> Journal | None:
        """Returns the journal of a transfer that was interrupted, unless it is in use; None when there is none."""
        for name in sorted(os.listdir(directory.path)):
            known, _, rest = name[1:].partition(".")
            label, _, ending = rest.partition(".")
            if name.startswith(f".{identity}.") and known and ending == "journal" and _LABEL.fullmatch(label):
                with suppress(OSError):
                    try:
                        return cls._open(directory, name, label)
                    except (ValueError, TypeError):
                        directory.remove(name)  # of no use to anybody
        return None

    @classmethod
    def _open(cls, directory: Directory, name: str, label: str) -> Journal:
        handle = directory.open(name)
        try:
            _lock(handle)
            line, newline, _ = os.read(handle, _HEADER_BYTES).partition(b"\n")
            header = json.loads(line) if newline else None
            if not isinstance(header, dict) or header.get("format") != _FORMAT:
                raise ValueError("no journal")
            os.lseek(handle, len(line) + 1, os.SEEK_SET)
        except BaseException:
            os.close(handle)
            raise
        journal = cls(directory, name, handle, label, header)
        journal.goes_on = True
        return journal

    # --- what is noted

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes what is noted meanwhile in one piece; nothing of it when an exception ends that."""
        records = self.records
        self._gathered = gathered = bytearray()
        try:
            yield
        except BaseException:
            self.records = records
            raise
        finally:
            self._gathered = None
        if gathered:
            os.write(self._handle, gathered)

    def part(self, file: int, number: int, inode: int) -> None:
        """A file was begun, in a part with the `number`-th of its hidden names; or it is about to get its name."""
        self._append(_PART, file, number << 48 | inode % INODES)

    def block(self, number: int, digest: bytes, modified: int) -> None:
        """A block was verified and written, and its part was last changed then: `modified` nanoseconds of unix time."""
        self._append(_BLOCK, number, modified % 2**64, digest)

    def lost(self, number: int) -> None:
        """A block that was noted is not there after all."""
        self._append(_LOST, number, 0)

    def finished(self, file: int, number: int) -> None:
        """A file is complete, synced, and has the `number`-th of its names."""
        self._append(_FINISHED, file, number)

    def synced(self, records: int) -> None:
        """The data of so many records is on the disk; waits until they are, too."""
        self._append(_SYNCED, 0, records)
        os.fsync(self._handle)

    def _append(self, kind: int, number: int, value: int, digest: bytes = b"") -> None:
        record = _RECORD.pack(kind, number, value, digest)
        record += _SUM.pack(zlib.crc32(record))
        if self._gathered is None:
            os.write(self._handle, record)
        else:
            self._gathered += record
        self.records += 1

    # --- what was noted

    def read(self, manifest: Manifest) -> Content:
        """Reads it; to be called once, before anything is noted. What is behind the last good record is cut off."""
        content = Content(manifest)
        start = os.lseek(self._handle, 0, os.SEEK_CUR)
        for record in self._records():
            if not content.take(self.records, *_RECORD.unpack(record)):
                break
            self.records += 1
        end = start + self.records * _RECORD_BYTES
        os.ftruncate(self._handle, end)
        os.lseek(self._handle, end, os.SEEK_SET)
        return content

    def _records(self) -> Iterator[bytes]:
        rest = b""
        while more := os.read(self._handle, 1024 * _RECORD_BYTES):
            rest += more
            whole = len(rest) - len(rest) % _RECORD_BYTES
            for start in range(0, whole, _RECORD_BYTES):
                record = rest[start : start + _RECORD.size]
                if _SUM.unpack_from(rest, start + _RECORD.size)[0] != zlib.crc32(record):
                    return
                yield record
            rest = rest[whole:]

    def close(self) -> None:
        """Lets go of it; it stays."""
        os.close(self._handle)

    def remove(self) -> None:
        """The transfer needs it no more."""
        with suppress(OSError):
            self._directory.remove(self._name)
        os.close(self._handle)


class Content:
    """What a journal says.

    Args:
        manifest: of the transfer.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self.names = array("h", [-1]) * len(manifest.entries)
        """For each file that is finished, the number of its name; -1 for others."""
        self.parts: dict[int, tuple[int, int]] = {}
        """For each file that is not: the number of its part's name, and the part's inode."""
        self.blocks: dict[int, bytes] = {}
        """The hashes of the blocks of these parts."""
        self.doubtful: dict[int, int] = {}
        """Those of them that may not have survived a power cut, and their records."""
        self.modified: dict[int, int] = {}
        """When the part of each file was changed with the last block that is noted; nanoseconds of unix time."""

    def take(self, record: int, kind: int, number: int, value: int, digest: bytes) -> bool:
        """Takes one record; returns whether it fits the manifest."""
        if kind == _SYNCED:
            self.doubtful = {block: at for block, at in self.doubtful.items() if at >= value}
        elif kind == _BLOCK and number < self._manifest.blocks:
            self.blocks[number] = digest
            self.doubtful[number] = record
            self.modified[self._manifest.entries.file_of(number)] = value
        elif kind == _LOST and number < self._manifest.blocks:
            self.blocks.pop(number, None)
            self.doubtful.pop(number, None)
        elif kind == _PART and number < len(self.names):
            self.parts[number] = value >> 48, value % INODES
            self.forget(number)
        elif kind == _FINISHED and number < len(self.names) and value < 2**15:
            self.names[number] = value
            self.parts.pop(number, None)
            self.forget(number)
        else:
            return False
        return True

    def leave_out(self, left_out: bytes) -> None:
        """Forgets the entries that are not wanted: 1 for each of these, else 0; empty when all are."""
        for entry in range(len(left_out)):
            if left_out[entry]:
                self.names[entry] = -1
                self.parts.pop(entry, None)
                self.forget(entry)

    def forget(self, file: int) -> None:
        """Of this file nothing is in its part."""
        for block in self._manifest.blocks_of(file):
            self.blocks.pop(block, None)
            self.doubtful.pop(block, None)

    @property
    def stored(self) -> int:
        """Bytes of the files of which it says that they are there."""
        finished = sum(self._manifest.entries.size(file) for file in self._manifest.files if self.names[file] >= 0)
        return finished + sum(self._manifest.place(block)[2] for block in self.blocks)


def resumable(folder: Path, peer: bytes, manifest: Manifest) -> int:
    """Returns how many bytes of an offer lie in a folder since an earlier transfer was interrupted.

    Args:
        folder: where the files went.
        peer: the public key of the one who offers.
        manifest: what is offered.
    """
    with suppress(OSError), Directory(folder) as directory:
        journal = Journal.find(directory, identity(peer, manifest))
        if journal is not None:
            try:
                return journal.read(manifest).stored
            finally:
                journal.close()
    return 0


def _lock(handle: int) -> None:
    """Takes the journal for us alone; raises OSError when another transfer has it."""
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
