"""Colours, by the thresholds of WCAG 2.2: how much text and what is no text stand out from what is behind them.

    p2pchat-dark, p2pchat-light                text 4.5:1 (1.4.3), cursors and scroll bars 3:1 (1.4.11)
    high-contrast-dark, high-contrast-light    text 7:1 (1.4.6), cursors, scroll bars and lines 3:1
    mono                                       the terminal's own two colours: bold, inverted and underlined text only

Colour never says something alone: every state is also a word or a sign.
"""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

SPEAKERS: Final = 6
"""Colours for the names of others, `$speaker-1` and on."""


def _theme(name: str, dark: bool, speakers: tuple[str, ...], colours: dict[str, str]) -> Theme:
    """A theme with everything that follows from its colours: what Textual draws, and would blend by itself.

    Args:
        name: what a user calls it.
        dark: whether its background is.
        speakers: the colours of names.
        colours: of text, of what is behind it, of lines (`rule`) and scroll bars (`bar`), of the selection and the text
            in it (`selected`), of the cursor of lists, and of the text on it where that is of one colour (`marked`).
    """
    text, behind, muted = colours["foreground"], colours["background"], colours["muted"]
    return Theme(
        name=name,
        primary=colours["accent"],
        secondary=muted,
        accent=colours["accent"],
        foreground=text,
        background=behind,
        surface=behind,
        panel=colours["panel"],
        success=colours["success"],
        warning=colours["warning"],
        error=colours["error"],
        dark=dark,
        variables={
            "muted": muted,
            "rule": colours["rule"],
            "own": text,
            **{f"speaker-{number}": colour for number, colour in enumerate(speakers, 1)},
            "text-muted": muted,
            "text-disabled": muted,
            "input-cursor-background": text,
            "input-cursor-foreground": behind,
            "input-selection-background": colours["selection"],
            "input-selection-foreground": colours.get("selected", text),
            "block-cursor-background": colours["cursor"],
            "block-cursor-foreground": colours.get("marked", text),
            "block-cursor-blurred-background": colours["cursor"],
            "block-cursor-blurred-foreground": colours.get("marked", text),
            "scrollbar": colours["bar"],
            "scrollbar-hover": colours["bar"],
            "scrollbar-active": text,
            "scrollbar-background": behind,
        },
    )


DARK: Final = _theme(
    "p2pchat-dark",
    True,
    ("#8ab8ff", "#e3b6f5", "#8fdcc3", "#f3bd8b", "#c3d97e", "#f5a9c0"),
    {
        "foreground": "#e4e7ec",
        "background": "#14171c",
        "panel": "#1f242c",
        "accent": "#7fc1ff",
        "success": "#8fd694",
        "warning": "#f0c674",
        "error": "#ff9a91",
        "muted": "#9aa5b4",
        "rule": "#4a5462",
        "bar": "#66717f",
        "selection": "#446a90",
        "cursor": "#2a3442",
    },
)

LIGHT: Final = _theme(
    "p2pchat-light",
    False,
    ("#1d4ed0", "#7a2e9c", "#0a6350", "#8f4309", "#4b6108", "#a01c55"),
    {
        "foreground": "#1d2229",
        "background": "#fbfaf7",
        "panel": "#eceae4",
        "accent": "#0b57a4",
        "success": "#1f6b2b",
        "warning": "#7a5200",
        "error": "#a3221b",
        "muted": "#5a6471",
        "rule": "#b3afa5",
        "bar": "#87837a",
        "selection": "#6e90b8",
        "cursor": "#dfe7ef",
    },
)

HIGH_CONTRAST_DARK: Final = _theme(
    "high-contrast-dark",
    True,
    ("#a3ccff", "#ecc7ff", "#7ff0d0", "#ffc794", "#d5ee7a", "#ffb8d0"),
    {
        "foreground": "#ffffff",
        "background": "#000000",
        "panel": "#1c1c1c",
        "accent": "#8fd0ff",
        "success": "#8cf08c",
        "warning": "#ffd966",
        "error": "#ffb8b0",
        "muted": "#d0d0d0",
        "rule": "#8a8a8a",
        "bar": "#b0b0b0",
        "selection": "#8fd0ff",
        "selected": "#000000",
        "cursor": "#ffffff",
        "marked": "#000000",
    },
)

HIGH_CONTRAST_LIGHT: Final = _theme(
    "high-contrast-light",
    False,
    ("#0a2fa8", "#5b1480", "#00483a", "#6b2c00", "#354600", "#7a0f3f"),
    {
        "foreground": "#000000",
        "background": "#ffffff",
        "panel": "#ededed",
        "accent": "#003f8a",
        "success": "#0b4d16",
        "warning": "#5a3a00",
        "error": "#8a0f0a",
        "muted": "#3d3d3d",
        "rule": "#767676",
        "bar": "#595959",
        "selection": "#003f8a",
        "selected": "#ffffff",
        "cursor": "#000000",
        "marked": "#ffffff",
    },
)

_NONE: Final = "ansi_default"
"""No colour: the terminal draws text in the one that it draws text in."""

_MARKED: Final = "ansi_white"
"""Behind what is inverted in the end: see `p2pchat.tui.filters.Uncoloured`."""

MONO: Final = Theme(
    name="mono",
    primary=_NONE,
    foreground=_NONE,
    background=_NONE,
    surface=_NONE,
    panel=_NONE,
    boost=_NONE,
    ansi=True,
    variables={
        **dict.fromkeys(("muted", "rule", "own", *(f"speaker-{number + 1}" for number in range(SPEAKERS))), _NONE),
        "ansi-background": _NONE,
        "ansi-foreground": _NONE,
        "text-muted": _NONE,
        "text-disabled": _NONE,
        "block-cursor-background": _MARKED,
        "block-cursor-foreground": _NONE,
        "block-cursor-blurred-background": _MARKED,
        "input-cursor-background": _MARKED,
        "input-cursor-foreground": _NONE,
        "input-selection-background": _MARKED,
        "input-selection-foreground": _NONE,
        "screen-selection-background": _MARKED,
        "screen-selection-foreground": _NONE,
        "scrollbar": _NONE,
        "scrollbar-hover": _NONE,
        "scrollbar-active": _NONE,
        "scrollbar-background": _NONE,
        "scrollbar-background-hover": _NONE,
        "scrollbar-background-active": _NONE,
        "border": _NONE,
    },
)

THEMES: Final = {theme.name: theme for theme in (DARK, LIGHT, HIGH_CONTRAST_DARK, HIGH_CONTRAST_LIGHT, MONO)}
"""By name, in the order in which one leads to the next."""

TEXT_COLOURS: Final = (
    *("foreground", "accent", "success", "warning", "error", "muted", "own"),
    *(f"speaker-{number}" for number in range(1, SPEAKERS + 1)),
)
"""Everything that text is drawn in."""

BACKGROUNDS: Final = ("background", "panel")
"""Everything that text of all these colours is drawn on."""

MARKED_LINE: Final = ("block-cursor-background", "block-cursor-foreground")
"""The cursor of lists, and the text on it. Where the cursor is as far from what is behind it as these thresholds want,
text of other colours would be too near to the cursor: it is drawn in that one colour."""
