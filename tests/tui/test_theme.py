"""Themes: the contrast of everything that is drawn, what is left without colours, and which theme is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.segment import Segment
from textual.pilot import Pilot
from textual.theme import Theme
from textual.widgets import Input

from p2pchat.tui import theme as themes
from p2pchat.tui.preferences import THEME_NAMES, Presentation, Remembered
from p2pchat.tui.theme import BACKGROUNDS, MARKED_LINE, MONO, TEXT_COLOURS, THEMES
from p2pchat.tui.widgets.composer import Composer
from tests.fake_node import FakeNode
from tests.tui.stage import CHANGED_KEY, CONTACTS, shown, stage, until, until_shown, write
from tests.tui.test_snapshots import conversation, transfers

COLOURED = [theme for theme in THEMES.values() if theme is not MONO]
HIGH = (themes.HIGH_CONTRAST_DARK, themes.HIGH_CONTRAST_LIGHT)
LINES = "─━╸╺│┃┆▏▎▌▐█▔▁▂▃▄▅▆▇"
"""What is drawn with characters and is no text."""

EMOJI = "🔎🙂"
"""They have colours of their own."""


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """How far two colours are from each other (WCAG 2.2), from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def least(theme: Theme) -> float:
    """The contrast that text has at least."""
    return 7.0 if theme in HIGH else 4.5


def named(theme: Theme) -> Any:
    return theme.name


def colours(theme: Theme) -> dict[str, str]:
    """Every colour of a theme, as Textual derives them."""
    return theme.to_color_system().generate() | theme.variables


each_theme = pytest.mark.parametrize("theme", COLOURED, ids=named)


def test_the_command_line_knows_every_theme() -> None:
    assert tuple(THEMES) == THEME_NAMES


@each_theme
def test_every_colour_of_text_stands_out_from_everything_behind_it(theme: Theme) -> None:
    found = colours(theme)
    pairs = [(text, background) for text in TEXT_COLOURS for background in BACKGROUNDS]
    pairs += [MARKED_LINE, ("input-selection-foreground", "input-selection-background")]
    pairs += [("input-cursor-foreground", "input-cursor-background"), ("text-disabled", "panel")]
    if theme not in HIGH:
        pairs += [(text, "block-cursor-background") for text in TEXT_COLOURS]
    assert {pair: round(contrast(found[pair[0]], found[pair[1]]), 2) for pair in pairs} == {
        pair: pytest.approx(21, abs=21 - least(theme)) for pair in pairs
    }


@each_theme
def test_cursors_selection_and_scroll_bars_stand_out(theme: Theme) -> None:
    found = colours(theme)
    parts = ["input-cursor-background", "input-selection-background"]
    parts += ["scrollbar", "scrollbar-hover", "scrollbar-active", "accent"]
    parts += ["rule", "block-cursor-background"] if theme in HIGH else []
    behind = found["background"]
    assert behind.casefold() == found["scrollbar-background"] == found["surface"].casefold()
    assert [part for part in parts if contrast(found[part], behind) < 3.0] == []


def drawn(pilot: Pilot[Any]) -> Iterator[tuple[int, Segment]]:
    """What is on the screen, with the number of its line."""
    for line, strip in enumerate(pilot.app.screen._compositor.render_strips()):
        for segment in strip:
            if segment.text.strip():
                yield line, segment


def faint(pilot: Pilot[Any], theme: Theme, first: int = 0, last: int = 99) -> list[tuple[float, str]]:
    """The text on these lines that has too little contrast, and in high contrast the lines that have."""
    found = []
    for line, segment in drawn(pilot):
        if not first <= line <= last or segment.style is None or set(segment.text) & set(EMOJI):
            continue
        color, bgcolor = segment.style.color, segment.style.bgcolor
        assert color is not None
        assert bgcolor is not None
        assert color.triplet is not None
        assert bgcolor.triplet is not None
        art = set(segment.text.strip()) <= set(LINES)
        wanted = least(theme) if not art else 3.0 if theme in HIGH else 0.0
        if (reached := contrast(color.triplet.hex, bgcolor.triplet.hex)) < wanted:
            found.append((reached, segment.text))
    return found


PLACES: dict[str, tuple[tuple[str, ...], str]] = {
    "conversation": (("w", "o", "r", "d", "shift+left", "shift+left"), "wo"),
    "offer": (("tab",), "s choose"),
    "choosing": (("s",), "Choose from"),
    "files": (("escape", "escape", "f4", "down"), "running"),
    "help": (("escape", "f1"), "Keys and commands"),
    "safety words": (("escape", "f5"), "Compare these words"),
    "contacts": (("escape", "escape", "escape", "slash", *"contacts", "enter", "down"), "calls itself cyd"),
    "renaming": (("r",), "What do you want to call"),
    "picker": (("escape", "escape", "ctrl+o", "down"), "Offer files"),
    "typing a path": (("slash", "e"), "Offer files"),
}
"""One after the other: the keys that lead there, and what is to be seen there."""


