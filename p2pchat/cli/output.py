"""Standard output: the only module that writes to it.

Standard output carries data: a received file as it is, or lines. Each line leaves at once: whoever reads a pipe must
not wait for a buffer to fill.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO, Final

from p2pchat.protocol.untrusted import safe_line

PATH_CHARACTERS: Final = 4096
"""Longest path that is shown on a terminal: what Linux takes."""

COPIED_BYTES: Final = 1024 * 1024
"""Bytes of a file that are copied at once."""


class OutputClosed(Exception):
    """Whoever read our output has gone: leave quietly."""


class Output:
    """Writes lines to a stream.

    Args:
        stream: where the bytes go.
        encoding: how text becomes bytes. What it cannot express is written as `?`.
    """

    def __init__(self, stream: BinaryIO, encoding: str = "utf-8") -> None:
        self._stream = stream
        self._encoding = encoding
        self._closed = False

    def write_line(self, line: str) -> None:
        """Writes one line and flushes it. `line` has to be fit for a terminal, and holds no newline.

        Raises:
            OutputClosed: nobody reads any more; also on every further call.
        """
        self._write(line.encode(self._encoding, "replace") + b"\n")

    def write_text(self, text: str) -> None:
        """Writes a part of a line and flushes it: the echo of keys. `text` has to be fit for a terminal.

        Raises:
            OutputClosed: as `write_line` does.
        """
        self._write(text.encode(self._encoding, "replace"))

    def write_path(self, path: str) -> None:
        """Writes a path of this machine as a line: to a terminal fit to be shown, otherwise as the system has it.

        Raises:
            OutputClosed: as `write_line` does.
        """
        if self._stream.isatty():
            self.write_line(safe_line(path, PATH_CHARACTERS))
        else:
            self._write(os.fsencode(path) + b"\n")

    def copy(self, path: Path) -> None:
        """Writes a file as it is.

        Raises:
            OutputClosed: as `write_line` does.
        """
        with path.open("rb") as file:
            while data := file.read(COPIED_BYTES):
                self._write(data)

    def _write(self, data: bytes) -> None:
        if self._closed:
            raise OutputClosed
        rest = memoryview(data)
        try:
            while rest:
                # Python without buffers (-u) writes only as much as the system takes before a signal comes.
                rest = rest[self._stream.write(rest) :]
            self._stream.flush()
        except BrokenPipeError:
            self._closed = True
            raise OutputClosed from None


def standard_output() -> Output:
    """Returns the process's standard output, in the encoding of its terminal."""
    return Output(sys.stdout.buffer, sys.stdout.encoding)


def discard_output() -> None:
    """Lets everything that is still buffered go nowhere, so that the interpreter's last flush does not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
