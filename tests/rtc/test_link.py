"""Links between two ends in one process, over real sockets, and ends that do not keep to the rules."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from typing import TypeVar

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from p2pchat.errors import ConfigurationError, PeerUnreachable
from p2pchat.protocol.frames import LiveTextFeatures
from p2pchat.rtc import ice, link
from p2pchat.rtc.channels import Channel
from p2pchat.rtc.link import Link
from p2pchat.rtc.link_events import Closed, LinkEvent, Opened, Received, TextRefused
from p2pchat.rtc.servers import Server
from tests.node.player import on_guarded_loop

E = TypeVar("E")
HOST_ONLY = ice.configuration((), relay_only=False)


class End:
    """A link and what it has told."""

    def __init__(self, configuration: ice.Configuration = HOST_ONLY, described: LiveTextFeatures | None = None) -> None:
        self.told: list[LinkEvent] = []
        self._news = asyncio.Event()
        self.link = Link(configuration, self._take, described)

    def _take(self, event: LinkEvent) -> None:
        self.told.append(event)
        self._news.set()

    async def until(self, kind: type[E], matches: Callable[[E], bool] = lambda event: True) -> E:
        async with asyncio.timeout(20):
            while True:
                self._news.clear()
                for event in self.told:
                    if isinstance(event, kind) and matches(event):
                        return event
                await self._news.wait()


async def connect() -> tuple[End, End]:
    ana, ben = End(), End()
    await ana.link.accept_answer(await ben.link.answer(await ana.link.offer()))
    await ana.until(Opened)
    await ben.until(Opened)
    return ana, ben


@on_guarded_loop
async def test_each_channel_carries_messages_and_the_path_is_known() -> None:
    ana, ben = await connect()
    ana.link.send(Channel.CONTROL, b"frame")
    ana.link.send(Channel.TEXT, "naïve")
    ana.link.send_bulk(b"file data")
    for expected in (
        Received(Channel.CONTROL, b"frame"),
        Received(Channel.TEXT, "naïve"),
        Received(Channel.BULK, b"file data"),
    ):
        await ben.until(Received, lambda event, expected=expected: event == expected)  # type: ignore[misc]
    assert ana.link.path == ben.link.path == "direct"
    assert ben.link.received == ana.link.sent > 0
    await ana.link.close("done")
    assert (await ana.until(Closed)).reason == "done"
    assert (await ben.until(Closed)).reason == "the peer closed the link"


@on_guarded_loop
async def test_both_ends_name_the_same_two_certificates() -> None:
    ana, ben = await connect()
    at_ana, at_ben = await ana.until(Opened), await ben.until(Opened)
    assert (at_ana.offered, at_ben.offered) == (True, False)
    assert at_ana.our_fingerprint == at_ben.their_fingerprint
    assert at_ana.their_fingerprint == at_ben.our_fingerprint
    assert at_ana.our_fingerprint != at_ana.their_fingerprint
    await ana.link.close("done")
    await ben.link.close("done")


@on_guarded_loop
async def test_a_certificate_other_than_the_announced_one_is_refused() -> None:
    ana, ben = End(), End()
    offer = await ana.link.offer()
    other = await End().link.offer()
    fingerprint = re.compile(r"(?<=a=fingerprint:sha-256 )\S+")
    swapped = fingerprint.sub(fingerprint.findall(other)[0], offer)
    await ana.link.accept_answer(await ben.link.answer(swapped))
    assert (await ben.until(Closed)).reason == "the peer's certificate is not the one that was announced"
    assert not any(isinstance(event, Opened) for event in ana.told + ben.told)
    await ana.link.close("done")


@on_guarded_loop
async def test_what_is_sent_right_before_closing_arrives() -> None:
    ana, ben = await connect()
    ana.link.send(Channel.CONTROL, b"goodbye")
    await ana.link.close("done")
    assert (await ben.until(Received)).data == b"goodbye"


@on_guarded_loop
async def test_empty_and_malformed_datagrams_of_strangers_do_not_close_a_link() -> None:
    # STUN whose PRIORITY has two bytes where it needs four.
    short_attribute = bytes.fromhex("0001 0008 2112a442") + bytes(12) + bytes.fromhex("0024 0002 0000 0000")
    ana, ben = End(), End()
    offer = await ana.link.offer()
    answer = await ben.link.answer(offer)
    await ana.link.accept_answer(answer)
    await ana.until(Opened)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for address, port in re.findall(r"candidate:\S+ 1 udp \d+ ([\d.]+) (\d+)", offer + answer):
            for datagram in (b"", b"\x16", b"\x00\x01", bytes(1400), short_attribute):
                stranger.sendto(datagram, (address, int(port)))
    ana.link.send(Channel.CONTROL, b"still here")
    assert (await ben.until(Received)).data == b"still here"
    await ana.link.close("done")
    await ben.link.close("done")


@on_guarded_loop
async def test_a_handler_that_fails_closes_the_link_with_a_reason() -> None:
    ana, ben = await connect()

    def fail(event: LinkEvent) -> None:
        ben.told.append(event)
        if isinstance(event, Received):
            raise RuntimeError("a fault of ours")

    ben.link._telling.on_event = fail
    ana.link.send(Channel.CONTROL, b"x")
    await ana.until(Closed)
    assert Closed("internal error") in ben.told
    await ben.link.close("done")


@on_guarded_loop
async def test_a_link_that_nobody_answers_fails_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "CONNECT_SECONDS", 0.2)
    ana = End()
    await ana.link.offer()
    assert (await ana.until(Closed)).reason == "no connection within 0 s: the other side did not answer"


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "nonsense",
        "v=0\r\nm=audio 9 RTP/AVP 0\r\n",
        "m=application 1 UDP/DTLS/SCTP webrtc-datachannel\r\n",
        "\0" * 99,
    ],
)
@on_guarded_loop
async def test_an_unusable_offer_or_answer_is_refused(sdp: str) -> None:
    ana, ben = End(), End()
    with pytest.raises(PeerUnreachable, match="offer"):
        await ana.link.answer(sdp)
    await ben.link.offer()
    with pytest.raises(PeerUnreachable, match="answer"):
        await ben.link.accept_answer(sdp)
    await ana.link.close("done")
    await ben.link.close("done")


@pytest.mark.parametrize(
    "options",
    [
        {"label": "t140", "protocol": "t140", "ordered": False},
        {"label": "t140", "protocol": "t140", "maxRetransmits": 0},
        {"label": "t140", "protocol": "t140", "maxPacketLifeTime": 100},
        {"label": "ctl", "protocol": "p2pchat.99"},
        {"label": "anything", "protocol": ""},
    ],
)
@on_guarded_loop
async def test_channels_that_are_not_ours_are_refused(options: dict[str, object]) -> None:
    ben = End()
    stranger = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel = stranger.createDataChannel(**options)  # type: ignore[arg-type]
    refused = asyncio.Event()
    channel.add_listener("close", refused.set)
    await stranger.setLocalDescription(await stranger.createOffer())
    answer = await ben.link.answer(stranger.localDescription.sdp)
    await stranger.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await asyncio.wait_for(refused.wait(), 20)
    refusals = [event for event in ben.told if isinstance(event, TextRefused)]
    assert ben.told == refusals
    assert len(refusals) == (options["protocol"] == "t140")
    await stranger.close()
    await ben.link.close("done")


@on_guarded_loop
async def test_a_machine_with_nothing_but_loopback_can_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    from p2pchat.rtc import addresses

    monkeypatch.setattr(addresses, "_without_loopback", lambda use_ipv4, use_ipv6: [])
    ana, ben = await connect()
    assert ana.link.path == "direct"
    await ana.link.close("done")
    await ben.link.close("done")


def test_no_server_is_asked_unless_one_is_named() -> None:
    configuration = ice.configuration((), relay_only=False)
    assert (configuration.stun, configuration.turn, configuration.for_aiortc().iceServers) == ([], [], [])


def test_ice_servers_are_read_with_their_logins() -> None:
    configuration = ice.configuration(("stun:stun.example:3478", "turn:u%40x:p%3Aw@turn.example?transport=tcp"), False)
    assert configuration.stun == [Server(False, "stun.example", 3478)]
    assert configuration.turn == [Server(True, "turn.example", 3478, "tcp", "u@x", "p:w")]


@pytest.mark.parametrize("url", ["", "turn", "http://x", "turn:secret:word@", "stun:"])
def test_an_unusable_ice_server_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        ice.configuration((url,), relay_only=False)
    assert "secret" not in str(refused.value)


def test_relay_only_without_a_relay_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs a TURN server"):
        ice.configuration(("stun:stun.example",), relay_only=True)
