"""Progress of a transfer on a terminal: one line of standard error, drawn over and over, and cleared at the end."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from typing import Final, TextIO

from p2pchat.protocol.untrusted import safe_line
from p2pchat.tui import measures

BAR_LEAST: Final = 8
"""Cells of the shortest bar: on a narrower terminal there is none."""

COLUMNS_DEFAULT: Final = 80
"""Width of a terminal that does not tell."""

_GAP: Final = "  "


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

    def draw(self, label: str, confirmed: int, total: int, rate: float) -> None:
        """Shows that `confirmed` of `total` bytes are done, at `rate` bytes per second. The label is cut to fit."""
        # A line that fills the last column makes some terminals begin another one.
        width = self._columns() - 1
        line = progress_line(label, confirmed, total, rate, width)
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


def progress_line(label: str, confirmed: int, total: int, rate: float, width: int) -> str:
    """Returns `film.mov  ━━━━━━╸───   71 %   92.1 MB/s   0:04`, at most `width` cells wide."""
    percent = f"{measures.percent(confirmed, total):3} %"
    figures = _GAP.join((percent, f"{measures.rate(rate):>9}", measures.remaining(confirmed, total, rate)))
    if width < len(figures):
        return percent[: max(0, width)]
    shown = _cut(safe_line(label), width // 3)
    room = width - cells(shown) - len(figures) - 2 * len(_GAP)
    if room < BAR_LEAST:
        return figures
    return _GAP.join((shown, "".join(measures.bar(confirmed, total, room)), figures))


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
    while text and cells(text) > width - 1:
        text = text[:-1]
    return text + "…"


def _can_write(stream: TextIO, line: str) -> bool:
    try:
        line.encode(stream.encoding or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True
