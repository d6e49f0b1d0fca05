"""Tasks that belong together: when one ends, all do."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

_AGAIN_SECONDS: Final = 0.2
"""Time between two attempts to cancel a task: what it waits for may have swallowed the first one."""


async def end(task: asyncio.Task[None]) -> None:
    """Cancels a task until it is over. Once is not enough: a client of Redis that is losing it can swallow it."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN_SECONDS)


async def run_together(*parts: Coroutine[Any, Any, None]) -> None:
    """Runs parts side by side until one of them is over or fails; then the others are ended.

    Raises:
        Exception: what the first part failed with.
    """
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        over, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            await end(task)
    for task in over:
        task.result()
