"""The help: every action with its key, every slash command, every sign."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen

from p2pchat.node.events import PeerState
from p2pchat.tui.actions import ACTIONS, SLASH, Where, key_name, usage
from p2pchat.tui.content import hanging, pad
from p2pchat.tui.people import SIGNS as PEER_SIGNS
from p2pchat.tui.people import VERIFIED
from p2pchat.tui.widgets.drawn import Drawn

KEY_CELLS: Final = 26
"""The width of the column of keys, in cells: the longest entry fits."""

KEY_CELLS_NARROW: Final = 14
"""The same on a narrow terminal, where longer entries get a line of their own."""

SIGNS: Final = [
    (VERIFIED, "Verified: you have compared safety words with this key's owner"),
    *((PEER_SIGNS[state][0], f"A peer that is {state.value}") for state in PeerState if state is not PeerState.LEFT),
    ("!", "Something failed, or needs your attention"),
]
"""What stands before and behind names, in words."""


class HelpText(Drawn):
    """All of it, from the registry of actions."""

    def draw(self, width: int) -> Content:
        """A section for each place, then the slash commands and the signs."""
        lines = [
            Content.styled(" Keys and commands", "bold"),
            Content.styled(" Esc back · Up and Down scroll", "$muted"),
        ]
        for where in Where:
            rows = [
                (", ".join(map(key_name, action.keys)), action.title) for action in ACTIONS if action.where is where
            ]
            lines += _section(where.value, [row for row in rows if row[0]], width)
        lines += _section("Commands", [(usage(action), action.title) for action in SLASH.values()], width)
        lines += _section("", [("//text", "Send text that begins with a slash: the first one is left out")], width)
        lines += _section("Signs", SIGNS, width)
        return Content("\n").join(lines)


class HelpScreen(Screen[None]):
    """Shows the help until Esc or F1."""

    def compose(self) -> ComposeResult:
        """One long text."""
        with VerticalScroll():
            yield HelpText()


def _section(title: str, rows: list[tuple[str, str]], width: int) -> list[Content]:
    column = KEY_CELLS if width >= 60 else KEY_CELLS_NARROW
    lines = [Content(""), Content.styled(f" {title}", "bold $accent")] if title else []
    for key, text in rows:
        if cell_len(key) > column:
            lines.append(Content.styled(f"   {key}", "bold"))
            key = ""
        lines.append(hanging(Content.assemble("   ", (pad(key, column), "bold"), "  "), text, width))
    return lines
