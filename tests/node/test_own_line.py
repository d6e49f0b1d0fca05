"""What a node tells of our own live line, and that live text can always be left, between real nodes."""

from __future__ import annotations

import time
from pathlib import Path

from p2pchat.node.events import LiveTextSent, LiveTextShown, PeerState
from tests.node.player import ROOM, Player, connected, on_guarded_loop


@on_guarded_loop
async def test_a_key_is_told_as_sent_with_its_time_and_then_as_shown(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        typed_at = time.monotonic()
        await ana.node.set_live_text(ROOM, "look", typed_at)
        sent = await ana.until(LiveTextSent)
        assert (sent.waiting, sent.typed_at) == (0, typed_at)
        assert sent.peer == (await ana.until(LiveTextShown)).peer
        assert ben.all(LiveTextSent) == []
        (stats,) = await ana.node.live_text_stats(ROOM)
        assert (stats.measured.cps, stats.measured.unit) == (90, "g")


@on_guarded_loop
async def test_more_than_the_peer_takes_is_told_as_waiting(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        await ana.node.set_live_text(ROOM, "x" * 1200)
        behind = await ana.until(LiveTextSent, lambda event: event.waiting > 0)
        assert (behind.waiting, behind.typed_at) == (301, None)  # 900 in ten seconds, of which the BOM is one


@on_guarded_loop
async def test_live_text_can_be_left_while_nobody_is_connected(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana:
        await ana.node.share_live_text(ROOM, True)
        await ana.node.set_live_text(ROOM, "nobody reads this")
        await ana.node.live_text_mode(ROOM, "hold")
        await ana.node.set_live_text(ROOM, "")
        await ana.node.share_live_text(ROOM, False)
        async with Player("ben", signaling_server, tmp_path) as ben:
            await ana.until_peer(PeerState.CONNECTED)
            await ben.until_peer(PeerState.CONNECTED)
            assert not [info for info in await ana.node.peers(ROOM) if info.sees_keys]
        assert ana.all(LiveTextSent) == []
