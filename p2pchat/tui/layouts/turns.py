"""A conversation turn by turn: lines that grow at the same time as one text in which nobody's letters get mixed.

Rules, after RFC 9071 sections 4.1 and 4.2.2
    1. Each line is cut into turns. The turn that is being written grows where it is; nobody waits for anybody.
    2. Once others have written since it began, it ends at the next comma, end of a sentence or new line; after
       FORCED_SECONDS at the end of a word. What follows is a new turn, after what the others wrote meanwhile.
    3. It ends as well when nothing was written for longer than PAUSE_SECONDS, and with its line.
    4. Turns stand in the order in which they ended. Our own appears when it has ended; until then the composer has it.
    5. What is corrected later is corrected in its turn. A turn into which somebody erases grows again, in its place.

Hand it what has changed (`follow`), and each line of ours that is finished (`committed`). Time is an argument. Knows
nothing of Textual.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Final, TypeAlias

import regex

from p2pchat.protocol.untrusted import safe_text
from p2pchat.tui.live_lines import by_line
from p2pchat.tui.rows import DayRow, LiveRow, MessageRow, NoticeRow, Row, TransferRow, UnreadRow
from p2pchat.tui.timeline import Changes

PAUSE_SECONDS: Final = 10.0
"""A turn ends after a pause of more than this, in seconds (RFC 9071 section 4.2.2)."""

FORCED_SECONDS: Final = 60.0
"""The longest that others' turns wait for a comma, in seconds (the same: about a minute)."""

UNSENT_SECONDS: Final = 5.0
"""A finished line of ours whose message has not come for so long, in seconds, was refused and is in the composer."""

ANCHORS_MOST: Final = 20
"""So many turns are looked for after several edits at once: whoever corrects more than that has written it anew."""

_SWITCH = regex.compile(
    r"""\n|[.,!?…؟۔،]+[\p{Pe}\p{Pf}"']*[^\S\n]+|[。！？।॥、，]+[\p{Pe}\p{Pf}]*+""",
)
"""Where a turn may end (RFC 9071 section 4.2.2). A comma inside a number is followed by no space."""

_WORD_END = regex.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody wrote until it was somebody else's turn."""

    key: str
    peer: str
    """The speaker's key tag; empty for ourselves."""
    label: str
    text: str
    mark: str = ""
    """What became of the line, or how far a message of ours has come; at the end of its last turn."""
    growing: bool = False
    """Whether it is being written."""


Item: TypeAlias = Turn | DayRow | UnreadRow | TransferRow | NoticeRow
"""An entry of the field: a turn, or what nobody said."""


@dataclass(slots=True)
class _Line:
    """A line in its turns."""

    key: str
    peer: str
    label: str
    turns: list[str] = field(default_factory=list)
    growing: bool = False
    """Whether the last turn goes on."""
    began_at: float = 0.0
    """When it began, in seconds of a monotonic clock."""
    changed_at: float = 0.0
    row: MessageRow | None = None
    """The finished line."""
    shown: int = 0
    """Turns that it had when it was shown last; those without a word have no entry."""

    @property
    def text(self) -> str:
        return "".join(self.turns)

    def reads(self, text: str, now: float) -> None:
        """The line reads so now: every character stays in the turn in which it was written."""
        before = self.turns
        turns, written = _spread(before, text, self.growing)
        while turns and not turns[-1]:
            turns.pop()
        # A turn into which somebody erases grows again; one at the end of which the erasing stops does not.
        grew = self.growing and len(turns) == len(before)
        self.growing = bool(turns) and (grew or turns[-1] != before[len(turns) - 1])
        if written:
            turns.append(written)
            self.growing, self.began_at = True, now
        self.turns = turns
        self.changed_at = now

    def cut(self, now: float) -> bool:
        """Ends the turn that is growing at the last place where it may end; says whether there was one."""
        if not self.growing:
            return False
        places = [match.end() for match in _SWITCH.finditer(self.turns[-1])]
        if not places and now >= self.began_at + FORCED_SECONDS:
            places = [match.end() for match in _WORD_END.finditer(self.turns[-1])]
        if not places:
            return False
        ended, rest = self.turns[-1][: places[-1]], self.turns[-1][places[-1] :]
        self.turns[-1:] = [ended, rest] if rest else [ended]
        self.growing, self.began_at = bool(rest), now
        return True


