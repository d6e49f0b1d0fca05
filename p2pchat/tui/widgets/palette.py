"""The command palette, without anything that blinks."""

from __future__ import annotations

from textual.command import CommandPalette
from textual.widgets import Input


class Palette(CommandPalette):
    """Finds any action by its name."""

    def on_mount(self) -> None:
        """Keeps its cursor still."""
        self.query_one(Input).cursor_blink = False
