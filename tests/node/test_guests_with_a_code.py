"""A bare RFC 8865 end that has the code of a meeting: it pairs, and is not let in, because it proves no key."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from p2pchat.node.events import GuestAsks, LiveTextChanged, PeerChanged, PeerState
from p2pchat.node.guest import WITHOUT_PROOF
from p2pchat.protocol.codes import Code
from p2pchat.protocol.pairing import Paired, Pairing, Send
from p2pchat.protocol.sealing import SEALING_NONCE_BYTES, Sealer
from p2pchat.signaling.client import SignalingClient
from p2pchat.signaling.events import Relayed
from tests.node.player import on_guarded_loop
from tests.node.test_meeting import host_and_guest

SEAT = "zzzzzzzz"


class Stranger:
    """Comes with the code, and has one `t140` channel to offer and nothing else."""

    def __init__(self, server: str, code: str) -> None:
        self.read: list[str] = []
        self._code = Code.parse(code)
        self._client = SignalingClient(server, SEAT, secrets.token_urlsafe(24), "test")
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._host = ""

    async def comes(self) -> None:
        """Pairs and offers its channel; goes on until it is cancelled."""
        (self._host,) = await self._client.claim(self._code.mailbox)
        pairing = Pairing(self._code, "receiver", SEAT, self._host, secrets.token_bytes)
        pairing.start()
        sealer: Sealer | None = None
        while True:
            while (output := pairing.poll()) is not None:
                match output:
                    case Send(body):
                        self._client.relay(self._host, body)
                    case Paired(secret):
                        sealer = Sealer(secret, f"mailbox {self._code.mailbox}", SEAT, self._host)
                        await self._offer(sealer)
            heard = await anext(self._client.events())
            if not isinstance(heard, Relayed):
                continue
            if sealer is None:
                pairing.receive(heard.body)
            elif (body := sealer.open(heard.body))["kind"] == "answer":
                await self._connection.setRemoteDescription(RTCSessionDescription(body["sdp"], "answer"))

    async def _offer(self, sealer: Sealer) -> None:
        channel = self._connection.createDataChannel("t140", protocol="t140")
        channel.add_listener("open", lambda: channel.send("\ufeffhello\u2028"))
        channel.add_listener("message", self.read.append)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        body = {"generation": 1, "kind": "offer", "sdp": self._connection.localDescription.sdp}
        self._client.relay(self._host, sealer.seal(body, secrets.token_bytes(SEALING_NONCE_BYTES)))

    async def goes(self) -> None:
        await self._connection.close()
        await self._client.close()


@on_guarded_loop
async def test_even_who_has_the_code_has_to_prove_a_key(signaling_server: str, tmp_path: Path) -> None:
    async with host_and_guest(signaling_server, tmp_path) as (ana, _, conversation, code):
        stranger = Stranger(signaling_server, code)
        coming = asyncio.create_task(stranger.comes())
        try:
            failed = await ana.until_peer(PeerState.FAILED)
            assert failed.info.reason == WITHOUT_PROOF
            await ana.node.set_live_text(conversation, "private")
            await ana.node.commit_live_text(conversation)
            assert all(event.info.state is not PeerState.CONNECTED for event in ana.all(PeerChanged))
            assert ana.all(GuestAsks) == []
            assert ana.all(LiveTextChanged) == []
            assert stranger.read == []
        finally:
            coming.cancel()
            await asyncio.wait({coming})
            await stranger.goes()
        assert coming.cancelled()
