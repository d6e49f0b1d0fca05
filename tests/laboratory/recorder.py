"""A signaling server's recording: passes everything between clients and a server on, and writes it down.

    python -m tests.laboratory.recorder HOST PORT SERVER_PORT FILE

One JSON object a line: whether a client or the server said it, and what. Prints a line when it listens.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import IO

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

PATH = "/v1/ws"


async def record(host: str, port: int, server_port: int, recording: IO[str]) -> None:
    """Records until the process is stopped."""

    def write_down(by: str, text: str) -> None:
        recording.write(json.dumps({"by": by, "text": text}) + "\n")
        recording.flush()

    async def passed_on(request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse()
        await client.prepare(request)
        async with ClientSession() as session, session.ws_connect(f"http://{host}:{server_port}{PATH}") as server:
            there = asyncio.create_task(_pass_on(client, server, lambda text: write_down("client", text)))
            back = asyncio.create_task(_pass_on(server, client, lambda text: write_down("server", text)))
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            there.cancel()
            back.cancel()
        return client

    application = web.Application()
    application.router.add_get(PATH, passed_on)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    print("recording", flush=True)
    await asyncio.Event().wait()


Socket = web.WebSocketResponse | ClientWebSocketResponse


async def _pass_on(source: Socket, target: Socket, write_down: Callable[[str], None]) -> None:
    async for message in source:
        if message.type is WSMsgType.TEXT:
            write_down(message.data)
            await target.send_str(message.data)


if __name__ == "__main__":
    with open(sys.argv[4], "w") as file:
        asyncio.run(record(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), file))
