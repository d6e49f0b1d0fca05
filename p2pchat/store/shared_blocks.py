"""The blocks that were read last, for several transfers of the same files: each is read and hashed once.

Receivers that keep pace ask for the same blocks one shortly after the other. One that falls behind has its blocks read
again: memory does not grow with the slowest.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Final, TypeAlias

Block: TypeAlias = tuple[bytes, bytes]
"""The bytes of a block, and their SHA-256."""

SHARED_BYTES: Final = 8 * 1024 * 1024
"""Bytes that are kept: twice what a receiver may be behind another when both are at the end of their credit."""


class SharedBlocks:
    """Keeps what was read last. Its only method may be called from several threads at once."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[int, Future[Block]] = OrderedDict()
        self._lengths: dict[int, int] = {}
        self._lock = Lock()

    def get(self, number: int, length: int, read: Callable[[int], Block]) -> Block:
        """Returns a block; waits for the thread that is reading it, or reads it itself.

        Args:
            number: of the block.
            length: its bytes.
            read: reads it. What it raises is raised here, for everybody who waits, and not kept.
        """
        with self._lock:
            block = self._blocks.get(number)
            ours = block is None
            if block is None:
                block = self._blocks[number] = Future()
                self._lengths[number] = length
                self._make_room()
        if ours:
            try:
                block.set_result(read(number))
            except BaseException as error:
                with self._lock:
                    if self._blocks.get(number) is block:
                        del self._blocks[number], self._lengths[number]
                block.set_exception(error)
        return block.result()

    def _make_room(self) -> None:
        while len(self._blocks) > 1 and sum(self._lengths.values()) > SHARED_BYTES:
            oldest, _ = self._blocks.popitem(last=False)
            del self._lengths[oldest]
