"""All transfers, and what can be done with each."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from textual import on
from textual.content import Content
from textual.widgets import OptionList

from p2pchat.node.events import Direction, TransferInfo, TransferState
from p2pchat.tui import measures
from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.asking import Asking
from p2pchat.tui.content import crop_middle, one_line, progress_bar, transfer_state, transfer_style, transfer_title
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import full_label
from p2pchat.tui.screens.overview import Overview
from p2pchat.tui.widgets.keys import key_words

BAR_CELLS: Final = 24
"""Widest progress bar, in cells."""

SIGNS: Final = {
    TransferState.DONE: "✓",
    TransferState.FAILED: "×",
    TransferState.DECLINED: "×",
    TransferState.CANCELLED: "×",
}
"""Signs of what is over; the rest has an arrow. The words say the same."""


class FilesScreen(Overview):
    """Lists all transfers, newest first.

    Args:
        conversation: whose transfers.
        asking: the user's requests to the node.
    """

    BINDINGS = bindings(Where.FILES)

    def __init__(self, conversation: Conversation, asking: Asking) -> None:
        super().__init__(key_words(Where.FILES))
        self._conversation = conversation
        self._asking = asking

    def heading(self, width: int) -> Content:
        """How many there are; how to send one where there is none."""
        count = len(self._conversation.transfers)
        title = f" Files in {one_line(self._conversation.name, width // 2)}"
        if not count:
            hint = " Nothing has been offered yet. In the conversation, /send PATH offers a file or a folder."
            return Content("\n").join([Content.styled(title, "bold"), *Content.styled(hint, "$muted").wrap(width)])
        return Content.assemble((title, "bold"), (f"  {count} transfer{'s' if count > 1 else ''}", "$muted"))

    def ids(self) -> list[str]:
        """The transfers, newest first."""
        return list(reversed(self._conversation.transfers))

    def entry(self, id: str, width: int, selected: bool) -> Content:
        """A transfer in two lines."""
        return transfer_entry(self._conversation.transfers[id], width, selected)

    @property
    def _info(self) -> TransferInfo | None:
        return self._conversation.transfers.get(self.selected or "")

    @on(OptionList.OptionSelected)
    def action_accept(self) -> None:
        """Accepts an offer."""
        info = self._info
        if info is not None and info in self._conversation.offers:
            self._asking.do(self._asking.node.accept(info.transfer))

    def action_pause(self) -> None:
        """Pauses a running transfer."""
        info = self._info
        if info is not None and info.state is TransferState.ACTIVE:
            self._asking.do(self._asking.node.pause(info.transfer))

    def action_resume(self) -> None:
        """Goes on with a paused transfer."""
        info = self._info
        if info is not None and info.state is TransferState.PAUSED:
            self._asking.do(self._asking.node.resume(info.transfer))

    def action_cancel(self) -> None:
        """Cancels a transfer, or declines an offer."""
        info = self._info
        if info is not None and info in self._conversation.offers:
            self._asking.do(self._asking.node.decline(info.transfer))
        elif info is not None and not info.state.final:
            self._asking.do(self._asking.node.cancel(info.transfer))


def transfer_entry(info: TransferInfo, width: int, selected: bool = False) -> Content:
    """A transfer in two lines: what and with whom; how far it is, or why not."""
    sending = info.direction is Direction.SEND
    sign = SIGNS.get(info.state, "↑" if sending else "↓")
    who = f"{'to' if sending else 'from'} {full_label(info.peer, one_line(info.name, 20))}"
    amount = measures.size(info.total)
    title = crop_middle(transfer_title(info), max(8, width - cell_len(who) - len(amount) - 9))
    gap = width - 4 - cell_len(title) - cell_len(who) - 2 - len(amount)
    first = Content.assemble("▸" if selected else " ", sign, " ", (title, "bold"), "  ", who, " " * max(1, gap), amount)
    state = transfer_state(info)
    if info.state is TransferState.ACTIVE:
        so_far = measures.size(info.confirmed)
        cells = min(BAR_CELLS, width - len(state) - len(so_far) - 10)
        bar = Content.assemble(progress_bar(info, cells), "  ") if cells >= 4 else Content("")
        second = Content.assemble("   ", bar, so_far, "  ", state)
    else:
        second = Content.assemble("   ", (state, transfer_style(info.state)))
    lines = second.wrap(max(8, width - 1))
    return Content("\n").join([first.truncate(width), *(line.truncate(width) for line in lines)])
