"""Saves what was said, when the user says so."""

from __future__ import annotations

from collections.abc import Callable

from p2pchat.node.exporting import export
from p2pchat.tui.asking import Asking
from p2pchat.tui.model import Conversation


class Saving:
    """Writes the transcript of a conversation.

    Args:
        conversation: what was said.
        asking: tells the user what became of it.
        wall: the time of day, in unix seconds.
    """

    def __init__(self, conversation: Conversation, asking: Asking, wall: Callable[[], float]) -> None:
        self._conversation = conversation
        self._asking = asking
        self._wall = wall

    def export(self, argument: str) -> None:
        """Saves it; see `p2pchat.node.exporting.export` for the argument.

        Raises:
            UsageError: the argument cannot be understood, or something of that name is there.
            StorageFailed: the file cannot be written.
        """
        saved = export(self._conversation.transcript, argument, self._wall())
        self._asking.note(f"Saved as {saved}")
