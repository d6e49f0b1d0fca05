"""One node as a process of its own, driven by its parent, that counts the file data it sends and receives.

Faults that it can be given:

    damage=N       one bit of the Nth block of full length is another one when it is to be stored
    never-synced   what is received is not flushed before a file is complete, so that the journal vouches for nothing
    always-synced  what is received is flushed with each block, so that the journal vouches for everything
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from benchmarks.processes import say, told
from p2pchat.node.events import PeerChanged, PeerState, TransferChanged, TransferOffered, TransferState
from p2pchat.node.loop import run
from p2pchat.node.node import Node
from p2pchat.node.settings import Settings
from p2pchat.protocol.limits import BLOCK_BYTES
from p2pchat.protocol.transfer.bulk import unpack
from p2pchat.protocol.transfer.exchange import Exchange
from p2pchat.store import incoming

ROOM = "soak"
REPORT_EVERY = 16
"""Messages between two reports: a quarter of a block."""


class CountingExchange(Exchange):
    """Tells how much file data has gone through this process, in either direction."""

    messages = 0
    data = 0

    def next_chunk(self) -> bytes | None:
        message = super().next_chunk()
        if message is not None:
            self._count(message)
        return message

    def chunk(self, message: bytes | str, now: float) -> bool:
        known = super().chunk(message, now)
        assert isinstance(message, bytes)
        self._count(message)
        return known

    @classmethod
    def _count(cls, message: bytes) -> None:
        cls.messages += 1
        cls.data += len(unpack(message).data)
        if cls.messages % REPORT_EVERY == 0:
            say(event="moved", bytes=cls.data)


def damage_block(nth: int) -> None:
    """Has one block damaged when it is to be stored: the `nth` of full length that comes, counted from 0."""
    store = incoming.IncomingFiles.store_block
    coming = itertools.count()

    def store_damaged(files: incoming.IncomingFiles, number: int, data: bytes, digest: bytes) -> bool:
        if len(data) == BLOCK_BYTES and next(coming) == nth:
            data = bytes([data[0] ^ 1]) + data[1:]
        return store(files, number, data, digest)

    setattr(incoming.IncomingFiles, "store_block", store_damaged)  # noqa: B010


async def listen(node: Node) -> None:
    async for event in node.events():
        match event:
            case PeerChanged(info=info) if info.state is PeerState.CONNECTED:
                say(event="connected")
            case TransferOffered(info=info):
                say(event="offered", resumable=info.resumable)
                await node.accept(info.transfer)
            case TransferChanged(info=info) if info.state.final:
                done = info.state is TransferState.DONE
                say(event="ended", done=done, reason=info.reason, bytes=CountingExchange.data)


async def main(name: str, server: str, home: str) -> None:
    node = Node(Settings(name, server, Path(home), Path(home) / "downloads"))
    await node.start()
    listening = asyncio.create_task(listen(node))
    await node.join(ROOM)
    say(event="ready")
    async for command in told():
        if command["do"] == "stop":
            break
        await node.offer(ROOM, [Path(command["path"])])
    await node.stop()
    await listening
    say(event="stopped")


def put_in(faults: list[str]) -> None:
    """Makes this process faulty."""
    from p2pchat.protocol import session

    setattr(session, "Exchange", CountingExchange)  # noqa: B010
    for fault in faults:
        what, _, number = fault.partition("=")
        if what == "damage":
            damage_block(int(number))
        else:
            setattr(incoming, "SYNC_EVERY", {"never-synced": float("inf"), "always-synced": 0.0}[what])  # noqa: B010


if __name__ == "__main__":
    put_in(sys.argv[4:])
    run(main(*sys.argv[1:4]))
