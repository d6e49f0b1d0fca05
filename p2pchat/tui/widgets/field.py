"""A line to write in, on the screens that are not the conversation."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from p2pchat.protocol.limits import NAME_CHARACTERS
from p2pchat.protocol.untrusted import safe_line


class Field(Input):
    """One line, free of control characters however it was filled.

    Args:
        text: what stands in it at the beginning.
        limit: most characters.
    """

    DEFAULT_CSS = """
    Field, Field:focus { margin: 0 2; padding: 0; border: none; background: $panel; background-tint: $panel 0%; }
    """

    def __init__(self, text: str = "", limit: int = NAME_CHARACTERS) -> None:
        super().__init__(safe_line(text, limit), max_length=limit, compact=True, select_on_focus=False)
        self.cursor_blink = False
        self._limit = limit

    def _on_paste(self, event: events.Paste) -> None:
        # The base class's handler would run as well and insert the text as it came.
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(safe_line(event.text, self._limit))
