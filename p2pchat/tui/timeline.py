"""The rows of the timeline in order, and what has happened to them since they were last drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from p2pchat.tui.rows import DayRow, Row


@dataclass(slots=True)
class Changes:
    """What has happened to the timeline since the last call of `take_changes`."""

    added: list[str] = field(default_factory=list)
    """Keys of new rows, in order; they belong at the end."""
    changed: set[str] = field(default_factory=set)
    """Keys of rows that read differently."""
    removed: list[str] = field(default_factory=list)
    """Keys of rows that are gone."""


class TimelineRows:
    """Rows by key, oldest first. Each day begins with its line."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self._day: date | None = None
        self._changes = Changes()

    def append(self, row: Row) -> None:
        """Puts a row at the end, after the line of its day if it is the first."""
        day = date.fromtimestamp(row.at)
        if day != self._day:
            self._day = day
            self._add(DayRow(f"day:{row.key}", row.at))
        self._add(row)

    def replace(self, row: Row) -> None:
        """Gives the row with this key another reading; it keeps its place."""
        self.rows[row.key] = row
        self._changes.changed.add(row.key)

    def remove(self, key: str) -> None:
        """Drops a row, if it is there."""
        if self.rows.pop(key, None) is not None:
            self._changes.changed.discard(key)
            if key in self._changes.added:
                self._changes.added.remove(key)
            else:
                self._changes.removed.append(key)

    def trim(self, keep: int) -> None:
        """Drops the oldest rows but for the last `keep`."""
        for key in list(self.rows)[: max(0, len(self.rows) - keep)]:
            self.remove(key)

    def take_changes(self) -> Changes:
        """What has changed since the last call."""
        changes, self._changes = self._changes, Changes()
        changes.changed.difference_update(changes.added)
        return changes

    def _add(self, row: Row) -> None:
        self.rows[row.key] = row
        self._changes.added.append(row.key)
