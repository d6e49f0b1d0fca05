"""What happens to everything that is drawn, on its way to the terminal."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_TERMINAL_COLOURS: Final = Style(color="default", bgcolor="default", dim=False)
"""Dim is a colour, too: each terminal decides which, and some draw what nobody can read."""

_PLAIN: Final = Style.null()


class Uncoloured(LineFilter):
    """Leaves bold, inverted and underlined text, in the terminal's own two colours (https://no-color.org).

    What has a colour behind it is inverted: cursors and the selection, of which Textual itself would leave nothing.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """A line without colours."""
        return [Segment(text, _uncoloured(style or _PLAIN), control) for text, style, control in segments]


class Marked(LineFilter):
    """Draws what is on the cursor of a list in one colour.

    Args:
        cursor: the colour of the cursor, as `#rrggbb`.
        text: that of text on it.
    """

    def __init__(self, cursor: str, text: str) -> None:
        super().__init__()
        self._cursor = RichColor.parse(cursor).triplet
        self._text = Style(color=text)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """A line; it is another one only if the cursor is on it."""
        return [
            Segment(text, style + self._text if style and self._on_cursor(style) else style, control)
            for text, style, control in segments
        ]

    def _on_cursor(self, style: Style) -> bool:
        return not style.reverse and style.bgcolor is not None and style.bgcolor.triplet == self._cursor


class Inverted(LineFilter):
    """Makes a negative: dark is light, and light is dark."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """A line, inverted; what was inverted is not any more."""
        return [Segment(text, _negative(style or _PLAIN), control) for text, style, control in segments]


@lru_cache(1024)
def _uncoloured(style: Style) -> Style:
    marked = style.bgcolor is not None and not style.bgcolor.is_default
    return style + _TERMINAL_COLOURS + Style(reverse=bool(style.reverse) or marked)


@lru_cache(1024)
def _negative(style: Style) -> Style:
    colours = (style.color, style.bgcolor)
    if any(colour is not None and colour.triplet is not None for colour in colours):
        return style + Style.from_color(*map(_opposite, colours))
    return style + Style(reverse=not style.reverse)


def _opposite(colour: RichColor | None) -> RichColor | None:
    if colour is None or colour.triplet is None:
        return colour
    return RichColor.from_rgb(*(255 - part for part in colour.triplet))
