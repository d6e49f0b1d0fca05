"""Writes one line of real-time text to whoever waits in a room, over HTTP and a data channel: no WebSocket, no p2pchat.

    python http_offer.py http://127.0.0.1:8080 ROOM "hello from a script"

Needs aiortc and aiohttp. The other side is asked whether to let a guest in, and reads the line when it says yes. For a
server with tokens, set P2PCHAT_TOKEN.
"""

import asyncio
import os
import sys

import aiohttp
from aiortc import RTCPeerConnection, RTCSessionDescription


async def main(server: str, room: str, line: str) -> None:
    """Offers a `t140` channel (RFC 8865), sends the line, and waits for a line in return."""
    connection, answered = RTCPeerConnection(), asyncio.Event()
    channel = connection.createDataChannel("t140", protocol="t140")
    channel.on("open", lambda: channel.send(line + "\u2028"))  # a line ends with LINE SEPARATOR
    channel.on("message", lambda text: (print(text, end="", flush=True), "\u2028" in text and answered.set()))
    await connection.setLocalDescription(await connection.createOffer())
    headers = {"Content-Type": "application/sdp"}
    if token := os.environ.get("P2PCHAT_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    async with aiohttp.ClientSession(server, raise_for_status=True) as http:
        async with http.post(
            f"/v1/rooms/{room}/offer", data=connection.localDescription.sdp, headers=headers
        ) as posted:
            await connection.setRemoteDescription(RTCSessionDescription(await posted.text(), "answer"))
        await answered.wait()
        await http.delete(posted.headers["Location"])
    await connection.close()


asyncio.run(main(*sys.argv[1:]))
