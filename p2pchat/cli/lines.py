"""Lines of standard input, read without ever blocking the event loop."""

from __future__ import annotations

import asyncio
import os
import select
import threading
from collections.abc import AsyncIterator
from typing import Final, TypeAlias

LINE_BYTES: Final = 1024 * 1024
"""Longest line of input, in bytes: sixteen times the longest message, and little to hold."""

READ_BYTES: Final = 64 * 1024
"""Bytes read at once: what a Linux pipe holds."""

READS_AHEAD: Final = 4
"""Reads that may wait to be consumed. A file of any size is read no faster than its lines are worked on."""

Line: TypeAlias = bytes | None
"""A line without its end; None stands for one that was longer than allowed."""


class LineSplitter:
    """Cuts a stream of bytes into lines, in bounded memory.

    Args:
        limit: longest line in bytes. Of a longer one nothing is kept.
    """

    def __init__(self, limit: int = LINE_BYTES) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> list[Line]:
        """Takes what was read and returns the lines that are complete now."""
        *ends, rest = data.split(b"\n")
        lines = [self._complete(end) for end in ends]
        self._keep(rest)
        return lines

    def finish(self) -> list[Line]:
        """The stream has ended: returns its last line when that has no line end."""
        return [self._complete(b"")] if self._rest or self._too_long else []

    def _keep(self, data: bytes) -> None:
        if self._too_long or len(self._rest) + len(data) > self._limit:
            self._too_long = True
            self._rest.clear()
        else:
            self._rest += data

    def _complete(self, end: bytes) -> Line:
        self._keep(end)
        line = None if self._too_long else bytes(self._rest).removesuffix(b"\r")
        self._rest.clear()
        self._too_long = False
        return line


async def read_lines(descriptor: int, limit: int = LINE_BYTES) -> AsyncIterator[Line]:
    """Yields the lines of a file descriptor until it ends.

    Args:
        descriptor: as for `read_chunks`.
        limit: longest line in bytes.
    """
    splitter = LineSplitter(limit)
    async for data in read_chunks(descriptor):
        for line in splitter.feed(data):
            yield line
    for line in splitter.finish():
        yield line


async def read_chunks(descriptor: int) -> AsyncIterator[bytes]:
    """Yields what is read from a file descriptor until it ends.

    A thread does the reading: an event loop can watch a pipe, but neither a regular file nor, on Windows, a console.
    It is a daemon, because nothing can end a read from a terminal where nobody types.

    Args:
        descriptor: a pipe, file, terminal or socket, open for reading. It is left open.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    ahead = threading.Semaphore(READS_AHEAD)

    def hand_over(data: bytes) -> bool:
        ahead.acquire()
        try:
            loop.call_soon_threadsafe(chunks.put_nowait, data)
        except RuntimeError:  # the loop is closed: nobody waits for lines any more
            return False
        return True

    def read() -> None:
        while hand_over(data := _read(descriptor)) and data:
            pass

    threading.Thread(target=read, name="lines of input", daemon=True).start()
    while data := await chunks.get():
        yield data
        ahead.release()


def _read(descriptor: int) -> bytes:
    """Waits for bytes; none mean the end. A descriptor that fails (its terminal is gone) has ended, too."""
    while True:
        try:
            return os.read(descriptor, READ_BYTES)
        except BlockingIOError:  # whoever started us left it in non-blocking mode
            select.select([descriptor], [], [])
        except OSError:
            return b""
