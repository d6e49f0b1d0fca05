"""Live text between real processes: scripts, somebody at a terminal, and assistive technology beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import signal
import termios
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.json_process import PATIENCE, JsonProcess, connected
from tests.end_to_end.programs import command
from tests.environment import without_settings


async def test_two_people_type_at_once_and_each_sees_every_state_of_the_others_line(
    signaling_server: str, tmp_path: Path
) -> None:
    async with (
        JsonProcess("ana", signaling_server, tmp_path) as ana,
        JsonProcess("ben", signaling_server, tmp_path) as ben,
    ):
        await connected(ana, ben)
        ours, theirs = "I will add it tonight 👩‍👩‍👧", "wait, שלום مرحبا"
        for end in range(1, max(len(ours), len(theirs)) + 1):
            ana.do("rtt", text=ours[:end])
            ben.do("rtt", text=theirs[:end])
            await asyncio.sleep(0.01)  # a fast typist, not a paste
        await ben.until("rtt", text=ours, state="live", line=0)
        await ana.until("rtt", text=theirs, state="live", line=0)
        for peer in (ana, ben):
            peer.do("rtt", commit=True)
        await ben.until("rtt", text=ours, state="final")
        await ana.until("rtt", text=theirs, state="final")
        for reader, text in ((ben, ours), (ana, theirs)):
            states = [told["text"] for told in reader.all("rtt", state="live")]
            assert len(states) > 1
            assert all(text.startswith(state) for state in states), "nothing but beginnings of the line was shown"
            assert not any(told["corrected"] for told in reader.all("rtt"))
            assert reader.all("message") == []


async def test_private_text_is_seen_when_it_is_finished_and_alerts_ring(signaling_server: str, tmp_path: Path) -> None:
    async with (
        JsonProcess("ana", signaling_server, tmp_path) as ana,
        JsonProcess("ben", signaling_server, tmp_path) as ben,
    ):
        await connected(ana, ben)
        ana.do("rtt", text="seen")
        await ben.until("rtt", text="seen", state="live")
        ana.do("hold")
        await ben.until("peer", name="ana", live_mode="hold")
        ana.do("rtt", text="seen and private")
        ana.do("alert")
        await ana.until("alert-sent")
        ana.do("rtt", commit=True)
        await ben.until("rtt", text="seen and private", state="final")
        assert [told["text"] for told in ben.all("rtt", state="live")] == ["seen"]
        ana.do("live")
        await ben.until("peer", name="ana", live_mode="")
        ana.do("stats")
        measured = await ana.until("stats")
        assert measured["live_text"]["characters_sent"] >= len("seen")
        ana.do("export", format="txt", path=str(tmp_path / "talk.txt"))
        await ana.until("exported")
        assert "you: seen and private" in (tmp_path / "talk.txt").read_text("utf-8")


class Terminal:
    """`p2pchat chat lab --plain` on a terminal."""

    def __init__(self) -> None:
        self.controller, self._end = pty.openpty()
        self.found = termios.tcgetattr(self._end)
        self.shown = ""
        self._news = asyncio.Event()

    async def start(self, *words: str) -> None:
        environment = without_settings()
        self.process = await asyncio.create_subprocess_exec(
            *words,
            stdin=self._end,
            stdout=self._end,
            stderr=asyncio.subprocess.DEVNULL,
            env={**environment, "TERM": "xterm"},
            start_new_session=True,
        )
        asyncio.get_running_loop().add_reader(self.controller, self._read)

    def _read(self) -> None:
        self.shown += os.read(self.controller, 65536).decode("utf-8", "replace")
        self._news.set()

    def type(self, keys: str) -> None:
        os.write(self.controller, keys.encode())

    async def until(self, text: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while text not in self.shown:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"waiting for {text!r}; shown: {self.shown!r}") from None

    @property
    def as_found(self) -> bool:
        return termios.tcgetattr(self._end) == self.found

    def until_key_by_key(self) -> None:
        ends = time.monotonic() + PATIENCE
        while self.as_found:
            assert time.monotonic() < ends, "the terminal hands over lines"
            time.sleep(0.02)

    def as_a_shell_sets_it(self) -> None:
        termios.tcsetattr(self._end, termios.TCSANOW, self.found)

    async def ended(self) -> int:
        return await asyncio.wait_for(self.process.wait(), PATIENCE)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        asyncio.get_running_loop().remove_reader(self.controller)
        os.close(self.controller)
        os.close(self._end)


@pytest.fixture
async def terminal(signaling_server: str, tmp_path: Path) -> AsyncIterator[Terminal]:
    """Ana in line mode, with a stream for assistive technology."""
    screen = Terminal()
    options = ("lab", "--plain", "--events", str(tmp_path / "events"))
    await screen.start(*command("chat", "ana", signaling_server, tmp_path, *options))
    try:
        yield screen
    finally:
        screen.close()


def events(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "events").read_text("utf-8").splitlines()]


async def test_typing_live_on_a_real_terminal_moves_no_cursor_and_restores_it(
    terminal: Terminal, signaling_server: str, tmp_path: Path
) -> None:
    async with JsonProcess("ben", signaling_server, tmp_path) as ben:
        await terminal.until("ben joined.")
        terminal.type("/live\n")
        await terminal.until("Live text is on. ben sees each key that you type.")
        assert not terminal.as_found
        terminal.type("helo")
        await ben.until("rtt", text="helo", state="live")
        terminal.type("\x7f")
        await ben.until("rtt", text="hel", state="live")
        terminal.type("lo\n")
        await ben.until("rtt", text="hello", state="final")
        await terminal.until("you: hello")
        ben.do("rtt", text="I will add it tonight. ")
        await terminal.until("ben is typing: I will add it tonight.")
        ben.do("rtt", text="I will add it on Friday.")
        ben.do("rtt", commit=True)
        await terminal.until("ben corrected: I will add it on Friday.")
        ben.do("alert")
        await terminal.until("Alert: ben asks for your attention.")
        terminal.type("/quit\n")
        assert await terminal.ended() == 0
    assert terminal.as_found
    assert not set(terminal.shown.replace("\r\n", "\n")) & {"\r", "\b", "\x1b"}
    told = [(each["dir"], each["kind"], each["text"]) for each in events(tmp_path)]
    assert ("sent", "final", "hello") in told
    assert ("sent", "erase", "o") in told
    assert ("recv", "final", "I will add it on Friday.") in told
    assert ("recv", "alert", "asks for attention") in told


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
async def test_a_terminal_is_left_as_it_was_found_however_the_program_is_ended(
    terminal: Terminal, ending: signal.Signals, code: int
) -> None:
    await terminal.until("p2pchat: you are ana")
    terminal.type("/live\n")
    await terminal.until("Live text is on. Nobody sees your keys.")
    terminal.type("half a line")
    await terminal.until("half a line")
    terminal.process.send_signal(ending)
    assert await terminal.ended() == code
    assert terminal.as_found


async def test_after_a_pause_of_the_program_keys_are_read_one_by_one_again(terminal: Terminal) -> None:
    await terminal.until("p2pchat: you are ana")
    terminal.type("/live\n")
    await terminal.until("Live text is on.")
    terminal.process.send_signal(signal.SIGSTOP)
    terminal.as_a_shell_sets_it()
    terminal.process.send_signal(signal.SIGCONT)
    await asyncio.to_thread(terminal.until_key_by_key)
    terminal.type("/quit\n")
    assert await terminal.ended() == 0
    assert terminal.as_found


async def test_live_text_is_off_until_it_is_wanted(terminal: Terminal, signaling_server: str, tmp_path: Path) -> None:
    async with JsonProcess("ben", signaling_server, tmp_path) as ben:
        await terminal.until("ben joined.")
        assert terminal.as_found
        terminal.type("not yet")
        terminal.type(" sent\n")
        assert (await ben.until("message"))["text"] == "not yet sent"
        assert ben.all("rtt") == []
        terminal.type("\x04")
        assert await terminal.ended() == 0
