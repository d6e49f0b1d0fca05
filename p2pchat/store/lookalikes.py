"""Which names would a person take for one another?

Somebody who wants to be taken for Ben calls himself `BEN`, `bеn` with a Cyrillic letter, or `Bén`. `likeness` gives all
of them the same text. It follows the idea of UTS #39 ("Unicode Security Mechanisms") §4 with a small table: Latin
letters, and the Cyrillic and Greek ones and the digits that look like them. It errs on the side of taking names for
alike: that costs a question, and the other error costs trust in the wrong person.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from p2pchat.protocol.untrusted import safe_line

_LETTERS: Final = str.maketrans(
    "авсеһніјкморѕтухԁԛԝӏαβεζηικμνορτυχıɑɡ",
    "abcehhijkmopstyxdqwlabezhikmnoptyxiag",
)
"""Letters, in lower case, after the plain one that they look like in either case: case must not count."""

_STROKES: Final = str.maketrans("01i|", "olll")
"""What is hard to tell apart in many typefaces: 0 and o; 1, i, l and |."""

_PAIRS: Final = (("rn", "m"), ("vv", "w"))
_ACCENTS: Final = range(0x0300, 0x0370)
"""Combining Diacritical Marks: what Latin, Greek and Cyrillic carry. Marks of other scripts are vowels, and count."""


def likeness(name: str) -> str:
    """Returns a text that is the same for names which look alike; not for showing.

    Case, accents, spaces and punctuation don't count, unless the name has nothing else. Empty for the empty name only.
    """
    folded = unicodedata.normalize("NFKC", safe_line(name)).casefold()
    plain = unicodedata.normalize("NFKD", folded).translate(_LETTERS).translate(_STROKES)
    kept = "".join(c for c in plain if ord(c) not in _ACCENTS and unicodedata.category(c)[0] not in "ZPC")
    for pair, single in _PAIRS:
        kept = kept.replace(pair, single)
    return kept or plain
