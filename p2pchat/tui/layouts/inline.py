"""One field, turn by turn, for braille and for small displays: `name: text` at the left edge, and words for signs."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from p2pchat.node.events import Direction
from p2pchat.tui.content import (
    LIVE_LINES,
    capitalised,
    crop_start,
    day_name,
    many_lines,
    mark_style,
    one_line,
    speaker_style,
    transfer_amount,
    transfer_state,
    transfer_title,
)
from p2pchat.tui.layouts.arrangement import Arrangement, Block, OwnLine
from p2pchat.tui.layouts.live_slots import LIVE_ROWS, LiveSlots
from p2pchat.tui.layouts.turns import Item, Turn, Turns
from p2pchat.tui.model import Conversation
from p2pchat.tui.rows import DayRow, LiveRow, NoticeRow, TransferRow, UnreadRow
from p2pchat.tui.timeline import Changes

NAME_CELLS = 20
"""Widest name before what somebody says, in cells."""

GOES_ON = "…"
"""Stands behind what is still being written: braille tables know it."""


class Inline(Arrangement[Item]):
    """Turns in the order in which they ended; those that others are writing at the end. Ours is in the composer."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation)
        self._slots = LiveSlots()
        self._turns = Turns()
        self._turns.follow(Changes(added=list(conversation.rows)), conversation.rows, {}, "", float("-inf"))

    @property
    def items(self) -> Mapping[str, Item]:
        """Turns, and what nobody said."""
        return self._turns.items

    def follow(self, changes: Changes, own: OwnLine, width: int, height: int, now: float) -> Changes:
        """Takes in what has changed."""
        rows, items = self.conversation.rows, self._turns.items
        changed = self._turns.follow(changes, rows, self.conversation.live, own.text, now)
        self._slots.follow(self._turns.growing, lambda key: key in items or key in rows, height, now)
        self.paused = self._slots.paused
        return changed

    def committed(self, text: str, now: float) -> None:
        """We have finished our line."""
        self._turns.committed(text, now)

    def draw(self, item: Item, width: int) -> Content:
        """An entry, from the left edge to the right one."""
        return _wrapped(_words(item), width)

    def live(self, width: int, height: int) -> list[Block]:
        """The turns that others are writing; how many more there are; who composes in private."""
        private = {info.peer: info for info in self.private}
        shown, more = self._slots.shown, self._slots.more
        lines = max(1, min(LIVE_LINES, (height - bool(more)) // max(1, len(shown))))
        blocks = [Block(key, _growing(row, row.peer in private, width, lines)) for key, row in shown.items()]
        if more:
            blocks.append(Block("more", (Content(f"+{more} typing"),)))
        room = min(LIVE_ROWS, height) - sum(len(block.lines) for block in blocks)
        silent = [info for peer, info in private.items() if all(row.peer != peer for row in shown.values())]
        for info in silent[: max(0, room)]:
            name = _name(info.peer, self.conversation.label(info.peer, info.name))
            words = Content.assemble(name, ": composing privately").truncate(width)
            blocks.append(Block(f"private:{info.peer}", (words,)))
        return blocks


def _words(item: Item) -> Content:
    match item:
        case Turn(mark=mark):
            end = Content.styled(f" ({mark})", mark_style(f"({mark})")) if mark else Content("")
            text = many_lines(item.text) + (GOES_ON if item.growing else "")
            return Content.assemble(_name(item.peer, item.label), ": ", text, end)
        case TransferRow(info=info):
            name = _name("", "you") if info.direction is Direction.SEND else _name(item.peer, item.label)
            to = f" to {one_line(item.label, NAME_CELLS)}" if info.direction is Direction.SEND else ""
            state = " ".join(transfer_state(info).split())
            return Content.assemble(name, f": {transfer_title(info)}, {transfer_amount(info)}{to}, {state}")
        case NoticeRow():
            text = many_lines(item.text) + (f" ({item.times} times)" if item.times > 1 else "")
            text += f". {capitalised(many_lines(item.hint))}" if item.hint else ""
            return Content.styled(f"! {text}" if item.problem else text, "$warning" if item.problem else "$muted")
        case DayRow():
            return Content.styled(day_name(item.at), "$muted")
        case UnreadRow():
            return Content.styled("New from here:", "$accent")


def _name(peer: str, label: str) -> tuple[str, str]:
    return one_line(label, NAME_CELLS), speaker_style(peer)


def _growing(row: LiveRow, private: bool, width: int, most: int) -> tuple[Content, ...]:
    """A turn that is being written: its end where it is longer than `most` lines, because that is where it grows."""
    end = Content(GOES_ON if row.text else "")
    if row.interrupted_at is not None:
        end = Content.styled(" (interrupted)", "$warning")
    elif private:
        end = Content.styled(" (composing privately)", "$muted")
    text = many_lines(row.text).replace("\n", " ")
    cells = most * width
    while True:
        lines = _lines(Content.assemble(_name(row.peer, row.label), ": ", crop_start(text, cells), end), width)
        if len(lines) <= most or cells <= 1:
            return tuple(lines[:most])
        cells -= max(1, width // 8)


def _wrapped(words: Content, width: int) -> Content:
    return Content("\n").join(_lines(words, width))


def _lines(words: Content, width: int) -> list[Content]:
    return words.wrap(max(4, width - 1))
