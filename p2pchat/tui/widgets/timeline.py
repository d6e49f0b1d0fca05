"""The timeline: what was said and what happened, newest at the bottom."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.layout import DockArrangeResult
from textual.message import Message

from p2pchat.tui.content import many_lines, name_column, row_content
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import full_label
from p2pchat.tui.rows import LiveRow, MessageRow, Row, TransferRow
from p2pchat.tui.timeline import Changes
from p2pchat.tui.widgets.drawn import Drawn

MOUNTED_ROWS: Final = 150
"""Rows that are kept while the user reads at the bottom: ten screens, and a resize still costs a few milliseconds."""

MOUNTED_ROWS_MAX: Final = 600
"""Rows that are kept while the user looks back, so that what is being read isn't pulled away."""


class Entry(Drawn):
    """One row of the timeline."""

    def __init__(self, row: Row, column: int) -> None:
        super().__init__()
        self.row = row
        self.column = column

    def draw(self, width: int) -> Content:
        """The row, wrapped under itself."""
        return row_content(self.row, width, self.column)


class Welcome(Drawn):
    """What stands in a timeline in which nothing has happened yet."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._conversation = conversation

    def draw(self, width: int) -> Content:
        """Who and where we are, and how others get here."""
        room, own = many_lines(self._conversation.name), self._conversation.own
        if own is None:
            return Content.styled(f" Joining {room} …", "$muted")
        text = f"You are {full_label(own.peer, own.name)} in {room}. Nobody else is here yet.\n\n"
        if self._conversation.secret:
            text += "/invite shows the link that lets others in."
        else:
            text += f"On another machine:\n  p2pchat chat {room} --server {own.server}"
        lines = Content.styled(many_lines(text), "$muted").wrap(max(4, width - 2))
        return Content("\n").join(Content(" ") + line for line in lines)


class Timeline(VerticalScroll, can_focus=False):
    """Scrolls through the rows; sticks to the bottom until the user looks back."""

    DEFAULT_CSS = """
    Timeline { layout: stream; height: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    class Moved(Message):
        """The timeline was scrolled."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._conversation = conversation
        self._entries: dict[str, Entry] = {}
        self._welcome = Welcome(conversation)
        self.column = name_column(["you"])
        """The width of the column of names, in cells. It grows with the names and never shrinks."""
        self._looking_back = False
        self._height: int | None = None

    def compose(self) -> ComposeResult:
        """Nothing has happened yet."""
        yield self._welcome

    def on_mount(self) -> None:
        """Sticks to the bottom."""
        self.anchor()

    def arrange(self, size: Size, optimal: bool = False) -> DockArrangeResult:
        """Remembers the height for which it is arranged (see `container_size`)."""
        if size.height:
            self._height = size.height
        return super().arrange(size, optimal)

    @property
    def container_size(self) -> Size:
        """The size that the rows scroll in.

        Textual sticks to the bottom with the height of the layout before. Whenever a live row comes or goes that would
        paint one frame in which everything is a row too high or too low.
        """
        before = super().container_size
        return before if self._height is None else Size(before.width, self._height)

    @property
    def at_end(self) -> bool:
        """Whether the newest row is on the screen."""
        return not self._looking_back or self.scroll_y >= self.max_scroll_y

    def release_anchor(self) -> None:
        """The user scrolls: from now on the end may be out of sight."""
        super().release_anchor()
        self._looking_back = True

    def to_end(self) -> None:
        """Goes to the newest row, and stays with it."""
        self._looking_back = False
        self.anchor()
        self.post_message(self.Moved())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tells the screen that other rows are on it."""
        super().watch_scroll_y(old_value, new_value)
        self._looking_back = self._looking_back and new_value < self.max_scroll_y
        if round(old_value) != round(new_value):
            self.post_message(self.Moved())

    async def show(self, changes: Changes) -> None:
        """Adds, repaints and drops rows."""
        rows = self._conversation.rows
        if changes.added and self.at_end:
            # Scrolling where there is nothing to scroll lets the anchor go, and Textual does not take it up again.
            self._looking_back = False
            self.anchor()
        self._widen([rows[key] for key in changes.added], list(self._conversation.live.values()))
        gone = [self._entries.pop(key) for key in changes.removed if key in self._entries]
        if gone:
            await self.remove_children(gone)
        for key in changes.changed:
            if key in self._entries:
                self._entries[key].row = rows[key]
                self._entries[key].redraw()
        added = {key: Entry(rows[key], self.column) for key in changes.added}
        if added:
            self._entries.update(added)
            self._welcome.display = False
            await self.mount_all(added.values())
        elif self._welcome.display:
            self._welcome.redraw()

    @property
    def room(self) -> int:
        """How many rows may stay."""
        return MOUNTED_ROWS if self.at_end else MOUNTED_ROWS_MAX

    def _widen(self, rows: list[Row], live: list[LiveRow]) -> None:
        labels = [row.label for row in rows if isinstance(row, MessageRow | TransferRow)]
        column = name_column([*labels, *(row.label for row in live)])
        if column > self.column:
            self.column = column
            for entry in self._entries.values():
                entry.column = column
                entry.redraw()
