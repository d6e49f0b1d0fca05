"""Files while they are received, and their final names.

    .report.pdf.<label>.part   hidden, exclusive, 0600; only blocks that match their hash are written to it
    report.pdf                 once all of them are and the file is flushed
    report (1).pdf             when something of that name was there: nothing is overwritten unless the user wants it

What is on the disk is noted in a journal (`p2pchat.store.journal`), and an interrupted transfer goes on from there. All
methods block; call them from a worker thread, any of them and several at once.
"""

from __future__ import annotations

import itertools
import os
import shutil
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final

from p2pchat.errors import StorageFailed
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.paths import shown
from p2pchat.store import leftovers
from p2pchat.store.directory import Directory
from p2pchat.store.disk import no_space, storage_failed, write_sparse
from p2pchat.store.journal import Journal, identity
from p2pchat.store.leftovers import final_name
from p2pchat.store.parts import Parts
from p2pchat.store.places import Places
from p2pchat.store.terms import IfExists as IfExists
from p2pchat.store.terms import Terms

SYNC_EVERY: Final = 1.0
"""Seconds between two times that data and journal are flushed: what a power cut takes."""

RESERVE: Final = 64 * 1024 * 1024
"""Bytes that have to stay free: a disk that is full to the last byte troubles everybody on it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is on the disk of an offer."""

    finished: bytes
    """For each entry, 1 when the file is there, complete and under its name."""
    check: dict[int, bytes]
    """Blocks of other files, and their hashes."""


