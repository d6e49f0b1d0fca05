"""A program that stood still, as on a machine that slept: longer than its link may be silent, and then it goes on."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from pathlib import Path

import pytest

from p2pchat.protocol.limits import LOST_AFTER
from tests.end_to_end.json_process import JsonProcess, connected


@pytest.mark.parametrize("seconds", [LOST_AFTER + 3.0, pytest.param(60.0, marks=pytest.mark.soak)])
async def test_a_program_that_stood_still_loses_nothing_and_repeats_nothing(
    signaling_server: str, tmp_path: Path, seconds: float
) -> None:
    original = tmp_path / "film.mov"
    original.write_bytes(os.urandom(40_000_001))
    async with (
        JsonProcess("ana", signaling_server, tmp_path) as ana,
        JsonProcess("ben", signaling_server, tmp_path) as ben,
    ):
        await connected(ana, ben)
        ana.do("send", paths=[str(original)])
        offer = await ben.until("offer")
        ben.do("accept", transfer=offer["transfer"])
        await ben.until("progress")
        ana.do("rtt", text="are you still th")
        await ben.until("rtt", text="are you still th")
        ben.process.send_signal(signal.SIGSTOP)
        texts = [f"message {number}" for number in range(10)]
        for text in texts:
            ana.do("say", text=text)
            await asyncio.sleep(seconds / len(texts))
        await ana.until("peer", name="ben", state="lost")
        ben.process.send_signal(signal.SIGCONT)
        went_on = time.monotonic()
        await ben.until("message", text=texts[-1])
        print(f"\nstood still for {seconds:.0f} s: the messages are there {time.monotonic() - went_on:.1f} s later")
        ana.do("rtt", text="are you still there")
        await ben.until("rtt", text="are you still there")
        end = await ben.until("transfer", state="done")
        saved = await asyncio.to_thread(Path(end["saved"][0]).read_bytes)
        assert hashlib.sha256(saved).digest() == hashlib.sha256(original.read_bytes()).digest()
        assert [told["text"] for told in ben.all("message")] == texts
