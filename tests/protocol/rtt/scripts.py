"""Texts for the properties of real-time text: scripts and emoji in which a character has many code points."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

PIECES: Final = [
    *"aez .!1",
    *["\u0301", "\u0308", "\ufe0f", "\u20e3", "\u200d", "\u200c", "\u0600"],  # accents, selectors, joiners, prepended
    *["👨", "👩", "👧", "👨\u200d👩\u200d👧", "👍", "\U0001f3fd", "🇸", "🇪", "🇩🇪"],
    *["\u1112", "\u1161", "\u11ab", "한"],
    *["\u0915", "\u094d", "\u0937", "\u093f", "म"],
    *"שלום",
    *"漢字",
    *["\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"],
]
"""Half of them change what came before: they are where counting goes wrong."""


def text_of(pieces: list[str], most: int) -> st.SearchStrategy[str]:
    """Texts of at most so many of these pieces.

    Hypothesis draws the letters of a text at once, and the elements of a list one by one, which takes longer than what
    most properties do with them. So each piece has a letter.
    """
    letters = {chr(0x4E00 + number): piece for number, piece in enumerate(pieces)}
    return st.text("".join(letters), max_size=most).map(lambda text: "".join(map(letters.__getitem__, text)))


text_of_many_scripts = st.one_of(
    text_of(PIECES, 60),
    st.tuples(st.sampled_from(PIECES), st.integers(30, 300)).map(lambda repeated: repeated[0] * repeated[1]),
)
