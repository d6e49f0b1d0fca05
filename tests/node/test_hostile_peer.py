"""A peer that does not keep to the protocol: refused with a reason, and nobody else notices."""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from p2pchat.node.events import MessageReceived, PeerState, Problem, TransferOffered
from p2pchat.protocol import frames
from p2pchat.protocol.codec import decode, encode
from p2pchat.protocol.handshake import Handshake
from p2pchat.protocol.identity import Identity
from p2pchat.protocol.introduction import Introduction, SendFrame
from p2pchat.protocol.transfer import bulk
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.rtc.certificates import fingerprints
from p2pchat.rtc.channels import Channel, open_on
from p2pchat.signaling.client import SignalingClient
from p2pchat.signaling.events import Relayed
from tests.node.player import ROOM, Player, connected, on_guarded_loop

HELLO = frames.Hello([1], "mallory", "test")


class Stranger:
    """Raw channels to one node, with no protocol behind them but the introduction, when it is asked for."""

    def __init__(self, connection: RTCPeerConnection, channels: dict[Channel, RTCDataChannel]) -> None:
        self.channels = channels
        self._connection = connection

    def send(self, channel: Channel, data: bytes | str) -> None:
        if self.channels[channel].readyState == "open":
            self.channels[channel].send(data)

    async def introduce(self, hello: frames.Hello = HELLO) -> None:
        """Does the handshake as any peer would, and says hello."""
        ours, theirs = fingerprints(self._connection)
        identity = Identity.from_seed(b"m" * 32)
        handshake = Handshake(
            identity, role="offer", room=ROOM, our_fingerprint=ours, their_fingerprint=theirs, nonce=os.urandom(32)
        )
        introduction = Introduction(handshake, hello)
        received: asyncio.Queue[bytes] = asyncio.Queue()
        self.channels[Channel.CONTROL].add_listener("message", received.put_nowait)
        for message in self._early:
            received.put_nowait(message)
        introduction.start()
        while True:
            while (output := introduction.poll()) is not None:
                if not isinstance(output, SendFrame):
                    return
                self.send(Channel.CONTROL, encode(output.frame))
            introduction.receive(decode(await asyncio.wait_for(received.get(), 20)))

    def listen(self) -> None:
        """Keeps what comes before `introduce` is called."""
        self._early: list[bytes] = []
        self.channels[Channel.CONTROL].add_listener("message", self._early.append)


@asynccontextmanager
async def stranger(server: str, seed: int = 0, unlimited: bool = False) -> AsyncIterator[Stranger]:
    """Joins the room, connects to the first peer there and opens the channels, and says nothing.

    Args:
        server: where the room is.
        seed: 0 to 7; strangers with different ones can be in the room together.
        unlimited: sends messages of any length, whatever the peer has said that it takes (RFC 8841 §6).
    """
    client = SignalingClient(server, f"mallory{'abcdefgh'[seed]}", "k" * 32)
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    (victim, *_) = await client.connect(ROOM)
    channels = open_on(connection)
    mallory = Stranger(connection, channels)
    mallory.listen()
    opened = asyncio.Event()

    def check() -> None:
        if all(channel.readyState == "open" for channel in channels.values()):
            opened.set()

    for channel in channels.values():
        channel.add_listener("open", check)
    await connection.setLocalDescription(await connection.createOffer())
    client.relay(victim, {"generation": 1, "kind": "offer", "sdp": connection.localDescription.sdp})
    async for event in client.events():
        if isinstance(event, Relayed):
            sdp = event.body["sdp"]
            if unlimited:
                sdp = re.sub("a=max-message-size:[0-9]+", "a=max-message-size:0", sdp)
            await connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
            break
    await asyncio.wait_for(opened.wait(), 20)
    try:
        yield mallory
    finally:
        await client.close()
        await connection.close()


def nonsense(rng: random.Random) -> list[bytes | str]:
    sizes = (0, 1, 3, 20, 1000, 16_000)
    texts = ["".join(map(chr, rng.choices(range(1, 0xD800), k=size))) for size in sizes]
    return [*texts, *(rng.randbytes(size) for size in sizes)]


