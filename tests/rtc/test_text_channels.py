"""Several `t140` channels on one link, channels that both sides open, and partners that open nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from p2pchat.rtc import link
from p2pchat.rtc.channels import Channel
from p2pchat.rtc.link_events import (
    Closed,
    Opened,
    ParticipantJoined,
    ParticipantLeft,
    Received,
    TextOnly,
)
from p2pchat.rtc.text_channels import TEXT_CHANNELS
from tests.node.player import on_guarded_loop
from tests.rtc.test_link import End


class Stranger:
    """An RFC 8865 end that is none of ours."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channels: dict[str, RTCDataChannel] = {}
        """Those that the other side has opened, by label."""
        self.read: list[bytes | str] = []
        self._news = asyncio.Event()
        self.connection.add_listener("datachannel", self._adopt)

    def _adopt(self, channel: RTCDataChannel) -> None:
        self.channels[channel.label] = channel
        self._watch(channel)
        self._news.set()

    def _take(self, data: bytes | str) -> None:
        self.read.append(data)
        self._news.set()

    def open(self, label: str = "t140", protocol: str = "t140") -> RTCDataChannel:
        channel = self.connection.createDataChannel(label, protocol=protocol)
        self._watch(channel)
        return channel

    def _watch(self, channel: RTCDataChannel) -> None:
        channel.add_listener("message", self._take)
        channel.add_listener("open", self._news.set)
        channel.add_listener("close", self._news.set)

    async def offer_to(self, end: End) -> None:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        answer = await end.link.answer(self.connection.localDescription.sdp)
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def answer(self, end: End) -> None:
        offer = await end.link.offer()
        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        await end.link.accept_answer(self.connection.localDescription.sdp)

    async def until_state(self, channel: RTCDataChannel, state: str) -> None:
        async with asyncio.timeout(20):
            while channel.readyState != state:
                self._news.clear()
                await self._news.wait()

    async def until_read(self, *expected: str) -> None:
        async with asyncio.timeout(20):
            while self.read != list(expected):
                self._news.clear()
                await self._news.wait()

    async def until_offered(self, *labels: str) -> None:
        async with asyncio.timeout(20):
            while not set(labels) <= set(self.channels):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def strangers() -> AsyncIterator[tuple[End, Stranger]]:
    ben, stranger = End(), Stranger()
    try:
        yield ben, stranger
    finally:
        await stranger.connection.close()
        await ben.link.close("done")


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "TEXT_ONLY_SECONDS", 0.1)


@on_guarded_loop
async def test_a_peer_with_nothing_but_a_text_channel_is_known_for_what_it_is() -> None:
    async with strangers() as (ben, stranger):
        channel = stranger.open("Zoe")
        await stranger.offer_to(ben)
        opened = await ben.until(Opened)
        assert (opened.text_only, opened.offered, opened.label) == (True, False, "Zoe")
        channel.send("from a string")
        channel.send(b"and bytes")
        await ben.until(Received, lambda event: event == Received(Channel.TEXT, b"and bytes"))
        assert Received(Channel.TEXT, "from a string") in ben.told
        ben.link.send(Channel.TEXT, "heard")
        await stranger.until_read("heard")


@on_guarded_loop
async def test_what_is_written_while_it_is_not_known_yet_is_told_afterwards() -> None:
    async with strangers() as (ben, stranger):
        channel = stranger.open()
        channel.add_listener("open", lambda: channel.send("early"))
        await stranger.offer_to(ben)
        await ben.until(Received)
        assert [type(event) for event in ben.told] == [Opened, Received]


@on_guarded_loop
async def test_a_peer_that_closes_what_it_does_not_know_is_left_with_text() -> None:
    async with strangers() as (ben, stranger):
        await stranger.answer(ben)
        await stranger.until_offered("ctl", "t140", "bulk")
        await ben.until(Opened)
        stranger.channels["ctl"].close()
        stranger.channels["bulk"].close()
        await ben.until(TextOnly)
        stranger.channels["t140"].send("still here")
        await ben.until(Received)
        assert not [event for event in ben.told if isinstance(event, Closed)]
        stranger.channels["t140"].close()
        assert (await ben.until(Closed)).reason == "the peer closed the link"


@on_guarded_loop
async def test_a_peer_that_has_spoken_and_closes_a_channel_has_closed_the_link() -> None:
    async with strangers() as (ben, stranger):
        await stranger.answer(ben)
        await stranger.until_offered("ctl", "t140", "bulk")
        stranger.channels["ctl"].send(b"a frame")
        await ben.until(Received)
        stranger.channels["ctl"].close()
        assert (await ben.until(Closed)).reason == "the peer closed the link"
        assert not [event for event in ben.told if isinstance(event, TextOnly)]


@on_guarded_loop
async def test_of_two_channels_the_lower_one_stays_and_the_other_is_still_read() -> None:
    async with strangers() as (ben, stranger):
        lower = stranger.open()
        lower.add_listener("open", lambda: lower.send("on the lower"))
        stranger.connection.add_listener(
            "datachannel", lambda channel: channel.send("on the higher") if channel.label == "t140" else None
        )
        await stranger.answer(ben)
        await ben.until(Opened)
        await stranger.until_offered("t140")
        higher = stranger.channels["t140"]
        assert (lower.id, higher.id) == (0, 3)
        for written in ("on the lower", "on the higher"):
            expected = Received(Channel.TEXT, written)
            await ben.until(Received, lambda event, expected=expected: event == expected)  # type: ignore[misc]
        await stranger.until_state(higher, "closed")
        ben.link.send(Channel.TEXT, "answer")
        await stranger.until_read("answer")
        assert lower.readyState == "open"


@on_guarded_loop
async def test_each_further_channel_is_a_participant_of_its_own() -> None:
    async with strangers() as (ben, stranger):
        stranger.open()
        await stranger.offer_to(ben)
        await ben.until(Opened)
        zoe = stranger.open("Zoe")
        joined = await ben.until(ParticipantJoined)
        assert joined.label == "Zoe"
        zoe.send("hello")
        said = await ben.until(Received)
        assert said == Received(Channel.TEXT, "hello", joined.participant)
        zoe.close()
        assert (await ben.until(ParticipantLeft)).participant == joined.participant
        assert not [event for event in ben.told if isinstance(event, Closed)]


@on_guarded_loop
async def test_channels_without_number_are_refused() -> None:
    async with strangers() as (ben, stranger):
        channels = [stranger.open(f"p{number}") for number in range(TEXT_CHANNELS + 2)]
        await stranger.offer_to(ben)
        for channel in channels[TEXT_CHANNELS:]:
            await stranger.until_state(channel, "closed")
        assert all(channel.readyState == "open" for channel in channels[:TEXT_CHANNELS])
        await ben.until(Opened)
        assert len([event for event in ben.told if isinstance(event, ParticipantJoined)]) == TEXT_CHANNELS - 1
