"""A column for each who takes part, in the order of time across them (RFC 9071 figure 2)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Final

from textual.content import Content

from p2pchat.tui.content import (
    CURSOR,
    LIVE_LINES,
    live_content,
    many_lines,
    mark_style,
    name_column,
    one_line,
    pad,
    private_content,
    row_content,
    speaker_style,
)
from p2pchat.tui.layouts.arrangement import Arrangement, Block, OwnLine
from p2pchat.tui.layouts.live_slots import PAUSE_SECONDS, LiveSlots
from p2pchat.tui.layouts.side_by_side import Geometry, most_columns
from p2pchat.tui.live_lines import by_line
from p2pchat.tui.model import Conversation
from p2pchat.tui.rows import MessageRow, Row
from p2pchat.tui.timeline import Changes

COLUMNS_FROM: Final = 60
"""Narrowest conversation with columns, in cells: in less than two of 28 a text is all line ends."""

SILENT_SECONDS: Final = 30.0
"""Who wrote nothing for so long, in seconds, leaves the column to somebody who writes and has none. Each change of
columns draws the whole conversation anew, so they must not change hands with every word."""

OWN: Final = ""
"""Stands for us where others have a key tag."""


class Columns(Arrangement[Row]):
    """We are on the left, then the others in the order in which they came.

    Where more write than fit, those without a column have rows over the whole width, with their names. How many of our
    messages have not arrived is said in the heading: behind each it would often take a line, and later give it back.
    """

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation)
        self._slots = LiveSlots()
        self._own = OwnLine()
        self._own_changed_at = float("-inf")
        self._came: dict[str, str] = {OWN: "you"}
        """Everybody who has come, in this order, and what each is called."""
        self._wrote: dict[str, float] = {}
        """When each who wrote did so last, in seconds of a monotonic clock."""
        self._columns: list[str] = [OWN]
        for number, row in enumerate(self._messages(conversation.rows)):
            self._came.setdefault(row.peer, row.label)
            self._wrote[row.peer] = number - 1e9
        self._places = 1

    @property
    def items(self) -> Mapping[str, Row]:
        """The timeline."""
        return self.conversation.rows

    @property
    def shape(self) -> Hashable:
        """Who has columns."""
        return tuple(self._columns), self._places

    def follow(self, changes: Changes, own: OwnLine, width: int, height: int, now: float) -> Changes:
        """Takes in what has changed."""
        live = self.conversation.live
        if own != self._own:
            self._own, self._own_changed_at = own, now
        self._slots.follow(by_line(live), self.items.__contains__, height, now)
        self.paused = self._slots.paused and now >= self._own_changed_at + PAUSE_SECONDS
        for peer, info in self.conversation.peers.items():
            self._came.setdefault(peer, info.name)
        for message in self._messages(changes.added):
            self._came[message.peer], self._wrote[message.peer] = message.label, now
        for typing in live.values():
            self._came[typing.peer] = typing.label
            self._wrote[typing.peer] = max(typing.changed_at, self._wrote.get(typing.peer, float("-inf")))
        self._places = most_columns(width)
        self._share_columns(now)
        return changes

    def _share_columns(self, now: float) -> None:
        said = {row.peer for row in self._messages(self.items)} | self.conversation.live.keys()
        here = said | self.conversation.peers.keys()
        self._columns = [peer for peer in self._columns if peer == OWN or peer in here][: self._places]
        without = [peer for peer in self._wrote if peer in said and peer not in self._columns]
        for peer in sorted(without, key=self._wrote.__getitem__, reverse=True):
            others = self._columns[1:]
            if len(self._columns) < self._places:
                self._columns.append(peer)
            elif others:
                silent = min(others, key=lambda other: self._wrote.get(other, float("-inf")))
                if self._wrote[peer] >= self._wrote.get(silent, float("-inf")) + SILENT_SECONDS:
                    self._columns[self._columns.index(silent)] = peer
        came = list(self._came)
        self._columns.sort(key=came.index)

    def heading(self, width: int) -> Content | None:
        """The names, how many of our messages have not arrived, and how many more write."""
        geometry = Geometry.of(len(self._columns), width)
        waiting = sum(row.state not in ("", "delivered") for row in self._messages(self.items))
        more = len(self._without_column)
        notes = {OWN: f"{waiting} waiting" if waiting else "", self._columns[-1]: f"+{more} in rows" if more else ""}
        names = {}
        for number, peer in enumerate(self._columns):
            note = notes.get(peer, "")
            space = max(1, geometry.cells - len(note) - 1)
            name = (pad(one_line(self._name(peer)), space), speaker_style(peer))
            names[number] = Content.assemble(name, " ", (note, "$muted"))
        return Content("\n").join(geometry.lines(names))

    def draw(self, item: Row, width: int) -> Content:
        """What was said, in its column; everything else over the whole width."""
        if not isinstance(item, MessageRow) or item.peer not in self._columns:
            return row_content(item, width, self._row_names)
        geometry = Geometry.of(len(self._columns), width)
        mark = f"({item.mark})" if item.mark else ""
        end = Content.styled(f" {mark}", mark_style(mark)) if mark else Content("")
        number = self._columns.index(item.peer)
        return Content("\n").join(
            line
            for text in (Content(many_lines(item.text)) + end).wrap(geometry.cells)
            for line in geometry.lines({number: text})
        )

    def live(self, width: int, height: int) -> list[Block]:
        """Rows of those without a column, and below them the others side by side."""
        geometry = Geometry.of(len(self._columns), width)
        private = {info.peer for info in self.private}
        blocks = [
            Block(key, (live_content(row, width, self._row_names, 1, row.peer in private),))
            for key, row in self._slots.shown.items()
            if row.peer not in self._columns
        ]
        if self._slots.more:
            blocks.append(Block("more", (Content.styled(f" +{self._slots.more} typing", "$muted"),)))
        for info in self.private:
            if info.peer not in self._columns and info.peer not in self.conversation.live:
                name = self.conversation.label(info.peer, info.name)
                blocks.append(
                    Block(f"private:{info.peer}", (private_content(info.peer, name, width, self._row_names),))
                )
        blocks = blocks[: max(0, height - 1)]
        texts = self._texts(private, geometry.cells)
        lines: list[Content] = []
        for from_end in range(max(map(len, texts.values()), default=0), 0, -1):
            row = {number: text[-from_end] for number, text in texts.items() if len(text) >= from_end}
            lines += geometry.lines(row)
        return [*blocks, Block("columns", tuple(lines[-max(1, height - len(blocks)) :]), grows_up=True)]

    def _texts(self, private: set[str], cells: int) -> dict[int, list[Content]]:
        """What is being written in each column, in lines."""
        texts: dict[int, list[Content]] = {}
        if self._own.text:
            end = Content.styled(" (held)", "$warning") if self._own.private else Content.styled(CURSOR, "$accent")
            texts[0] = _end_of(self._own.text, end, cells)
        for peer in private.intersection(self._columns):
            texts[self._columns.index(peer)] = Content.styled("composing privately", "$muted").wrap(cells)
        for row in self._slots.shown.values():
            if row.peer in self._columns:
                end = Content.styled(CURSOR if row.text else "", "$accent")
                if row.interrupted_at is not None:
                    end = Content.styled(" (interrupted)", "$warning")
                elif row.peer in private:
                    end = Content.styled(" (composing privately)", "$muted")
                texts[self._columns.index(row.peer)] = _end_of(row.text, end, cells)
        return texts

    def _messages(self, keys: Iterable[str]) -> list[MessageRow]:
        return [row for key in keys if isinstance(row := self.conversation.rows[key], MessageRow)]

    @property
    def _without_column(self) -> list[str]:
        """Who wrote something that is still there, and has no column."""
        said = {row.peer for row in self._messages(self.items)} | self.conversation.live.keys()
        return [peer for peer in self._came if peer in said and peer not in self._columns]

    @property
    def _row_names(self) -> int:
        """The width of the column of names in a row, in cells."""
        return name_column(["you", *map(self._name, self._without_column)])

    def _name(self, peer: str) -> str:
        info = self.conversation.peers.get(peer)
        return self.conversation.label(peer, info.name) if info is not None else self._came[peer]


def _end_of(text: str, end: Content, cells: int) -> list[Content]:
    """A text in lines; of a longer one the end, because that is where it grows."""
    lines = (Content(many_lines(text).replace("\n", " ")) + end).wrap(cells)
    if len(lines) > LIVE_LINES:
        lines = (Content(many_lines(text).replace("\n", " ")) + end).wrap(cells - 1)[-LIVE_LINES:]
        lines[0] = Content("…") + lines[0]
    return lines
