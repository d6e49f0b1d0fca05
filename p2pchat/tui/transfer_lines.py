"""How transfers read in the list of files. Like `p2pchat.tui.content`, for which the same rules hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rich.cells import cell_len
from textual.content import Content

from p2pchat.node.answers import Leftover
from p2pchat.node.events import Direction, TransferInfo, TransferState
from p2pchat.tui import measures
from p2pchat.tui.content import (
    crop,
    crop_middle,
    home_path,
    one_line,
    progress_bar,
    transfer_amount,
    transfer_state,
    transfer_style,
    transfer_title,
)
from p2pchat.tui.people import full_label, plain_name

BAR_CELLS: Final = 24
"""Widest progress bar, in cells."""

SIGNS: Final = {
    TransferState.DONE: "✓",
    TransferState.FAILED: "×",
    TransferState.DECLINED: "×",
    TransferState.CANCELLED: "×",
}
"""Signs of what is over; the rest has an arrow. The words say the same."""


def transfer_entry(
    info: TransferInfo, width: int, selected: bool = False, *, path: str = "", where: str = "", member: bool = False
) -> Content:
    """A transfer in two lines: what and with whom; how far it is, or why not.

    Args:
        info: the transfer.
        width: the width, in cells.
        selected: whether it is the one that keys act on.
        path: how the peer is connected, in a word; empty when it is not.
        where: the conversation, if it is another than the one that is shown.
        member: whether it belongs to several, over which their title stands.
    """
    sending = info.direction is Direction.SEND
    sign = SIGNS.get(info.state, "↑" if sending else "↓")
    who = f"{'to' if sending else 'from'} {full_label(info.peer, one_line(info.name, 20))}"
    if where:
        who += f" in {one_line(where, 16)}"
    amount = "" if member else transfer_amount(info)
    title = "" if member else crop_middle(transfer_title(info), max(8, width - cell_len(who) - len(amount) - 9))
    gap = width - 4 - cell_len(title) - cell_len(who) - (0 if member else 2) - len(amount)
    start = ("▸" if selected else " ") + ("  " if member else "")
    first = Content.assemble(start, sign, " ", (title, "bold"), "" if member else "  ", who, " " * max(1, gap), amount)
    indent = "     " if member else "   "
    lines = _progress(info, width, indent, path).wrap(max(8, width - 1))
    rest = [line if number == 0 else Content(indent) + line for number, line in enumerate(lines)]
    return Content("\n").join([first.truncate(width), *(line.truncate(width) for line in rest)])


def _progress(info: TransferInfo, width: int, indent: str, path: str) -> Content:
    state = transfer_state(info)
    by_itself = "accepted by itself, " if info.automatic and info.state is not TransferState.ACTIVE else ""
    if info.state not in (TransferState.ACTIVE, TransferState.PAUSED):
        return Content.assemble(indent, (by_itself + state, transfer_style(info.state)))
    so_far = f"{measures.size(info.confirmed)} of {measures.size(info.wanted)}"
    after = f"  {path}" if path and info.state is TransferState.ACTIVE else ""
    if info.automatic:
        after += "  accepted by itself"
    room = width - len(indent) - cell_len(state) - cell_len(so_far) - 5
    after = after if room >= cell_len(after) else ""
    cells = min(BAR_CELLS, room - cell_len(after))
    bar = Content.assemble(progress_bar(info, cells), "  ") if cells >= 4 else Content("")
    style = "$warning" if info.reason or info.state is TransferState.PAUSED else ""
    return Content.assemble(indent, bar, so_far, "  ", (state, style), (after, "$muted"))


def group_heading(members: Sequence[TransferInfo], width: int) -> Content:
    """What was offered to several at once, and how many have it."""
    done = sum(info.state is TransferState.DONE for info in members)
    words = f"to {len(members)} people, {done} of them {'has' if done == 1 else 'have'} it"
    amount = measures.size(members[0].total)
    title = crop_middle(transfer_title(members[0]), max(8, width - len(words) - len(amount) - 9))
    gap = max(1, width - 4 - cell_len(title) - len(words) - len(amount) - 2)
    return Content.assemble(" ▤ ", (title, "bold"), "  ", words, " " * gap, amount).truncate(width)


def leftover_entry(left: Leftover, width: int, selected: bool = False) -> Content:
    """A transfer that was interrupted, in two lines: what of whom, how much; what makes it go on."""
    name = plain_name(one_line(left.name, 20))
    who = f"from {full_label(left.peer, name)}"
    amount = f"{measures.size(left.stored)} of {measures.size(left.total)}"
    title = crop_middle(one_line(left.title), max(8, width - cell_len(who) - len(amount) - 9))
    gap = max(1, width - 4 - cell_len(title) - cell_len(who) - 2 - len(amount))
    first = Content.assemble("▸" if selected else " ", "↯ ", (title, "bold"), "  ", who, " " * gap, amount)
    day = datetime.fromtimestamp(left.at)
    second = f"   interrupted {day.day} {day:%B}: goes on when {name} offers it again"
    place = f"  in {home_path(left.folder)}"
    if cell_len(second) + cell_len(place) < width:
        second += place
    return Content("\n").join([first.truncate(width), Content.styled(crop(second, width - 1), "$warning")])
