"""Which theme is shown: the one that was given, the remembered one, or none at all where NO_COLOR is set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from textual.app import App
from textual.filter import LineFilter

from p2pchat.errors import UsageError
from p2pchat.tui.filters import Inverted, Marked, Uncoloured
from p2pchat.tui.preferences import THEME_NAMES, Presentation, Remembered
from p2pchat.tui.theme import DARK, HIGH_CONTRAST_DARK, HIGH_CONTRAST_LIGHT, MARKED_LINE, MONO, THEMES

_UNCOLOURED: Final = Uncoloured()
_INVERTED: Final = Inverted()
_MARKED: Final = {
    theme.name: Marked(*(theme.variables[variable] for variable in MARKED_LINE))
    for theme in (HIGH_CONTRAST_DARK, HIGH_CONTRAST_LIGHT)
}
"""A filter is kept: Textual remembers what it made of each line."""


class Theming:
    """Chooses the theme of an app.

    NO_COLOR (https://no-color.org) goes before everything: Textual itself would turn colours to greys, in which a
    selected line, and text that is marked, hardly differ from what is beside them.

    Args:
        app: what is drawn.
        presentation: the theme that was given.
        remembered: the theme of last time.
    """

    def __init__(self, app: App[Any], presentation: Presentation, remembered: Remembered) -> None:
        self._app = app
        self._given = presentation.theme
        self._remembered = remembered

    def begin(self) -> None:
        """Shows the first theme."""
        for theme in THEMES.values():
            self._app.register_theme(theme)
        name = next((name for name in (self._given, self._remembered.now.theme) if name in THEMES), DARK.name)
        self._app.theme = MONO.name if self._app.no_color else name

    def change(self, name: str) -> None:
        """Shows another theme, or without a name the next one, and remembers it.

        Raises:
            UsageError: there is no such theme, or NO_COLOR is set.
        """
        if self._app.no_color:
            raise UsageError("NO_COLOR is set, and nothing is drawn in colour", "Start p2pchat without it")
        if not name:
            name = THEME_NAMES[(THEME_NAMES.index(self._app.theme) + 1) % len(THEME_NAMES)]
        if name not in THEMES:
            raise UsageError("There is no such theme", f"Write one of {', '.join(THEME_NAMES)}")
        self._app.theme = name
        self._remembered.change(theme=name)

    def filters(self, filters: Sequence[LineFilter], inverted: bool) -> Sequence[LineFilter]:
        """What happens to everything that is drawn: Textual's own filters, and ours behind or in place of them."""
        theme = self._app.theme
        drawn: list[LineFilter] = [_UNCOLOURED] if theme == MONO.name else list(filters)
        drawn += [_MARKED[theme]] if theme in _MARKED else []
        return [*drawn, _INVERTED] if inverted else drawn
