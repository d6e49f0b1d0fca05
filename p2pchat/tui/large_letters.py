"""Large letters from block characters: a font of dots for what is written with Latin letters, digits and punctuation.

A glyph is ten dots high and as wide as it needs to be. From top to bottom: one row for accents only, two in which tall
letters begin, five for small letters, and two below the line. Two rows of dots share a row of cells. Accents are put on
letters here, and tall letters make room for them.
"""

from __future__ import annotations

import unicodedata
from enum import Enum
from functools import lru_cache
from typing import Final

import regex

DOTS: Final = 10
"""The height of a glyph, in dots."""

CELL_ROWS: Final = DOTS // 2
"""The height of a line of letters, in rows of cells."""


class Size(Enum):
    """How wide a dot is. The value is how many share a cell, side by side."""

    LARGE = 1
    MEDIUM = 2


_TALL: Final = """
A     B     C     D     E     F     G     H     I   J     K     L     M
.###. ####. .###. ####. ##### ##### .###. #...# ### ..### #...# #.... #...#
#...# #...# #...# #...# #.... #.... #...# #...# .#. ...#. #..#. #.... ##.##
#...# #...# #.... #...# #.... #.... #.... #...# .#. ...#. #.#.. #.... #.#.#
##### ####. #.... #...# ####. ####. #.### ##### .#. ...#. ##... #.... #.#.#
#...# #...# #.... #...# #.... #.... #...# #...# .#. ...#. #.#.. #.... #...#
#...# #...# #...# #...# #.... #.... #...# #...# .#. #..#. #..#. #.... #...#
#...# ####. .###. ####. ##### #.... .###. #...# ### .##.. #...# ##### #...#

N     O     P     Q     R     S     T     U     V     W     X     Y     Z
#...# .###. ####. .###. ####. .#### ##### #...# #...# #...# #...# #...# #####
#...# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....#
##..# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#.
#.#.# #...# ####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#..
#..## #...# #.... #.#.# #.#.. ....# ..#.. #...# #...# #.#.# .#.#. ..#.. .#...
#...# #...# #.... #..#. #..#. ....# ..#.. #...# .#.#. #.#.# #...# ..#.. #....
#...# .###. #.... .##.# #...# ####. ..#.. .###. ..#.. .#.#. #...# ..#.. #####

0     1   2     3     4     5     6     7     8     9     Æ       Œ       Ø     Đ      Ł      Þ
.###. .#. .###. ####. ...#. ##### ..##. ##### .###. .###. ..##### .###### .#### .####. .#.... #....
#...# ##. #...# ....# ..##. #.... .#... ....# #...# #...# .#.#... #..#... #..## .#...# .#.... ####.
#..## .#. ....# ....# .#.#. ####. #.... ...#. #...# #...# #..#... #..#... #..## .#...# .#.#.. #...#
#.#.# .#. ...#. .###. #..#. ....# ####. ..#.. .###. .#### ######. #..###. #.#.# ###..# .##... #...#
##..# .#. ..#.. ....# ##### ....# #...# .#... #...# ....# #..#... #..#... ##..# .#...# ##.... ####.
#...# .#. .#... ....# ...#. #...# #...# .#... #...# ...#. #..#... #..#... ##..# .#...# .#.... #....
.###. ### ##### ####. ...#. .###. .###. .#... .###. .##.. #..#### .###### ####. .####. .##### #....
"""

_SMALL: Final = """
a     b     c     d     e     f    g     h     i   j    k    l   m
..... #.... ..... ....# ..... ..## ..... #.... .#. ...# #... ##. .....
..... #.... ..... ....# ..... .#.. ..... #.... ... .... #... .#. .....
.###. #.##. .###. .##.# .###. .#.. .#### #.##. ##. ..## #..# .#. ##.#.
....# ##..# #.... #..## #...# ###. #...# ##..# .#. ...# #.#. .#. #.#.#
.#### #...# #.... #...# ##### .#.. #...# #...# .#. ...# ##.. .#. #.#.#
#...# #...# #...# #...# #.... .#.. #...# #...# .#. ...# #.#. .#. #.#.#
.#### ####. .###. .#### .###. .#.. .#### #...# ### ...# #..# ### #.#.#
..... ..... ..... ..... ..... .... ....# ..... ... #..# .... ... .....
..... ..... ..... ..... ..... .... .###. ..... ... .##. .... ... .....

n     o     p     q     r    s     t    u     v     w     x     y     z
..... ..... ..... ..... .... ..... .#.. ..... ..... ..... ..... ..... .....
..... ..... ..... ..... .... ..... .#.. ..... ..... ..... ..... ..... .....
#.##. .###. ####. .#### #.## .#### ###. #...# #...# #...# #...# #...# #####
##..# #...# #...# #...# ##.. #.... .#.. #...# #...# #.#.# .#.#. #...# ...#.
#...# #...# #...# #...# #... .###. .#.. #...# #...# #.#.# ..#.. #...# ..#..
#...# #...# #...# #...# #... ....# .#.. #..## .#.#. #.#.# .#.#. #...# .#...
#...# .###. ####. .#### #... ####. ..## .##.# ..#.. .#.#. #...# .#### #####
..... ..... #.... ....# .... ..... .... ..... ..... ..... ..... ....# .....
..... ..... #.... ....# .... ..... .... ..... ..... ..... ..... .###. .....

ß     æ       œ       ø     đ      ł   ı   þ     ð     ,  ;  „    ‚  _     |
.##.. ....... ....... ..... ....#. ##. ... #.... .#.#. .. .. .... .. ..... #
#..#. ....... ....... ..... ...### .#. ... #.... ..#.. .. .. .... .. ..... #
#..#. .##.##. .##.##. .#### .##.#. .## ##. ####. .#.#. .. ## .... .. ..... #
#.##. ...#..# #..#..# #..## #..##. ##. .#. #...# .#### .. ## .... .. ..... #
#...# .###### #..#### #.#.# #...#. .#. .#. #...# #...# .. .. .... .. ..... #
#...# #..#... #..#... ##..# #...#. .#. .#. #...# #...# ## ## .... .. ..... #
#.##. .##.##. .##.##. ####. .####. ### ### ####. .###. ## ## .#.# .# ..... #
..... ....... ....... ..... ...... ... ... #.... ..... .# .# .#.# .# ##### #
..... ....... ....... ..... ...... ... ... #.... ..... #. #. #.#. #. ..... #
"""

