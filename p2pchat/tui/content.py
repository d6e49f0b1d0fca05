"""Rows to `Content`: the only place where text of others becomes something that Textual draws.

Rules
    1. Every string that somebody else may have chosen goes through `one_line` or `many_lines`, which hand it to
       `p2pchat.protocol.untrusted`. Textual itself passes ESC and C1 controls on to the terminal.
    2. Content is put together from parts and never from markup, in which `[@click=...]` would be an action.
    3. Widths are cells, not characters, and every line fits the width that it was made for.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final
from zlib import crc32

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from p2pchat.node.events import Direction, TransferInfo, TransferState
from p2pchat.protocol.untrusted import safe_line, safe_text
from p2pchat.tui import measures
from p2pchat.tui.rows import DayRow, LiveRow, MessageRow, NoticeRow, Row, TransferRow, UnreadRow
from p2pchat.tui.theme import SPEAKERS

TIMES_FROM: Final = 56
"""Narrowest timeline with times in it, in cells: with less the text needs the space."""

NAME_CELLS: Final = 12
"""Widest column of names, in cells; a name of 64 would leave no room for what is said."""

NAME_CELLS_NARROW: Final = 6
"""The same in a narrow timeline."""

BAR_CELLS: Final = 20
"""Widest progress bar in a line of the timeline, in cells."""

LIVE_LINES: Final = 3
"""Most lines of the screen for one live row; of a longer one the end is shown, because that is where it grows."""


CURSOR: Final = "▌"
"""Stands where a line goes on that is being written."""


def one_line(text: str, cells: int = 200) -> str:
    """Text of others, fit to be shown on one line and cropped to a width in cells."""
    return crop(safe_line(text), cells)


def many_lines(text: str) -> str:
    """Text of others, fit to be shown; it may hold newlines."""
    return safe_text(text)


def crop(text: str, cells: int) -> str:
    """The beginning of a text, with an ellipsis where something is missing."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + "…" if cells >= 1 else ""


