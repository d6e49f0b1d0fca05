"""Lines that do not interrupt whoever is typing.

A synthesiser echoes each key that its user presses, and a braille display follows the cursor: a line that is written
in the middle cuts both off. So lines wait until no key was pressed for a while; what cannot wait, an alert or a loss,
is written at once. A terminal hands over whole lines unless live typing is on: then no key is seen, and nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

QUIET_SECONDS: Final = 0.7
"""Pause after a key until lines that waited are written: longer than between two keys of one word."""

WAITING_LINES: Final = 200
"""Lines that wait at most; more are written at once. Somebody who types for minutes misses nothing by it."""


class Voice:
    """Writes lines, in order, when there is time for them.

    Args:
        write_line: takes each line.
        write_text: takes the echo of keys, a line without its end; None where keys are never seen.
    """

    def __init__(self, write_line: Callable[[str], None], write_text: Callable[[str], None] | None = None) -> None:
        self._write_line = write_line
        self._write_text = write_text
        self._waiting: list[str] = []
        self._last_key: float | None = None
        self._mid_line = False
        """Whether the last line on the terminal is one that is being typed."""

    def say(self, line: str) -> None:
        """Writes a line as soon as nobody types."""
        if self._last_key is None:
            self._write(line)
            return
        self._waiting.append(line)
        if len(self._waiting) > WAITING_LINES:
            self._release()

    def interrupt(self, line: str) -> None:
        """Writes a line at once; those that wait go on waiting."""
        self._write(line)

    def echo(self, text: str, now: float) -> None:
        """A key was pressed: writes what it gives, which may be nothing, behind what was typed before.

        Args:
            text: fit to be shown, without newline.
            now: the time, in seconds of a monotonic clock.
        """
        self._last_key = now
        if text and self._write_text is not None:
            self._write_text(text)
            self._mid_line = True

    def end_line(self) -> None:
        """The line that was typed is finished, or left: what waited is written behind it."""
        self._last_key = None
        self._break()
        self._release()

    def deadline(self) -> float | None:
        """When `tick` is due, or None while nothing waits."""
        return self._last_key + QUIET_SECONDS if self._waiting and self._last_key is not None else None

    def tick(self, now: float) -> None:
        """Time has passed: writes what waited, unless a key was pressed in the meantime."""
        due = self.deadline()
        if due is not None and now >= due:
            self._release()

    def close(self) -> None:
        """Nothing more is typed: writes what still waits."""
        self.end_line()

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, []
        for line in waiting:
            self._write(line)

    def _write(self, line: str) -> None:
        self._break()
        self._write_line(line)

    def _break(self) -> None:
        if self._mid_line and self._write_text is not None:
            self._write_text("\n")
        self._mid_line = False
