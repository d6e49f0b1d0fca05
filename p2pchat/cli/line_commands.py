"""What all commands of line mode work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from p2pchat.cli.plain_events import PlainEvents
from p2pchat.node.api import NodeApi

Command: TypeAlias = Callable[[str], Awaitable[None]]
"""Carries a command out, given what follows its name. Raises a `P2PChatError` that the user is told."""


class LineCommands:
    """Commands that belong together. Each kind of them has `commands`, by their names without the slash.

    Args:
        node: the running peer.
        conversation: the room.
        shown: what was and is written.
    """

    def __init__(self, node: NodeApi, conversation: str, shown: PlainEvents) -> None:
        self._node = node
        self._conversation = conversation
        self._shown = shown
