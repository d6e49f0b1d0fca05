"""What the three layouts have in common: entries that are said, above lines that are being written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from textual.content import Content

from p2pchat.node.events import PeerInfo
from p2pchat.tui.content import name_column
from p2pchat.tui.model import Conversation
from p2pchat.tui.timeline import Changes

OWN_NAME_CELLS: Final = name_column(["you"])
"""The narrowest column of names, in cells: our own has to fit."""


Item = TypeVar("Item")
"""What an entry of the layout is."""


@dataclass(frozen=True, slots=True)
class OwnLine:
    """The line that we are writing, as the others have it."""

    text: str = ""
    """What they see of it."""
    private: bool = False
    """Whether they see no more of it for the time being."""


@dataclass(frozen=True, slots=True)
class Block:
    """What one person is writing, or several side by side."""

    key: str
    """The same for as long as it is about the same people."""
    lines: tuple[Content, ...]
    grows_up: bool = False
    """Whether its last line is the one that stays where it is."""


class Arrangement(ABC, Generic[Item]):
    """One layout of a conversation.

    Call `follow` with what has changed; then `items`, `heading`, `draw` and `live` are up to date.

    Args:
        conversation: what is shown.
    """

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.paused = True
        """Whether nobody has typed for a while, and space that is not needed may be given back."""
        self.names = OWN_NAME_CELLS
        """The width of the column of names, in cells."""

    @property
    @abstractmethod
    def items(self) -> Mapping[str, Item]:
        """What has been said and has happened, by key, oldest first."""

    @property
    def shape(self) -> Hashable:
        """Whatever every entry depends on: all of them are drawn again when it changes."""
        return self.names

    @abstractmethod
    def follow(self, changes: Changes, own: OwnLine, width: int, height: int, now: float) -> Changes:
        """Takes in what has changed.

        Args:
            changes: what has changed in the timeline.
            own: the line that we are writing.
            width: the width of an entry, in cells.
            height: the lines that there are for what is being written.
            now: seconds of a monotonic clock.

        Returns:
            What has changed in `items`.
        """

    def committed(self, text: str, now: float) -> None:
        """We have finished our line. A layout that does not show it anew has nothing to do."""

    def heading(self, width: int) -> Content | None:
        """The line above everything; None for none."""
        return None

    @abstractmethod
    def draw(self, item: Item, width: int) -> Content:
        """An entry, for its width in cells."""

    @abstractmethod
    def live(self, width: int, height: int) -> list[Block]:
        """What is being written, from top to bottom, in no more lines than `height`; at the width of an entry."""

    @property
    def private(self) -> list[PeerInfo]:
        """Who is here, and shows us no keys for a while."""
        return [info for info in self.conversation.connected if info.live_mode == "hold"]