def crop_middle(text: str, cells: int) -> str:
    """The beginning and the end of a text: of a file name the end says what it is."""
    if cell_len(text) <= cells or cells < 8:
        return crop(text, cells)
    end = crop_start(text, cells // 3)
    return set_cell_size(text, cells - cell_len(end)).rstrip() + end


def crop_start(text: str, cells: int) -> str:
    """The end of a text, with an ellipsis before it where something is missing."""
    if cell_len(text) <= cells:
        return text
    if cells < 1:
        return ""
    end = text[-cells:]
    while cell_len(end) > cells - 1:
        end = end[1:]
    return "…" + end


def capitalised(text: str) -> str:
    """A text as a sentence of its own. Not for text that may begin with a name."""
    return text[:1].upper() + text[1:]


def pad(text: str, cells: int) -> str:
    """A text cropped or filled up to exactly this width."""
    return set_cell_size(crop(text, cells), cells)


def speaker_style(peer: str) -> str:
    """The style of a speaker's name: always the same for the same key."""
    return f"bold $speaker-{crc32(peer.encode()) % SPEAKERS + 1}" if peer else "bold $own"


def name_column(labels: Iterable[str]) -> int:
    """The width of the column of names, in cells."""
    return min(NAME_CELLS, max((cell_len(one_line(label)) for label in labels), default=0))


def row_content(row: Row, width: int, column: int) -> Content:
    """A row of the timeline.

    Args:
        row: the row.
        width: the width of the timeline, in cells.
        column: the width of the column of names, in cells.
    """
    match row:
        case DayRow():
            return Content.styled(_centred(day_name(row.at), width), "$muted")
        case UnreadRow():
            return Content.styled(pad("── new " + "─" * width, width).replace("…", "─"), "$accent")
        case MessageRow():
            mark = f"({row.mark})" if row.mark else row.state
            return hanging(head(row, width, column), many_lines(row.text), width, mark, mark_style(mark))
        case TransferRow():
            start = head(row, width, column)
            body = transfer_line(row.info, row.label, max(12, width - start.cell_length - 1))
            return hanging(start, body, width)
        case NoticeRow():
            text = many_lines(row.text) + (f" ({row.times} times)" if row.times > 1 else "")
            text += f". {capitalised(many_lines(row.hint))}" if row.hint else ""
            sign = Content.styled("! " if row.problem else "· ", "bold $warning" if row.problem else "$muted")
            body = Content.styled(text, "$warning" if row.problem else "$muted")
            return hanging(Content.assemble(*_time(row.at, width), sign), body, width)


def head(row: MessageRow | TransferRow, width: int, column: int) -> Content:
    """Time and speaker, as wide in every row."""
    label = row.label if isinstance(row, MessageRow) or row.peer else "you"
    name = pad(one_line(label), column_width(width, column))
    return Content.assemble(*_time(row.at, width), (name, speaker_style(row.peer)), "  ")


def column_width(width: int, column: int) -> int:
    """The width of the column of names in a timeline of this width."""
    return max(3, column if width >= TIMES_FROM else min(column, NAME_CELLS_NARROW))


def hanging(start: Content, body: str | Content, width: int, mark: str = "", style: str = "$muted") -> Content:
    """Text that is wrapped under itself, with a mark at the right end of its last line."""
    indent = start.cell_length
    space = max(4, width - indent - 1)
    lines = (body if isinstance(body, Content) else Content(body)).wrap(space)
    gap = space - lines[-1].cell_length - len(mark)
    if mark and gap < 2:
        lines.append(Content(""))
        gap = space - len(mark)
    if mark:
        lines[-1] = Content.assemble(lines[-1], " " * max(0, gap), (mark, style))
    return Content("\n").join([start + lines[0], *(Content(" " * indent) + line for line in lines[1:])])


def mark_style(mark: str) -> str:
    """The style of the word at the end of a message."""
    return "$muted" if mark in ("delivered", "(restored)") else "$warning"


def transfer_title(info: TransferInfo) -> str:
    """What a transfer is called: its file or folder, or the folder or the first file of several."""
    if not info.items:
        return measures.files(info.files)
    first = info.items[0]
    if len(info.items) == 1 and info.files <= 1:
        return one_line(first.path) + ("/" if first.folder else "")
    top = first.path.split("/", 1)[0]
    if all(item.path == top or item.path.startswith(f"{top}/") for item in info.items):
        return f"{one_line(top)}/ ({info.files:,} files)"
    return f"{one_line(first.path)} and {info.files - 1:,} more"


def transfer_line(info: TransferInfo, label: str, width: int) -> Content:
    """A transfer in the timeline: name, size, and how far it is. At most `width` cells while it runs."""
    to = f" to {one_line(label, NAME_CELLS)}" if info.direction is Direction.SEND else ""
    state = transfer_state(info)
    by_itself = ", accepted by itself" if info.automatic else ""
    title, amount = f"▤ {transfer_title(info)}", f"  {transfer_amount(info)}{by_itself}"
    if info.state is not TransferState.ACTIVE or info.reason:
        return Content.assemble(title, (amount + to, "$muted"), "  ", (state, transfer_style(info.state)))
    name = crop_middle(title, max(10, width - len(amount) - len(state) - 8))
    cells = min(BAR_CELLS, width - cell_len(name) - len(amount) - len(state) - 4)
    pieces = progress_bar(info, cells) if cells >= 4 else Content("")
    return Content.assemble(name, (amount, "$muted"), "  ", pieces, "  " if pieces else "", state)


def transfer_amount(info: TransferInfo) -> str:
    """How much a transfer is: `4.2 MB`, or `5 of them, 1.2 GB` when only a part of its files is wanted."""
    if not 0 < info.wanted_files < info.files:
        return measures.size(info.total)
    return f"{info.wanted_files:,} of them, {measures.size(info.wanted)}"


def progress_bar(info: TransferInfo, cells: int) -> Content:
    """A bar of box-drawing characters, `cells` wide."""
    done, rest = measures.bar(info.confirmed, info.wanted, cells)
    return Content.assemble((done, "$accent"), (rest, "$muted"))


def transfer_state(info: TransferInfo) -> str:
    """Where a transfer stands, in words."""
    reason = one_line(info.reason)
    match info.state:
        case TransferState.WAITING if info.direction is Direction.SEND:
            return "waiting for an answer"
        case TransferState.WAITING:
            here = f", {measures.size(info.resumable)} are here already" if info.resumable else ""
            return f"waits for your answer{here}"
        case TransferState.ACTIVE if reason:
            return f"{measures.percent(info.confirmed, info.wanted)} %, stalled: {reason}"
        case TransferState.ACTIVE:
            left = measures.remaining(info.confirmed, info.wanted, info.rate)
            return f"{measures.percent(info.confirmed, info.wanted):>3} %  {measures.rate(info.rate)}  {left}"
        case TransferState.PAUSED:
            return f"{measures.percent(info.confirmed, info.wanted)} %, paused" + (f": {reason}" if reason else "")
        case TransferState.DONE:
            return f"{_saved(info)} in {measures.duration(info.seconds)}, verified"
        case _:
            return info.state.value + (f": {reason}" if reason else "")


def transfer_style(state: TransferState) -> str:
    """The style of those words."""
    match state:
        case TransferState.DONE:
            return "$success"
        case TransferState.FAILED:
            return "$error"
        case _:
            return "$warning"


def private_content(peer: str, label: str, width: int, column: int) -> Content:
    """The row of a peer that composes in private."""
    name = pad(one_line(label), column_width(width, column))
    words = Content.assemble((name, speaker_style(peer)), "  ", ("▏ ", "$accent"), ("composing privately", "$muted"))
    return (Content(" ") + words).truncate(width)


def live_content(row: LiveRow, width: int, column: int, height: int = LIVE_LINES, private: bool = False) -> Content:
    """The row of a peer that is typing, at most `height` lines; `private` if it goes on without showing it."""
    name = pad(one_line(row.label), column_width(width, column))
    start = Content.assemble(" ", (name, speaker_style(row.peer)), "  ", ("▏ ", "$accent"))
    space = max(4, width - start.cell_length - 1)
    interrupted = row.interrupted_at is not None
    end = Content.styled(" (composing privately)", "$muted") if private else Content.styled(CURSOR, "$accent")
    if not row.text:
        end = Content("")
    if interrupted:
        end = Content.styled(" (interrupted)", "$warning")
    text = many_lines(row.text).replace("\n", " ")
    shown = (Content(text) + end).wrap(space)
    if len(shown) > height == 1:
        shown = [Content(crop_start(text, space - end.cell_length)) + end]
    elif len(shown) > height:
        shown = (Content(text) + end).wrap(space - 1)[-height:]
        shown[0] = Content("…") + shown[0]
    rest = Content.assemble(" " * (start.cell_length - 2), ("▏ ", "$accent"))
    return Content("\n").join([start + shown[0], *(rest + line for line in shown[1:])])


def home_path(path: Path) -> str:
    """A path of this machine for the screen, with `~` for the home folder."""
    home = Path.home()
    if path == home:
        return "~"
    return one_line(f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path))


def _saved(info: TransferInfo) -> str:
    if info.direction is Direction.SEND:
        return "delivered"
    if len(info.saved) == 1:
        return f"saved as {home_path(Path(info.saved[0]))}"
    return f"saved in {home_path(Path(info.saved[0]).parent)}" if info.saved else "saved"


def _time(at: float, width: int) -> list[str | tuple[str, str]]:
    if width < TIMES_FROM:
        return [" "]
    return [" ", (datetime.fromtimestamp(at).strftime("%H:%M"), "$muted"), "  "]


def day_name(at: float) -> str:
    """A day in words: `Friday 20 November 2026`."""
    day = datetime.fromtimestamp(at)
    return f"{day:%A} {day.day} {day:%B %Y}"


def _centred(text: str, width: int) -> str:
    return " " * max(0, (width - cell_len(text)) // 2) + text
