"""What is shown when the conversation cannot be joined."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen

from p2pchat.errors import P2PChatError
from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.content import many_lines, one_line
from p2pchat.tui.widgets.drawn import Drawn


class FailureText(Drawn):
    """What happened, and what to do."""

    def __init__(self, conversation: str, error: P2PChatError) -> None:
        super().__init__()
        self._conversation = conversation
        self._error = error

    def draw(self, width: int) -> Content:
        """Heading, message, hint, key."""
        space = max(8, width - 4)
        lines = [Content.styled(f"Cannot join {one_line(self._conversation, space - 12)}", "bold $error"), Content("")]
        lines += Content(many_lines(self._error.message)).wrap(space)
        if self._error.hint:
            lines += [Content(""), *Content(many_lines(self._error.hint)).wrap(space)]
        lines += [Content(""), Content.styled("Enter leaves", "bold $accent")]
        return Content("\n").join(Content("  ") + line for line in lines)


class FailureScreen(Screen[None]):
    """Shows an error until the user leaves.

    Args:
        conversation: the room that was to be joined.
        error: why it was not.
    """

    BINDINGS = bindings(Where.FAILURE)

    def __init__(self, conversation: str, error: P2PChatError) -> None:
        super().__init__()
        self._conversation = conversation
        self._error = error

    def compose(self) -> ComposeResult:
        """In the middle of the screen."""
        yield FailureText(self._conversation, self._error)

    def action_leave(self) -> None:
        """Ends the app; the error is its result."""
        self.app.exit(self._error, return_code=self._error.exit_code)
