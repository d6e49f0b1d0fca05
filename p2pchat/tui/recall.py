"""What was written before, to be brought back and sent again. Knows nothing of Textual.

While the user looks back, each entry may be changed; what was changed is there until something is sent. The last entry
is what was being written.
"""

from __future__ import annotations

from typing import Final

ENTRIES: Final = 200
"""Entries that are remembered: more than somebody walks through. Nothing outlives the session."""


class Recall:
    """The own messages and commands of this session."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._entries: list[str] = [""]
        self._at = 0

    @property
    def looking_back(self) -> bool:
        """Whether an older entry is shown, and not what was being written."""
        return self._at < len(self._entries) - 1

    def sent(self, text: str) -> None:
        """This was sent. Nothing is looked back at any more."""
        if text.strip() and self._said[-1:] != [text]:
            self._said = [*self._said, text][-ENTRIES:]
        self.begin()

    def begin(self) -> None:
        """Something new is written."""
        self._entries = [*self._said, ""]
        self._at = len(self._said)

    def older(self, text: str) -> str | None:
        """Returns the entry before the one that is shown and reads `text` now; None when there is none."""
        return self._go(self._at - 1, text)

    def newer(self, text: str) -> str | None:
        """Returns the entry behind the one that is shown and reads `text` now; None when there is none."""
        return self._go(self._at + 1, text)

    def _go(self, to: int, text: str) -> str | None:
        if not 0 <= to < len(self._entries):
            return None
        self._entries[self._at] = text
        self._at = to
        return self._entries[to]
