"""Questions over the whole screen: yes or no, and what somebody is to be called."""

from __future__ import annotations

from typing import Final

from textual import events, on
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from p2pchat.protocol.limits import NAME_CHARACTERS
from p2pchat.protocol.untrusted import safe_line
from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.content import many_lines
from p2pchat.tui.widgets.drawn import Drawn
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


class NameField(Input):
    """One line for a name, free of control characters however it was filled."""

    def _on_paste(self, event: events.Paste) -> None:
        # The base class's handler would run as well and insert the text as it came.
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(safe_line(event.text, NAME_CHARACTERS))


class NameQuestion(Screen[str]):
    """Asks for a name. The result is what was entered; nothing when the user leaves it as it was.

    Args:
        heading: who is to be named.
        text: what the name is for.
        name: the name until now.
    """

    BINDINGS = bindings(Where.NAMING)
    AUTO_FOCUS = "NameField"

    def __init__(self, heading: str, text: str, name: str) -> None:
        super().__init__()
        self._text = Paragraphs(text, heading)
        self._field = NameField(safe_line(name, NAME_CHARACTERS), max_length=NAME_CHARACTERS, compact=True)
        self._field.cursor_blink = False

    def compose(self) -> ComposeResult:
        """The question, the line to write in, and the keys."""
        yield self._text
        yield self._field
        yield Keys(key_words(Where.NAMING))

    @on(Input.Submitted)
    def action_keep(self) -> None:
        """The contact is called so from now on."""
        self.dismiss(self._field.value)

    def action_leave(self) -> None:
        """The name stays as it was."""
        self.dismiss(None)
