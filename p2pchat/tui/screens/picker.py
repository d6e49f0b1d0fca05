"""Picking files to offer, and picking a folder to receive into, by walking through this machine's folders."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.suggester import Suggester
from textual.widgets import Input

from p2pchat.tui import measures, paths
from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.content import crop_middle, home_path, one_line
from p2pchat.tui.folder_listing import Count, Entry, count, listing
from p2pchat.tui.widgets.banner import Banner
from p2pchat.tui.widgets.field import Field
from p2pchat.tui.widgets.keys import Keys, key_words
from p2pchat.tui.widgets.line_list import LineList

PATH_CHARACTERS: Final = 4096
"""Longest path that can be typed, in characters: longer ones are refused by Linux."""

Picked = TypeVar("Picked")


class PathSuggester(Suggester):
    """Shows how a path may go on while it is typed; → takes it."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The first path that begins so."""
        return await asyncio.to_thread(paths.suggest, value)


class Picker(Screen[Picked], Generic[Picked]):
    """Shows one folder at a time. Subclasses say what is picked.

    Args:
        folder: where to begin.
        files: whether files are listed, and not only folders.
        keys: the keys with their words.
    """

    AUTO_FOCUS = "LineList"

    def __init__(self, folder: Path, *, files: bool, keys: Sequence[str]) -> None:
        super().__init__()
        self.folder = folder
        self.new = False
        """Whether the folder does not exist yet."""
        self.entries: list[Entry] = []
        self._files = files
        self._hidden = False
        self._fault = ""
        self._head = Banner(self.heading)
        self._lines = LineList(self.line)
        self._field = Field(limit=PATH_CHARACTERS)
        self._field.suggester = PathSuggester()
        self._field.display = False
        self.keys = Keys(keys)

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._head
        yield self._lines
        yield self._field
        yield self.keys

    def on_mount(self) -> None:
        """Lists the folder to begin with."""
        self.go(self.folder)

    @property
    def marked(self) -> Entry | None:
        """The entry that is marked."""
        return self.entries[self._lines.marked] if self.entries else None

    def heading(self, width: int) -> Content:
        """What the first lines say."""
        raise NotImplementedError

    def chosen(self, entry: Entry) -> bool | None:
        """Whether an entry is chosen; None where there is nothing to choose."""
        return None

    def typed(self, path: Path) -> None:
        """A path was typed that is no folder."""
        raise NotImplementedError

    def where(self, width: int) -> list[Content]:
        """The folder that is shown, and why it is not the one that was asked for."""
        lines = [Content.styled(f" {crop_middle(home_path(self.folder), width - 2)}", "$accent")]
        if self._fault:
            lines += Content.styled(f" ! {one_line(self._fault)}", "$warning").wrap(width)
        return lines

    def line(self, number: int, width: int, here: bool) -> Content:
        """An entry: its mark, its name, its size."""
        entry = self.entries[number]
        chosen = self.chosen(entry)
        box = "" if chosen is None else "[x] " if chosen else "[ ] "
        size = "" if entry.folder else measures.size(entry.size)
        name = one_line(entry.path.name) + ("/" if entry.folder else "")
        name = crop_middle(name, max(8, width - len(box) - len(size) - 4))
        gap = max(1, width - 1 - len(box) - cell_len(name) - len(size) - 1)
        return Content.assemble(
            "▸" if here else " ", box, (name, "bold" if entry.folder else ""), " " * gap, (size, "$muted")
        ).truncate(width)

    def redraw(self) -> None:
        """Draws everything again."""
        self._lines.refresh()
        self._head.redraw()

    def go(self, folder: Path, mark: str = "") -> None:
        """Lists a folder, and marks the entry with this name."""
        self._go(folder, mark)

    @work(exclusive=True, group="listing")
    async def _go(self, folder: Path, mark: str) -> None:
        self.new, self._fault = False, ""
        try:
            entries = await asyncio.to_thread(listing, folder, hidden=self._hidden, files=self._files)
        except FileNotFoundError:
            entries, self.new = [], True
        except (OSError, ValueError) as error:
            self._fault = f"{home_path(folder)} cannot be read: {getattr(error, 'strerror', None) or 'no such path'}"
            self.redraw()
            return
        self.folder, self.entries = folder, entries
        number = next((number for number, entry in enumerate(entries) if entry.path.name == mark), 0)
        self._lines.show(len(entries), number)
        self.redraw()

    @on(LineList.Moved)
    def _moved(self) -> None:
        self._head.redraw()

    def action_into(self) -> None:
        """Goes into the folder that is marked."""
        if self.marked is not None and self.marked.folder:
            self.go(self.marked.path)

    def action_up(self) -> None:
        """Goes to the folder above."""
        if self.folder.parent != self.folder:
            self.go(self.folder.parent, mark=self.folder.name)

    def action_hidden(self) -> None:
        """Lists names that begin with a dot, or not."""
        self._hidden = not self._hidden
        self.go(self.folder, mark=self.marked.path.name if self.marked is not None else "")

    def action_type(self) -> None:
        """Asks for a path, beginning with the folder that is shown."""
        self._field.display = True
        self._field.value = str(self.folder).rstrip("/") + "/"
        self._field.cursor_position = len(self._field.value)
        self._field.focus()

    @on(Input.Submitted)
    async def _submitted(self, event: Input.Submitted) -> None:
        self._close_field()
        path = paths.expand(event.value, self.folder)
        if not event.value.strip():
            return
        if await asyncio.to_thread(_is_file, path):
            self.typed(path)
        else:
            self.go(path)

    def _close_field(self) -> None:
        self._field.display = False
        self._lines.focus()

    def action_leave(self) -> None:
        """Gives up what is being typed, or picking."""
        if self._field.display:
            self._close_field()
        else:
            self.dismiss(None)


