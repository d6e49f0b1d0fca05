"""A peer that floods: the victim says why it hangs up, others do not notice, and its memory stays within bounds.

The victim is a process of its own, so that its memory is its own, too.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from p2pchat.protocol import frames, limits
from p2pchat.protocol.codec import encode
from p2pchat.protocol.transfer import bulk
from p2pchat.rtc.channels import Channel
from tests.end_to_end.json_process import JsonProcess
from tests.node.player import ROOM, Player, on_guarded_loop
from tests.node.test_hostile_peer import Stranger, stranger

MEMORY = 64 * 1024
"""Most that a victim may need beyond what it has when idle, in KiB."""

BATCH = 1024 * 1024
"""Bytes that wait to be sent at a time: the flood has to keep running, and not to fill this process."""

NEVER_ENDS = "the peer sends messages that never end"

Flood = Callable[[], Iterable[tuple[Channel, bytes | str]]]


def pings() -> Iterable[tuple[Channel, bytes | str]]:
    return ((Channel.CONTROL, encode(frames.Ping(number))) for number in range(5000))


def receipts() -> Iterable[tuple[Channel, bytes | str]]:
    return ((Channel.CONTROL, encode(frames.Receipt(f"{number:08x}"))) for number in range(5000))


def messages() -> Iterable[tuple[Channel, bytes | str]]:
    text = "\U0001f600" * 1000
    return ((Channel.CONTROL, encode(frames.Message(f"{number:08x}", text, 0.0))) for number in range(5000))


def offers() -> Iterable[tuple[Channel, bytes | str]]:
    entries = [frames.Entry(f"{'x' * 150}{number}", 2**40) for number in range(256)]
    return (
        (Channel.CONTROL, encode(frames.Offer(number, bytes(32), 256, 256, 256 * 2**40, entries)))
        for number in range(200)
    )


def new_lines() -> Iterable[tuple[Channel, bytes | str]]:
    return ((Channel.TEXT, "a\u2028" * 4000) for _ in range(200))


def empty_texts() -> Iterable[tuple[Channel, bytes | str]]:
    return ((Channel.TEXT, "") for _ in range(100_000))


def alerts() -> Iterable[tuple[Channel, bytes | str]]:
    return ((Channel.TEXT, "\a" * 16_000) for _ in range(200))


def stray_data() -> Iterable[tuple[Channel, bytes | str]]:
    chunk = bytes(limits.CHUNK_BYTES)
    return ((Channel.BULK, bulk.pack(number, 0, 0, chunk)) for number in range(4000))


FLOODS: list[tuple[Flood, str]] = [
    (pings, "more than 500 control frames a second"),
    (receipts, "more than 500 control frames a second"),
    (messages, "more than 50 messages a second"),
    (offers, "more than 64 offers of files at once"),
    (new_lines, "more than 1000 characters of real-time text a second"),
    (empty_texts, "more than 1000 characters of real-time text a second"),
    (alerts, "more than 1000 characters of real-time text a second"),
    (stray_data, "too much file data that nobody asked for"),
]


def memory(victim: JsonProcess, what: str) -> int:
    """Reads `VmRSS` (now) or `VmHWM` (the most so far) of a process, in KiB."""
    status = Path(f"/proc/{victim.process.pid}/status")
    if not status.exists():
        pytest.skip("needs /proc")
    found = re.search(rf"{what}:\s*(\d+) kB", status.read_text())
    assert found
    return int(found[1])


async def pour(mallory: Stranger, flood: Iterable[tuple[Channel, bytes | str]]) -> None:
    """Sends until everything is sent or the victim has hung up."""
    for channel, data in flood:
        to = mallory.channels[channel]
        if to.bufferedAmount > BATCH:
            emptied = asyncio.Event()
            to.bufferedAmountLowThreshold = BATCH // 2
            for change in ("bufferedamountlow", "close"):
                to.once(change, emptied.set)
            await emptied.wait()
        if to.readyState != "open":
            return
        to.send(data)


async def talks_with(victim: JsonProcess, ben: Player, text: str) -> None:
    """Ben and the victim exchange a message in both directions."""
    await ben.node.say(ROOM, text)
    await victim.until("message", text=text)


@pytest.mark.parametrize(("flood", "reason"), FLOODS, ids=[flood.__name__ for flood, _ in FLOODS])
@on_guarded_loop
async def test_a_flood_ends_with_a_reason_and_hurts_nobody_else(
    signaling_server: str, tmp_path: Path, flood: Flood, reason: str
) -> None:
    async with JsonProcess("ana", signaling_server, tmp_path) as ana:
        await ana.until("ready")
        async with stranger(signaling_server) as mallory, Player("ben", signaling_server, tmp_path) as ben:
            await ana.until("peer", name="ben", state="connected")
            await mallory.introduce()
            await ana.until("peer", name="mallory", state="connected")
            await talks_with(ana, ben, "before")
            idle = memory(ana, "VmRSS")
            pouring = asyncio.create_task(pour(mallory, flood()))
            await talks_with(ana, ben, "meanwhile")
            closed = await ana.until("peer", name="mallory", state="failed")
            assert reason in closed["reason"]
            pouring.cancel()
            await talks_with(ana, ben, "after")
            assert memory(ana, "VmHWM") - idle < MEMORY


@pytest.mark.parametrize(
    ("channel", "introduced"),
    [(Channel.CONTROL, False), (Channel.TEXT, True), (Channel.BULK, True)],
    ids=["ctl before the handshake", "t140 after it", "bulk after it"],
)
@on_guarded_loop
async def test_a_message_that_never_ends_ends_the_link(
    signaling_server: str, tmp_path: Path, channel: Channel, introduced: bool
) -> None:
    async with JsonProcess("ana", signaling_server, tmp_path) as ana:
        await ana.until("ready")
        async with (
            stranger(signaling_server, unlimited=True) as mallory,
            Player("ben", signaling_server, tmp_path) as ben,
        ):
            await ana.until("peer", name="ben", state="connected")
            if introduced:
                await mallory.introduce()
                await ana.until("peer", name="mallory", state="connected")
            idle = memory(ana, "VmRSS")
            mallory.send(channel, bytes(30_000_000))
            await talks_with(ana, ben, "meanwhile")
            if introduced:
                await ana.until("peer", name="mallory", state="lost", reason=NEVER_ENDS)
            else:
                await ana.until("peer", state="connecting", reason=f"trying again: {NEVER_ENDS}")
            await talks_with(ana, ben, "after")
            assert memory(ana, "VmHWM") - idle < MEMORY
