"""One node as a process of its own, driven by its parent."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.processes import say, told
from p2pchat.node.events import (
    LiveTextChanged,
    PeerChanged,
    PeerState,
    TransferChanged,
    TransferOffered,
    TransferProgressed,
)
from p2pchat.node.loop import run
from p2pchat.node.node import Node
from p2pchat.node.settings import Settings

ROOM = "benchmark"


async def listen(node: Node) -> None:
    async for event in node.events():
        match event:
            case PeerChanged(info=info) if info.state is PeerState.CONNECTED:
                say(event="connected")
            case TransferOffered(info=info):
                await node.accept(info.transfer)
            case TransferChanged(info=info) if info.state.final:
                say(event="ended")
            case TransferProgressed():
                say(event="moving")
            case LiveTextChanged(text=text):
                say(event="live", text=text, at=time.monotonic())


async def obey(node: Node, command: dict[str, Any]) -> None:
    match command["do"]:
        case "offer":
            await node.offer(ROOM, [Path(command["path"])])
        case "type":
            say(event="typed", text=command["text"], at=time.monotonic())
            await node.set_live_text(ROOM, command["text"])


async def main(name: str, server: str, home: str) -> None:
    node = Node(Settings(name, server, Path(home), Path(home) / "downloads"))
    await node.start()
    listening = asyncio.create_task(listen(node))
    await node.join(ROOM)
    say(event="ready")
    async for command in told():
        await obey(node, command)
    await node.stop()
    await listening


if __name__ == "__main__":
    run(main(*sys.argv[1:4]))