class FolderPicker(Picker[Path]):
    """Picks a folder to receive into. The result is the folder, which need not exist yet.

    Args:
        folder: where to begin.
    """

    BINDINGS = bindings(Where.FOLDER)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, files=False, keys=key_words(Where.FOLDER))

    def heading(self, width: int) -> Content:
        """What Enter takes."""
        new = [Content.styled(" It does not exist yet, and will be made.", "$muted")] if self.new else []
        return Content("\n").join([Content.styled(" Receive into", "bold"), *self.where(width), *new])

    def typed(self, path: Path) -> None:
        """The folder that a file is in."""
        self.go(path.parent)

    def action_take(self) -> None:
        """This folder."""
        self.dismiss(self.folder)


@dataclass(frozen=True, slots=True)
class Offer:
    """What was picked to be offered, and to whom."""

    paths: tuple[Path, ...]
    peer: str | None
    """A key tag; None for everybody."""


class FilePicker(Picker[Offer]):
    """Picks files and folders to offer.

    Args:
        folder: where to begin.
        peers: key tag and name of everybody who is connected.
    """

    BINDINGS = bindings(Where.PICKER)

    def __init__(self, folder: Path, peers: Sequence[tuple[str, str]]) -> None:
        super().__init__(folder, files=True, keys=key_words(Where.PICKER))
        self._peers = peers
        self._whom = 0
        """0 for everybody, or the number of a peer."""
        self._chosen: dict[Path, bool] = {}
        """What was chosen, in order; whether it is a folder."""
        self._count: Count | None = None

    def heading(self, width: int) -> Content:
        """Whom it is offered to, what Enter offers, and where we are."""
        first = Content.assemble((" Offer files  ", "bold"), ("to: ", "$muted"), *self._recipients(width - 19))
        return Content("\n").join([first, *self._what(width), *self.where(width)])

    def _recipients(self, width: int) -> list[tuple[str, str]]:
        if not self._peers:
            return [("nobody is here", "$warning")]
        names = ["everybody", *(name for _, name in self._peers)]
        if len(self._peers) == 1:
            return [(one_line(names[1], width), "bold")]
        if cell_len(" / ".join(names)) > width:
            return [
                (one_line(names[self._whom], width - 12), "bold"),
                (f" ({self._whom + 1} of {len(names)})", "$muted"),
            ]
        parts: list[tuple[str, str]] = []
        for number, name in enumerate(names):
            parts += [(" / ", "$muted")] if number else []
            parts.append(
                (
                    f"[{one_line(name)}]" if number == self._whom else one_line(name),
                    "bold" if number == self._whom else "$muted",
                )
            )
        return parts

    def _what(self, width: int) -> list[Content]:
        if not self._chosen:
            entry = self.marked
            if entry is None:
                return [Content.styled(" nothing chosen", "$muted")]
            does = "opens" if entry.folder else "offers"
            return [
                Content.styled(
                    f" nothing chosen: Enter {does} {crop_middle(one_line(entry.path.name), max(8, width - 30))}",
                    "$muted",
                )
            ]
        if self._count is None:
            return [Content(f" chosen: {len(self._chosen):,}, counting …")]
        more = " at least" if self._count.more else ""
        return [Content(f" chosen:{more} {measures.files(self._count.files)}, {measures.size(self._count.total)}")]

    def chosen(self, entry: Entry) -> bool | None:
        """Whether it is among what is offered."""
        return entry.path in self._chosen

    def typed(self, path: Path) -> None:
        """Chooses a file."""
        self._chosen[path] = False
        self._recount()
        self.go(path.parent, mark=path.name)

    def action_select(self) -> None:
        """Chooses what is marked, or takes it back, and goes on to the next."""
        entry = self.marked
        if entry is None:
            return
        if entry.path in self._chosen:
            del self._chosen[entry.path]
        else:
            self._chosen[entry.path] = entry.folder
        self._lines.action_move(1)
        self._recount()

    def _recount(self) -> None:
        self._count = None
        self._count_chosen()
        self.redraw()

    @work(exclusive=True, group="counting")
    async def _count_chosen(self) -> None:
        self._count = await asyncio.to_thread(count, tuple(self._chosen))
        self.redraw()

    def action_whom(self) -> None:
        """Offers to everybody, to one, to the next."""
        if len(self._peers) > 1:
            self._whom = (self._whom + 1) % (len(self._peers) + 1)
            self.redraw()

    def action_take(self) -> None:
        """Offers what is chosen; without it, goes into the folder that is marked, or offers the file."""
        if not self._chosen and self.marked is not None and self.marked.folder:
            self.action_into()
        elif chosen := tuple(self._chosen) or ((self.marked.path,) if self.marked is not None else ()):
            self.dismiss(Offer(chosen, self._peers[self._whom - 1][0] if self._whom else None))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
