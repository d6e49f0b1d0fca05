"""What docs/connectivity.md promises: it is written there and nowhere else, and the tests hold the program to it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "connectivity.md"


def rows(heading: str) -> list[list[str]]:
    """Returns the cells of each row of the table under a heading, without its head."""
    table = [line for line in _section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in table[2:]]


def _section(heading: str) -> str:
    parts = re.split(r"^#+ (.+)$", PAGE.read_text(), flags=re.MULTILINE)
    assert heading in parts, f"{PAGE.name} has nothing about: {heading}"
    return parts[parts.index(heading) + 1]


def seconds(cell: str) -> float:
    """Returns the time that a cell ends with, such as `direct 0.3 s`; 0 when there is none."""
    found = re.search(r"([0-9.]+) s$", cell)
    return float(found[1]) if found else 0.0
