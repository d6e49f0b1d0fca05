"""A bare RFC 8865 end meets real nodes through a real server: where it is asked about, and where it is not let in."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from p2pchat.errors import PeerUnreachable
from p2pchat.node.events import GuestAsks, LineState, LiveTextChanged, MessageReceived, PeerState
from p2pchat.node.guest import WITHOUT_PROOF
from p2pchat.protocol.room_secret import room_id
from p2pchat.protocol.rtt.sdp import with_lines
from p2pchat.protocol.sealing import SEALING_NONCE_BYTES, Sealer
from p2pchat.signaling.client import SignalingClient
from p2pchat.signaling.events import Relayed
from tests.node.player import ROOM, Player, connected, on_guarded_loop

SEAT = "zzzzzzzz"


@asynccontextmanager
async def stranger(
    server: str, room: str, secret: bytes = b"", label: str = "t140", lines: Sequence[str] = ()
) -> AsyncIterator[list[str]]:
    """Comes into a room and offers everybody there one `t140` channel; yields what it reads.

    With `lines` in its session description the channel has the stream 2 and is opened without DCEP, as a gateway does.
    """
    client = SignalingClient(server, SEAT, secrets.token_urlsafe(24), "test")
    read: list[str] = []
    connections: dict[str, RTCPeerConnection] = {}

    def seal(peer: str) -> Sealer:
        return Sealer(secret, room, SEAT, peer)

    async def offer(peer: str) -> None:
        connection = connections[peer] = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        stream = 2 if lines else None
        channel = connection.createDataChannel(label, protocol="t140", negotiated=bool(lines), id=stream)
        channel.add_listener("open", lambda: channel.send("hello\u2028"))
        channel.add_listener("message", read.append)
        await connection.setLocalDescription(await connection.createOffer())
        description = with_lines(connection.localDescription.sdp, lines)
        body = {"generation": 1, "kind": "offer", "sdp": description}
        client.relay(peer, seal(peer).seal(body, secrets.token_bytes(SEALING_NONCE_BYTES)) if secret else body)

    async def listen() -> None:
        async for event in client.events():
            if isinstance(event, Relayed):
                body = seal(event.sender).open(event.body) if secret else event.body
                if body["kind"] == "answer":
                    description = RTCSessionDescription(body["sdp"], "answer")
                    await connections[event.sender].setRemoteDescription(description)

    there = await client.connect(room)
    listening = asyncio.create_task(listen())
    try:
        for peer in there:
            await offer(peer)
        yield read
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        for connection in connections.values():
            await connection.close()
        await client.close()


@on_guarded_loop
async def test_each_node_of_a_room_decides_for_itself_and_files_are_not_for_guests(
    signaling_server: str, tmp_path: Path
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        async with stranger(signaling_server, ROOM) as read:
            asked = await ana.until(GuestAsks)
            await ben.until(GuestAsks)
            await ben.node.say(ROOM, "who is that?")
            await ana.until(MessageReceived)
            await ana.node.admit_guest(ROOM, asked.peer, admitted=True)
            await ana.until(LiveTextChanged, lambda event: (event.text, event.state) == ("hello", LineState.FINAL))
            await ana.node.say(ROOM, "welcome")
            async with asyncio.timeout(20):
                while "".join(read) != "\ufeffwelcome\u2028":  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            with pytest.raises(PeerUnreachable):
                await ana.node.offer(ROOM, [tmp_path], asked.peer)
            with pytest.raises(PeerUnreachable):
                await ana.node.admit_guest(ROOM, asked.peer, admitted=True)
            assert ben.all(LiveTextChanged) == []
            assert await ana.node.settle(20.0)


@on_guarded_loop
async def test_nobody_takes_the_name_of_somebody_who_is_known(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana:
        async with Player("ben", signaling_server, tmp_path) as ben:
            await connected(ana, ben)
        async with stranger(signaling_server, ROOM, label="BEN"):
            assert (await ana.until(GuestAsks)).name == "guest zzzz"


@on_guarded_loop
async def test_even_who_has_the_secret_of_a_room_has_to_prove_a_key(signaling_server: str, tmp_path: Path) -> None:
    secret = bytes(range(16))
    async with Player("ana", signaling_server, tmp_path) as ana:
        await ana.node.join("vault", secret)
        async with stranger(signaling_server, room_id("vault", secret), secret):
            failed = await ana.until_peer(PeerState.FAILED)
            assert failed.info.reason == WITHOUT_PROOF
            assert ana.all(GuestAsks) == []
            assert ana.all(LiveTextChanged) == []
