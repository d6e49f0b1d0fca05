"""One SQLite file of the profile folder: opened when first used, private, and guarded by a lock.

Several threads may share a `Database`, and several processes the file (write-ahead log). Whatever SQLite says becomes
an error that tells the user what to do: `ConfigurationError` for a file that has to be repaired or moved away,
`StorageFailed` for a disk that refuses or a file that is busy.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from p2pchat.errors import ConfigurationError, P2PChatError, StorageFailed
from p2pchat.store.disk import storage_failed

BUSY_SECONDS: Final = 5.0
"""Time to wait for another process that is writing. A write of ours takes a few milliseconds."""

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_NOT_OURS: Final = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN})


class Database:
    """A file of tables. Its methods block; none may be called inside the `with` block of another.

    Args:
        path: where it is, or None to keep everything in memory.
        schema: statements that make the tables, separated by semicolons.
        version: the schema's number, 1 or more; a file with a later one is refused.
        migrations: what brings a file of an earlier version here, one step after the other: statements that turn
            version 1 into 2, 2 into 3 and so on. A file is brought here when it is opened, as a whole or not at all.
    """

    def __init__(self, path: Path | None, schema: str, version: int, migrations: Sequence[str] = ()) -> None:
        if len(migrations) != version - 1:
            raise ValueError("each version but the first has its migration")
        self._path = path
        self._schema = schema
        self._version = version
        self._migrations = tuple(migrations)
        self._name = path.name if path is not None else "the database"
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Gives the connection for reading.

        Raises:
            ConfigurationError: the file is damaged, or of a later version of p2pchat.
            StorageFailed: it is busy, or the disk refused.
        """
        with self._lock, self._in_words():
            yield self._opened()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Gives the connection inside a transaction: all of it is kept, or, when something is raised, nothing.

        Raises:
            ConfigurationError: the file is damaged, or of a later version of p2pchat.
            StorageFailed: it is busy, or the disk refused.
        """
        with self._lock, self._in_words(), _transaction(self._opened()) as connection:
            yield connection

    def close(self) -> None:
        """Closes the file. Using it again opens it again; what was in memory is gone."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = self._connect()
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Made here because SQLite would make it readable by others; the files beside it take its permissions.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        where = ":memory:" if self._path is None else self._path
        return sqlite3.connect(where, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        with _transaction(connection):
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            if found == 0:
                self._bring(connection, [self._schema])
            elif 0 < found < self._version:
                self._bring(connection, self._migrations[found - 1 :])
            elif found != self._version:
                raise ConfigurationError(
                    f"{self._name} is of another version of p2pchat: its format is {found}, ours is {self._version}",
                    "update p2pchat, or choose another folder with --home",
                )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # SQLite does not wait its turn here. The file works without, and whoever opens it next asks again.
            if error.sqlite_errorcode & 0xFF not in _BUSY:
                raise

    def _bring(self, connection: sqlite3.Connection, steps: Sequence[str]) -> None:
        for step in steps:
            for statement in step.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {self._version}")

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._failed(error) from error
        except OSError as error:
            raise storage_failed(error, self._name, str(self._path and self._path.parent)) from error

    def _failed(self, error: sqlite3.Error) -> P2PChatError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the upper bits are details
        if code in _BUSY:
            return StorageFailed(
                f"another program is using {self._name}", "close the other p2pchat, or try again", reason="disk"
            )
        if code in _DAMAGED:
            return ConfigurationError(
                f"{self._name} is damaged",
                f"restore {self._path} from a backup, or move it away to begin with an empty one",
            )
        if code in _NOT_OURS:
            return StorageFailed(
                f"{self._name} may not be written", f"check the permissions of {self._path}", reason="permission"
            )
        if code == sqlite3.SQLITE_FULL:
            return StorageFailed(f"no space is left for {self._name}", f"make room for {self._path}", reason="disk")
        return StorageFailed(f"{self._name} cannot be used: {error}", f"look at {self._path}", reason="disk")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    # IMMEDIATE takes the right to write at once: taken later, it can fail instead of waiting for its turn.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
