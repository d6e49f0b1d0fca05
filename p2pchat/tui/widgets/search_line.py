"""The line that searches the conversation, in the place of the line under the composer."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.finding import found, searchable
from p2pchat.tui.widgets.drawn import Drawn
from p2pchat.tui.widgets.field import Field
from p2pchat.tui.widgets.keys import key_words
from p2pchat.tui.widgets.timeline import Timeline

KEYS_FROM: Final = 60
"""Narrowest line with its keys on it, in cells: what is searched for needs the space, and the help has them."""


class SearchField(Field):
    """What is searched for. It is never sent, live or not."""

    BINDINGS = bindings(Where.SEARCH)

    class Moved(Message):
        """The user goes on to the next one: older ones are up."""

        def __init__(self, older: bool) -> None:
            super().__init__()
            self.older = older

    class Left(Message):
        """The search is over."""

    def action_older(self) -> None:
        """Goes on to what was found before."""
        self.post_message(self.Moved(older=True))

    def action_newer(self) -> None:
        """Goes back to what was found after."""
        self.post_message(self.Moved(older=False))

    def action_leave(self) -> None:
        """Ends the search."""
        self.post_message(self.Left())


class SearchState(Drawn):
    """Which of how many is shown, and the keys."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ""
        self.keys = ""

    def draw(self, width: int) -> Content:
        """One line; the keys only where it is wide."""
        return Content.assemble((self.words, "bold"), (self.keys, "bold $accent")).truncate(width)


class SearchHeading(Drawn):
    """What the line is for."""

    def draw(self, width: int) -> Content:
        """A word."""
        return Content.styled(" find ", "bold")


class SearchLine(Horizontal):
    """Finds what is typed in what the timeline keeps, and marks it there.

    Args:
        timeline: what is searched.
    """

    DEFAULT_CSS = """
    SearchLine { height: 1; display: none; }
    SearchLine SearchHeading { width: 6; }
    SearchLine SearchField, SearchLine SearchField:focus { width: 1fr; margin: 0; }
    """

    class Closed(Message):
        """The search is over; whoever shows it gives the focus back to the composer."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline
        self._field = SearchField()
        self._state = SearchState()
        self._hits: list[str] = []
        self._here = ""
        self._from: float | None = None

    def compose(self) -> ComposeResult:
        """A word, the field, and what was found."""
        yield SearchHeading()
        yield self._field
        yield self._state

    @property
    def searching(self) -> bool:
        """Whether it is shown."""
        return bool(self.display)

    def open(self, wanted: str = "") -> None:
        """Begins a search, or goes on with the one that is shown."""
        if not self.searching:
            self.display = True
            self._from = None if self._timeline.at_end else self._timeline.scroll_y
        self._field.value = wanted or self._field.value
        self._field.focus()
        self._search()

    def close(self) -> None:
        """Ends it, and goes back to where the user was."""
        if not self.searching:
            return
        self.display = False
        self._field.value, self._hits, self._here = "", [], ""
        self._timeline.mark("", [], "")
        if self._from is None:
            self._timeline.to_end()
        else:
            self._timeline.scroll_to(y=self._from, animate=False)
        self.post_message(self.Closed())

    def redraw(self) -> None:
        """Looks again, because the conversation has changed; what is shown stays where it is."""
        if self.searching:
            self._look()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.searching:
            self._search()

    @on(SearchField.Moved)
    def _moved(self, event: SearchField.Moved) -> None:
        if self._hits:
            at = self._hits.index(self._here) + (1 if event.older else -1)
            self._here = self._hits[min(max(0, at), len(self._hits) - 1)]
            self._look()
            self._timeline.reveal(self._here)

    @on(SearchField.Left)
    def _left(self) -> None:
        self.close()

    def _search(self) -> None:
        """Looks for what is written now, and goes to it."""
        self._look()
        if self._here:
            self._timeline.reveal(self._here)

    def _look(self) -> None:
        wanted = self._field.value
        self._hits = found(self._timeline.items, wanted)
        if self._here not in self._hits:
            self._here = self._hits[0] if self._hits else ""
        self._timeline.mark(wanted, self._hits, self._here)
        if self._hits:
            self._state.words = f" {self._hits.index(self._here) + 1} of {len(self._hits)} "
        elif wanted.strip():
            self._state.words = f" not in the {searchable(self._timeline.items)} lines kept here "
        else:
            self._state.words = ""
        self._state.keys = f" {'  '.join(key_words(Where.SEARCH))} " if self.size.width >= KEYS_FROM else ""
        self._state.styles.width = cell_len(self._state.words + self._state.keys)
        self._state.redraw()
