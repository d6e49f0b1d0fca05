"""What was said, and below it a row for each who is typing (RFC 9071 figure 1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.content import Content

from p2pchat.tui.content import LIVE_LINES, live_content, name_column, private_content, row_content
from p2pchat.tui.layouts.arrangement import Arrangement, Block, OwnLine
from p2pchat.tui.layouts.live_slots import LIVE_ROWS, LiveSlots
from p2pchat.tui.live_lines import by_line
from p2pchat.tui.model import Conversation
from p2pchat.tui.rows import MessageRow, Row, TransferRow
from p2pchat.tui.timeline import Changes


class Stack(Arrangement[Row]):
    """Time, speaker and text, each in its column; that of the names grows with them and never shrinks."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation)
        self._slots = LiveSlots()
        self._widen(conversation.rows)

    @property
    def items(self) -> Mapping[str, Row]:
        """The timeline."""
        return self.conversation.rows

    def follow(self, changes: Changes, own: OwnLine, width: int, height: int, now: float) -> Changes:
        """Takes in what has changed."""
        rows = self.conversation.rows
        self._slots.follow(by_line(self.conversation.live), rows.__contains__, height, now)
        self.paused = self._slots.paused
        self._widen(changes.added)
        return changes

    def draw(self, item: Row, width: int) -> Content:
        """A row, wrapped under itself."""
        return row_content(item, width, self.names)

    def live(self, width: int, height: int) -> list[Block]:
        """Those who type, in the order in which they began; how many more there are; who composes in private."""
        private = {info.peer: info for info in self.private}
        shown, more = self._slots.shown, self._slots.more
        lines = max(1, min(LIVE_LINES, (height - bool(more)) // max(1, len(shown))))
        blocks = [
            Block(key, tuple(live_content(row, width, self.names, lines, row.peer in private).split("\n")))
            for key, row in shown.items()
        ]
        if more:
            blocks.append(Block("more", (Content.styled(f" +{more} typing", "$muted"),)))
        room = min(LIVE_ROWS, height) - sum(len(block.lines) for block in blocks)
        silent = [info for peer, info in private.items() if peer not in self.conversation.live]
        for info in silent[: max(0, room)]:
            label = self.conversation.label(info.peer, info.name)
            blocks.append(Block(f"private:{info.peer}", (private_content(info.peer, label, width, self.names),)))
        return blocks

    def _widen(self, keys: Iterable[str]) -> None:
        rows = [self.conversation.rows[key] for key in keys]
        labels = [row.label for row in rows if isinstance(row, MessageRow | TransferRow)]
        labels += [row.label for row in self.conversation.live.values()]
        self.names = max(self.names, name_column(labels))
