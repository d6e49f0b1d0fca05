"""Captions: the conversation in large letters over the whole screen, to be read across a table."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.captions import CaptionRow, Kind, letter_size, page, utterances
from p2pchat.tui.content import pad
from p2pchat.tui.model import Conversation
from p2pchat.tui.widgets.keys import Keys, named_keys

NOTHING = "What others write appears here."
"""Shown until somebody writes."""


class CaptionPage(Widget):
    """The rows of the captions. Only rows that read differently are drawn again."""

    DEFAULT_CSS = "CaptionPage { height: 1fr; }"

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._conversation = conversation
        self._rows: list[CaptionRow] = []
        self.everybody = False
        """Whether own lines are shown as well."""

    def on_resize(self) -> None:
        """Lays everything out anew."""
        self._rows = []
        self.redraw()

    def redraw(self) -> None:
        """Draws what has changed."""
        width, height = self.size
        if not width or not height:
            return
        terminal = self.screen.size
        said = utterances(self._conversation, self.everybody)
        rows = page(said, width, height, letter_size(terminal.width, terminal.height))
        if not said:
            rows[-1] = CaptionRow(NOTHING)
        before, self._rows = self._rows, rows
        changed = [y for y in range(height) if y >= len(before) or before[y] != rows[y]]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width, style = self.size.width, self.visual_style
        if y >= len(self._rows):
            return Strip.blank(width, style.rich_style)
        strips = Visual.to_strips(self, _drawn(self._rows[y], width), width, 1, style, apply_selection=False)
        return strips[0].adjust_cell_length(width, style.rich_style)


class CaptionsScreen(Screen[None]):
    """Shows what the others wrote and write last, as large as the terminal allows. Esc and F7 leave it.

    Whoever shows it calls `redraw` when the conversation has changed.

    Args:
        conversation: what is shown.
    """

    BINDINGS = bindings(Where.CAPTIONS)
    AUTO_FOCUS = None

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._page = CaptionPage(conversation)
        self._keys = Keys(self._words)

    def compose(self) -> ComposeResult:
        """The captions, and the keys below them."""
        yield self._page
        yield self._keys

    def redraw(self) -> None:
        """Draws what has changed."""
        self._page.redraw()

    def action_whose(self) -> None:
        """Shows own lines as well, or not."""
        self._page.everybody = not self._page.everybody
        self._keys.say(self._words)
        self.redraw()

    def action_leave(self) -> None:
        """Back to the conversation."""
        self.dismiss()

    @property
    def _words(self) -> list[str]:
        """The keys, and whether own lines are shown."""
        keys = dict(named_keys(Where.CAPTIONS))
        return [f"{keys['whose']}: {'shown' if self._page.everybody else 'not shown'}", keys["leave"]]


def _drawn(row: CaptionRow, width: int) -> Content:
    match row.kind:
        case Kind.SPEAKER:
            return Content.assemble((f" {row.text} ", "bold"), ("─" * width, "$rule")).truncate(width)
        case Kind.LARGE:
            return Content(row.text)
        case Kind.PLAIN:
            return Content.styled(pad(row.text, width), "bold")
