"""The full screen on a real terminal, when somebody else ends it."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.end_to_end.json_process import JsonProcess
from tests.end_to_end.programs import command
from tests.end_to_end.terminal import needs_tmux, screen


@needs_tmux
@pytest.mark.parametrize("ends", [signal.SIGTERM, signal.SIGHUP])
async def test_who_is_told_to_end_says_goodbye_and_leaves_the_terminal_as_it_was(
    ends: signal.Signals, signaling_server: str, tmp_path: Path
) -> None:
    async with JsonProcess("ben", signaling_server, tmp_path) as ben:

        def play() -> str:
            with screen(tmp_path, command("lab", "ana", signaling_server, tmp_path)) as terminal:
                terminal.until(lambda shown: "ben" in shown)
                terminal.kill(ends)
                terminal.until(lambda shown: "exit=" in shown)
                terminal.type("as it was", "Enter")
                return terminal.until(lambda shown: "as it was" in shown)

        shown = await asyncio.to_thread(play)
        left = await ben.until("peer", state="left")
    assert "exit=0" in shown
    assert "Conversation" not in shown
    assert left["reason"] == "left the conversation"
