"""What the screens with a list have in common: a heading, the list, what was last said about it, and its keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from p2pchat.tui.widgets.drawn import Drawn
from p2pchat.tui.widgets.keys import Keys
from p2pchat.tui.widgets.remark import Remark


class Heading(Drawn):
    """The first lines of the screen."""

    def __init__(self, overview: Overview) -> None:
        super().__init__()
        self._overview = overview

    def draw(self, width: int) -> Content:
        """What the screen says of itself."""
        return self._overview.heading(width)


class Overview(Screen[None]):
    """A list over the whole screen. Subclasses say what is in it, and act on `selected`.

    Args:
        keys: the keys of the list with their words.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__()
        self.list = OptionList(markup=False, compact=True)
        self._head = Heading(self)
        self._remark = Remark()
        self._keys = Keys([*keys, "Esc back"])

    def heading(self, width: int) -> Content:
        """The first lines."""
        raise NotImplementedError

    def ids(self) -> list[str]:
        """What is in the list, in order."""
        raise NotImplementedError

    def entry(self, id: str, width: int, selected: bool) -> Content:
        """How one of them reads."""
        raise NotImplementedError

    def below(self) -> Iterable[Widget]:
        """What stands between the list and the remark."""
        return ()

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._head
        yield self.list
        yield from self.below()
        yield self._remark
        yield self._keys

    def on_mount(self) -> None:
        """Lists what there is."""
        self.redraw()

    def on_resize(self) -> None:
        """Draws for the new width."""
        self.call_after_refresh(self.redraw)

    @property
    def selected(self) -> str | None:
        """The id of what is highlighted."""
        option = self.list.highlighted_option
        return option.id if option is not None else None

    def remark(self, text: str, problem: bool = False) -> None:
        """Says what became of something that was asked for here."""
        self._remark.say(text, problem)

    def redraw(self) -> None:
        """Draws the list again. What was highlighted stays so; when it is gone, no key may hit another."""
        width = max(20, self.list.size.width - 1)
        shown, wanted, selected = [str(option.id) for option in self.list.options], self.ids(), self.selected
        if shown == wanted:
            for id in wanted:
                self.list.replace_option_prompt(id, self.entry(id, width, id == selected))
        else:
            self.list.set_options(Option(self.entry(id, width, id == selected), id=id) for id in wanted)
            if selected in wanted:
                self.list.highlighted = wanted.index(selected)
            elif wanted and not shown:
                self.list.highlighted = 0
        self.list.display = bool(wanted)
        self._head.redraw()

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        self.redraw()
