"""`t140` channels that are negotiated in the session description: with a p2pchat, and with ends that know no DCEP."""

from __future__ import annotations

import asyncio

import pytest
from aiortc import RTCDataChannel, RTCSessionDescription

from p2pchat.protocol.rtt import sdp
from p2pchat.protocol.rtt.direction import our_features
from p2pchat.rtc import link
from p2pchat.rtc.channels import Channel
from p2pchat.rtc.link_events import Closed, Opened, ParticipantJoined, Received, TextRefused
from tests.node.player import on_guarded_loop
from tests.rtc.test_link import End
from tests.rtc.test_text_channels import Stranger

OURS = our_features(("en", "sv"), ("en", "sv"))


def described(description: str) -> list[str]:
    return [line for line in sdp.media_lines(description) if line.startswith(("a=dcmap", "a=dcsa"))]


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "TEXT_ONLY_SECONDS", 0.1)
    monkeypatch.setattr(link, "NEGOTIATED_ONLY_SECONDS", 0.1)


class Gateway(Stranger):
    """An end that names its `t140` channel in the session description."""

    def negotiate(self, stream: int, label: str = "t140") -> RTCDataChannel:
        channel = self.connection.createDataChannel(label, protocol="t140", negotiated=True, id=stream)
        self._watch(channel)
        return channel

    async def offer_lines_to(self, end: End, *lines: str) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        answer = await end.link.answer(sdp.with_lines(self.connection.localDescription.sdp, lines))
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        return answer

    async def answer_with_lines(self, end: End, *lines: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(await end.link.offer(), "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        await end.link.accept_answer(sdp.with_lines(self.connection.localDescription.sdp, lines))


async def close(*ends: End | Gateway) -> None:
    for end in ends:
        await (end.link.close("done") if isinstance(end, End) else end.connection.close())


@on_guarded_loop
async def test_t06_an_offer_lists_the_text_channel_and_none_that_is_opened_with_dcep() -> None:
    ana, ben = End(described=OURS), End()
    assert described(await ana.link.offer()) == [
        'a=dcmap:1 subprotocol="t140";label="t140"',
        "a=dcsa:1 fmtp:t140 cps=90",
        "a=dcsa:1 hlang-send:en sv",
        "a=dcsa:1 hlang-recv:en sv",
        "a=dcsa:1 sendrecv",
    ]
    assert described(await ben.link.offer()) == []
    await close(ana, ben)


@pytest.mark.parametrize("at_ana", [True, False])
@pytest.mark.parametrize("at_ben", [True, False])
@on_guarded_loop
async def test_two_p2pchats_always_connect_whoever_has_the_option(at_ana: bool, at_ben: bool) -> None:
    ana, ben = (End(described=OURS if wanted else None) for wanted in (at_ana, at_ben))
    await ana.link.accept_answer(await ben.link.answer(await ana.link.offer()))
    opened = [await end.until(Opened) for end in (ana, ben)]
    assert [each.text_only for each in opened] == [False, False]
    assert [each.features for each in opened] == ([OURS_READ, OURS_READ] if at_ana and at_ben else [None, None])
    for channel in Channel:
        ana.link.send(channel, b"to ben")
        ben.link.send(channel, b"to ana")
        await ben.until(Received, lambda event, channel=channel: event == Received(channel, b"to ben"))  # type: ignore[misc]
        await ana.until(Received, lambda event, channel=channel: event == Received(channel, b"to ana"))  # type: ignore[misc]
    await close(ana, ben)
    assert [len([event for event in end.told if isinstance(event, TextRefused)]) for end in (ana, ben)] == [0, 0]


OURS_READ = sdp.parse(sdp.attributes(1, OURS))[0].features


@pytest.mark.usefixtures("little_patience")
@on_guarded_loop
async def test_a_gateway_that_offers_a_channel_gets_it_on_the_stream_and_with_the_label_that_it_named() -> None:
    ben, gateway = End(described=OURS), Gateway()
    channel = gateway.negotiate(6)
    channel.add_listener("open", lambda: channel.send("at once"))
    answer = await gateway.offer_lines_to(
        ben, 'a=dcmap:6 subprotocol="t140";label="Zo%C3%AB"', "a=dcsa:6 fmtp:t140 cps=20", "a=dcsa:6 recvonly"
    )
    assert described(answer)[0] == 'a=dcmap:6 subprotocol="t140";label="Zo%C3%AB"'
    opened = await ben.until(Opened)
    assert (opened.text_only, opened.label) == (True, "Zoë")
    assert opened.features is not None
    assert (opened.features.cps, opened.features.direction) == (20, "recvonly")
    assert (await ben.until(Received)).data == "at once"
    ben.link.send(Channel.TEXT, "heard")
    await gateway.until_read("heard")
    await close(ben, gateway)


@pytest.mark.usefixtures("little_patience")
@on_guarded_loop
async def test_those_behind_a_gateway_have_channels_of_their_own() -> None:
    ben, gateway = End(described=OURS), Gateway()
    own, other = gateway.negotiate(2), gateway.negotiate(4, "Zoe")
    answer = await gateway.offer_lines_to(
        ben, 'a=dcmap:2 subprotocol="t140";label="t140"', 'a=dcmap:4 subprotocol="t140";label="Zoe"'
    )
    assert [channel.stream for channel in sdp.parse(described(answer))] == [2, 4]
    assert (await ben.until(ParticipantJoined)).label == "Zoe"
    await gateway.until_state(other, "open")
    own.send("from the gateway")
    other.send("from Zoe")
    await ben.until(Received, lambda event: event == Received(Channel.TEXT, "from the gateway"))
    await ben.until(Received, lambda event: event == Received(Channel.TEXT, "from Zoe", 4))
    await close(ben, gateway)


@pytest.mark.usefixtures("little_patience")
@on_guarded_loop
async def test_a_gateway_that_answers_with_the_channel_and_knows_no_dcep_is_a_partner_for_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ana, gateway = End(described=OURS), Gateway()
    sctp_without_dcep(monkeypatch)
    gateway.negotiate(1)
    await gateway.answer_with_lines(ana, 'a=dcmap:1 subprotocol="t140";label="t140"', "a=dcsa:1 fmtp:t140 cps=15")
    opened = await ana.until(Opened)
    assert (opened.offered, opened.text_only) == (True, True)
    assert opened.features is not None
    assert opened.features.cps == 15
    ana.link.send(Channel.TEXT, "hello")
    await gateway.until_read("hello")
    assert gateway.channels == {}
    await close(ana, gateway)


def sctp_without_dcep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody confirms a channel that was opened with DCEP, or knows of it."""
    from aiortc.rtcsctptransport import WEBRTC_DCEP, RTCSctpTransport

    receive = RTCSctpTransport._data_channel_receive

    async def without_dcep(self: RTCSctpTransport, stream: int, protocol: int, data: bytes) -> None:
        if protocol != WEBRTC_DCEP:
            await receive(self, stream, protocol, data)

    monkeypatch.setattr(RTCSctpTransport, "_data_channel_receive", without_dcep)


@pytest.mark.parametrize("option", ["max-retr=0", "max-time=100", "ordered=false"])
@on_guarded_loop
async def test_n01_n02_an_offered_channel_that_may_lose_or_reorder_is_not_opened_and_the_user_is_told(
    option: str,
) -> None:
    ben, gateway = End(described=OURS), Gateway()
    gateway.negotiate(2)
    answer = await gateway.offer_lines_to(ben, f'a=dcmap:2 {option};subprotocol="t140";label="t140"')
    assert described(answer) == []
    assert await ben.until(TextRefused) == TextRefused(link.TEXT_REFUSED)
    await close(ben, gateway)


@on_guarded_loop
async def test_an_answer_that_makes_the_channel_unreliable_is_told_and_text_goes_over_dcep() -> None:
    ana, gateway = End(described=OURS), Gateway()
    await gateway.answer_with_lines(ana, 'a=dcmap:1 max-retr=3;subprotocol="t140";label="t140"')
    await ana.until(TextRefused)
    await gateway.until_offered("ctl", "t140", "bulk")
    assert (await ana.until(Opened)).features is None
    ana.link.send(Channel.TEXT, "over DCEP")
    await gateway.until_read("over DCEP")
    await close(ana, gateway)


@pytest.mark.parametrize(
    "lines",
    [
        ['a=dcmap:2 subprotocol="msrp";label="t140"'],
        ["a=dcsa:2 fmtp:t140 cps=20", "a=dcsa:2 inactive"],  # N06: no channel is named
        ["a=dcmap:99999 subprotocol=", "a=dcmap:", "a=dcsa: ", "a=dcmap:2"],
    ],
)
@pytest.mark.usefixtures("little_patience")
@on_guarded_loop
async def test_n06_lines_that_name_no_text_channel_are_as_if_they_were_not_there(lines: list[str]) -> None:
    ben, gateway = End(described=OURS), Gateway()
    channel = gateway.open()
    assert described(await gateway.offer_lines_to(ben, *lines)) == []
    await gateway.until_state(channel, "open")
    channel.send("over DCEP")
    assert (await ben.until(Opened)).features is None
    assert (await ben.until(Received)).data == "over DCEP"
    await close(ben, gateway)


@pytest.mark.usefixtures("little_patience")
@on_guarded_loop
async def test_n05_what_another_format_says_does_not_count() -> None:
    ben, gateway = End(described=OURS), Gateway()
    gateway.negotiate(2)
    await gateway.offer_lines_to(ben, 'a=dcmap:2 subprotocol="t140";label="t140"', "a=dcsa:2 fmtp:98 cps=20")
    opened = await ben.until(Opened)
    assert opened.features is not None
    assert opened.features.cps == 30
    await close(ben, gateway)


@on_guarded_loop
async def test_a_second_opening_of_a_negotiated_stream_ends_the_link_and_nothing_else() -> None:
    ben, gateway = End(described=OURS), Gateway()
    twice = gateway.connection.createDataChannel("t140", protocol="t140", id=2)
    gateway._watch(twice)
    await gateway.offer_lines_to(ben, 'a=dcmap:2 subprotocol="t140";label="t140"')
    async with asyncio.timeout(20):
        await ben.until(Closed)
    await close(ben, gateway)
