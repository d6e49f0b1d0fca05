"""Questions over the whole screen: yes or no, a line of text, and what to do with files that were dropped."""

from __future__ import annotations

from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.content import many_lines
from p2pchat.tui.widgets.drawn import Drawn
from p2pchat.tui.widgets.field import Field
from p2pchat.tui.widgets.keys import Keys, key_words

TEXT_CELLS: Final = 76
"""Widest paragraph, in cells: longer lines are hard to read."""


class Paragraphs(Drawn):
    """Text, and a heading over it in bold. Both may hold what others wrote."""

    def __init__(self, text: str, heading: str = "") -> None:
        super().__init__()
        self._heading = heading
        self._text = text

    def draw(self, width: int) -> Content:
        """All of it, wrapped."""
        space = max(8, min(TEXT_CELLS, width - 4))
        lines = [Content("")]
        if self._heading:
            lines += [*Content.styled(many_lines(self._heading), "bold").wrap(space), Content("")]
        lines += [*Content(many_lines(self._text)).wrap(space), Content("")]
        return Content("\n").join(Content("  ") + line for line in lines)


class Question(Screen[bool]):
    """Asks whether to do something that is hard to take back. The result is the answer.

    Args:
        heading: what it is about.
        text: what it means.
        yes: what `y` does, in a word or two.
        no: what `n` and Esc do.
    """

    BINDINGS = bindings(Where.QUESTION)

    def __init__(self, heading: str, text: str, *, yes: str, no: str) -> None:
        super().__init__()
        self._text = Paragraphs(text, heading)
        self._keys = Keys([f"y {yes}", f"n {no}"])

    def compose(self) -> ComposeResult:
        """The question, and its keys."""
        yield self._text
        yield self._keys

    def action_yes(self) -> None:
        """Do it."""
        self.dismiss(True)

    def action_no(self) -> None:
        """Do nothing."""
        self.dismiss(False)


class NameQuestion(Screen[str]):
    """Asks for a name, or for another line. The result is what was entered; None when it is to stay as it was.

    Args:
        heading: what is asked.
        text: what it is for.
        name: what it was until now.
    """

    BINDINGS = bindings(Where.NAMING)
    AUTO_FOCUS = "Field"

    def __init__(self, heading: str, text: str, name: str) -> None:
        super().__init__()
        self._text = Paragraphs(text, heading)
        self._field = Field(name)

    def compose(self) -> ComposeResult:
        """The question, the line to write in, and the keys."""
        yield self._text
        yield self._field
        yield Keys(key_words(Where.NAMING))

    @on(Input.Submitted)
    def action_keep(self) -> None:
        """It is what was entered from now on."""
        self.dismiss(self._field.value)

    def action_leave(self) -> None:
        """It stays as it was."""
        self.dismiss(None)


class DropQuestion(Screen[str]):
    """Asks what to do with files that were dropped or whose paths were pasted: `offer`, `insert` or nothing.

    Args:
        heading: how many there are, and for whom.
        text: what they are.
    """

    BINDINGS = bindings(Where.DROP)

    def __init__(self, heading: str, text: str) -> None:
        super().__init__()
        self._text = Paragraphs(text, heading)

    def compose(self) -> ComposeResult:
        """The question, and its keys."""
        yield self._text
        yield Keys(key_words(Where.DROP))

    def action_offer(self) -> None:
        """Offers them."""
        self.dismiss("offer")

    def action_insert(self) -> None:
        """They are text."""
        self.dismiss("insert")

    def action_leave(self) -> None:
        """Nothing happens."""
        self.dismiss(None)
