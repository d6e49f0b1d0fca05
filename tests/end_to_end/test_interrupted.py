"""Exchanges of files that are interrupted and go on, and those between contacts, between real processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.end_to_end.programs import Receiver, Sender, contents

LARGE = 30_000_000
"""Bytes that take a few seconds, so that somebody can be killed in the middle."""


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that takes a few seconds."""
    path = tmp_path / "large"
    path.write_bytes(os.urandom(LARGE))
    return path


async def arrived(receiver: Receiver, least: int) -> None:
    """Waits until so many bytes have arrived."""
    while (await receiver.until("progress", count=len(receiver.all("progress")) + 1))["bytes"] < least:
        pass


async def test_a_killed_receiver_is_taken_back_with_the_same_command(
    signaling_server: str, tmp_path: Path, large: Path
) -> None:
    async with Sender(signaling_server, tmp_path, str(large)) as ana:
        code = (await ana.until("code"))["code"]
        async with Receiver(signaling_server, tmp_path, "--yes", code) as ben:
            await arrived(ben, 4_000_000)
            ben.kill()
        async with Receiver(signaling_server, tmp_path, "--yes", code) as ben:
            offer = await ben.until("offer")
            assert 2_000_000 < offer["resumable"] < LARGE
            assert (await ben.ended(), await ana.ended()) == (0, 0)
        assert contents(ben.downloads) == {"large": contents(tmp_path)["large"]}
        async with Receiver(signaling_server, tmp_path, "--yes", code) as ben:
            assert await ben.ended() == 3, "the code is of no use once everything has arrived"


async def test_a_killed_sender_goes_on_with_the_same_command(
    signaling_server: str, tmp_path: Path, large: Path
) -> None:
    async with Sender(signaling_server, tmp_path, str(large)) as ana:
        code = (await ana.until("code"))["code"]
        async with Receiver(signaling_server, tmp_path, "--yes", code) as ben:
            await arrived(ben, 4_000_000)
            ana.kill()
            await ben.until("peer", state="lost", name="ana")
            async with Sender(signaling_server, tmp_path, str(large)) as again:
                assert (await again.ended(), await ben.ended()) == (0, 0)
                first = again.all("progress")[0]["bytes"]
            assert first > 2_000_000, "what was there was not sent again"
        assert contents(ben.downloads) == {"large": contents(tmp_path)["large"]}
