"""Choosing from an offer: its tree, with a mark for each file and folder that is wanted."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from p2pchat.errors import P2PChatError
from p2pchat.node.events import TransferInfo
from p2pchat.tui import measures
from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.asking import Asking
from p2pchat.tui.content import crop_middle, one_line, transfer_title
from p2pchat.tui.offer_tree import Folder, OfferTree, Seen
from p2pchat.tui.widgets.banner import Banner
from p2pchat.tui.widgets.field import Field
from p2pchat.tui.widgets.keys import Keys, key_words
from p2pchat.tui.widgets.line_list import LineList

PAGE: Final = 1000
"""Entries that are asked for at once: sorting them in takes a few milliseconds, in which no key waits."""

SIGNS: Final = {"all": "[x]", "some": "[~]", "none": "[ ]"}
"""How much of a folder is chosen."""


class ChooseScreen(Screen[tuple[str, ...]]):
    """Lists what an offer consists of. The result is what `NodeApi.accept` wants as `only`, or `("",)` for all of it.

    Args:
        info: the offer.
        asking: the user's requests to the node.
    """

    BINDINGS = bindings(Where.CHOOSE)
    AUTO_FOCUS = "LineList"

    def __init__(self, info: TransferInfo, asking: Asking) -> None:
        super().__init__()
        self._info = info
        self._asking = asking
        self._tree = OfferTree()
        self._complete = False
        self._pattern = ""
        self._seen: list[Seen] = []
        self._head = Banner(self._heading)
        self._lines = LineList(self._line)
        self._field = Field(limit=200)
        self._field.display = False

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._head
        yield self._lines
        yield self._field
        yield Keys(key_words(Where.CHOOSE))

    def on_mount(self) -> None:
        """Begins to list."""
        self._fetch()

    @work(group="items")
    async def _fetch(self) -> None:
        """Lists the first page at once, and everything when it is there."""
        try:
            start = 0
            while items := await self._asking.node.items(self._info.transfer, start, PAGE):
                self._tree.extend(items)
                if start == 0:
                    self._list()
                start += len(items)
                self._head.redraw()
        except P2PChatError as error:
            self._asking.tell(error)
            self.dismiss(None)
        else:
            self._complete = True
            self._list()

    def _list(self, marked: int | None = None) -> None:
        self._seen = self._tree.matching(self._pattern) if self._pattern else self._tree.seen()
        self._lines.show(len(self._seen), marked)
        self._head.redraw()

    def _heading(self, width: int) -> Content:
        root = self._tree.root
        title = crop_middle(transfer_title(self._info), max(10, width // 2))
        coming = "" if self._complete else ", still listing …"
        chosen = (
            f" chosen: {root.chosen_files:,} of {measures.files(root.files)}, "
            f"{measures.size(root.chosen_bytes)} of {measures.size(root.total)}{coming}"
        )
        lines = [Content.assemble((" Choose from ", "$muted"), (title, "bold")), *Content(chosen).wrap(width)]
        if self._pattern:
            found = f" listed: {measures.files(len(self._seen))} for {one_line(self._pattern)}"
            lines += Content.styled(found, "$accent").wrap(width)
        return Content("\n").join(lines)

    def _line(self, number: int, width: int, here: bool) -> Content:
        line = self._seen[number]
        node = line.node
        if isinstance(node, Folder):
            part, size = node.part, node.total
            name = f"{'▾' if node.open else '▸'} {one_line(node.name)}/"
            amount = f"{measures.files(node.files)}  {measures.size(size)}"
        else:
            part, amount = ("all" if node.chosen else "none"), measures.size(node.size)
            name = f"  {one_line(line.path if self._pattern else node.name)}"
        mark = "  executable" if not isinstance(node, Folder) and node.executable else ""
        indent = "  " * min(line.depth, max(0, width // 2 - 12) // 2)
        start = f"{'▸' if here else ' '}{SIGNS[part]} {indent}"
        if width < 60 and isinstance(node, Folder):
            amount = measures.size(node.total)
        name = crop_middle(name, max(8, width - len(start) - len(amount) - len(mark) - 3))
        gap = max(1, width - len(start) - cell_len(name) - len(mark) - len(amount) - 1)
        return Content.assemble(start, name, (mark, "$warning"), " " * gap, (amount, "$muted")).truncate(width)

    @property
    def _marked(self) -> Seen | None:
        return self._seen[self._lines.marked] if self._seen else None

    def action_choose_line(self) -> None:
        """Chooses what is marked, or takes it back, and goes on to the next."""
        if self._marked is not None:
            self._tree.toggle(self._marked)
            self._lines.action_move(1)
            self._redraw()

    def action_all(self) -> None:
        """Chooses everything that is listed."""
        self._choose_listed(True)

    def action_none(self) -> None:
        """Chooses nothing of what is listed."""
        self._choose_listed(False)

    def _choose_listed(self, wanted: bool) -> None:
        if self._pattern:
            self._tree.choose(self._seen, wanted)
        else:
            self._tree.choose([Seen(self._tree.root, self._tree.root, 0)], wanted)
        self._redraw()

    def _redraw(self) -> None:
        self._lines.refresh()
        self._head.redraw()

    def action_open(self) -> None:
        """Opens the folder that is marked."""
        if self._marked is not None and isinstance(self._marked.node, Folder) and not self._marked.node.open:
            self._marked.node.open = True
            self._list()

    def action_close(self) -> None:
        """Closes the folder that is marked, or the one that what is marked is in."""
        if self._marked is None or self._pattern:
            return
        node, above, _ = self._marked
        folder = node if isinstance(node, Folder) and node.open else above
        if folder.above is not None:
            folder.open = False
            at = next((number for number, line in enumerate(self._seen) if line.node is folder), 0)
            self._list(marked=at)

    def action_filter(self) -> None:
        """Asks for a pattern."""
        self._field.display = True
        self._field.value = self._pattern
        self._field.focus()

    @on(Input.Submitted)
    def _filtered(self, event: Input.Submitted) -> None:
        self._show_pattern(event.value.strip())

    def _show_pattern(self, pattern: str) -> None:
        self._pattern = pattern
        self._field.display = False
        self._lines.focus()
        self._list(marked=0)

    def action_accept(self) -> None:
        """Accepts what is chosen; nothing happens while nothing is."""
        if not self._complete:
            self._asking.note("The offer is still being listed")
            return
        only = self._tree.only()
        if only != ():
            self.dismiss(only if only is not None else ("",))

    def action_leave(self) -> None:
        """Back to the whole list, or to the offer."""
        if self._pattern or self._field.display:
            self._show_pattern("")
        else:
            self.dismiss(None)
