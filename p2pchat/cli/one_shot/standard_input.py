"""Standard input as something to send: it is read into a private file while the other side is waited for."""

from __future__ import annotations

import asyncio
import os
import select
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from p2pchat.errors import P2PChatError, TransferFailed
from p2pchat.store.spool import SpoolFile

READ_BYTES: Final = 1024 * 1024
"""Bytes read at once."""

TELL_SECONDS: Final = 0.2
"""Time between two words about how far it is."""

STDIN_NAME: Final = "stdin"
"""What it is called at the receiver, unless the user has a better name."""


@dataclass(frozen=True, slots=True)
class InputRead:
    """So much of the input has been read."""

    count: int
    """Bytes."""
    ended: bool = False


async def spooled(descriptor: int, file: SpoolFile) -> AsyncIterator[InputRead]:
    """Copies a file descriptor into a spool file until it ends, and tells how far it is.

    A daemon thread reads: nothing can end a read from a pipe into which nobody writes.

    Args:
        descriptor: open for reading; it is left open.
        file: where it goes. It is finished with the last word.

    Raises:
        TransferFailed: the input cannot be read.
        StorageFailed: the disk refused, or would become too full.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[InputRead | P2PChatError] = asyncio.Queue()

    def tell(item: InputRead | P2PChatError) -> bool:
        try:
            loop.call_soon_threadsafe(told.put_nowait, item)
        except RuntimeError:  # the loop is closed: nobody wants it any more
            return False
        return True

    def copy() -> None:
        count, last = 0, 0.0
        try:
            while data := _read(descriptor):
                file.write(data)
                count += len(data)
                if time.monotonic() - last >= TELL_SECONDS:
                    last = time.monotonic()
                    if not tell(InputRead(count)):
                        return
            file.finish()
        except OSError as error:
            tell(TransferFailed(f"standard input cannot be read: {error.strerror}"))
        except P2PChatError as error:
            tell(error)
        else:
            tell(InputRead(count, ended=True))

    threading.Thread(target=copy, name="standard input", daemon=True).start()
    while True:
        item = await told.get()
        if isinstance(item, P2PChatError):
            raise item
        yield item
        if item.ended:
            return


def _read(descriptor: int) -> bytes:
    """Waits for bytes; none mean the end."""
    while True:
        try:
            return os.read(descriptor, READ_BYTES)
        except BlockingIOError:  # whoever started us left it in non-blocking mode
            select.select([descriptor], [], [])
