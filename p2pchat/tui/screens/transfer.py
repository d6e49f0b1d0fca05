"""One transfer: how far it is, where its files are, and what it consists of."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen

from p2pchat.errors import P2PChatError
from p2pchat.node.events import Item
from p2pchat.tui import measures
from p2pchat.tui.asking import Asking
from p2pchat.tui.content import crop_middle, home_path, one_line
from p2pchat.tui.model import Conversation
from p2pchat.tui.transfer_lines import transfer_entry
from p2pchat.tui.widgets.banner import Banner
from p2pchat.tui.widgets.keys import Keys
from p2pchat.tui.widgets.line_list import LineList

PAGE: Final = 200
"""Entries that are asked for at once, and again when the end of the list comes near: several screens."""


class TransferScreen(Screen[None]):
    """Shows a transfer until Esc.

    Args:
        conversation: whose transfers.
        transfer: the id of the transfer.
        asking: the user's requests to the node.
    """

    AUTO_FOCUS = "LineList"

    def __init__(self, conversation: Conversation, transfer: str, asking: Asking) -> None:
        super().__init__()
        self._conversation = conversation
        self._transfer = transfer
        self._asking = asking
        self._items: list[Item] = []
        self._complete = self._fetching = False
        self._head = Banner(self._heading)
        self._lines = LineList(self._line)

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._head
        yield self._lines
        yield Keys(["↑↓ look through it", "Esc back"])

    def on_mount(self) -> None:
        """Lists the first entries, and looks at the progress now and then."""
        self._more()
        self.set_interval(0.5, self._head.redraw)

    @on(LineList.Moved)
    def _more(self) -> None:
        """Lists more when the end comes near."""
        if not self._complete and not self._fetching and self._lines.marked + PAGE // 2 > len(self._items):
            self._fetching = True
            self._fetch()

    @work(group="items")
    async def _fetch(self) -> None:
        try:
            items = await self._asking.node.items(self._transfer, len(self._items), PAGE)
        except P2PChatError as error:
            self._asking.tell(error)
            items = []
        self._items += items
        self._fetching, self._complete = False, len(items) < PAGE
        self._lines.show(len(self._items))

    def _heading(self, width: int) -> Content:
        info = self._conversation.transfers.infos.get(self._transfer)
        if info is None:
            return Content.styled(" This transfer is forgotten.", "$muted")
        lines = [transfer_entry(info, width)]
        folders = dict.fromkeys(Path(path).parent for path in info.saved)
        lines += [Content.styled(f"   in {crop_middle(home_path(folder), width - 7)}", "$muted") for folder in folders][
            :3
        ]
        return Content("\n").join([*lines, Content("")])

    def _line(self, number: int, width: int, here: bool) -> Content:
        item = self._items[number]
        size = "" if item.folder else measures.size(item.size)
        mark = "  executable" if item.executable else ""
        path = crop_middle(
            one_line(item.path) + ("/" if item.folder else ""), max(8, width - len(size) - len(mark) - 5)
        )
        gap = max(1, width - cell_len(path) - len(mark) - len(size) - 4)
        start = " ▸ " if here else "   "
        return Content.assemble(start, path, (mark, "$warning"), " " * gap, (size, "$muted")).truncate(width)
