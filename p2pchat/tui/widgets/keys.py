"""The keys of a list, a panel or a question, written out where they work."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content

from p2pchat.tui.actions import ACTIONS, Where, key_name
from p2pchat.tui.widgets.drawn import Drawn


def named_keys(where: Where) -> list[tuple[str, str]]:
    """The actions of a place: the name of each, and its key with its word."""
    return [
        (action.name, f"{key_name(action.keys[0])} {action.short}")
        for action in ACTIONS
        if action.where is where and action.short
    ]


def key_words(where: Where) -> list[str]:
    """The keys of a place with their words, from the registry of actions: `Enter accept`."""
    return [word for _, word in named_keys(where)]


def key_lines(words: Sequence[str], width: int, indent: str = " ") -> list[Content]:
    """Keys with their words on one line, or on several where it is narrow."""
    lines = [""]
    for word in words:
        if lines[-1] and cell_len(f"{lines[-1]}   {word}") > width:
            lines.append("")
        lines[-1] += f"   {word}" if lines[-1] else f"{indent}{word}"
    return [Content.styled(line, "bold $accent") for line in lines]


class Keys(Drawn):
    """The last lines of a screen.

    Args:
        words: each key with its word.
    """

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        self._words = words

    def say(self, words: Sequence[str]) -> None:
        """Shows these keys instead."""
        self._words = words
        self.redraw()

    def draw(self, width: int) -> Content:
        """As many lines as the keys need."""
        return Content("\n").join(key_lines(self._words, width - 1))
