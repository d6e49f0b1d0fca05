"""The timeline: what was said and what happened, newest at the bottom."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.layout import DockArrangeResult
from textual.message import Message

from p2pchat.tui.content import many_lines
from p2pchat.tui.finding import marked
from p2pchat.tui.layouts.arrangement import Arrangement
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import full_label, who_is_here
from p2pchat.tui.timeline import Changes
from p2pchat.tui.widgets.drawn import Drawn

MOUNTED_ROWS: Final = 150
"""Rows that are kept while the user reads at the bottom: ten screens, and a resize still costs a few milliseconds."""

MOUNTED_ROWS_MAX: Final = 600
"""Rows that are kept while the user looks back, so that what is being read isn't pulled away."""


class Entry(Drawn):
    """One entry of the timeline."""

    def __init__(self, item: Any, arrangement: Arrangement[Any]) -> None:
        super().__init__()
        self.item = item
        self._arrangement = arrangement
        self.wanted = ""
        """What is marked in it, because it was searched for."""
        self.here = False
        """Whether a search has gone to it."""

    def draw(self, width: int) -> Content:
        """The entry as its layout draws it."""
        content = self._arrangement.draw(self.item, width)
        return marked(content, self.wanted, self.here) if self.wanted else content


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
        peers = self._conversation.peers.values()
        others = f"Nobody is connected yet.\n{who_is_here(peers)}" if peers else "Nobody else is here yet."
        text = f"You are {full_label(own.peer, own.name)} in {room}. {others}\n\n"
        if self._conversation.secret:
            text += "/invite shows the link that lets others in."
        else:
            server = f" --server {own.server}" if own.server else ""
            text += f"On another machine:\n  p2pchat chat {room}{server}"
        lines = Content.styled(many_lines(text), "$muted").wrap(max(4, width - 2))
        return Content("\n").join(Content(" ") + line for line in lines)


class Timeline(VerticalScroll, can_focus=False):
    """Scrolls through what was said; sticks to the bottom until the user looks back.

    Args:
        conversation: what is shown while nothing has happened yet.
        arrangement: what the entries are and how they look.
    """

    DEFAULT_CSS = """
    Timeline { layout: stream; height: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    class Moved(Message):
        """The timeline was scrolled."""

    def __init__(self, conversation: Conversation, arrangement: Arrangement[Any]) -> None:
        super().__init__()
        self._arrangement = arrangement
        self._entries: dict[str, Entry] = {}
        self._welcome = Welcome(conversation)
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
        """Adds, repaints and drops entries."""
        items = self._arrangement.items
        if changes.added and self.at_end:
            # Scrolling where there is nothing to scroll lets the anchor go, and Textual does not take it up again.
            self._looking_back = False
            self.anchor()
        gone = [self._entries.pop(key) for key in changes.removed if key in self._entries]
        if gone:
            await self.remove_children(gone)
        for key in changes.changed:
            if key in self._entries:
                self._entries[key].item = items[key]
                self._entries[key].redraw()
        added = {key: Entry(items[key], self._arrangement) for key in changes.added}
        if added:
            self._entries.update(added)
            self._welcome.display = False
            await self.mount_all(added.values())
        elif self._welcome.display:
            self._welcome.redraw()

    async def begin(self, arrangement: Arrangement[Any]) -> None:
        """Shows everything in another layout, and its end."""
        gone, self._entries, self._arrangement = list(self._entries.values()), {}, arrangement
        await self.remove_children(gone)
        self.to_end()
        await self.show(Changes(added=list(arrangement.items)))

    def redraw_entries(self) -> None:
        """Draws every entry again that reads differently."""
        for entry in self._entries.values():
            entry.redraw()

    @property
    def items(self) -> Mapping[str, Any]:
        """What its entries show, by key, oldest first."""
        return self._arrangement.items

    def mark(self, wanted: str, keys: Container[str], here: str) -> None:
        """Marks what was searched for in the entries in which it occurs; nothing for an empty text.

        Args:
            wanted: what was searched for.
            keys: the entries in which it occurs.
            here: the entry that the search has gone to; empty for none.
        """
        for key, entry in self._entries.items():
            marks = (wanted if key in keys else "", key == here)
            if marks != (entry.wanted, entry.here):
                entry.wanted, entry.here = marks
                entry.redraw()

    def reveal(self, key: str) -> None:
        """Scrolls to an entry, and stays there."""
        entry = self._entries.get(key)
        if entry is not None:
            self.release_anchor()
            self.scroll_to_widget(entry, animate=False, center=True, force=True)

    @property
    def room(self) -> int:
        """How many rows may stay."""
        return MOUNTED_ROWS if self.at_end else MOUNTED_ROWS_MAX
