"""Colours, dark and light. Text has a contrast of at least 4.5:1 with every background of ours (WCAG 2.2, 1.4.3).

Colour never says something alone: every state is also a word or a sign.
"""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

SPEAKERS: Final = 6
"""Colours for the names of others, `$speaker-1` and on."""

DARK: Final = Theme(
    name="p2pchat-dark",
    primary="#7fc1ff",
    secondary="#9fb4cc",
    accent="#7fc1ff",
    foreground="#e4e7ec",
    background="#14171c",
    surface="#14171c",
    panel="#1f242c",
    success="#8fd694",
    warning="#f0c674",
    error="#ff9a91",
    dark=True,
    variables={
        "muted": "#9aa5b4",
        "rule": "#4a5462",
        "own": "#e4e7ec",
        "speaker-1": "#8ab8ff",
        "speaker-2": "#e3b6f5",
        "speaker-3": "#8fdcc3",
        "speaker-4": "#f3bd8b",
        "speaker-5": "#c3d97e",
        "speaker-6": "#f5a9c0",
        "input-cursor-background": "#e4e7ec",
        "input-cursor-foreground": "#14171c",
        "input-selection-background": "#34526f",
        "block-cursor-background": "#2a3442",
        "block-cursor-foreground": "#e4e7ec",
        "scrollbar": "#3a4350",
        "scrollbar-background": "#14171c",
    },
)

LIGHT: Final = Theme(
    name="p2pchat-light",
    primary="#0b57a4",
    secondary="#41566d",
    accent="#0b57a4",
    foreground="#1d2229",
    background="#fbfaf7",
    surface="#fbfaf7",
    panel="#eceae4",
    success="#1f6b2b",
    warning="#7a5200",
    error="#a3221b",
    dark=False,
    variables={
        "muted": "#5a6471",
        "rule": "#b3afa5",
        "own": "#1d2229",
        "speaker-1": "#1d4ed0",
        "speaker-2": "#7a2e9c",
        "speaker-3": "#0a6350",
        "speaker-4": "#8f4309",
        "speaker-5": "#4b6108",
        "speaker-6": "#a01c55",
        "input-cursor-background": "#1d2229",
        "input-cursor-foreground": "#fbfaf7",
        "input-selection-background": "#b9d7f5",
        "block-cursor-background": "#dfe7ef",
        "block-cursor-foreground": "#1d2229",
        "scrollbar": "#c4c1b8",
        "scrollbar-background": "#fbfaf7",
    },
)

TEXT_COLOURS: Final = (
    *("foreground", "accent", "success", "warning", "error", "muted", "own"),
    *(f"speaker-{number}" for number in range(1, SPEAKERS + 1)),
)
"""Everything that text is drawn in."""

BACKGROUNDS: Final = ("background", "panel", "block-cursor-background")
"""Everything that text is drawn on."""
