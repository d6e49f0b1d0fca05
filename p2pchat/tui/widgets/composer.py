"""Where the user writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

from p2pchat.tui import clusters, commands, paths
from p2pchat.tui.actions import ACTIONS, Where
from p2pchat.tui.content import many_lines
from p2pchat.tui.drafting import Origin
from p2pchat.tui.recall import Recall

KEYS: Final = {
    **{
        key: binding.action
        for binding in TextArea.BINDINGS
        if isinstance(binding, Binding)
        for key in binding.key.split(",")
    },
    **{key: f"screen.{action.name}" for action in ACTIONS if action.where is Where.CHAT for key in action.keys},
    **{key: action.name for action in ACTIONS if action.where is Where.COMPOSER for key in action.keys},
}
"""What a key does here, as an action of Textual. Text is what every other key gives."""


class Composer(TextArea):
    """A text field that grows to eight rows. Enter sends; a paste is kept as it is, without control characters."""

    class Changed(TextArea.Changed):
        """The text changed; `text` is what it read then, which may not be what it reads when this is handled."""

        def __init__(self, text_area: TextArea) -> None:
            super().__init__(text_area)
            self.text = text_area.text

    @dataclass
    class Pasted(Message):
        """Something was pasted; the change follows."""

        text: str

    @dataclass
    class Filled(Message):
        """The text is replaced by another that was not typed now; the change follows."""

        origin: Origin | None
        """Where it is from; None for what was being written before."""

    @dataclass
    class Dropped(Message):
        """Files were dropped, or their paths pasted. Nothing is inserted: `insert_pasted` does so."""

        paths: list[Path]
        text: str

    @dataclass
    class Submitted(Message):
        """Enter was pressed; the composer is empty now."""

        text: str

    class Retracted(Message):
        """The line is given up; the composer is empty now."""

    @dataclass
    class Hint(Message):
        """Something to say about what was just done."""

        text: str

    def __init__(self) -> None:
        super().__init__(compact=True, highlight_cursor_line=False, tab_behavior="focus", show_line_numbers=False)
        self.cursor_blink = False
        self._escaped = False
        self._recall = Recall()

    def replace_text(self, text: str) -> None:
        """Puts another text in, with the cursor at its end."""
        self.text = text
        self.move_cursor(self.document.end)

    def action_submit(self) -> None:
        """Hands the text over and begins anew."""
        self.post_message(self.Submitted(self.text))
        self._recall.sent(self.text)
        self.replace_text("")

    def action_newline(self) -> None:
        """Begins a new line."""
        self._replace_via_keyboard("\n", *self.selection)

    def action_retract(self) -> None:
        """Gives the line up, the second time."""
        if not self.text:
            return
        self._escaped = not self._escaped
        if self._escaped:
            self.post_message(self.Hint("Esc again gives the line up"))
        else:
            self._recall.begin()
            self.replace_text("")
            self.post_message(self.Retracted())

    def fill(self, text: str, origin: Origin) -> None:
        """Puts a text in that others do not see before it is sent."""
        self.post_message(self.Filled(origin))
        self.replace_text(many_lines(text))

    def action_older(self) -> None:
        """Up; on the first line, to what was written before."""
        at_first = self.navigator.is_first_wrapped_line(self.cursor_location)
        if not at_first or not self._recalled(self._recall.older(self.text)):
            self.action_cursor_up()

    def action_newer(self) -> None:
        """Down; on the last line, back towards what was being written."""
        at_last = self.navigator.is_last_wrapped_line(self.cursor_location)
        if not at_last or not self._recalled(self._recall.newer(self.text)):
            self.action_cursor_down()

    def _recalled(self, text: str | None) -> bool:
        if text is None:
            return False
        self.post_message(self.Filled(Origin.RECALLED if self._recall.looking_back else None))
        self.replace_text(text)
        return True

    def action_complete(self) -> None:
        """Completes a command or a path; goes to the offer when there is nothing to complete."""
        completion = commands.complete(self.text)
        if completion is None:
            self.screen.focus_next()
            return
        self.replace_text(completion.text)
        self.post_message(self.Hint("  ".join(completion.names)))

    async def _on_key(self, event: events.Key) -> None:
        # Textual looks a binding up only after the key has gone all the way up to the app. By then the keys that came
        # with it in one burst, as over a slow line, are in the text already: "ab⌫c" would lose the c.
        self._escaped = self._escaped and event.key == "escape"
        action = KEYS.get(event.key)
        if action is not None:
            event.prevent_default()
            if await self.app.run_action(action, self):
                event.stop()

    async def _on_paste(self, event: events.Paste) -> None:
        # The base class's handler would run as well and insert the text a second time.
        event.prevent_default()
        event.stop()
        # While a command is typed, a path is its argument.
        files = paths.dropped(event.text) if not self.text.startswith("/") else []
        if files:
            self.post_message(self.Dropped(files, event.text))
        else:
            self.insert_pasted(event.text)

    def insert_pasted(self, pasted: str) -> None:
        """Inserts what was pasted, without control characters."""
        text = many_lines(pasted)
        self.post_message(self.Pasted(text))
        if result := self._replace_via_keyboard(text, *self.selection):
            self.move_cursor(result.end_location)
            self.focus()

    def get_cursor_left_location(self) -> tuple[int, int]:
        """One grapheme cluster to the left, or the end of the line above."""
        row, column = self.cursor_location
        return (row, clusters.before(self.document[row], column)) if column else super().get_cursor_left_location()

    def get_cursor_right_location(self) -> tuple[int, int]:
        """One grapheme cluster to the right, or the beginning of the line below."""
        row, column = self.cursor_location
        line = self.document[row]
        return (row, clusters.after(line, column)) if column < len(line) else super().get_cursor_right_location()

    def get_cursor_word_left_location(self) -> tuple[int, int]:
        """The beginning of the word to the left, or the end of the line above."""
        row, column = self.cursor_location
        line = self.document[row]
        return (row, clusters.word_before(line, column)) if column else super().get_cursor_word_left_location()

    def get_cursor_word_right_location(self) -> tuple[int, int]:
        """The end of the word to the right, or the beginning of the line below."""
        row, column = self.cursor_location
        line = self.document[row]
        at_end = column >= len(line)
        return super().get_cursor_word_right_location() if at_end else (row, clusters.word_after(line, column))

    def action_delete_word_right(self) -> None:
        """Deletes what is selected, or the word to the right."""
        start, end = self.selection
        if start == end:
            end = self.get_cursor_word_right_location()
        self._delete_via_keyboard(start, end)

    def _validate_selection(self, selection: Selection) -> Selection:
        """Keeps the cursor out of grapheme clusters, also when it is put there by a click or from another line."""
        start, end = super()._validate_selection(selection)
        return Selection(self._between_clusters(start), self._between_clusters(end))

    def _between_clusters(self, location: tuple[int, int]) -> tuple[int, int]:
        row, column = location
        return row, clusters.border(self.document[row], column)
