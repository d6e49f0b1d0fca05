"""One end of a bare aiortc data channel: what the library moves when nothing is asked of it but bytes.

No hashes, no disk, no acknowledgement, no pacing beyond `bufferedAmount`; one ordered channel, 16 KiB messages, uvloop.
"""

from __future__ import annotations

import asyncio
import sys
import time

import uvloop
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from benchmarks.processes import cpu_seconds, say, told

MESSAGE = bytes(16 * 1024)
HIGH_WATER = 1024 * 1024
"""Bytes queued in the channel; refilled at half of it. More does not make aiortc faster."""


async def main(role: str) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    if role == "send":
        channel = connection.createDataChannel("bulk")
        opened = asyncio.Event()
        low = asyncio.Event()
        channel.add_listener("open", opened.set)
        channel.bufferedAmountLowThreshold = HIGH_WATER // 2
        channel.add_listener("bufferedamountlow", low.set)
        await connection.setLocalDescription(await connection.createOffer())
        say(event="sdp", sdp=connection.localDescription.sdp)
    else:
        received = 0
        total = 0
        began = 0.0

        def take(message: bytes | str) -> None:
            nonlocal received
            received += len(message)
            if received >= total:
                say(event="received", seconds=time.monotonic() - began, cpu=cpu_seconds())

        connection.add_listener("datachannel", lambda channel: channel.add_listener("message", take))
    async for command in told():
        match command["do"]:
            case "offer":
                await connection.setRemoteDescription(RTCSessionDescription(command["sdp"], "offer"))
                await connection.setLocalDescription(await connection.createAnswer())
                say(event="sdp", sdp=connection.localDescription.sdp)
            case "answer":
                await connection.setRemoteDescription(RTCSessionDescription(command["sdp"], "answer"))
                await opened.wait()
                say(event="open")
            case "expect":
                received, total, began = 0, command["bytes"], time.monotonic()
                say(event="ready")
            case "send":
                left = command["bytes"]
                while left > 0:
                    while left > 0 and channel.bufferedAmount < HIGH_WATER:
                        channel.send(MESSAGE[:left])
                        left -= len(MESSAGE)
                    low.clear()
                    if left > 0 and channel.bufferedAmount > channel.bufferedAmountLowThreshold:
                        await low.wait()
                say(event="queued", cpu=cpu_seconds())
    await connection.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
