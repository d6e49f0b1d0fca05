"""Progress of a transfer on a terminal: one line of standard error, drawn over and over, and cleared at the end."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TextIO

from p2pchat.protocol.untrusted import safe_line
from p2pchat.tui import measures

BAR_LEAST: Final = 8
"""Cells of the shortest bar: on a narrower terminal there is none."""

COLUMNS_DEFAULT: Final = 80
"""Width of a terminal that does not tell."""

BAR_MOST: Final = 40
"""Cells of the longest bar: a longer one tells no more."""

_GAP: Final = "  "
_GAP_CELLS: Final = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer is."""

    label: str
    """What is transferred; it is cut to fit."""
    confirmed: int
    """Bytes that the receiver has verified and written."""
    total: int
    rate: float
    """Bytes per second."""
    note: str = ""
    """Why it does not move; shown in place of rate and time."""


class ProgressBar:
    """Draws the line.

    Args:
        stream: a terminal. It gets carriage returns and no other control character.
        columns: returns the terminal's width in cells.
    """

    def __init__(self, stream: TextIO, columns: Callable[[], int]) -> None:
        self._stream = stream
        self._columns = columns
        self._drawn = 0
        """Cells to clear."""

    def draw(self, progress: Progress) -> None:
        """Shows how far a transfer is."""
        self._show(progress_line(progress, self._width()))

    def draw_text(self, text: str) -> None:
        """Shows a text in place of the bar, cut to fit."""
        self._show(_cut(safe_line(text), self._width()))

    def _width(self) -> int:
        # A line that fills the last column makes some terminals begin another one.
        return self._columns() - 1

    def _show(self, line: str) -> None:
        if not _can_write(self._stream, line):
            line = line.translate(_PLAIN).encode("ascii", "replace").decode()
        self._write(line, max(0, self._drawn - cells(line)))
        self._drawn = cells(line)

    def clear(self) -> None:
        """Leaves an empty line with the cursor at its beginning; without effect when nothing is drawn."""
        if self._drawn:
            self._write(" " * self._drawn, 0)
            self._write("", 0)
            self._drawn = 0

    def _write(self, line: str, beyond: int) -> None:
        self._stream.write(f"\r{line}{' ' * beyond}" if line else "\r")
        self._stream.flush()


_PLAIN: Final = str.maketrans({measures.BAR_FULL: "#", measures.BAR_HALF: " ", measures.BAR_EMPTY: " "})
"""The bar for a terminal that is not in UTF-8."""


def progress_line(progress: Progress, width: int) -> str:
    """Returns a line of at most `width` cells.

        film.mov  ━━━━━━╸───  71 %  1.0 GB of 1.4 GB   92 MB/s  0:04
        film.mov  ━━━━━━╸───  71 %  1.0 GB of 1.4 GB  paused: disk full, needs 3.1 GB, has 0.4 GB

    Where it is narrow the amount goes first, then the bar and the label.
    """
    confirmed, total = progress.confirmed, progress.total
    percent = f"{measures.percent(confirmed, total):3} %"
    amount = f"{measures.size(confirmed)} of {measures.size(total)}"
    if progress.note:
        end = safe_line(progress.note)
    else:
        end = f"{measures.rate(progress.rate):>9}{_GAP}{measures.remaining(confirmed, total, progress.rate)}"
    label = _cut(safe_line(progress.label), max(0, width // 4))
    for figures in ((percent, amount, end), (percent, end)):
        room = width - sum(map(cells, (label, *figures))) - _GAP_CELLS * (len(figures) + 1)
        if label and room >= BAR_LEAST:
            bar = "".join(measures.bar(confirmed, total, min(room, BAR_MOST)))
            return _GAP.join((label, bar, *figures))
    for parts in ((label, percent, end), (percent, end)):
        line = _GAP.join(parts)
        if cells(line) <= width:
            return line
    return _cut(f"{percent}{_GAP}{end}", width) if progress.note else percent[: max(0, width)]


def terminal_columns(stream: TextIO) -> int:
    """Returns the width of the terminal behind a stream."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or COLUMNS_DEFAULT
    except (OSError, ValueError):
        return COLUMNS_DEFAULT


def cells(text: str) -> int:
    """Returns how many cells text takes at most: East Asian wide characters and emoji take two (UAX #11)."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _cut(text: str, width: int) -> str:
    if cells(text) <= width:
        return text
    if width < 1:
        return ""
    while text and cells(text) > width - 1:
        text = text[:-1]
    return text + "…"


def _can_write(stream: TextIO, line: str) -> bool:
    try:
        line.encode(stream.encoding or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True
