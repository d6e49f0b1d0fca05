"""Nodes that describe their `t140` channel in the session description, with each other and with a gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from p2pchat.node.events import GuestAsks, LineState, LiveTextChanged, PeerState
from p2pchat.rtc import link
from tests.node.player import ROOM, Player, connected, on_guarded_loop
from tests.node.test_guests_in_rooms import stranger

DESCRIBED = 'a=dcmap:2 subprotocol="t140";label="t140"'


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "TEXT_ONLY_SECONDS", 0.2)


@pytest.mark.parametrize(("at_ana", "at_ben"), [(True, True), (True, False), (False, True)])
@on_guarded_loop
async def test_live_text_goes_both_ways_whoever_describes_its_channel(
    signaling_server: str, tmp_path: Path, at_ana: bool, at_ben: bool
) -> None:
    async with (
        Player("ana", signaling_server, tmp_path, sdp_t140=at_ana, languages=("en", "sv")) as ana,
        Player("ben", signaling_server, tmp_path, sdp_t140=at_ben, languages=("ja",)) as ben,
    ):
        await connected(ana, ben)
        assert (await ana.until_peer(PeerState.CONNECTED)).info.languages == ("ja",)
        assert (await ben.until_peer(PeerState.CONNECTED)).info.languages == ("en", "sv")
        for writer, reader in ((ana, ben), (ben, ana)):
            await writer.node.set_live_text(ROOM, f"from {writer.name}")
            await reader.until(LiveTextChanged, lambda event, name=writer.name: event.text == f"from {name}")  # type: ignore[misc]
        (stats,) = await ana.node.live_text_stats(ROOM)
        assert stats.unicode[0].isdecimal()


async def admitted(ana: Player) -> str:
    asked = await ana.until(GuestAsks)
    await ana.node.admit_guest(ROOM, asked.peer, admitted=True)
    await ana.until(LiveTextChanged, lambda event: (event.text, event.state) == ("hello", LineState.FINAL))
    return asked.peer


@on_guarded_loop
async def test_what_a_gateway_describes_is_held_to(
    signaling_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "NEGOTIATED_ONLY_SECONDS", 0.2)
    said = [DESCRIBED, "a=dcsa:2 fmtp:t140 cps=2", "a=dcsa:2 hlang-send:sv-FI en", "a=dcsa:2 hlang-recv:en de"]
    async with (
        Player("ana", signaling_server, tmp_path, sdp_t140=True) as ana,
        stranger(signaling_server, ROOM, lines=said) as read,
    ):
        guest = await admitted(ana)
        (info,) = await ana.node.peers(ROOM)
        assert (info.peer, info.languages, info.live_mode) == (guest, ("sv-FI", "en", "de"), "")
        await ana.node.say(ROOM, "x" * 60)
        async with asyncio.timeout(20):
            while not read:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert sum(map(len, read)) <= 20
        (stats,) = await ana.node.live_text_stats(ROOM)
        assert stats.measured.backlog >= 40


@on_guarded_loop
async def test_n04_a_gateway_that_only_sends_is_not_sent_one_byte(
    signaling_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "NEGOTIATED_ONLY_SECONDS", 0.2)
    async with (
        Player("ana", signaling_server, tmp_path, sdp_t140=True) as ana,
        stranger(signaling_server, ROOM, lines=[DESCRIBED, "a=dcsa:2 sendonly"]) as read,
    ):
        await admitted(ana)
        (info,) = await ana.node.peers(ROOM)
        assert (info.live_mode, info.sees_keys) == ("", False)
        await ana.node.set_live_text(ROOM, "nobody reads this")
        await ana.node.say(ROOM, "nor this")
        (stats,) = await ana.node.live_text_stats(ROOM)
        assert (stats.measured.messages_sent, stats.measured.messages_received, read) == (0, 1, [])
