"""Live text for those who hear it or feel it: whole groups of words instead of letters.

A synthesiser that is handed each letter stutters, and so does contracted braille. So a line is announced in groups
(W3C RAUR, requirement 18a; the numbers are those of RFC 5194 §6.2.5.3 for text without real time):

    1. A group ends after a sentence, or after more than 50 characters at the next space or punctuation mark, at the
       end of the line, or when nothing was typed for 5 seconds.
       Or, by the listener's choice: after each word, only at the end of the line, or after each character; then the
       whole line is said once more when it ends.
    2. What was announced is not announced again. When it is changed, the new wording is announced once, as corrected,
       and not the way to it. A change that is taken back is not announced.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

import regex

Size: TypeAlias = Literal["sentence", "word", "line", "char"]
"""How much is said at once: sentences for speech, words and characters for braille and for who cannot wait."""

SIZES: Final[tuple[Size, ...]] = get_args(Size)

IDLE_SECONDS: Final = 5.0
"""Pause after which what was typed is announced as it stands (RFC 5194 §6.2.5.3)."""

GROUP_CHARACTERS: Final = 50
"""Length beyond which a group ends at the next border of a word (RFC 5194 §6.2.5.3)."""

_GROUPS: Final = {
    "sentence": regex.compile(
        r"""(?s).*?(?:[.!?…؟۔]+[\p{Pe}\p{Pf}"']*(?=\s)|[。！？।॥]+[\p{Pe}\p{Pf}]*)"""
        rf"|(?s:.){{{GROUP_CHARACTERS},}}?[\p{{P}}\p{{Z}}]+"
    ),
    # Scripts without spaces have no borders of words that a program could see without a dictionary.
    "word": regex.compile(r"\s*+\S+?(?:(?=\s)|[、，。！？।॥]++)"),
    "line": regex.compile(r"(?!)"),
    "char": regex.compile(r"\X"),
}


@dataclass(frozen=True, slots=True)
class Announce:
    """Say this: `text` is a group of a peer's line, without line breaks.

    `final` is the last group of a line. `corrected` replaces what was announced of the line from the first changed
    group on; an empty one says that this was taken back.
    """

    peer: str
    text: str
    kind: Literal["typing", "corrected", "final"]


@dataclass(slots=True)
class _Line:
    text: str = ""
    changed_at: float = 0.0
    final: bool = False
    groups: list[str] = field(default_factory=list)
    """What was announced and still stands, from the beginning of the line without gaps."""
    withdrawn: str = ""
    """What was announced after that and does not stand any more."""
    whole: bool = False
    """It ended, and was said as a whole."""

    @property
    def told(self) -> int:
        return sum(map(len, self.groups))

    @property
    def pending(self) -> bool:
        return bool(self.withdrawn or self.text[self.told :].strip())

    def read(self, text: str) -> None:
        """The line reads `text` now: withdraws what was announced and is changed, restores what is changed back."""
        self.text = text
        told = 0
        for index, group in enumerate(self.groups):
            if not text.startswith(group, told):
                self.withdrawn = "".join(self.groups[index:]) + self.withdrawn
                del self.groups[index:]
                break
            told += len(group)
        if self.withdrawn and text.startswith(self.withdrawn, told):
            self.groups.append(self.withdrawn)
            self.withdrawn = ""


class Announcer:
    """Turns the live lines of all peers into announcements.

    Hand it every change with `changed`, call `tick` at `deadline()`, and drain `poll()` after each call.

    Args:
        now: when it begins, in seconds of the caller's monotonic clock. As all inputs do, it takes the time.
        size: how much is said at once; may be set anew at any time.
    """

    def __init__(self, now: float, size: Size = "sentence") -> None:
        self.size: Size = size
        self._lines: dict[str, dict[int, _Line]] = {}
        self._outputs: deque[Announce] = deque()

    def changed(self, peer: str, line: int, text: str, final: bool, now: float) -> None:
        """A line reads differently, or is finished.

        Args:
            peer: whose line it is; returned in `Announce`.
            line: its number; a peer's lines are numbered upwards.
            text: the whole line as it stands, fit to be shown.
            final: nothing follows: it is finished, or the link was lost.
            now: the time.
        """
        lines = self._lines.setdefault(peer, {})
        state = lines.setdefault(line, _Line())
        # A line may be opened again by erasing, and its final text may be told twice; older lines rest.
        for number in [number for number in lines if number < line - 1]:
            del lines[number]
        state.final, state.changed_at = final, now
        # Live text has spaces where the finished message has line breaks.
        state.read(text.replace("\n", " "))
        if final and self.size == "char":
            self._announce_whole(peer, state)
        elif final:
            self._announce(peer, state, len(state.text))
        else:
            self._announce_groups(peer, state)

    def tick(self, now: float) -> None:
        """Time has passed. Call at `deadline()`; calling early or late is harmless."""
        for peer, lines in self._lines.items():
            for state in lines.values():
                if self._waits(state) and now >= state.changed_at + IDLE_SECONDS:
                    self._announce(peer, state, len(state.text))

    def forget(self, peer: str) -> None:
        """The peer is gone for good; what was not announced of its lines will not be."""
        self._lines.pop(peer, None)

    def poll(self) -> Announce | None:
        """The next thing to say, or None when there is nothing left."""
        return self._outputs.popleft() if self._outputs else None

    def deadline(self) -> float | None:
        """When `tick` is due, or None while nothing waits to be announced."""
        waiting = [state.changed_at for lines in self._lines.values() for state in lines.values() if self._waits(state)]
        return min(waiting) + IDLE_SECONDS if waiting else None

    def _waits(self, state: _Line) -> bool:
        """Whether a pause is enough to announce what is there."""
        return state.pending and self.size != "line"

    def _announce_groups(self, peer: str, state: _Line) -> None:
        """Announces the groups that are complete; a correction only when it is as long as what it replaces."""
        ends = _group_ends(_GROUPS[self.size], state.text, state.told)
        if not state.withdrawn:
            for end in ends:
                self._announce(peer, state, end)
        elif ends and ends[-1] - state.told >= len(state.withdrawn):
            self._announce(peer, state, ends[-1])

    def _announce_whole(self, peer: str, state: _Line) -> None:
        """Says a line that has ended, of which only characters were said."""
        if state.whole and not state.pending:
            return
        kind: Literal["corrected", "final"] = "corrected" if state.whole else "final"
        taken_back = bool(state.withdrawn)
        if state.text.strip() or taken_back:
            self._outputs.append(Announce(peer, state.text.strip(), kind if state.text.strip() else "corrected"))
        state.groups, state.withdrawn, state.whole = [state.text] if state.text else [], "", True

    def _announce(self, peer: str, state: _Line, end: int) -> None:
        group = state.text[state.told : end]
        kind: Literal["typing", "corrected", "final"] = "final" if state.final else "typing"
        if state.withdrawn:
            kind = "corrected"
        if state.withdrawn or group.strip():
            self._outputs.append(Announce(peer, group.strip(), kind))
        state.withdrawn = ""
        if group:
            state.groups.append(group)


def _group_ends(pattern: regex.Pattern[str], text: str, start: int) -> list[int]:
    # Not `finditer`, which looks for a beginning at every character of what is no group yet.
    ends: list[int] = []
    while (group := pattern.match(text, start)) is not None:
        start = group.end()
        ends.append(start)
    return ends
