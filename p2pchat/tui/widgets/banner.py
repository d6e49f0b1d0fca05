"""Lines that a screen draws itself, above or below its list."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content

from p2pchat.tui.widgets.drawn import Drawn


class Banner(Drawn):
    """A few lines of a screen.

    Args:
        lines: makes them for a width in cells.
    """

    def __init__(self, lines: Callable[[int], Content]) -> None:
        super().__init__()
        self._lines_for = lines

    def draw(self, width: int) -> Content:
        """What the screen says."""
        return self._lines_for(width)
