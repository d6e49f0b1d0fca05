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

    def draw(self, width: int) -> Content:
        """The content for a width, one line of text for each line of the screen."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draws again, if it reads differently now; lays the screen out again only if it needs more or fewer lines."""
        before, after = self._drawn, self.draw(max(1, self.content_size.width))
        if before is None or not before.is_same(after):
            self.refresh(layout=before is None or _lines(before) != _lines(after))

    def render(self) -> Content:
        """The content for the widget's width."""
        self._drawn = self.draw(max(1, self.content_size.width))
        return self._drawn

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the content has."""
        return _lines(self.draw(max(1, width)))


def _lines(content: Content) -> int:
    return content.plain.count("\n") + 1
