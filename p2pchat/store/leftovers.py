"""What lies in a folder already of files that are to be received: parts of an earlier transfer, and files of that name.

Nothing here is believed because of its name or its length. All functions block.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.store.disk import read_at, write_sparse
from p2pchat.store.journal import INODES, Content, Journal
from p2pchat.store.names import free_names, local_name, part_name
from p2pchat.store.places import Places

TOUCHED: Final = 2_000_000_000
"""Nanoseconds by which a part may differ in age from its last block that is noted, and be trusted: a block that was
being written when the program was killed has no record yet, and some file systems count in steps of two seconds."""


@dataclass(slots=True)
class Part:
    """A file that has no final name yet."""

    name: str
    mode: int
    """Permissions that a new file has here."""
    inode: int
    number: int
    """Which of its possible names it has."""
    flushed: bool = False
    """Whether all of it is there, as it is to be, and would survive a power cut."""


def part_of(manifest: Manifest, file: int, label: str, number: int) -> str:
    """Returns the `number`-th hidden name of a file while it is received."""
    name = local_name(manifest.entries[file].components[-1])
    return part_name(name, next(itertools.islice(free_names(label, folder=True), number, None)))


def final_name(manifest: Manifest, file: int, number: int) -> str:
    """Returns the `number`-th name of a file."""
    name = local_name(manifest.entries[file].components[-1])
    return next(itertools.islice(free_names(name), number, None))


def named_files(places: Places, manifest: Manifest, content: Content, label: str) -> dict[int, int]:
    """Returns the files that got their name in the last moment, before that could be noted, and the names' numbers."""
    found: dict[int, int] = {}
    for file, (part, inode) in content.parts.items():
        number = _number_of(places, manifest, file, inode)
        if number is not None:
            found[file] = number
            content.names[file] = number
            content.forget(file)
            with suppress(OSError), places.directory(file) as directory:
                directory.remove(part_of(manifest, file, label, part))  # a second name of the same file
    for file in found:
        del content.parts[file]
    return found


def _number_of(places: Places, manifest: Manifest, file: int, inode: int) -> int | None:
    for number, name in enumerate(free_names(local_name(manifest.entries[file].components[-1]))):
        try:
            status = os.lstat(places.path(file, name))
        except OSError:
            return None
        if stat.S_ISREG(status.st_mode) and status.st_ino % INODES == inode:
            return number
    return None


def finished_files(places: Places, manifest: Manifest, content: Content) -> None:
    """Forgets the finished files that do not lie any more where they were put."""
    for file in manifest.files:
        if content.names[file] < 0:
            continue
        try:
            status = os.lstat(places.path(file, final_name(manifest, file, content.names[file])))
            there = stat.S_ISREG(status.st_mode) and status.st_size == manifest.entries.size(file)
        except OSError:
            there = False
        if not there:
            content.names[file] = -1


def parts(places: Places, manifest: Manifest, content: Content, journal: Journal) -> dict[int, Part]:
    """Returns the parts that an interrupted transfer left; what is not as the journal says is forgotten.

    The blocks that the journal cannot vouch for are hashed again. Those that turn out to be lost are noted as such.
    """
    found: dict[int, Part] = {}
    for file, (number, inode) in list(content.parts.items()):
        name = part_of(manifest, file, journal.label, number)
        try:
            with places.directory(file) as directory:
                handle = directory.open(name)
        except OSError:
            content.forget(file)
            continue
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or status.st_ino % INODES != inode:
                content.forget(file)
                continue
            noted = [block for block in manifest.blocks_of(file) if block in content.blocks]
            if abs(status.st_mtime_ns - content.modified.get(file, 0)) > TOUCHED:
                content.doubtful.update(dict.fromkeys(noted, 0))
            for block in noted:
                if not _is_good(handle, status.st_size, manifest, content, block):
                    del content.blocks[block]
                    journal.lost(block)
            if not content.doubtful.keys().isdisjoint(noted):
                os.fsync(handle)  # what was hashed now counts as flushed from the next `synced` on
        finally:
            os.close(handle)
        found[file] = Part(name, journal.mode, status.st_ino, number)
    return found


def _is_good(handle: int, size: int, manifest: Manifest, content: Content, block: int) -> bool:
    _, offset, length = manifest.place(block)
    if offset + length > size:
        return False
    return block not in content.doubtful or _hash(handle, length, offset) == content.blocks[block]


def existing_files(places: Places, manifest: Manifest, files: Iterable[int]) -> Iterator[tuple[int, dict[int, bytes]]]:
    """Yields those of some files whose names have files of their size, and the hashes of the blocks of these."""
    for _, neighbours in itertools.groupby(files, places.of):  # so that each folder is opened once
        yield from _existing_in_folder(places, manifest, list(neighbours))


def _existing_in_folder(
    places: Places, manifest: Manifest, files: Sequence[int]
) -> Iterator[tuple[int, dict[int, bytes]]]:
    with suppress(OSError), places.directory(files[0]) as directory:
        for file in files:
            with suppress(OSError):
                handle = directory.open_to_read(final_name(manifest, file, 0))
                try:
                    status = os.fstat(handle)
                    if stat.S_ISREG(status.st_mode) and status.st_size == manifest.entries.size(file):
                        yield file, _hashes(handle, manifest, file)
                finally:
                    os.close(handle)


def _hashes(handle: int, manifest: Manifest, file: int) -> dict[int, bytes]:
    blocks = ((block, manifest.place(block)) for block in manifest.blocks_of(file))
    return {block: _hash(handle, length, offset) for block, (_, offset, length) in blocks}


def copy_existing(places: Places, manifest: Manifest, file: int, handle: int) -> None:
    """Copies what has a file's name into its part; raises OSError."""
    with places.directory(file) as directory:
        existing = directory.open_to_read(final_name(manifest, file, 0))
    try:
        for block in manifest.blocks_of(file):
            _, offset, length = manifest.place(block)
            write_sparse(handle, read_at(existing, length, offset), offset)
    finally:
        os.close(existing)


def _hash(handle: int, length: int, offset: int) -> bytes:
    return sha256(read_at(handle, length, offset)).digest()
