"""Live text of the demo: typed at the pace of a person, with a mistake that is noticed and corrected."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from p2pchat.node.api import NodeApi
from p2pchat.node.events import LineState, LiveTextChanged

KEY_SECONDS: Final = 0.04
"""Time between two keys. Twenty-five a second is a very fast typist, and below what every peer accepts (30 cps)."""

NOTICE_SECONDS: Final = 0.8
"""Time until the mistake is noticed: long enough for the text to be seen at the other side."""


def keystrokes(mistaken: str, meant: str) -> Iterator[str]:
    """Yields what the line reads after each key: the mistake is typed, erased as far as needed, and corrected."""
    right = next(at for at in range(len(mistaken) + 1) if mistaken[: at + 1] != meant[: at + 1])
    for end in range(1, len(mistaken) + 1):
        yield mistaken[:end]
    for end in range(len(mistaken) - 1, right - 1, -1):
        yield mistaken[:end]
    for end in range(right + 1, len(meant) + 1):
        yield meant[:end]


async def type_line(node: NodeApi, conversation: str, mistaken: str, meant: str) -> None:
    """Types a line with live text, correction included, and finishes it."""
    for text in keystrokes(mistaken, meant):
        await node.set_live_text(conversation, text)
        await asyncio.sleep(NOTICE_SECONDS if text == mistaken else KEY_SECONDS)
    await node.commit_live_text(conversation)


class LineWatch:
    """Watches the live lines of others: did they grow, and were they corrected?"""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], list[str]] = {}
        self._finished: set[tuple[str, int]] = set()

    def finished(self, event: LiveTextChanged) -> bool | None:
        """Takes a change of a line.

        Returns:
            None while the line is not finished, and when it was before; then whether it was seen unfinished, and
            with text that is not in the finished line.
        """
        line = (event.peer, event.line)
        if line in self._finished:
            return None
        if event.state is not LineState.FINAL:
            self._seen.setdefault(line, []).append(event.text)
            return None
        self._finished.add(line)
        seen = self._seen.pop(line, [])
        grew = any(event.text.startswith(text) for text in seen if text)
        return grew and any(not event.text.startswith(text) for text in seen)
