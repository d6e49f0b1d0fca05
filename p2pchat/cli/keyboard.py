"""The terminal's keys: by the line, as a terminal hands them over, or one by one while somebody types live."""

from __future__ import annotations

import atexit
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self

from p2pchat.cli.lines import read_chunks

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]


class Keyboard:
    """Switches a terminal between lines and keys.

    Use it as a context manager: whatever happens, the terminal is left as it was found. Ctrl-C and Ctrl-Z keep what
    they do.

    Args:
        descriptor: the terminal, open for reading.
        write_text: takes the echo of keys; the terminal writes none itself while it hands over each key.
    """

    def __init__(self, descriptor: int, write_text: Callable[[str], None]) -> None:
        self._descriptor = descriptor
        self._found: list[Any] | None = None
        self.write_text = write_text

    def __enter__(self) -> Self:
        atexit.register(self.by_line)
        with contextlib.suppress(ValueError, AttributeError):  # not the main thread; Windows
            signal.signal(signal.SIGCONT, self._continued)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.by_line()
        atexit.unregister(self.by_line)
        with contextlib.suppress(ValueError, AttributeError):
            signal.signal(signal.SIGCONT, signal.SIG_DFL)

    def chunks(self) -> AsyncIterator[bytes]:
        """Returns what the terminal sends."""
        return read_chunks(self._descriptor)

    def key_by_key(self) -> bool:
        """Has each key handed over as it is pressed, without an echo; returns whether the terminal can do that.

        A read that waits for a line already returns with the next key.
        """
        if termios is None:
            return False
        try:
            found = termios.tcgetattr(self._descriptor)
            keys = [*found[:6], list(found[6])]
            keys[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
            keys[6][termios.VMIN], keys[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, keys)
        except termios.error:
            return False
        if self._found is None:
            self._found = found
        return True

    def _continued(self, *_: object) -> None:
        """After Ctrl-Z the shell has set the terminal as it likes it."""
        if self._found is not None:
            self.key_by_key()

    def by_line(self) -> None:
        """Leaves the terminal as it was found. Calling it again does nothing."""
        if self._found is None:
            return
        found, self._found = self._found, None
        try:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, found)
        except termios.error:  # the terminal is gone
            return
