"""Where the transfers to us lie that were accepted and are not finished, so that they are found again in any folder.

The journal beside the parts (`p2pchat.store.journal`) says what of a transfer is on the disk, and is believed; this
register only says where to look, and what to tell the user before the sender is there again.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

from p2pchat.store.database import Database

_SCHEMA: Final = """
CREATE TABLE interrupted (
    id       TEXT PRIMARY KEY,
    transfer TEXT NOT NULL,
    peer     BLOB NOT NULL,
    name     TEXT NOT NULL,
    title    TEXT NOT NULL,
    folder   BLOB NOT NULL,
    total    INTEGER NOT NULL,
    stored   INTEGER NOT NULL,
    at       REAL NOT NULL,
    folders  BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX interrupted_transfer ON interrupted (transfer)
"""
_VERSION: Final = 1
_COLUMNS: Final = "id, transfer, peer, name, title, folder, total, stored, at"
_Row: TypeAlias = tuple[str, str, bytes, str, str, bytes, int, int, float]


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A transfer to us that was accepted, and is not finished as far as is known."""

    transfer: str
    """What its journal is known by (`p2pchat.store.journal.identity`)."""
    peer: bytes
    """The public key of the one who sends it."""
    name: str
    """What that one was called; safe to show."""
    title: str
    """What it is; safe to show."""
    folder: Path
    """The folder that it was accepted into."""
    total: int
    """Bytes that were accepted."""
    stored: int
    """Bytes of them that were there when it was noted last."""
    at: float
    """When that was, unix seconds."""

    @property
    def id(self) -> str:
        """Tells it from all others on this machine: sixteen hexadecimal digits."""
        return id_of(self.transfer, self.folder)


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of a transfer, as paths of the offer."""

    made: tuple[str, ...] = ()
    """Those that were made for it."""
    found: tuple[str, ...] = ()
    """Those that were there before, and are filled."""


def id_of(transfer: str, folder: Path) -> str:
    """Returns the id of a transfer that was accepted into a folder."""
    return sha256(transfer.encode() + b"\0" + os.fsencode(folder)).hexdigest()[:16]


class InterruptedTransfers:
    """The register of one profile. Methods block for milliseconds and may be called from any thread.

    Every method raises ConfigurationError when the file is damaged or of a later version, and StorageFailed when it is
    busy or the disk refuses.

    Args:
        path: the file, or None to keep it in memory only (`--ephemeral`).
    """

    def __init__(self, path: Path | None = None) -> None:
        self._database = Database(path, _SCHEMA, _VERSION)

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def begin(self, entry: Interrupted, folders: Folders | None) -> None:
        """Notes a transfer that was accepted.

        Args:
            entry: what it is.
            folders: those of the transfer; None when it goes on, and what was noted when it began holds.
        """
        values = (
            entry.id,
            entry.transfer,
            entry.peer,
            entry.name,
            entry.title,
            os.fsencode(entry.folder),
            entry.total,
            entry.stored,
            entry.at,
            zlib.compress(json.dumps([folders.made, folders.found] if folders is not None else [[], []]).encode()),
        )
        with self._database.writing() as connection:
            if folders is not None:
                connection.execute("DELETE FROM interrupted WHERE id = ?", (entry.id,))
            connection.execute(
                f"""
                INSERT INTO interrupted ({_COLUMNS}, folders) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET
                    name = excluded.name, total = excluded.total, stored = excluded.stored, at = excluded.at
                """,
                values,
            )

    def progressed(self, entry: str, stored: int, at: float) -> None:
        """Notes how much of it is there; nothing when it is not known any more."""
        with self._database.writing() as connection:
            connection.execute("UPDATE interrupted SET stored = ?, at = ? WHERE id = ?", (stored, at, entry))

    def forget(self, entry: str) -> None:
        """It is done, or nothing is left of it."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM interrupted WHERE id = ?", (entry,))

    def get(self, entry: str) -> Interrupted | None:
        """Returns the one with an id."""
        with self._database.reading() as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM interrupted WHERE id = ?", (entry,)).fetchone()
        return _interrupted(row) if row is not None else None

    def of(self, transfer: str) -> list[Interrupted]:
        """Returns where a transfer was begun, the last one first."""
        return self._select("WHERE transfer = ?", transfer)

    def all(self) -> list[Interrupted]:
        """Returns all of them, the last one first."""
        return self._select("")

    def folders(self, entry: str) -> Folders:
        """Returns the folders of a transfer; none when it is not known."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT folders FROM interrupted WHERE id = ?", (entry,)).fetchone()
        if row is None:
            return Folders()
        made, found = json.loads(zlib.decompress(row[0]))
        return Folders(tuple(made), tuple(found))

    def _select(self, where: str, *values: str) -> list[Interrupted]:
        query = f"SELECT {_COLUMNS} FROM interrupted {where} ORDER BY at DESC, id"
        with self._database.reading() as connection:
            return [_interrupted(row) for row in connection.execute(query, values)]


def _interrupted(row: _Row) -> Interrupted:
    _, transfer, peer, name, title, folder, total, stored, at = row
    return Interrupted(transfer, peer, name, title, Path(os.fsdecode(folder)), total, stored, at)
