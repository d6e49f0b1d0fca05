"""What became of the last thing that was asked for on a screen that covers the conversation."""

from __future__ import annotations

from textual.content import Content

from p2pchat.tui.content import many_lines
from p2pchat.tui.widgets.drawn import Drawn


class Remark(Drawn):
    """A line above the keys. It takes no space until there is something to say."""

    def __init__(self) -> None:
        super().__init__()
        self._text, self._problem = "", False
        self.display = False

    def say(self, text: str, problem: bool = False) -> None:
        """Says this instead of what was said before."""
        self._text, self._problem = text, problem
        self.display = bool(text)
        self.redraw()

    def draw(self, width: int) -> Content:
        """A sign and the text, wrapped."""
        sign, style = ("!", "$warning") if self._problem else ("·", "$muted")
        lines = Content.styled(f"{sign} {many_lines(self._text)}", style).wrap(max(8, width - 2))
        return Content("\n").join(Content(" ") + line for line in lines)
