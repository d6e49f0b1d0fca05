"""What our user wants of an offer: paths, folders and patterns, turned into one flag for each entry.

All patterns are matched at once, character by character, and what the folder of an entry has matched is known from the
entry before: the time grows with the length of the names, whatever the patterns are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import translate
from typing import Final

from p2pchat.errors import UsageError
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.paths import shown

PATTERN_CHARACTERS: Final = 64 * 1024
"""Characters of all patterns together: a thousand long ones. Each adds to the work for every character of a name."""

_NAMED: Final = 3
"""Most of the names that fit nothing that are repeated to the user."""


def left_out(manifest: Manifest, only: Sequence[str]) -> bytes:
    """Returns for each entry of an offer 1 when it is not wanted, else 0.

    Args:
        manifest: what is offered.
        only: what is wanted: paths of the offer, and patterns as `fnmatch.fnmatchcase` has them (`*` stands for slashes
            too). A folder, or a pattern that matches one, stands for all that is in it. A path of the offer is no
            pattern, even if it looks like one. A slash at the end means nothing.

    Raises:
        UsageError: nothing of the offer fits, or the patterns are longer than `PATTERN_CHARACTERS` together.
    """
    wishes = {wish.rstrip("/") for wish in only}
    flags = bytearray(b"\1") * len(manifest.entries)
    patterns = wishes - _clear_named(manifest, wishes, flags)
    patterns = {pattern for pattern in patterns if any(special in pattern for special in "*?[")}
    if sum(map(len, patterns)) > PATTERN_CHARACTERS:
        raise UsageError(f"the patterns are longer than {PATTERN_CHARACTERS} characters together", "use fewer patterns")
    if patterns:
        _clear_matching(manifest, _Patterns(patterns), flags)
    if 0 not in flags:
        names = " or ".join(shown(wish) for wish in only[:_NAMED])
        raise UsageError(f"nothing in the offer is called {names or 'nothing'}", "choose from what the offer lists")
    return bytes(flags)


def _clear_named(manifest: Manifest, wishes: set[str], flags: bytearray) -> set[str]:
    """Clears the flags of entries that are named, or lie in a folder that is; returns what names something."""
    found: set[str] = set()
    last, inside = "", False
    for index in range(len(flags)):
        path = manifest.entries.path(index)
        folder = path.rpartition("/")[0]
        if folder != last:
            named = wishes.intersection(_with_those_above(folder))
            found |= named
            last, inside = folder, bool(named)
        if path in wishes:
            found.add(path)
            flags[index] = 0
        elif inside:
            flags[index] = 0
    return found


def _with_those_above(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _clear_matching(manifest: Manifest, patterns: _Patterns, flags: bytearray) -> None:
    """Clears the flags of entries that a pattern matches, or that lie in a folder that one matches."""
    last, above = "", patterns.start
    for index in range(len(flags)):
        if not flags[index]:
            continue
        folder, _, name = manifest.entries.path(index).rpartition("/")
        if folder != last:
            last, above = folder, patterns.after(patterns.start, f"{folder}/") if folder else patterns.start
        if patterns.match(patterns.after(above, name)):
            flags[index] = 0


class _Patterns:
    """All patterns as one automaton. A state is a number whose bits say which places of which patterns were reached.

    Args:
        patterns: not empty.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self.start = 0
        """The state before the first character."""
        self._ends = 0
        self._stars = 0
        """Places that any character leaves as they are."""
        self._any = 0
        """Places from which any character leads to the next; those of certain characters, and of sets, follow."""
        self._literal: dict[str, int] = {}
        self._sets: list[tuple[re.Pattern[str], int]] = []
        self._steps: dict[str, int] = {}
        """For each character that was met: the places from which it leads to the next."""
        place = 1
        for pattern in patterns:
            self.start |= place
            for token in _tokens(pattern):
                if token == "*":
                    self._stars |= place
                    continue
                if token == "?":
                    self._any |= place
                elif len(token) > 1:
                    self._sets.append((re.compile(translate(token)), place))
                else:
                    self._literal[token] = self._literal.get(token, 0) | place
                place <<= 1
            self._ends |= place
            place <<= 1

    def after(self, state: int, text: str) -> int:
        """Returns the state after some more characters; when they complete a folder that a pattern matches, -1."""
        for character in text:
            if state <= 0 or (character == "/" and state & self._ends):
                return -1 if state else 0
            steps = self._steps.get(character)
            if steps is None:
                steps = self._steps[character] = self._steps_of(character)
            state = (state & steps) << 1 | state & self._stars
        return state

    def match(self, state: int) -> bool:
        """Whether a pattern matches what led to a state."""
        return state & self._ends != 0

    def _steps_of(self, character: str) -> int:
        places = self._any | self._literal.get(character, 0)
        for characters, place in self._sets:
            if characters.match(character):
                places |= place
        return places


def _tokens(pattern: str) -> Iterator[str]:
    """Splits a pattern into characters, `*`, `?`, and sets such as `[a-z]`."""
    start = 0
    while start < len(pattern):
        end = start + 1
        if pattern[start] == "[":
            first = start + 2 if pattern.startswith("!", start + 1) else start + 1  # there, `]` is one of the set
            end = pattern.find("]", first + 1) + 1 or start + 1
        yield pattern[start:end]
        start = end
