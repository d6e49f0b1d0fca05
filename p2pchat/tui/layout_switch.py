"""From one layout to another: which there are, and what each is in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from p2pchat.errors import UsageError
from p2pchat.tui.layouts.columns import COLUMNS_FROM
from p2pchat.tui.preferences import Layout, Remembered
from p2pchat.tui.widgets.conversation_view import ConversationView
from p2pchat.tui.widgets.lines import StatusLine

WORDS: Final = {
    Layout.STACK: "what others type stands in rows below the conversation",
    Layout.COLUMNS: "a column for each who takes part",
    Layout.INLINE: "one field, turn by turn",
    Layout.CAPTIONS: "what others write in large letters",
}
"""By layout, in the order in which one leads to the next."""

_ORDER: Final = tuple(WORDS)


class LayoutSwitch:
    """Shows the layouts, and says which.

    Args:
        view: what is laid out.
        status: where it is said.
        remembered: where it is kept. Not the captions: nobody wants to begin with them.
        captions: shows the captions, and calls back when they are left.
    """

    def __init__(
        self,
        view: ConversationView,
        status: StatusLine,
        remembered: Remembered,
        captions: Callable[[Callable[[], None]], None],
    ) -> None:
        self._view = view
        self._status = status
        self._remembered = remembered
        self._captions = captions

    def show(self, name: str) -> None:
        """Shows the layout of this name; the next without one. After the captions comes what was there before.

        Raises:
            UsageError: there is no such layout.
        """
        if not name:
            self.next()
            return
        try:
            layout = Layout(name.lower())
        except ValueError:
            raise UsageError(f"There is no layout {name}", f"There are {', '.join(_ORDER)}") from None
        if layout is Layout.CAPTIONS:
            self._captions(lambda: None)
        else:
            self._lay_out(layout)

    def next(self) -> None:
        """Shows the next layout; after the captions comes the first."""
        layout: Layout = _ORDER[_ORDER.index(self._view.layout_wanted) + 1]
        if layout is Layout.CAPTIONS:
            self._captions(lambda: self._lay_out(_ORDER[0]))
        else:
            self._lay_out(layout)

    def _lay_out(self, layout: Layout) -> None:
        self._view.layout_wanted = layout
        self._remembered.change(layout=layout)
        self._status.hint = f"Layout {layout}: {WORDS[layout]}"
        if self._view.possible is not layout:
            self._status.hint = f"Layout {layout} needs {COLUMNS_FROM} cells; until then {self._view.possible}"
        self._view.call_again()
