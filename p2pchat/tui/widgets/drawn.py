"""A widget whose content is made for the width that it has."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget


class Drawn(Widget):
    """Draws `Content` that is wrapped and aligned for a width in cells. Subclasses implement `draw`."""

    DEFAULT_CSS = """
    Drawn { height: auto; width: 1fr; text-wrap: nowrap; text-overflow: clip; }
    """

    _drawn: Content | None = None
    _lines = 0
    """The height that was asked for last."""

    @property
    def lines(self) -> int:
        """The height that it has, or is about to get, in lines; 0 while it is not shown."""
        return self._lines if self.display else 0

    def draw(self, width: int) -> Content:
        """The content for a width, one line of text for each line of the screen."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draws again, if it reads differently now; lays the screen out again only if it needs more or fewer lines."""
        content = self.draw(max(1, self.content_size.width))
        grown = _lines(content) != self._lines
        if grown or self._drawn is None or not self._drawn.is_same(content):
            self.refresh(layout=grown)

    def render(self) -> Content:
        """The content for the widget's width."""
        self._drawn = self.draw(max(1, self.content_size.width))
        return self._drawn

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the content has."""
        self._lines = _lines(self.draw(max(1, width)))
        return self._lines


def _lines(content: Content) -> int:
    return content.plain.count("\n") + 1