class IncomingFiles:
    """The files of one accepted offer. To be made before the offer is accepted: it makes sure that they fit.

    Args:
        folder: where they go; made when it is not there.
        manifest: what was offered.
        label: tells these files from those of other transfers: a few letters or digits of our own choice.
        peer: the public key of the sender: what it did not finish goes on. Empty: nothing is noted, and nothing does.
        if_exists: what to do with files that are there.
        left_out: for each entry, 1 when it is not wanted, else 0; empty when all are. Nothing is made for these.
        preserve: whether files get the modification time and the executable bit that they have at the sender.

    A transfer that goes on keeps to the last three as it began with them; see `left_out`.

    Raises:
        StorageFailed: there is less free space than they need, or the folders cannot be made. Nothing is left behind.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        label: str,
        peer: bytes = b"",
        if_exists: IfExists = IfExists.RENAME,
        left_out: bytes = b"",
        preserve: bool = False,
    ) -> None:
        self.folder = folder
        self._manifest = manifest
        self._terms = Terms(if_exists, left_out, preserve)
        self._lock = Lock()
        self._closed = False
        self._synced_at = time.monotonic()
        self._blocks: dict[int, bytes] = {}
        """The hashes of the blocks that are in parts, of files of several blocks."""
        self._names = array("h", [-1]) * len(manifest.entries)
        """For each file that is finished, the number of its name; -1 for others."""
        self._total = 0
        """Bytes of the files that are wanted."""
        self._journal: Journal | None = None
        with self._words_for("the folder"):
            os.makedirs(folder, exist_ok=True)
            self._root = Directory(folder)
        self._set_up(label, self._terms)
        try:
            with self._words_for("the folder"):
                if peer:
                    self._journal = Journal.find(self._root, identity(peer, manifest))
                if self._journal is not None:
                    self._go_on(self._journal)
                else:
                    self._begin(identity(peer, manifest) if peer else "")
                if self._terms.if_exists is IfExists.SKIP:
                    self._compare()
        except BaseException:
            self.close() if self._journal is not None and self.stored else self.discard()
            raise

    def _set_up(self, label: str, terms: Terms) -> None:
        self._terms = terms
        self._places = Places(self._root, self._manifest, terms.if_exists is not IfExists.RENAME, terms.left_out)
        self._parts = Parts(self._places, self._manifest, label)
        self._total = sum(self._manifest.entries.size(file) for file in self._manifest.files if terms.wants(file))

    def _begin(self, transfer: str) -> None:
        self._check_space(RESERVE)
        self._places.make(None)
        if transfer:
            header = {"renamed": self._places.renamed, **self._terms.to_header()}
            self._journal = Journal.create(self._root, transfer, self._parts.label, header)
            self._parts.journal = self._journal

    def _go_on(self, journal: Journal) -> None:
        self._set_up(journal.label, self._terms.of_header(journal.header, self._manifest))
        renamed = journal.header.get("renamed")
        self._places.make(renamed if isinstance(renamed, dict) else {})
        content = journal.read(self._manifest)
        content.leave_out(self._terms.left_out)
        for file, number in leftovers.named_files(self._places, self._manifest, content, journal.label).items():
            journal.finished(file, number)
        leftovers.finished_files(self._places, self._manifest, content)
        self._parts.found = leftovers.parts(self._places, self._manifest, content, journal)
        self._parts.journal = journal
        self._names = content.names
        self._blocks = content.blocks
        self._check_space(RESERVE)

    def _compare(self) -> None:
        """Hashes the files that may be there already, so that the sender can tell whether they are the same."""
        missing = (
            file
            for file in self._manifest.files
            if self._names[file] < 0
            and file not in self._parts.found
            and self._terms.wants(file)
            and not self._places.is_new(file)
        )
        for file, hashes in leftovers.existing_files(self._places, self._manifest, missing):
            self._parts.existing.add(file)
            self._blocks.update(hashes)

    @property
    def left_out(self) -> bytes:
        """For each entry, 1 when it is not wanted; empty when all are. What was noted, if this is one that goes on."""
        return self._terms.left_out

    @property
    def stored(self) -> int:
        """Bytes that are on the disk and need not be sent."""
        finished = sum(self._manifest.entries.size(file) for file in self._manifest.files if self._names[file] >= 0)
        return finished + sum(self._manifest.place(block)[2] for block in self._blocks)

    def kept(self) -> Kept:
        """Returns what is there of the offer: the sender is asked for the rest."""
        with self._lock:
            return Kept(bytes(name >= 0 for name in self._names), dict(self._blocks))

    def saved(self, most: int) -> tuple[str, ...]:
        """Returns where the files are that are finished, in the order of the offer; at most so many."""
        finished = (file for file in self._manifest.files if self._names[file] >= 0)
        return tuple(
            str(self._places.path(file, final_name(self._manifest, file, self._names[file])))
            for file in itertools.islice(finished, most)
        )

    def store_block(self, number: int, data: bytes, digest: bytes) -> bool:
        """Verifies a block and writes it.

        Args:
            number: of the block, in the manifest.
            data: its bytes.
            digest: the SHA-256 that they must have.

        Returns:
            Whether they have it. If not, nothing was written.

        Raises:
            StorageFailed: the disk refused, or the files were discarded.
        """
        if sha256(data).digest() != digest:
            return False
        file, offset, _ = self._manifest.place(number)
        with self._words_for(shown(self._manifest.entries.path(file))):
            if self._is_small(file):
                self._store_whole(file, data)
                return True
            with self._lock:
                self._check_open()
                handle = self._parts.handle(file)
                write_sparse(handle, data, offset)
                if len(self._manifest.blocks_of(file)) > 1:
                    self._blocks[number] = digest
                    if self._journal is not None:
                        self._journal.block(number, digest, os.fstat(handle).st_mtime_ns)
                due = time.monotonic() >= self._synced_at + SYNC_EVERY
                if due:
                    self._synced_at = time.monotonic()
            if due:
                self._sync()
        return True

    def finish_file(self, file: int) -> None:
        """Finishes one file; see `finish_files`.

        Raises:
            StorageFailed: the disk refused, or the files were discarded.
        """
        (failed,) = self.finish_files([file])
        if failed is not None:
            raise failed

    def finish_files(self, files: Sequence[int]) -> list[StorageFailed | None]:
        """Gives files their final names, once all their blocks are stored, and waits until a power cut spares them.

        Each folder is flushed once, so that many small files at once cost little more than one.

        Returns:
            Why the disk refused a file, or that the files were discarded; None for each that is finished.
        """
        failed: dict[int, StorageFailed] = {}
        folders: dict[tuple[str, ...], list[int]] = {}
        for file in files:
            with self._noting_failure(failed, file):
                self._flush(file)
                folders.setdefault(self._places.of(file), []).append(file)
        numbers: dict[int, int] = {}
        for below in folders.values():
            with self._noting_failure(failed, *below):
                self._name(below, numbers, failed)
        with self._noting_failure(failed, *numbers), self._lock:
            self._check_open()
            with self._noted_together():
                for file, number in numbers.items():
                    self._finished(file, number)
        return [failed.get(file) for file in files]

    def close(self) -> None:
        """Lets go of the folder. What is not finished stays, and goes on when the offer comes again."""
        unfinished = any(self._names[file] < 0 and self._terms.wants(file) for file in self._manifest.files)
        if unfinished:
            with suppress(OSError):
                self._sync()
        with self._lock:
            if not self._closed and self._journal is not None:
                if unfinished:
                    self._journal.close()
                else:
                    self._journal.remove()
            self._close()

    def discard(self) -> None:
        """Removes what has no final name, and the folders made for it that are empty. Files that are finished stay."""
        with self._lock:
            if self._closed:
                return
            self._parts.remove()
            self._places.remove_empty()
            if self._journal is not None:
                self._journal.remove()
            self._close()

    # --- inside; takes the lock where it needs it

    def _is_small(self, file: int) -> bool:
        """Whether a file is written, flushed and closed in one go."""
        return len(self._manifest.blocks_of(file)) < 2 and file not in self._parts.found

    def _store_whole(self, file: int, data: bytes) -> None:
        with self._lock:
            self._check_open()
            handle = self._parts.create_whole(file, data)
        try:  # without the lock: several files are flushed at once
            if self._terms.preserve:
                self._parts.set_attributes(file, handle, preserve=True)
            os.fsync(handle)
            self._parts.found[file].flushed = True
        except BaseException:
            with self._lock:
                self._parts.drop(file)
            raise
        finally:
            os.close(handle)

    def _flush(self, file: int) -> None:
        """Flushes a file as it is to be, unless it was when it was stored."""
        if file in self._parts.existing and file not in self._parts.found:
            return
        if self._is_small(file):
            self._store_whole(file, b"")
        if self._parts.found[file].flushed:
            return
        with self._lock:
            self._check_open()
            handle = os.dup(self._parts.handle(file))
        try:  # without the lock: flushing a large file takes seconds, and the next file goes on meanwhile
            self._parts.set_attributes(file, handle, self._terms.preserve)
            os.fsync(handle)
        finally:
            os.close(handle)
        with self._lock:  # only now: what is open is what the next `_sync` has to flush
            self._parts.release(file)

    def _name(self, files: Sequence[int], numbers: dict[int, int], failed: dict[int, StorageFailed]) -> None:
        """Gives flushed files of one folder their names; notes the numbers of these."""
        named: dict[int, int] = {}
        with self._places.directory(files[0]) as directory:
            with self._lock:
                self._check_open()
                self._parts.note_before_naming(files)
                for file in files:
                    with self._noting_failure(failed, file):
                        if file in self._parts.found:
                            overwrite = self._terms.if_exists is IfExists.OVERWRITE
                            named[file] = self._parts.rename(directory, file, overwrite)
                        else:
                            named[file] = 0  # it was there already
            directory.sync()
        numbers.update(named)

    @contextmanager
    def _noting_failure(self, failed: dict[int, StorageFailed], *files: int) -> Iterator[None]:
        """Takes down what the disk refuses as the reason why files failed."""
        try:
            with self._words_for(shown(self._manifest.entries.path(files[0])) if files else "the folder"):
                yield
        except StorageFailed as error:
            failed.update(dict.fromkeys(files, error))

    def _noted_together(self) -> AbstractContextManager[None]:
        return nullcontext() if self._journal is None else self._journal.together()

    # --- inside; with the lock held, from here on

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._parts.close()
            self._root.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StorageFailed("the transfer has ended")

    def _check_space(self, reserve: int) -> None:
        need, have = self._total - self.stored, shutil.disk_usage(self.folder).free
        if have < need + reserve:
            raise no_space(need, have, str(self.folder))

    @contextmanager
    def _words_for(self, name: str) -> Iterator[None]:
        """Turns what the system says into an error in words."""
        try:
            yield
        except OSError as error:
            failed = storage_failed(error, name, str(self.folder))
            if failed.reason == "disk":
                with suppress(OSError):  # the space that is left says more, if that is what is short
                    self._check_space(reserve=0)
            raise failed from error

    def _finished(self, file: int, number: int) -> None:
        self._names[file] = number
        for block in self._manifest.blocks_of(file):
            self._blocks.pop(block, None)
        if self._journal is not None:
            self._journal.finished(file, number)

    def _sync(self) -> None:
        """Flushes data, then notes in the journal that it did. Takes the lock itself, and not while the disk works."""
        with self._lock:
            if self._journal is None or self._closed:
                return
            records = self._journal.records
            handles = self._parts.duplicates()
        try:
            for handle in handles:
                os.fsync(handle)
        finally:
            for handle in handles:
                os.close(handle)
        with self._lock:
            if not self._closed:
                self._journal.synced(records)