_SIGNS: Final = """
! "   #     $     %     &     ' (   )   *     +     -   .  /     :  <    =     >    ?     @
# #.# .#.#. ..#.. ##..# .##.. # ..# #.. ..... ..... ... .. ....# .. ...# ..... #... .###. .###.
# #.# .#.#. .#### ##..# #..#. # .#. .#. ..#.. ..#.. ... .. ....# .. ..#. ..... .#.. #...# #...#
# ... ##### #.#.. ...#. #.#.. . #.. ..# #.#.# ..#.. ... .. ...#. ## .#.. ##### ..#. ....# #.###
# ... .#.#. .###. ..#.. .#... . #.. ..# .###. ##### ### .. ..#.. ## #... ..... ...# ...#. #.#.#
# ... ##### ..#.# .#... #.#.# . #.. ..# #.#.# ..#.. ... .. .#... .. .#.. ##### ..#. ..#.. #.###
. ... .#.#. ####. #..## #..#. . .#. .#. ..#.. ..#.. ... ## #.... ## ..#. ..... .#.. ..... #....
# ... .#.#. ..#.. #..## .##.# . ..# #.. ..... ..... ... ## #.... ## ...# ..... #... ..#.. .###.

[   \\     ]   ^     `  {   }   ~     ¡ ¿     €     £     °   §     · –     —       «     »     ‹  ›
### #.... ### ..#.. #. ..# #.. ..... # ..#.. ..### ..##. .#. .###. . ..... ....... ..... ..... .. ..
#.. #.... ..# .#.#. .# .#. .#. ..... . ..... .#... .#..# #.# #.... . ..... ....... ..... ..... .. ..
#.. .#... ..# #...# .. .#. .#. .#..# # ..#.. ####. .#... .#. .###. . ..... ....... .#..# #..#. .# #.
#.. ..#.. ..# ..... .. #.. ..# #.#.# # .#... .#... ####. ... #...# # ##### ####### #..#. .#..# #. .#
#.. ...#. ..# ..... .. .#. .#. #..#. # #.... ####. .#... ... .###. . ..... ....... .#..# #..#. .# #.
#.. ....# ..# ..... .. .#. .#. ..... # #...# .#... .#... ... ....# . ..... ....... ..... ..... .. ..
### ....# ### ..... .. ..# #.. ..... # .###. ..### ##### ... .###. . ..... ....... ..... ..... .. ..

÷     •   �     ▌
..... ... ..... ##
..#.. ... ..#.. ##
..... ### .###. ##
##### ### ##### ##
..... ### .###. ##
..#.. ... ..#.. ##
..... ... ..... ##
"""

_ABOVE: Final = {
    "\u0300": ("#..", ".#."),  # grave
    "\u0301": ("..#", ".#."),  # acute
    "\u0302": (".#.", "#.#"),  # circumflex
    "\u0303": (".#..#", "#.##."),  # tilde
    "\u0304": ("###",),  # macron
    "\u0306": ("#...#", ".###."),  # breve
    "\u0307": ("#",),  # dot
    "\u0308": ("#.#",),  # diaeresis
    "\u0309": ("##", ".#"),  # hook
    "\u030a": ("###", "#.#"),  # ring
    "\u030b": ("..#.#", ".#.#."),  # double acute
    "\u030c": ("#.#", ".#."),  # caron
}
"""Accents above a letter."""

_BELOW: Final = {
    "\u0323": ("...", ".#."),  # dot
    "\u0326": (".#.", "#.."),  # comma
    "\u0327": (".#.", "##."),  # cedilla
    "\u0328": (".#.", ".##"),  # ogonek
}
"""Accents below a letter."""