class Turns:
    """The entries of a conversation, in turns."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        """What has been said, by key, oldest first."""
        self.growing: dict[str, LiveRow] = {}
        """What others are writing now and is not among `items`, by the key that it will have there, oldest first."""
        self._lines: dict[str, _Line] = {}
        self._own: _Line | None = None
        self._sent: list[_Line] = []
        self._own_lines = 0
        self._wrote: dict[str, float] = {}
        self._changes = Changes()

    def follow(
        self, changes: Changes, rows: Mapping[str, Row], live: Mapping[str, LiveRow], own: str, now: float
    ) -> Changes:
        """Takes in what has changed, and returns what has changed in `items`.

        Args:
            changes: what has changed in the timeline.
            rows: the timeline.
            live: what others are typing, by key tag.
            own: what others see of the line that we are writing.
            now: seconds of a monotonic clock.
        """
        self._changes = Changes()
        for key in changes.removed:
            self._remove(key)
        for key in changes.changed:
            self._said(key, rows[key], now)
        typed = by_line(live)
        writing = [key for key, line in self._lines.items() if line.row is None]
        for key in writing:
            if key not in typed and key not in rows:
                self._withdraw(self._lines.pop(key))
        for key, row in typed.items():
            if key not in rows:
                line = self._lines.setdefault(key, _Line(key, row.peer, row.label))
                self._grow(line, row.text, row.changed_at, now, rests=row.interrupted_at is None)
        for key in changes.added:
            self._said(key, rows[key], now)
        self._write(own, now)
        self._show_growing(typed, rows)
        return self._changes

    def committed(self, text: str, now: float) -> None:
        """We have finished our line; its message comes with a later `follow`."""
        if self._own is not None:
            self._own.reads(text, now)
            self._own.growing = False
            self._sent.append(self._own)
            self._own = None

    # Lines that grow

    def _write(self, text: str, now: float) -> None:
        for line in [line for line in self._sent if now > line.changed_at + UNSENT_SECONDS]:
            self._sent.remove(line)
            self._withdraw(line)
        if self._own is None and text:
            self._own_lines += 1
            self._own = _Line(f"writing:{self._own_lines}", "", "you")
        if self._own is not None:
            self._grow(self._own, text, now, now)
            if not text:
                self._own = None

    def _grow(self, line: _Line, text: str, changed_at: float, now: float, rests: bool = True) -> None:
        """A line reads so: cuts it where that is due, and shows the turns that have ended."""
        if text != line.text:
            if line.growing and changed_at > line.changed_at + PAUSE_SECONDS:
                line.growing = False
            line.reads(text, changed_at)
            self._wrote[line.peer] = now
        if any(at >= line.began_at for peer, at in self._wrote.items() if peer != line.peer):
            line.cut(now)
        if rests and now > line.changed_at + PAUSE_SECONDS:
            line.growing = False
        self._show(line)

    def _withdraw(self, line: _Line) -> None:
        line.turns = []
        self._show(line)

    def _show_growing(self, typed: Mapping[str, LiveRow], rows: Mapping[str, Row]) -> None:
        self.growing = {key: row for key, row in typed.items() if key in rows}
        lines = [line for key, line in self._lines.items() if key in typed and key not in rows and line.growing]
        for line in sorted(lines, key=lambda line: line.began_at):
            key = _turn_key(line, len(line.turns) - 1)
            if key not in self.items:
                self.growing[key] = replace(typed[line.key], text=line.turns[-1].strip())

    # Lines that are finished

    def _said(self, key: str, row: Row, now: float) -> None:
        if not isinstance(row, MessageRow):
            self._put(key, row)
            return
        if key not in self.items:
            self._wrote[row.peer] = now
        line = self._lines.get(key) or self._claim(key, row)
        if line is not None:
            if line.text != row.text:
                line.reads(row.text, now)
            line.growing, line.row = False, row
            self._show(line)
        else:
            self._put(key, Turn(key, row.peer, row.label, row.text, _mark(row)))

    def _claim(self, key: str, row: MessageRow) -> _Line | None:
        """The line of ours that this message was, if it is one."""
        if row.peer or key in self.items:
            return None
        for line in self._sent:
            if safe_text(line.text) == row.text:
                self._sent.remove(line)
                self._lines[key] = line
                return line
        return None

    # Entries

    def _show(self, line: _Line) -> None:
        """Shows the turns of a line that have ended, and those that have been shown before."""
        last = len(line.turns) - 1
        for index, text in enumerate(line.turns):
            key, growing = _turn_key(line, index), index == last and line.growing
            if not text.strip():
                self._drop(key)
            elif not growing or key in self.items:
                peer, label = (line.row.peer, line.row.label) if line.row else (line.peer, line.label)
                mark = _mark(line.row) if line.row is not None and index == last else ""
                self._put(key, Turn(key, peer, label, text.strip(), mark, growing))
        for index in range(last + 1, line.shown):
            self._drop(_turn_key(line, index))
        line.shown = last + 1

    def _put(self, key: str, item: Item) -> None:
        if key not in self.items:
            self._changes.added.append(key)
        elif self.items[key] != item and key not in self._changes.added:
            self._changes.changed.add(key)
        self.items[key] = item

    def _drop(self, key: str) -> None:
        if self.items.pop(key, None) is not None:
            self._changes.changed.discard(key)
            if key in self._changes.added:
                self._changes.added.remove(key)
            else:
                self._changes.removed.append(key)

    def _remove(self, key: str) -> None:
        self._drop(key)
        line = self._lines.pop(key, None)
        if line is not None:
            self._withdraw(line)


def _turn_key(line: _Line, index: int) -> str:
    return f"{line.key}#{index}"


def _mark(row: MessageRow) -> str:
    """What became of a line, or how far a message of ours has come while it has not arrived everywhere."""
    return row.mark or ("" if row.state == "delivered" else row.state)


def _spread(turns: list[str], text: str, growing: bool) -> tuple[list[str], str]:
    """What each turn of a line reads when the line reads so, and what was written after all of them.

    Args:
        turns: what they read before.
        text: what the line reads.
        growing: whether what is written at the end belongs to the last of them.
    """
    start, end = _edited("".join(turns), text)
    ends = list(accumulate(map(len, turns)))
    first = bisect_right(ends, start)
    # Several edits at once reach from the first to the last of them. A turn between them is found by its words.
    for number in range(first + 1, min(len(turns), first + ANCHORS_MOST)):
        at = text.find(turns[number], start) if ends[number - 1] < end else -1
        if turns[number].strip() and at >= 0:
            ahead, _ = _place(turns[:number], text[:at], True)
            behind, written = _place(turns[number:], text[at:], growing)
            return ahead + behind, written
    return _place(turns, text, growing)


def _place(turns: list[str], text: str, growing: bool) -> tuple[list[str], str]:
    """The same for a single edit: what was written is in the turn in which it begins."""
    old = "".join(turns)
    start, end = _edited(old, text)
    written = text[start : len(text) - (len(old) - end)]
    offset, placed = 0, []
    for index, turn in enumerate(turns):
        before, after = turn[: max(0, start - offset)], turn[max(0, end - offset) :]
        offset += len(turn)
        if written and (start < offset or (index == len(turns) - 1 and growing)):
            before, written = before + written, ""
        placed.append(before + after)
    return placed, written


def _edited(old: str, new: str) -> tuple[int, int]:
    """Where the part of a text begins and ends that reads differently in the new one."""
    start = _common(old, new)
    return start, len(old) - _common(old[start:][::-1], new[start:][::-1])


def _common(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length
