"""What a socket has sent to peers that are away, until they are back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from p2pchat.protocol.signaling import Relayed


class Kept:
    """Messages in the order in which they were sent. When there are too many, the oldest go.

    The newest are worth more: they belong to the attempt to connect that is still going on.

    Args:
        messages: how many are kept.
        size: how many bytes they have together, as relayed.
    """

    __slots__ = ("_bytes", "_entries", "_messages", "_size")

    def __init__(self, messages: int, size: int) -> None:
        self._messages = messages
        self._size = size
        self._bytes = 0
        self._entries: deque[tuple[str, Relayed, int]] = deque()

    def __iter__(self) -> Iterator[tuple[str, Relayed, int]]:
        """Each receiver's peer id, with the message and its size."""
        return iter(self._entries)

    def put(self, to: str, message: Relayed, size: int) -> None:
        """Keeps a message."""
        self._entries.append((to, message, size))
        self._bytes += size
        while len(self._entries) > self._messages or self._bytes > self._size:
            self._bytes -= self._entries.popleft()[2]
