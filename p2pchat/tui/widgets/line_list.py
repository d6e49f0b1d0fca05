"""A list of any length, one line each: a line is made only when it is on the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual


class LineList(ScrollView, can_focus=True, inherit_bindings=False):
    """Scrolls through lines and marks one. A list of 200,000 is as quick as one of ten.

    Args:
        line: makes the line with this number for a width in cells; the third argument tells whether it is the marked
            one.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-list--marked"}
    DEFAULT_CSS = """
    LineList { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden; }
    LineList > .line-list--marked { background: $block-cursor-background; color: $block-cursor-foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "first", show=False),
        Binding("end", "last", show=False),
    ]

    marked = reactive(0)
    """The number of the marked line; 0 as well while the list is empty."""

    class Moved(Message):
        """Another line is marked."""

    def __init__(self, line: Callable[[int, int, bool], Content]) -> None:
        super().__init__()
        self._line = line
        self.count = 0
        """How many lines there are; `show` changes it."""

    def show(self, count: int, marked: int | None = None) -> None:
        """Draws the list anew, with so many lines, and marks one of them if that is asked for."""
        self.count = count
        self.virtual_size = Size(self.scrollable_content_region.width, count)
        self.marked = self.marked if marked is None else marked
        if self.marked >= count:
            self.marked = max(0, count - 1)
        self._reveal()
        self.refresh()

    def on_resize(self) -> None:
        """Keeps what is marked on the screen."""
        self.show(self.count)

    def validate_marked(self, marked: int) -> int:
        """There is always one marked, if there are any."""
        return min(max(0, marked), max(0, self.count - 1))

    def watch_marked(self) -> None:
        """Shows what is marked now."""
        self._reveal()
        self.refresh()
        self.post_message(self.Moved())

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.scrollable_content_region.width
        number = self.scroll_offset.y + y
        style = self.visual_style
        if number >= self.count:
            return Strip.blank(width, style.rich_style)
        here = number == self.marked
        if here:
            style = self.get_visual_style("line-list--marked")
        strips = Visual.to_strips(self, self._line(number, width, here), width, 1, style, apply_selection=False)
        return strips[0].adjust_cell_length(width, style.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Marks what was clicked."""
        number = self.scroll_offset.y + event.y
        if number < self.count:
            self.marked = number

    def action_move(self, lines: int) -> None:
        """Marks a line further up or down."""
        self.marked += lines

    def action_page(self, pages: int) -> None:
        """Marks a line a screenful further up or down."""
        self.marked += pages * max(1, self.scrollable_content_region.height - 1)

    def action_first(self) -> None:
        """Marks the first line."""
        self.marked = 0

    def action_last(self) -> None:
        """Marks the last line."""
        self.marked = self.count - 1

    def _reveal(self) -> None:
        width, height = self.scrollable_content_region.size
        if height:
            self.scroll_to_region(Region(0, self.marked, max(1, width), 1), animate=False, force=True, immediate=True)