@each_theme
async def test_everything_that_is_drawn_can_be_read(theme: Theme) -> None:
    node = FakeNode()
    node.known_contacts = CONTACTS
    async with stage(node, live=True, size=(120, 40), presentation=Presentation(theme.name)) as pilot:
        conversation(node)
        transfers(node)
        await until_shown(pilot, "1 of 2")
        for place, (keys, words) in PLACES.items():
            await pilot.press(*keys)
            await until_shown(pilot, words)
            await pilot.pause(0.1)
            assert faint(pilot, theme) == [], place


@each_theme
async def test_the_palette_and_a_warning_can_be_read(theme: Theme) -> None:
    node = FakeNode()
    async with stage(node, presentation=Presentation(theme.name)) as pilot:
        node.tell(CHANGED_KEY)
        await until_shown(pilot, "A key is not the one you know")
        assert faint(pilot, theme) == []
        await pilot.press("ctrl+p", *"theme")
        await until_shown(pilot, "Theme: mono")
        await pilot.pause(0.1)
        # What is behind the palette is dimmed, and not in use.
        assert faint(pilot, theme, first=4, last=20) == []
        behind = {_behind(segment) for _, segment in drawn(pilot) if segment.text.startswith("/theme")}
        assert len(behind) == 2
        assert contrast(*behind) >= 3.0


def _behind(segment: Segment) -> str:
    assert segment.style is not None
    assert segment.style.bgcolor is not None
    assert segment.style.bgcolor.triplet is not None
    return segment.style.bgcolor.triplet.hex


def uncoloured(pilot: Pilot[Any]) -> bool:
    """Whether everything on the screen has the terminal's own colours."""
    styles = [segment.style for _, segment in drawn(pilot)]
    return all(
        style is not None and style.color and style.color.is_default and style.bgcolor and style.bgcolor.is_default
        for style in styles
    )


def inverted(pilot: Pilot[Any]) -> str:
    """What is inverted on the screen, as text."""
    strips = pilot.app.screen._compositor.render_strips()
    return "".join(s.text for strip in strips for s in strip if s.style and s.style.reverse)


@pytest.mark.parametrize("forced", [False, True], ids=["mono", "NO_COLOR"])
async def test_without_colours_every_state_is_still_seen(forced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if forced:
        monkeypatch.setenv("NO_COLOR", "1")
    node = FakeNode()
    chosen = Presentation("high-contrast-light" if forced else "mono")
    async with stage(node, live=True, presentation=chosen) as pilot:
        conversation(node)
        transfers(node)
        await until_shown(pilot, "1 of 2")
        await write(pilot, "wordless")
        await pilot.press(*["shift+left"] * 4)
        await until(pilot, lambda: "less" in inverted(pilot))
        assert "word" not in inverted(pilot)
        assert uncoloured(pilot)
        await pilot.press("home")
        await until(pilot, lambda: "w" in inverted(pilot) and "less" not in inverted(pilot))
        await pilot.press("ctrl+p", "down", "down")
        await until(pilot, lambda: "/" in inverted(pilot))
        assert uncoloured(pilot)
        await pilot.press("escape", "f4", "down")
        await until(pilot, lambda: "▸" in inverted(pilot))
        assert uncoloured(pilot)


async def test_no_color_goes_before_every_theme_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with stage(FakeNode(), presentation=Presentation("p2pchat-light")) as pilot:
        assert pilot.app.theme == "mono"
        await write(pilot, "/theme")
        await pilot.press("enter")
        await until_shown(pilot, "! NO_COLOR is set, and nothing is drawn in colour")
        assert pilot.app.theme == "mono"


async def test_a_theme_is_chosen_by_name_or_in_turn_and_remembered(tmp_path: Path) -> None:
    presentation = Presentation(folder=tmp_path)
    async with stage(FakeNode(), presentation=presentation) as pilot:
        assert pilot.app.theme == THEME_NAMES[0]
        for name in (*THEME_NAMES[1:], THEME_NAMES[0]):
            await write(pilot, "/theme")
            await pilot.press("enter")
            await until(pilot, lambda name=name: pilot.app.theme == name)  # type: ignore[misc]
        pilot.app.screen.query_one(Composer).insert("/theme mono")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.theme == "mono")
        pilot.app.screen.query_one(Composer).insert("/theme pink")
        await pilot.press("enter")
        await until_shown(pilot, "! There is no such theme. Write one of p2pchat-dark,")
    assert Remembered(tmp_path).now.theme == "mono"
    async with stage(FakeNode(), presentation=presentation) as pilot:
        assert pilot.app.theme == "mono"
    given = Presentation("p2pchat-light", folder=tmp_path)
    async with stage(FakeNode(), presentation=given) as pilot:
        assert pilot.app.theme == "p2pchat-light"
    assert Remembered(tmp_path).now.theme == "mono"


async def test_a_remembered_theme_that_is_no_more_is_not_missed(tmp_path: Path) -> None:
    Remembered(tmp_path).change(theme="pink")
    async with stage(FakeNode(), presentation=Presentation(folder=tmp_path)) as pilot:
        assert pilot.app.theme == THEME_NAMES[0]


async def test_the_palette_has_every_theme_and_nothing_in_it_blinks() -> None:
    async with stage(FakeNode()) as pilot:
        await pilot.press("ctrl+p", *"theme:")
        await until(pilot, lambda: all(f"Theme: {name}" in shown(pilot.app) for name in THEME_NAMES))
        assert not pilot.app.screen.query_one(Input).cursor_blink
