"""Places in a line of text that a cursor may stand at: between grapheme clusters (UAX #29), never inside one.

A cluster is what a person takes for one character: a flag, a family of emoji, a letter with its accents, a syllable of
Devanagari or Hangul; the same that one erasure takes at a peer. Places are code points from the beginning of the line.
"""

from __future__ import annotations

from itertools import accumulate, takewhile
from typing import Final

import regex

from p2pchat.protocol.rtt.graphemes import split

_WORD: Final = regex.compile(r"[\w\p{M}]")
"""What makes a cluster a part of a word; `\\w` alone leaves an accent out that stands at the beginning."""


def before(line: str, place: int) -> int:
    """One cluster further to the left."""
    clusters = split(line[:place])
    return place - len(clusters[-1]) if clusters else 0


def after(line: str, place: int) -> int:
    """One cluster further to the right."""
    return place + len(next(iter(split(line[place:])), ""))


def word_before(line: str, place: int) -> int:
    """The beginning of the word to the left, or of what stands between words, such as emoji; spaces are skipped."""
    return place - _word(list(reversed(split(line[:place]))))


def word_after(line: str, place: int) -> int:
    """The end of the word to the right, or of what stands between words; spaces are skipped."""
    return place + _word(split(line[place:]))


def border(line: str, place: int) -> int:
    """The place itself, or the end of the cluster that it is inside."""
    return next((end for end in accumulate(map(len, split(line)), initial=0) if end >= place), len(line))


def _word(clusters: list[str]) -> int:
    """How many code points the first word of some clusters takes, with the spaces before it."""
    spaces = list(takewhile(str.isspace, clusters))
    rest = clusters[len(spaces) :]
    kind = bool(rest) and _in_word(rest[0])
    word = takewhile(lambda cluster: not cluster.isspace() and _in_word(cluster) is kind, rest)
    return sum(map(len, spaces)) + sum(map(len, word))


def _in_word(cluster: str) -> bool:
    return _WORD.match(cluster) is not None
