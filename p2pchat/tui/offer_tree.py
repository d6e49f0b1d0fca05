"""What an offer consists of, as a tree in which the user chooses. Knows nothing of Textual.

Entries come in pages, and the tree may be used while they come: a new entry is chosen when its folder was chosen last.
Only folders that are open are gone through to list what can be seen. Each folder counts what is in it, so that a line
of the screen costs the same with ten files and with 200,000.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import translate
from typing import NamedTuple, TypeAlias

from p2pchat.node.events import Item


class File:
    """A file of the offer."""

    __slots__ = ("chosen", "executable", "name", "size")

    def __init__(self, name: str, size: int, executable: bool, chosen: bool) -> None:
        self.name = name
        self.size = size
        self.executable = executable
        self.chosen = chosen


class Folder:
    """A folder of the offer, with the sums of everything in it."""

    __slots__ = ("above", "chosen_bytes", "chosen_files", "entries", "files", "name", "open", "total", "wanted")

    def __init__(self, name: str, above: Folder | None, wanted: bool) -> None:
        self.name = name
        self.above = above
        self.entries: dict[str, Node] = {}
        """By name; the name of a folder has a slash at its end."""
        self.open = False
        self.wanted = wanted
        """What was last said about the folder as a whole: for what comes later, and for an empty one."""
        self.files = self.total = self.chosen_files = self.chosen_bytes = 0

    @property
    def path(self) -> str:
        """Its path in the offer, with a slash at the end; empty for the offer itself."""
        return f"{self.above.path}{self.name}/" if self.above is not None else ""

    @property
    def part(self) -> str:
        """How much of it is chosen: `all`, `some` or `none`."""
        if not self.files:
            return "all" if self.wanted else "none"
        return "all" if self.chosen_files == self.files else "some" if self.chosen_files else "none"

    def add(self, files: int, total: int, chosen_files: int, chosen_bytes: int) -> None:
        """Counts in this folder and in all above it."""
        folder: Folder | None = self
        while folder is not None:
            folder.files += files
            folder.total += total
            folder.chosen_files += chosen_files
            folder.chosen_bytes += chosen_bytes
            folder = folder.above


Node: TypeAlias = File | Folder


class Seen(NamedTuple):
    """A line of the tree."""

    node: Node
    above: Folder
    depth: int

    @property
    def path(self) -> str:
        """The path in the offer; that of a folder ends with a slash."""
        return self.node.path if isinstance(self.node, Folder) else self.above.path + self.node.name


class OfferTree:
    """The tree of one offer. Everything is chosen at the beginning."""

    def __init__(self) -> None:
        self.root = Folder("", None, True)
        self.root.open = True
        self._last = ("", self.root)

    def extend(self, items: Iterable[Item]) -> None:
        """Adds a page. An offer of one folder is opened."""
        for item in items:
            folder, _, name = item.path.rpartition("/")
            if item.folder:
                self._folder(item.path)
                continue
            above = self._folder(folder)
            if name not in above.entries:
                chosen = above.wanted
                above.entries[name] = File(name, item.size, item.executable, chosen)
                above.add(1, item.size, chosen, item.size if chosen else 0)
        if len(self.root.entries) == 1:
            for only in self.root.entries.values():
                if isinstance(only, Folder):
                    only.open = True

    def seen(self) -> list[Seen]:
        """What can be seen: the entries of all folders that are open, in order."""
        lines: list[Seen] = []
        self._see(self.root, 0, lines)
        return lines

    def matching(self, pattern: str) -> list[Seen]:
        """The files that a pattern fits, wherever they are: `*.jpg`, `2026/*`, or a part of the path.

        Capital and small letters are the same.
        """
        text = pattern.casefold() if any(sign in pattern for sign in "*?[") else f"*{pattern.casefold()}*"
        fits = re.compile(translate(text)).match
        found = []
        for folder in _folders(self.root):
            path = folder.path.casefold()
            for node in folder.entries.values():
                if isinstance(node, File):
                    name = node.name.casefold()
                    if fits(path + name) or fits(name):
                        found.append(Seen(node, folder, 0))
        return found

    def toggle(self, line: Seen) -> None:
        """Chooses a file or a folder with everything in it, or takes that back."""
        wanted = not line.node.chosen if isinstance(line.node, File) else line.node.part != "all"
        self.choose([line], wanted)

    def choose(self, lines: Iterable[Seen], wanted: bool) -> None:
        """Chooses these with everything in them, or none of it."""
        for node, above, _ in lines:
            if isinstance(node, Folder):
                before = node.chosen_files, node.chosen_bytes
                _set(node, wanted)
                if node.above is not None:
                    node.above.add(0, 0, node.chosen_files - before[0], node.chosen_bytes - before[1])
            elif node.chosen != wanted:
                node.chosen = wanted
                sign = 1 if wanted else -1
                above.add(0, 0, sign, sign * node.size)

    def only(self) -> tuple[str, ...] | None:
        """What is chosen, as `NodeApi.accept` wants it: None for all; the empty tuple for nothing."""
        if _whole(self.root):
            return None
        paths: list[str] = []
        _collect(self.root, paths)
        return tuple(paths)

    def _folder(self, path: str) -> Folder:
        """The folder with this path, made if it is new. Entries of one folder mostly come one after another."""
        if path == self._last[0]:
            return self._last[1]
        folder = self.root
        for name in filter(None, path.split("/")):
            below = folder.entries.get(f"{name}/")
            if not isinstance(below, Folder):
                below = folder.entries[f"{name}/"] = Folder(name, folder, folder.wanted)
            folder = below
        self._last = (path, folder)
        return folder

    def _see(self, folder: Folder, depth: int, lines: list[Seen]) -> None:
        for node in folder.entries.values():
            lines.append(Seen(node, folder, depth))
            if isinstance(node, Folder) and node.open:
                self._see(node, depth + 1, lines)


def _folders(folder: Folder) -> Iterator[Folder]:
    yield folder
    for node in folder.entries.values():
        if isinstance(node, Folder):
            yield from _folders(node)


def _set(folder: Folder, wanted: bool) -> None:
    """Chooses everything in a folder or nothing; the sums of those above it are not touched."""
    for below in _folders(folder):
        below.wanted = wanted
        below.chosen_files, below.chosen_bytes = (below.files, below.total) if wanted else (0, 0)
        for node in below.entries.values():
            if isinstance(node, File):
                node.chosen = wanted


def _whole(folder: Folder) -> bool:
    """Whether nothing of a folder is left out, empty folders in it included."""
    if folder.chosen_files != folder.files:
        return False
    below = [node for node in folder.entries.values() if isinstance(node, Folder)]
    return all(map(_whole, below)) and (folder.wanted or bool(folder.entries))


def _collect(folder: Folder, paths: list[str]) -> None:
    start = folder.path
    for node in folder.entries.values():
        if isinstance(node, File):
            if node.chosen:
                paths.append(start + node.name)
        elif _whole(node):
            paths.append(node.path)
        else:
            _collect(node, paths)