@pytest.mark.parametrize("channel", list(Channel), ids=lambda channel: channel.value)
@pytest.mark.parametrize("greeted", [True, False], ids=["after hello", "before the handshake"])
@on_guarded_loop
async def test_random_messages_harm_nobody(
    signaling_server: str, tmp_path: Path, channel: Channel, greeted: bool
) -> None:
    async with (
        Player("ana", signaling_server, tmp_path) as ana,
        stranger(signaling_server) as mallory,
        Player("ben", signaling_server, tmp_path) as ben,
    ):
        await connected(ana, ben)
        if greeted:
            await mallory.introduce()
            await ana.until_peer(PeerState.CONNECTED, "mallory")
        for message in nonsense(random.Random(channel.value)):
            mallory.send(channel, message)
        if channel is not Channel.TEXT:  # on `t140` any bytes are text
            assert (await ana.until_peer(PeerState.FAILED)).info.reason
        await ben.node.say(ROOM, "unaffected")
        assert (await ana.until(MessageReceived)).text == "unaffected"
        await ana.node.say(ROOM, "so am I")
        assert (await ben.until(MessageReceived)).text == "so am I"


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([encode(HELLO)], "the handshake or hello came twice"),
        ([encode(frames.Reveal(bytes(32)))], "the handshake or hello came twice"),
        ([bytes(70_000)], "a frame may have 65536 bytes"),
        ([b"\x91" * 10_000], "not msgpack"),
        ([encode(frames.Pong(0))] * 10_000, "more than 500 control frames a second"),
    ],
    ids=["hello", "handshake", "oversized", "deep", "flood"],
)
@on_guarded_loop
async def test_breaking_the_control_protocol_closes_the_link_with_a_reason(
    signaling_server: str, tmp_path: Path, messages: list[bytes | str], reason: str
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, stranger(signaling_server) as mallory:
        await mallory.introduce()
        for message in messages:
            mallory.send(Channel.CONTROL, message)
        assert reason in (await ana.until_peer(PeerState.FAILED)).info.reason


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "not msgpack"),
        ("hello", "the control channel carries binary messages only"),
        (encode(HELLO), "a frame came before the handshake was done"),
        (encode(frames.Ping(1)), "a frame came before the handshake was done"),
        (encode(frames.Proof(bytes(64), bytes(32))), "a frame was missing, repeated or out of order in the handshake"),
        (encode(frames.Commit(99, b"k" * 32, bytes(32))), "the peer speaks version 99 of the handshake, we speak 1"),
    ],
    ids=["empty", "text", "hello", "ping", "out of order", "version"],
)
@on_guarded_loop
async def test_nothing_but_the_handshake_is_accepted_first(
    signaling_server: str, tmp_path: Path, message: bytes | str, reason: str
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, stranger(signaling_server) as mallory:
        mallory.send(Channel.CONTROL, message)
        assert reason in (await ana.until_peer(PeerState.FAILED)).info.reason


@on_guarded_loop
async def test_another_protocol_version_is_refused_with_both_named(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, stranger(signaling_server) as mallory:
        await mallory.introduce(frames.Hello([98, 99], "mallory"))
        assert "version 98, 99, we speak 1" in (await ana.until_peer(PeerState.FAILED)).info.reason


@pytest.mark.parametrize(
    "path", ["../../x", "/etc/x", "a/../../x", "C:\\x", "con", "a\x1b[2J", "\u202excod", "x" * 300]
)
@on_guarded_loop
async def test_an_offer_of_a_dangerous_name_is_refused_and_nothing_is_written(
    signaling_server: str, tmp_path: Path, path: str
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, stranger(signaling_server) as mallory:
        await mallory.introduce()
        mallory.send(
            Channel.CONTROL,
            encode(frames.Offer(0, bytes(32), 2, 2, 2, [frames.Entry("fine", 1), frames.Entry(path, 1)])),
        )
        refused = await ana.until(Problem)
        assert refused.code == "offer-refused"
        assert not any(ord(c) < 32 or c == "\u202e" for c in refused.message)
        assert ana.all(TransferOffered) == []
        assert (await ana.until_peer(PeerState.CONNECTED)).info.name == "mallory"
    assert not ana.downloads.exists()


@on_guarded_loop
async def test_file_data_that_nobody_asked_for_is_ignored(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, stranger(signaling_server) as mallory:
        await mallory.introduce()
        await ana.until_peer(PeerState.CONNECTED)
        mallory.send(Channel.CONTROL, encode(Manifest.of([frames.Entry("fine", 1000)]).to_offer(7)))
        mallory.send(Channel.BULK, bulk.pack(7, 0, 0, b"x" * 1000))
        mallory.send(Channel.BULK, bulk.pack(99, 5, 2**60, b"x"))
        await ana.until(TransferOffered)
        mallory.send(Channel.CONTROL, encode(frames.Message("00000000aaaaaaaa", "alive", 0.0)))
        assert (await ana.until(MessageReceived)).text == "alive"
    assert not ana.downloads.exists()
