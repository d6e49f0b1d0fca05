"""Somebody in between who understands nothing: two WebRTC connections, and all of one goes into the other."""

from __future__ import annotations

import asyncio
from typing import Any

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from p2pchat.rtc.channels import KINDS
from tests.trust.malicious_server import Delivery, MaliciousServer


class Pipe:
    """A trick of a server: answers each offer itself, offers to the other side, and joins the two connections.

    It takes part in one attempt; the signals of later ones are dropped. Call `close` at the end.
    """

    def __init__(self) -> None:
        self.server: MaliciousServer | None = None
        self.carried = 0
        """Messages that went through."""
        configuration = RTCConfiguration(iceServers=[])
        self._to_offerer = RTCPeerConnection(configuration)
        self._to_answerer = RTCPeerConnection(configuration)
        self._far: dict[str, RTCDataChannel] = {}
        self._begun = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._to_offerer.add_listener("datachannel", self._join)

    def __call__(self, sender: str, to: str, body: Any) -> list[Delivery]:
        match body:
            case {"kind": "offer", "sdp": str(sdp)} if not self._begun:
                self._begun = True
                self._start(self._offer(sender, to, sdp))
            case {"kind": "answer", "sdp": str(sdp)}:
                self._start(self._to_answerer.setRemoteDescription(RTCSessionDescription(sdp, "answer")))
        return []

    async def close(self) -> None:
        await self._to_offerer.close()
        await self._to_answerer.close()

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _offer(self, offerer: str, answerer: str, sdp: str) -> None:
        assert self.server is not None
        for channel, kind in KINDS.items():
            self._far[channel.value] = self._to_answerer.createDataChannel(
                channel.value, protocol=kind.protocol, ordered=kind.ordered
            )
        await self._to_answerer.setLocalDescription(await self._to_answerer.createOffer())
        await self.server.deliver(offerer, answerer, self._signal("offer", self._to_answerer))
        await self._to_offerer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self._to_offerer.setLocalDescription(await self._to_offerer.createAnswer())
        await self.server.deliver(answerer, offerer, self._signal("answer", self._to_offerer))

    @staticmethod
    def _signal(kind: str, connection: RTCPeerConnection) -> dict[str, Any]:
        return {"generation": 1, "kind": kind, "sdp": connection.localDescription.sdp}

    def _join(self, near: RTCDataChannel) -> None:
        far = self._far[near.label]
        waiting: list[bytes | str] = []

        def onward(data: bytes | str) -> None:
            self.carried += 1
            if far.readyState == "open":
                far.send(data)
            else:
                waiting.append(data)

        def back(data: bytes | str) -> None:
            self.carried += 1
            if near.readyState == "open":
                near.send(data)

        def opened() -> None:
            while waiting:
                far.send(waiting.pop(0))

        near.add_listener("message", onward)
        far.add_listener("message", back)
        far.add_listener("open", opened)
