"""Where a text occurs in what was said, and how that is marked.

Case is ignored (Unicode case folding), accents count, and any white space is like a single space: what is found in a
line is found in the same line wrapped. Characters are what a person takes for one (UAX #29): `e` is not found in `é`,
however that is composed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from unicodedata import normalize

import regex
from textual.content import Content

from p2pchat.tui.content import many_lines, transfer_title
from p2pchat.tui.layouts.turns import Turn
from p2pchat.tui.rows import MessageRow, NoticeRow, TransferRow

HERE: Final = "▸"
"""Stands before the row that was gone to."""

_CLUSTER: Final = regex.compile(r"\X")
_SPACES: Final = regex.compile(r"\s+")
_WORDS: Final = regex.compile(r"\S+(?: \S+)*")
"""What is inverted of a match that goes on in the next line: not the indent between."""


def found(items: Mapping[str, object], wanted: str) -> list[str]:
    """The keys of what a text occurs in, newest first; none for a text of white space.

    Args:
        items: rows of the timeline or turns, oldest first.
        wanted: what is searched for.
    """
    folded = _folded(wanted).strip()
    return [key for key, item in reversed(list(items.items())) if folded and _occurs(folded, _text(item))]


def searchable(items: Mapping[str, object]) -> int:
    """How many of them are looked into."""
    return sum(bool(_text(item)) for item in items.values())


def occurrences(text: str, wanted: str) -> list[tuple[int, int]]:
    """Where a text occurs in another: beginning and end of each, in characters of the other; they do not overlap."""
    folded = _folded(wanted).strip()
    if not folded:
        return []
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    inside: set[int] = set()
    for match in _CLUSTER.finditer(text):
        for number, letter in enumerate(_folded(match[0])):
            if letter == " " and letters and letters[-1] == " ":
                ends[-1] = match.end()
                continue
            # A folded letter may be two, as in `ß`, and half of it is found. Half a family of emoji is not.
            if number and len(normalize("NFC", match[0])) > 1:
                inside.add(len(letters))
            letters.append(letter)
            starts.append(match.start())
            ends.append(match.end())
    joined, places, at = "".join(letters), [], 0
    while (at := joined.find(folded, at)) >= 0:
        if at in inside or at + len(folded) in inside:
            at += 1
            continue
        places.append((starts[at], ends[at + len(folded) - 1]))
        at += len(folded)
    return places


def marked(content: Content, wanted: str, here: bool) -> Content:
    """A row as it is drawn, with every occurrence inverted.

    Args:
        content: the row.
        wanted: what was searched for.
        here: whether it is the row that was gone to. A sign says so where its first cell is free.
    """
    style = "bold underline reverse" if here else "reverse"
    for start, end in occurrences(content.plain, wanted):
        for words in _WORDS.finditer(content.plain, start, end):
            content = content.stylize(style, words.start(), words.end())
    if here and content.plain.startswith(" "):
        return Content.assemble((HERE, "bold $accent"), content[1:])
    return content


@lru_cache(maxsize=2048)
def _occurs(folded: str, text: str) -> bool:
    """Whether it occurs. The quick look keeps the careful one to what is probably a match."""
    return folded in _folded(text) and bool(occurrences(text, folded))


def _folded(text: str) -> str:
    """A text without differences that a search ignores."""
    return str(_SPACES.sub(" ", normalize("NFC", normalize("NFD", text).casefold())))


def _text(item: object) -> str:
    """What a row says, as it is shown; empty for one that says nothing of its own."""
    match item:
        case MessageRow() | Turn():
            return many_lines(item.text)
        case NoticeRow():
            return many_lines(f"{item.text}. {item.hint}" if item.hint else item.text)
        case TransferRow():
            return transfer_title(item.info)
        case _:
            return ""
