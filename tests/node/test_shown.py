"""When a line counts as shown: not when it arrives, but when the front end takes it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from p2pchat.node.events import LineState, LiveTextChanged, LiveTextShown, PeerState, Ready
from p2pchat.node.settings import Settings
from p2pchat.node.stream import EventStream
from p2pchat.node.threaded import NodeThread
from tests.node.player import PATIENCE, ROOM, Player, on_guarded_loop

LOOKS_AWAY = 0.3
"""Seconds that the reader's front end is busy with something else."""


@on_guarded_loop
async def test_a_line_counts_as_shown_when_a_front_end_on_its_own_thread_has_taken_it(
    signaling_server: str, tmp_path: Path
) -> None:
    ben = NodeThread(Settings("ben", signaling_server, tmp_path / "ben", tmp_path))
    async with Player("ana", signaling_server, tmp_path) as ana:
        await ben.start()
        try:
            await ben.join(ROOM)
            await ana.until_peer(PeerState.CONNECTED)
            await ana.node.set_live_text(ROOM, "look")
            typed = time.monotonic()
            async with asyncio.timeout(PATIENCE):
                while not await ben.live_text_stats(ROOM):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await asyncio.sleep(LOOKS_AWAY)
            assert ana.all(LiveTextShown) == []
            looked = time.monotonic()
            async for event in ben.events():
                if isinstance(event, LiveTextChanged) and event.text == "look":
                    break
            await ana.until(LiveTextShown)
            (stats,) = await ana.node.live_text_stats(ROOM)
            assert stats.measured.key_to_remote.max >= looked - typed - 0.1
        finally:
            await ben.stop()


async def test_an_event_that_was_replaced_is_never_taken() -> None:
    taken: list[object] = []
    stream = EventStream(taken.append)
    first, second, third = (
        LiveTextChanged(ROOM, "p", "ana", 0, text, LineState.LIVE, 0.0) for text in ("a", "ab", "abc")
    )
    ready = Ready(ROOM, "ben", "p", "ws://127.0.0.1", 0.0)
    for event in (first, second, ready, third):
        stream.tell(event)
    assert taken == []
    stream.end()
    assert [event async for event in stream] == [second, ready, third]
    assert taken == [second, ready, third]
