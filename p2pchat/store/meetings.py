"""Whom we met where, so that an exchange of files goes on when this program or machine was killed in the middle.

A one-time code is spent once two have met with it. Whoever runs the same command again would stand before a closed
door: so the profile remembers for a day which key was met with a code, or was sent some paths, and both go to the room
of the two contacts instead (`p2pchat.protocol.contact_room`). Occasions are kept as hashes only.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Final

from p2pchat.protocol.derivation import framed
from p2pchat.store.database import Database

MEETINGS_FILE: Final = "meetings.db"
"""Its name in the profile folder."""

KEPT_SECONDS: Final = 86_400.0
"""How long a meeting is remembered: a machine may be off over night."""

MEETINGS: Final = 1000
"""Most meetings that are remembered; beyond it the oldest is forgotten."""

_SCHEMA: Final = """
CREATE TABLE meeting (
    occasion BLOB PRIMARY KEY CHECK (length(occasion) = 32),
    key      BLOB NOT NULL CHECK (length(key) = 32),
    at       REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX meeting_at ON meeting (at)
"""
_VERSION: Final = 1


def code_occasion(code: str) -> bytes:
    """Returns what stands for receiving with a one-time code."""
    return _hashed("code", code)


def paths_occasion(paths: list[str]) -> bytes:
    """Returns what stands for sending these absolute paths."""
    return _hashed("paths", *paths)


class Meetings:
    """The meetings of one profile. Methods block for milliseconds, and may be called from any thread.

    Each raises ConfigurationError when the file is damaged or of another version, and StorageFailed when it is busy or
    the disk refuses.

    Args:
        path: the file, or None to keep them in memory only (`--ephemeral`).
    """

    def __init__(self, path: Path | None = None) -> None:
        self._database = Database(path, _SCHEMA, _VERSION)

    def remember(self, occasion: bytes, key: bytes, now: float | None = None) -> None:
        """Notes whom we met.

        Args:
            occasion: as `code_occasion` or `paths_occasion` returns it.
            key: the public key of who was there.
            now: unix seconds; None for the present.
        """
        now = time.time() if now is None else now
        with self._database.writing() as connection:
            connection.execute("DELETE FROM meeting WHERE at < ?", (now - KEPT_SECONDS,))
            connection.execute("INSERT OR REPLACE INTO meeting VALUES (?, ?, ?)", (occasion, key, now))
            beyond = "DELETE FROM meeting WHERE at < (SELECT at FROM meeting ORDER BY at DESC LIMIT 1 OFFSET ?)"
            connection.execute(beyond, (MEETINGS - 1,))

    def find(self, occasion: bytes, now: float | None = None) -> bytes | None:
        """Returns the key of whom we met on an occasion of the last day; None when we met nobody."""
        now = time.time() if now is None else now
        with self._database.reading() as connection:
            query = "SELECT key FROM meeting WHERE occasion = ? AND at >= ?"
            row = connection.execute(query, (occasion, now - KEPT_SECONDS)).fetchone()
        return bytes(row[0]) if row is not None else None

    def forget(self, occasion: bytes) -> None:
        """The exchange is over: there is nothing to go on with."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM meeting WHERE occasion = ?", (occasion,))

    def close(self) -> None:
        """Closes the file."""
        self._database.close()


def _hashed(*fields: str) -> bytes:
    encoded = [field.encode("utf-8", "surrogateescape") for field in fields]
    return hashlib.sha256(framed("p2pchat meeting", "1", *encoded)).digest()
