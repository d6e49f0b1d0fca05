"""Texts beside each other, in columns of equal width with a rule between them.

Terminals do not agree on how wide some characters are (families of emoji, flags), and some write from right to left by
their own rules. Behind such a text nothing can be put into its place by counting cells, so nothing is: it is the last
on its line. What stands to the right of it goes one line further down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import regex
from textual.content import Content

COLUMN_LEAST: Final = 18
"""Narrowest column, in cells: two words of a usual length."""

RULE_CELLS: Final = 3
"""From the end of one column to the beginning of the next, in cells."""

_UNSTEADY = regex.compile(r"[\u200d\ufe0f\u20e3\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\p{bc=R}\p{bc=AL}]")
"""Joined emoji, emoji made of symbols, flags, skin tones, and scripts that are written from right to left."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Columns of equal width."""

    count: int
    cells: int
    """The width of each, in cells."""

    @classmethod
    def of(cls, count: int, width: int) -> Geometry:
        """So many columns in a width in cells; one cell stays free at each edge."""
        return cls(count, max(2, (width - 2 - RULE_CELLS * (count - 1)) // max(1, count)))

    def lines(self, texts: Mapping[int, Content]) -> list[Content]:
        """Puts texts, each of one line and no wider than a column, beside each other.

        Args:
            texts: by number of the column, from 0. A column that is not there stays empty.

        Returns:
            One line; more where a text has to be the last on its line.
        """
        lines: list[Content] = []
        line, at = Content(" "), 0
        for column in sorted(texts):
            if not steady(line.plain):
                lines.append(line)
                line, at = Content(" "), 0
            line, at = self._to(line, at, column) + texts[column], column
        if steady(line.plain):
            line = self._to(line, at, self.count - 1)
        return [*lines, line]

    def _to(self, line: Content, at: int, column: int) -> Content:
        """A line that ends in a column, filled up to the beginning of one further right."""
        for number in range(at, column):
            end = 1 + self.cells + number * (self.cells + RULE_CELLS)
            line = Content.assemble(line, " " * max(0, end - line.cell_length), " ", ("│", "$rule"), " ")
        return line


def most_columns(width: int) -> int:
    """How many columns fit into a width in cells; at least one."""
    return max(1, (width - 2 + RULE_CELLS) // (COLUMN_LEAST + RULE_CELLS))


def steady(text: str) -> bool:
    """Whether every terminal takes as many cells for a text as we count."""
    return _UNSTEADY.search(text) is None
