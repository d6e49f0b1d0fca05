"""The lines that peers are typing: changes of them in, rows of the timeline out. Knows nothing of Textual.

The life of a line
    live ── FINAL ──────────────────────> message row
      └──── INTERRUPTED ─> marked live row ── FINAL ──> message row
                              └─ next line, peer gone, or INTERRUPTED_SECONDS ──> message row, marked as interrupted

Each call returns the rows that have left, for the timeline, oldest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from p2pchat.node.events import LineState, LiveTextChanged
from p2pchat.tui.rows import LiveRow, MessageRow

INTERRUPTED_SECONDS: Final = 10.0
"""How long an interrupted line waits in its live row, in seconds: a lost link is mostly replaced in less."""


class LiveLines:
    """One line at most for each peer."""

    def __init__(self) -> None:
        self.rows: dict[str, LiveRow] = {}
        """By key tag, in the order in which the lines began."""

    def changed(self, event: LiveTextChanged, label: str, now: float) -> list[MessageRow]:
        """A peer's line reads differently, or is finished.

        Args:
            event: what the node says.
            label: what the peer is called.
            now: seconds of a monotonic clock.
        """
        typing = self.rows.get(event.peer)
        left: list[MessageRow] = []
        if typing is not None and typing.line != event.line and typing.interrupted_at is not None:
            left, typing = self.gone(event.peer), None
        if event.state is LineState.FINAL:
            if typing is not None and typing.line == event.line:
                del self.rows[event.peer]
            mark = "restored" if event.restored else "corrected" if event.corrected else ""
            left.append(MessageRow(line_key(event.peer, event.line), event.at, event.peer, label, event.text, mark))
        elif not event.text:
            self.rows.pop(event.peer, None)
        else:
            interrupted_at = now if event.state is LineState.INTERRUPTED else None
            self.rows[event.peer] = LiveRow(
                event.peer, event.line, label, event.text, event.at, changed_at=now, interrupted_at=interrupted_at
            )
        return left

    def gone(self, peer: str) -> list[MessageRow]:
        """Nobody will finish the line of this peer."""
        row = self.rows.pop(peer, None)
        if row is None:
            return []
        return [MessageRow(line_key(row.peer, row.line), row.at, row.peer, row.label, row.text, mark="interrupted")]

    def tick(self, now: float) -> list[MessageRow]:
        """Time has passed, in seconds of a monotonic clock."""
        late = [
            row.peer
            for row in self.rows.values()
            if row.interrupted_at is not None and now >= row.interrupted_at + INTERRUPTED_SECONDS
        ]
        return [row for peer in late for row in self.gone(peer)]

    def renamed(self, was: str, peer: str) -> list[MessageRow]:
        """A peer is called something else. What it was typing takes the place of what that one was."""
        if was not in self.rows:
            return []
        left = self.gone(peer)
        self.rows = {
            peer if tag == was else tag: replace(row, peer=peer) if tag == was else row
            for tag, row in self.rows.items()
        }
        return left


def by_line(live: Mapping[str, LiveRow]) -> dict[str, LiveRow]:
    """The lines that are being typed, each under the key that it will have in the timeline."""
    return {line_key(row.peer, row.line): row for row in live.values()}


def line_key(peer: str, line: int) -> str:
    """The key of the row that a peer's line becomes in the timeline."""
    return f"line:{peer}:{line}"
