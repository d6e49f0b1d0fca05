"""The README's picture shows the program as it is."""

from __future__ import annotations

import re

from tests.tui.picture import PICTURE, draw


def words(svg: str) -> list[str]:
    """The text in a picture, without how it is drawn."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


async def test_the_picture_of_the_readme_is_up_to_date() -> None:
    assert words(PICTURE.read_text()) == words(await draw()), "draw it again: python -m tests.tui.picture"
