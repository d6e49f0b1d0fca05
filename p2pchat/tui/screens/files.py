"""All transfers, and what can be done with each."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from p2pchat.node.events import Direction, TransferInfo, TransferState
from p2pchat.tui import measures
from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.asking import Asking
from p2pchat.tui.content import crop_middle, one_line, progress_bar, transfer_state, transfer_style, transfer_title
from p2pchat.tui.model import Conversation, full_label
from p2pchat.tui.widgets.drawn import Drawn

BAR_CELLS: Final = 24
"""Widest progress bar, in cells."""

SIGNS: Final = {
    TransferState.DONE: "✓",
    TransferState.FAILED: "×",
    TransferState.DECLINED: "×",
    TransferState.CANCELLED: "×",
}
"""Signs of what is over; the rest has an arrow. The words say the same."""


class FilesHead(Drawn):
    """The heading, and the keys of the list."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._conversation = conversation

    def draw(self, width: int) -> Content:
        """How many there are; how to send one where there is none."""
        count = len(self._conversation.transfers)
        title = f" Files in {one_line(self._conversation.name, width // 2)}"
        if not count:
            hint = " Nothing has been offered yet. In the conversation, /send PATH offers a file or a folder."
            return Content("\n").join([Content.styled(title, "bold"), *Content.styled(hint, "$muted").wrap(width)])
        return Content.assemble((title, "bold"), (f"  {count} transfer{'s' if count > 1 else ''}", "$muted"))


class FilesKeys(Drawn):
    """The keys of the list."""

    def draw(self, width: int) -> Content:
        """One line, or two where it is narrow."""
        keys = ("Enter accept", "p pause", "r resume", "c cancel or decline", "Esc back")
        lines = [""]
        for key in keys:
            if lines[-1] and cell_len(f"{lines[-1]}   {key}") >= width:
                lines.append("")
            lines[-1] += f"   {key}" if lines[-1] else f" {key}"
        return Content("\n").join(Content.styled(line, "bold $accent") for line in lines)


class FilesScreen(Screen[None]):
    """Lists all transfers, newest first.

    Args:
        conversation: whose transfers.
        asking: the user's requests to the node.
    """

    BINDINGS = bindings(Where.FILES)

    def __init__(self, conversation: Conversation, asking: Asking) -> None:
        super().__init__()
        self._conversation = conversation
        self._asking = asking
        self._head = FilesHead(conversation)
        self._list = OptionList(markup=False, compact=True)

    def compose(self) -> ComposeResult:
        """Heading, list, keys."""
        yield self._head
        yield self._list
        yield FilesKeys()

    def on_mount(self) -> None:
        """Lists what there is."""
        self.redraw()

    def on_resize(self) -> None:
        """Draws for the new width."""
        self.call_after_refresh(self.redraw)

    def redraw(self) -> None:
        """Draws the list again; the highlighted transfer stays highlighted."""
        width = max(20, self._list.size.width - 1)
        shown = [str(option.id) for option in self._list.options]
        wanted = list(reversed(self._conversation.transfers))
        if shown == wanted:
            for id in wanted:
                self._list.replace_option_prompt(id, self._entry(id, width))
        else:
            selected = self._selected
            self._list.set_options(Option(self._entry(id, width), id=id) for id in wanted)
            if wanted:
                self._list.highlighted = wanted.index(selected.transfer) if selected is not None else 0
        self._list.display = bool(wanted)
        self._head.redraw()

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        self.redraw()

    def _entry(self, id: str, width: int) -> Content:
        option = self._list.highlighted_option
        return transfer_entry(self._conversation.transfers[id], width, option is not None and option.id == id)

    @property
    def _selected(self) -> TransferInfo | None:
        option = self._list.highlighted_option
        return self._conversation.transfers.get(option.id or "") if option is not None else None

    @on(OptionList.OptionSelected)
    def action_accept(self) -> None:
        """Accepts an offer."""
        info = self._selected
        if info is not None and info in self._conversation.offers:
            self._asking.do(self._asking.node.accept(info.transfer))

    def action_pause(self) -> None:
        """Pauses a running transfer."""
        info = self._selected
        if info is not None and info.state is TransferState.ACTIVE:
            self._asking.do(self._asking.node.pause(info.transfer))

    def action_resume(self) -> None:
        """Goes on with a paused transfer."""
        info = self._selected
        if info is not None and info.state is TransferState.PAUSED:
            self._asking.do(self._asking.node.resume(info.transfer))

    def action_cancel(self) -> None:
        """Cancels a transfer, or declines an offer."""
        info = self._selected
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
