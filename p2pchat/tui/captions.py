"""Captions: what was said last, as rows for the whole screen in large letters. Pure; knows nothing of Textual.

Rules
    1. Newest at the bottom. Whole lines only: what does not fit disappears at the top, a line at a time.
    2. Above the first line, and wherever another speaks, a row says who it is and whether it is still being typed.
    3. Words with a character that the font does not have have lines of their own, in plain text: two spaces between
       words, and a free row below. All words keep their order.
    4. No row is wider than the screen, and none holds a control character.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import accumulate, groupby
from typing import Final

import regex
from rich.cells import cell_len

from p2pchat.tui.content import many_lines, one_line
from p2pchat.tui.large_letters import CELL_ROWS, Size, clusters, has_all, letters, measure
from p2pchat.tui.model import Conversation
from p2pchat.tui.rows import LiveRow, MessageRow

CURSOR: Final = "▌"
"""Stands where a line is still growing."""

LARGE_FROM: Final = (80, 24)
"""Smallest terminal with large letters, in cells: 13 of them side by side, and four lines."""

LAST_UTTERANCES: Final = 40
"""Utterances that are looked at: the tallest terminals show fewer, and the rest would only cost time."""

_SPACES: Final = regex.compile(r"\s+")


class Kind(Enum):
    """What a row of the screen holds."""

    SPEAKER = "speaker"
    LARGE = "large"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class CaptionRow:
    """One row of the screen."""

    text: str = ""
    kind: Kind = Kind.PLAIN


@dataclass(frozen=True, slots=True)
class Utterance:
    """What somebody says."""

    heading: str
    """Who, and whether it is still being typed."""
    text: str
    live: bool = False


def letter_size(width: int, height: int) -> Size:
    """The larger of both sizes where there is space for it."""
    return Size.LARGE if width >= LARGE_FROM[0] and height >= LARGE_FROM[1] else Size.MEDIUM


def utterances(conversation: Conversation, everybody: bool = False) -> list[Utterance]:
    """What was said last, oldest first, and then what is being typed.

    Args:
        conversation: where it was said.
        everybody: also what we have said.
    """
    said = [row for row in conversation.rows.values() if isinstance(row, MessageRow) and (row.peer or everybody)]
    return [*map(_finished, said[-LAST_UTTERANCES:]), *map(_growing, conversation.live.values())]


def page(said: Sequence[Utterance], width: int, height: int, size: Size) -> list[CaptionRow]:
    """The rows of the screen.

    Args:
        said: what was said, oldest first.
        width: the width of the screen, in cells.
        height: its height, in rows; so many are returned.
        size: how large the letters are.
    """
    shown: list[CaptionRow] = []
    heading = ""
    for utterance in reversed(said):
        for rows in _blocks(utterance, _share(said, height), width, size):
            above = [CaptionRow(heading, Kind.SPEAKER)] if shown and utterance.heading != heading else []
            if len(rows) + len(above) + len(shown) >= height:
                return _filled(heading, shown, height)
            shown = [*rows, *above, *shown]
            heading = utterance.heading
    return _filled(heading, shown, height)


def _finished(row: MessageRow) -> Utterance:
    mark = f" ({row.mark})" if row.mark else ""
    return Utterance(one_line(row.label) + mark, row.text)


def _growing(row: LiveRow) -> Utterance:
    state = "is typing" if row.interrupted_at is None else "(interrupted)"
    return Utterance(f"{one_line(row.label)} {state}", row.text, live=row.interrupted_at is None)


def _filled(heading: str, shown: list[CaptionRow], height: int) -> list[CaptionRow]:
    """The rows with the name of whoever said the first of them, at the bottom of the screen."""
    rows = [CaptionRow(heading, Kind.SPEAKER), *shown] if shown else []
    return ([CaptionRow()] * (height - len(rows)) + rows)[:height]


def _share(said: Sequence[Utterance], height: int) -> int:
    """Most lines of somebody who is typing: with several, none pushes another off the screen."""
    return max(1, height // (CELL_ROWS + 1) // max(1, sum(utterance.live for utterance in said)))


def _blocks(utterance: Utterance, share: int, width: int, size: Size) -> Iterator[tuple[CaptionRow, ...]]:
    """The rows of each line of an utterance, the last line first."""
    text = many_lines(utterance.text) + (CURSOR if utterance.live else "")
    lines = _wrapped(text, width, size)
    for line, large in reversed(lines[-share:] if utterance.live else lines):
        if large:
            yield tuple(CaptionRow(row, Kind.LARGE) for row in letters(line, size))
        else:
            yield CaptionRow(line), CaptionRow()


@lru_cache(maxsize=2 * LAST_UTTERANCES)
def _wrapped(text: str, width: int, size: Size) -> list[tuple[str, bool]]:
    """Lines that fit the width, and whether the font has them."""
    lines: list[tuple[str, bool]] = []
    for large, words in _runs(text):
        gap = " " if large else "  "
        line, used, gap_cells = "", 0, measure(gap, size) if large else 2
        for word, cells in _pieces(words, width, size if large else None):
            if line and used + gap_cells + cells <= width:
                line, used = f"{line}{gap}{word}", used + gap_cells + cells
            else:
                lines += [(line, large)] if line else []
                line, used = word, cells
        lines += [(line, large)] if line else []
    return lines


def _runs(text: str) -> Iterator[tuple[bool, list[str]]]:
    """Words that stand together in their order: those that the font has, and those that it does not have."""
    for paragraph in text.split("\n"):
        for large, words in groupby(filter(None, _SPACES.split(paragraph)), key=has_all):
            yield large, list(words)


def _pieces(words: Iterable[str], width: int, size: Size | None) -> Iterator[tuple[str, int]]:
    """Words with their widths in cells; one that is wider than the screen in several pieces."""
    for word in words:
        cells = _cells(word, size)
        if cells <= width:
            yield word, cells
            continue
        parts = clusters(word)
        widths = [_cells(part, size) for part in parts]
        while parts:
            fitting = max(1, sum(1 for total in accumulate(widths) if total <= width))
            yield "".join(parts[:fitting]), sum(widths[:fitting])
            parts, widths = parts[fitting:], widths[fitting:]


def _cells(text: str, size: Size | None) -> int:
    return cell_len(text) if size is None else measure(text, size)
