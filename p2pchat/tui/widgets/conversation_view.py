"""What was said and what is being written, in the layout of the user's choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from p2pchat.tui.drafting import Draft
from p2pchat.tui.layouts.arrangement import Arrangement, Block, OwnLine
from p2pchat.tui.layouts.columns import COLUMNS_FROM, Columns
from p2pchat.tui.layouts.inline import Inline
from p2pchat.tui.layouts.live_slots import LIVE_ROWS
from p2pchat.tui.layouts.stack import Stack
from p2pchat.tui.model import Conversation
from p2pchat.tui.preferences import Layout
from p2pchat.tui.timeline import Changes
from p2pchat.tui.widgets.drawn import Drawn
from p2pchat.tui.widgets.timeline import Timeline

SCROLLBAR_CELLS: Final = 1
"""What the timeline keeps free at its right edge, in cells; everything else is as wide as its entries."""

ARRANGEMENTS: Final[dict[Layout, type[Arrangement[Any]]]] = {
    Layout.STACK: Stack,
    Layout.COLUMNS: Columns,
    Layout.INLINE: Inline,
}


class Names(Drawn):
    """The line above the columns."""

    def __init__(self, arrangement: Arrangement[Any]) -> None:
        super().__init__()
        self.arrangement = arrangement
        """Whose heading it is."""

    def draw(self, width: int) -> Content:
        """The heading of the layout, if it has one."""
        return self.arrangement.heading(max(1, width - SCROLLBAR_CELLS)) or Content("")

    def redraw(self) -> None:
        """Takes no space in a layout without a heading."""
        self.display = self.arrangement.heading(1) is not None
        if self.display:
            super().redraw()


class LiveArea(Drawn):
    """What is being written. It keeps the lines that it has until a pause: what is above it must not jump."""

    def __init__(self, arrangement: Arrangement[Any]) -> None:
        super().__init__()
        self.arrangement = arrangement
        """Where it comes from."""
        self.height = LIVE_ROWS + 1
        """Most lines that it may take; at least two."""
        self._kept: dict[str, int] = {}
        self._width = 0

    def draw(self, width: int) -> Content:
        """The blocks of the layout, each at least as high as it was."""
        blocks = self._blocks(width)
        kept = self._kept if width == self._width else {}
        free = max(0, self.height - sum(len(block.lines) for block in blocks))
        lines: list[Content] = []
        for block in blocks:
            empty = [Content("")] * min(free, max(0, kept.get(block.key, 0) - len(block.lines)))
            free -= len(empty)
            lines += [*empty, *block.lines] if block.grows_up else [*block.lines, *empty]
        return Content("\n").join(lines)

    def redraw(self) -> None:
        """Takes no space while nobody is writing or composes in private."""
        width = max(1, self.content_size.width)
        blocks = self._blocks(width)
        if self.arrangement.paused or width != self._width:
            self._kept, self._width = {}, width
        self._kept = {block.key: max(self._kept.get(block.key, 0), len(block.lines)) for block in blocks}
        self.display = any(self._kept.values())
        if self.display:
            super().redraw()

    def release(self) -> None:
        """A line has become an entry: what it took here is taken there from now on."""
        for block in self._blocks(max(1, self.content_size.width)):
            if block.grows_up:
                self._kept.pop(block.key, None)

    def _blocks(self, width: int) -> list[Block]:
        return self.arrangement.live(max(1, width - SCROLLBAR_CELLS), self.height)


class ConversationView(Vertical):
    """The conversation, in one of the layouts.

    Whoever shows it calls `show` with what has changed, also when only time has passed.

    Args:
        conversation: what is shown.
        draft: what we are writing.
        layout: how it is laid out.
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, conversation: Conversation, draft: Draft, layout: Layout, clock: Callable[[], float]) -> None:
        super().__init__()
        self._conversation = conversation
        self._draft = draft
        self._clock = clock
        self.layout_wanted: Layout = Layout.STACK if layout is Layout.CAPTIONS else layout
        """How it is to be laid out, as soon as it is shown again."""
        self._shown_layout = Layout.STACK
        self._arrangement: Arrangement[Any] = Stack(conversation)
        self._names = Names(self._arrangement)
        self.timeline = Timeline(conversation, self._arrangement)
        """The entries."""
        self._live = LiveArea(self._arrangement)

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._names
        yield self.timeline
        yield self._live

    @property
    def possible(self) -> Layout:
        """The layout that there is space for: columns need some, and are a stack where there is none."""
        narrow = self.size.width < COLUMNS_FROM
        return Layout.STACK if self.layout_wanted is Layout.COLUMNS and narrow else self.layout_wanted

    async def show(self, changes: Changes) -> None:
        """Draws what has changed, all at once: a line that is finished leaves its live row without a jump."""
        if self.possible is not self._shown_layout:
            await self._begin(self.possible)
            changes = Changes()
        shape = self._arrangement.shape
        changes = self._arrangement.follow(
            changes,
            OwnLine(self._draft.seen, self._draft.private),
            self.timeline.size.width,
            self._live.height,
            self._clock(),
        )
        if changes.added:
            self._live.release()
        self.redraw()
        await self.timeline.show(changes)
        if self._arrangement.shape != shape:
            self.timeline.redraw_entries()
        self.redraw()

    def redraw(self) -> None:
        """Draws again what is around the entries, where it reads differently."""
        self._names.redraw()
        self._live.redraw()

    def call_again(self) -> None:
        """Has whoever shows it call `show` soon: our line, the layout or the size is another one."""
        self.post_message(Timeline.Moved())

    def committed(self, text: str) -> None:
        """We have finished our line."""
        self._arrangement.committed(text, self._clock())

    @property
    def names(self) -> int:
        """The width of the column of names, in cells."""
        return self._arrangement.names

    @property
    def entry_cells(self) -> int:
        """The width of an entry, in cells."""
        return self.timeline.size.width

    @property
    def live_height(self) -> int:
        """Most lines that what is being written may take."""
        return self._live.height

    @live_height.setter
    def live_height(self, height: int) -> None:
        self._live.height = height

    @property
    def at_end(self) -> bool:
        """Whether the newest entry is on the screen."""
        return self.timeline.at_end

    @property
    def room(self) -> int:
        """How many rows may stay."""
        return self.timeline.room

    def to_end(self) -> None:
        """Goes to the newest entry, and stays with it."""
        self.timeline.to_end()

    def page_back(self) -> None:
        """Looks back by a page."""
        if self.timeline.max_scroll_y > 0:
            self.timeline.scroll_page_up(animate=False)

    def page_on(self) -> None:
        """Looks on by a page."""
        if not self.timeline.at_end:
            self.timeline.scroll_page_down(animate=False)

    async def _begin(self, layout: Layout) -> None:
        self._shown_layout = layout
        self._arrangement = ARRANGEMENTS[layout](self._conversation)
        self._names.arrangement = self._live.arrangement = self._arrangement
        await self.timeline.begin(self._arrangement)
