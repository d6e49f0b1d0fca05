r"""Characters as a person counts them: extended grapheme clusters (UAX #29).

T.140 has one way to take text back, "erase the last character", and does not say what a character is. Here one erasure
takes what a person would call one: a letter with its accents, a family emoji, a flag. Sender and receiver must cut a
line at the same places, so both do it here.

Cutting a text at a cluster border gives the same clusters on both sides of the cut, because a border depends on
nothing before the cluster that it ends. The receiver's line and the diff of the sender both build on that.
"""

from __future__ import annotations

from typing import Final

import regex

GRAPHEME: Final = "g"
"""Erase unit: an extended grapheme cluster. What every unit other than `c` is taken for."""

CODE_POINT: Final = "c"
"""Erase unit of gateways to programs that count code points (XEP-0301)."""

CLUSTER_CHARACTERS: Final = 32
"""Longest cluster, in code points; a longer one is cut. A family of four with skin tones has 11, so only abuse does."""

_BLOCK: Final = 256
"""Code points that are read at once: `regex` takes quadratic time over a row of regional indicators."""

_CLUSTER: Final = regex.compile(r"\X")
_UNASSIGNED: Final = regex.compile(r"\p{Cn}")

_NEW_IN: Final = {"17.0": "\u20c1", "16.0": "\u1c89", "15.1": "\u2ffc"}
"""A character that each version was the first to have. `regex` does not say which version it has."""


def split(text: str, unit: str = GRAPHEME) -> list[str]:
    """Returns the units of a text, in order; joined, they are the text.

    Args:
        text: a line, from its start or from a border between two of its units.
        unit: `c` for code points; anything else means grapheme clusters.
    """
    if unit == CODE_POINT or (text.isascii() and "\r" not in text):
        return list(text)
    units: list[str] = []
    start = 0
    while start < len(text):
        block = text[start : start + _BLOCK]
        clusters = _CLUSTER.findall(block)
        if len(block) == _BLOCK and len(clusters) > 1:
            clusters.pop()  # It may go on behind the block.
        for cluster in clusters:
            # What follows a cut is read afresh, so that a line that grows and a line read at once are cut alike.
            units.append(cluster[:CLUSTER_CHARACTERS])
            start += len(units[-1])
            if len(cluster) > CLUSTER_CHARACTERS:
                break
    return units


def unicode_version() -> str:
    """Returns the version of Unicode by which clusters are cut: the latest that is known here; empty when none is."""
    return next((version for version, character in _NEW_IN.items() if not _UNASSIGNED.match(character)), "")


def count(text: str, unit: str = GRAPHEME) -> int:
    """Returns how many erasures take the whole text away."""
    return len(split(text, unit))


def erase_last(text: str, unit: str = GRAPHEME) -> str:
    """Returns the text without its last unit; of the empty text, the empty text."""
    return "".join(split(text, unit)[:-1])


def shared(old: list[str], new: list[str]) -> int:
    """Returns how many units two lines have in common at their beginning."""
    same = 0
    for before, after in zip(old, new, strict=False):
        if before != after:
            break
        same += 1
    return same