_SAME: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‛ʼ′", "'"),
        **dict.fromkeys("“”‟″", '"'),
        **dict.fromkeys("‐‑", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f", " "),
        "−": "–",
        "…": "...",
        "×": "x",
        "Ð": "Đ",
    }
)
"""What looks like something else, at this size."""

_BLOCKS: Final = {
    Size.LARGE: (" ▀", "▄█"),
    Size.MEDIUM: (" ▝▘▀", "▗▐▚▜", "▖▞▌▛", "▄▟▙█"),
}
"""The block character of a cell, by the dots of its lower and of its upper row, each read as a binary number."""

_CLUSTER: Final = regex.compile(r"\X")


def clusters(text: str) -> list[str]:
    """The characters of a text, as a person counts them (UAX #29)."""
    found: list[str] = _CLUSTER.findall(text)
    return found


def has_all(text: str) -> bool:
    """Whether the font has every character of a text of one line."""
    return all(_glyph(cluster) is not None for cluster in clusters(text.translate(_SAME)))


def measure(text: str, size: Size) -> int:
    """The width of a text that the font has, in cells. Two texts side by side are no wider than both widths added."""
    dots = sum(len(glyph[0]) for cluster in clusters(text.translate(_SAME)) if (glyph := _glyph(cluster)))
    return -(-dots // size.value)


@lru_cache(maxsize=256)
def letters(text: str, size: Size) -> tuple[str, ...]:
    """A text that the font has, as `CELL_ROWS` rows of block characters of the same width."""
    glyphs = [glyph for cluster in clusters(text.translate(_SAME)) if (glyph := _glyph(cluster))]
    width = measure(text, size) * size.value
    rows = ["".join(parts).ljust(width, ".") for parts in zip(*glyphs, strict=True)] or ["." * width] * DOTS
    return tuple(_cells(upper, lower, size) for upper, lower in zip(rows[::2], rows[1::2], strict=True))


def _cells(upper: str, lower: str, size: Size) -> str:
    """One row of cells from two rows of dots."""
    blocks, step = _BLOCKS[size], size.value
    pairs = ((_number(lower[at : at + step]), _number(upper[at : at + step])) for at in range(0, len(upper), step))
    return "".join(blocks[low][high] for low, high in pairs)


def _number(dots: str) -> int:
    return int(dots.replace("#", "1").replace(".", "0"), 2)


@lru_cache(maxsize=1024)
def _glyph(cluster: str) -> tuple[str, ...] | None:
    """The dots of a character, with a free column at the right; None if the font does not have it."""
    if cluster in _GLYPHS:
        return tuple(f"{row}." for row in _GLYPHS[cluster])
    base, *marks = list(unicodedata.normalize("NFD", cluster))
    above, below = (
        [_ABOVE[mark] for mark in marks if mark in _ABOVE],
        [_BELOW[mark] for mark in marks if mark in _BELOW],
    )
    rows = _GLYPHS.get(base)
    if rows is None or len(above) > 1 or len(below) > 1 or len(above) + len(below) < len(marks):
        return None
    if above:
        rows = _roof(_lowered(rows, base, len(above[0])), above[0])
    if below:
        rows = _merged(rows, [*[""] * (DOTS - 2), *below[0]])
    return tuple(f"{row}." for row in rows)


def _lowered(rows: list[str], base: str, needed: int) -> list[str]:
    """The letter with its accent rows free: without a dot of its own, and less tall when it would be in the way."""
    blank = "." * len(rows[0])
    if base in "ij" or rows[1] == blank:
        return [blank, blank, *rows[2:]]
    if needed == 1:
        return [blank, blank, rows[1], *rows[3:]]
    return [blank, blank, blank, rows[1], *rows[3:6], *rows[7:]]


def _roof(rows: list[str], accent: tuple[str, ...]) -> list[str]:
    """The letter with an accent; a low one stands right above small letters, and on top above tall ones."""
    free = 1 if len(accent) == 1 and set(rows[2]) == {"."} else 0
    return _merged(rows, [*[""] * free, *accent, *[""] * (DOTS - free - len(accent))])


def _merged(rows: list[str], mark: list[str]) -> list[str]:
    """Both over one another, each in the middle."""
    width = max(len(rows[0]), max(map(len, mark)))
    pairs = zip((_middle(row, width) for row in rows), (_middle(row, width) for row in mark), strict=True)
    return ["".join("#" if "#" in dots else "." for dots in zip(*pair, strict=True)) for pair in pairs]


def _middle(row: str, width: int) -> str:
    left = (width - len(row)) // 2
    return ("." * left + row).ljust(width, ".")


def _drawn(*tables: str) -> dict[str, list[str]]:
    """The glyphs of the tables by their character: a line with the characters, then the dots of each below it."""
    glyphs = {" ": [".."] * DOTS}
    for table in tables:
        for band in table.strip("\n").split("\n\n"):
            characters, *lines = (line.split() for line in band.split("\n"))
            for number, character in enumerate(characters):
                rows = [line[number] for line in lines]
                blank = "." * len(rows[0])
                glyphs[character] = [blank, *rows, *[blank] * (DOTS - 1 - len(rows))]
    return glyphs


_GLYPHS: Final = _drawn(_TALL, _SMALL, _SIGNS)
