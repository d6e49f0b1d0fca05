"""The parts of the demo: typing, watching, the partner, and processes that never outlive it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.cli.demo import live_typing, reports
from p2pchat.cli.demo.children import first_line, piped, started
from p2pchat.cli.demo.live_typing import LineWatch, keystrokes
from p2pchat.cli.demo.openness import open_to_all
from p2pchat.cli.demo.partner import ANSWER, FILE_NAME, GREETING, LIVE_ANSWER, Partner, sha256_of
from p2pchat.cli.demo.reports import MadeFile, Report, SawFile, SawLine, SawMessage
from p2pchat.cli.demo.round import FILE_BYTES, LINE, MESSAGE, Round
from p2pchat.errors import P2PChatError, PeerUnreachable, TimedOut
from p2pchat.node.events import (
    Direction,
    LineState,
    LiveTextChanged,
    MessageDelivered,
    MessageReceived,
    PeerChanged,
    PeerState,
    TransferChanged,
    TransferOffered,
    TransferState,
)
from tests.cli.talk import BEN, PATIENCE, Talk, transfer
from tests.fake_node import FakeNode


def typed(text: str, state: LineState = LineState.LIVE, line: int = 0) -> LiveTextChanged:
    return LiveTextChanged("demo", BEN.peer, "ben", line, text, state, 0.0)


class WatchedNode(FakeNode):
    """A node whose calls can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._call = asyncio.Event()

    def _called(self, *call: object) -> None:
        super()._called(*call)
        self._call.set()

    async def until_called(self, name: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not any(call[0] == name for call in self.calls):
                self._call.clear()
                await self._call.wait()


@pytest.fixture(autouse=True)
def typing_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_typing, "KEY_SECONDS", 0.0)
    monkeypatch.setattr(live_typing, "NOTICE_SECONDS", 0.0)


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_person_changes_one_character_at_a_time_and_ends_with_what_was_meant(mistaken: str, meant: str) -> None:
    if mistaken == meant:
        return
    states = ["", *keystrokes(mistaken, meant)]
    assert mistaken in states
    assert states[-1] == meant
    for before, after in pairwise(states):
        assert after[:-1] == before or before[:-1] == after


def test_a_line_that_was_seen_growing_and_corrected_is_told_from_one_that_was_not() -> None:
    watch = LineWatch()
    assert [watch.finished(typed(text)) for text in ("I wil", "I wll", "I wi")] == [None] * 3
    assert watch.finished(typed("I will", LineState.FINAL)) is True
    assert watch.finished(typed("I will!", LineState.FINAL)) is None, "it is finished once"
    watch.finished(typed("I wi", line=1))
    assert watch.finished(typed("I will", LineState.FINAL, line=1)) is False
    assert watch.finished(typed("I will", LineState.FINAL, line=2)) is False


@pytest.mark.parametrize("report", [SawMessage("a\nb"), SawLine(True, "x"), SawFile("00"), MadeFile("ff")])
def test_reports_survive_the_pipe(report: Report) -> None:
    line = reports.encode(report)
    assert "\n" not in line
    assert reports.decode(line.encode()) == report


async def test_the_partner_greets_answers_offers_and_accepts(tmp_path: Path) -> None:
    node = WatchedNode()
    reports: list[Report] = []
    partner = Partner(node, "demo", tmp_path, reports.append)
    acting = asyncio.create_task(partner.act())
    await partner.told(PeerChanged("demo", BEN, 0.0), 0.0)
    await partner.told(PeerChanged("demo", BEN, 0.0), 0.0)
    await partner.told(MessageReceived("demo", "0a", BEN.peer, "ben", "hi", 0.0, 0.0), 0.0)
    await partner.told(typed("I se"), 0.0)
    await partner.told(typed("I set"), 0.0)
    await partner.told(typed("I see", LineState.FINAL), 0.0)
    await node.until_called("offer")
    lines = [call for call in node.calls if call[0] in ("say", "commit_live_text", "offer")]
    assert lines == [
        ("commit_live_text", "demo"),
        ("say", "demo", ANSWER),
        ("commit_live_text", "demo"),
        ("offer", "demo", (tmp_path / FILE_NAME,), None),
    ]
    assert all(("set_live_text", "demo", text) in node.calls for text in (*GREETING, *LIVE_ANSWER))
    await partner.told(TransferOffered(transfer(), 0.0), 0.0)
    assert node.calls[-1] == ("accept", "000000aa", None)
    await partner.told(TransferChanged(transfer(TransferState.DONE, saved=(str(tmp_path / FILE_NAME),)), 0.0), 0.0)
    made = sha256_of(tmp_path / FILE_NAME)
    assert reports == [SawMessage("hi"), SawLine(True, "I see"), MadeFile(made), SawFile(made)]
    acting.cancel()


async def test_live_text_is_on_for_each_who_comes_and_is_not_switched_on_again() -> None:
    node = FakeNode()
    lost = replace(BEN, state=PeerState.LOST)
    told = [PeerChanged("demo", info, 0.0) for info in (lost, BEN, lost, BEN)]
    node.tell(*told)
    events = open_to_all(node).events()
    assert [await anext(events) for _ in told] == told
    assert node.calls == [("share_live_text", "demo", True, BEN.peer)]


async def test_who_has_left_before_live_text_is_on_ends_nothing() -> None:
    node = FakeNode()
    node.fail_next = PeerUnreachable("nobody has this name")
    node.tell(PeerChanged("demo", BEN, 0.0))
    assert isinstance(await anext(open_to_all(node).events()), PeerChanged)


class Playing:
    """A round whose other side, node and partner, is the test."""

    def __init__(self, folder: Path, seconds: float = PATIENCE) -> None:
        self.node = WatchedNode()
        self.talk = Talk(self.node)
        (folder / "partner.log").write_text("Traceback\nOSError: no room", encoding="utf-8")
        self.task = asyncio.create_task(
            Round(self.node, "demo", self.talk.lines(), folder, self.talk.write_line).play(seconds)
        )

    def reports(self, report: Report) -> None:
        self.talk.enter(reports.encode(report).encode())


async def test_a_round_is_over_when_both_sides_have_seen_everything(tmp_path: Path) -> None:
    received = tmp_path / "received"
    received.write_bytes(b"mia's")
    playing = Playing(tmp_path)
    node = playing.node
    node.tell(PeerChanged("demo", BEN, 0.0))
    node.tell(typed("Hi"), typed("Hu"), typed("Hi!", LineState.FINAL))
    await node.until_called("say")
    node.tell(
        MessageDelivered("demo", "00000001", BEN.peer, 0.0),
        MessageReceived("demo", "0b", BEN.peer, "ben", ANSWER, 0.0, 0.0),
    )
    playing.reports(SawMessage(MESSAGE))
    await node.until_called("commit_live_text")
    playing.reports(SawLine(True, LINE[1]))
    playing.reports(MadeFile(sha256_of(received)))
    node.tell(TransferOffered(transfer(), 0.0))
    await node.until_called("accept")
    node.tell(TransferChanged(transfer(TransferState.DONE, saved=(str(received),), seconds=0.1), 0.0))
    await node.until_called("offer")
    sent = tmp_path / "to-mia.bin"
    assert sent.stat().st_size == FILE_BYTES
    playing.reports(SawFile(sha256_of(sent)))
    node.tell(TransferChanged(transfer(TransferState.DONE, Direction.SEND, seconds=0.1), 0.0))
    async with asyncio.timeout(PATIENCE):
        await playing.task
    assert len(playing.talk.written) == 7
    assert all(line.startswith("ok  ") for line in playing.talk.written)
    assert node.calls[-1] == ("stop",)


async def until_it_fails(playing: Playing, error: type[P2PChatError]) -> str:
    """Waits for the round to fail as it should, and returns what it says."""
    with pytest.raises(error) as caught:
        async with asyncio.timeout(PATIENCE):
            await playing.task
    assert playing.node.calls[-1] == ("stop",)
    return f"{caught.value.message} ({caught.value.hint})"


async def test_a_round_without_a_connection_fails_and_says_why(tmp_path: Path) -> None:
    playing = Playing(tmp_path)
    playing.node.tell(PeerChanged("demo", replace(BEN, state=PeerState.FAILED, reason="no path"), 0.0))
    assert "no path" in await until_it_fails(playing, PeerUnreachable)


async def test_a_round_that_takes_too_long_says_what_it_waits_for(tmp_path: Path) -> None:
    assert "a connection to mia" in await until_it_fails(Playing(tmp_path, seconds=0.01), TimedOut)


async def test_a_round_whose_partner_ends_says_so_with_its_last_words(tmp_path: Path) -> None:
    playing = Playing(tmp_path)
    playing.talk.end_input()
    assert "OSError: no room" in await until_it_fails(playing, P2PChatError)


async def test_live_text_that_arrives_in_one_piece_fails_the_round(tmp_path: Path) -> None:
    playing = Playing(tmp_path)
    playing.node.tell(PeerChanged("demo", BEN, 0.0), typed("Hi!", LineState.FINAL))
    assert "not while it was typed" in await until_it_fails(playing, P2PChatError)


async def test_a_message_that_arrives_changed_fails_the_round(tmp_path: Path) -> None:
    playing = Playing(tmp_path)
    playing.node.tell(PeerChanged("demo", BEN, 0.0), typed("Hi"), typed("Hu"), typed("Hi!", LineState.FINAL))
    playing.node.tell(MessageDelivered("demo", "00000001", BEN.peer, 0.0))
    playing.reports(SawMessage(MESSAGE[:-1]))
    assert "another text" in await until_it_fails(playing, P2PChatError)


async def test_a_file_that_arrives_changed_fails_the_round(tmp_path: Path) -> None:
    received = tmp_path / "received"
    received.write_bytes(b"changed")
    playing = Playing(tmp_path)
    node = playing.node
    node.tell(PeerChanged("demo", BEN, 0.0), typed("Hi"), typed("Hu"), typed("Hi!", LineState.FINAL))
    node.tell(MessageDelivered("demo", "00000001", BEN.peer, 0.0))
    node.tell(MessageReceived("demo", "0b", BEN.peer, "ben", ANSWER, 0.0, 0.0), TransferOffered(transfer(), 0.0))
    node.tell(TransferChanged(transfer(TransferState.DONE, saved=(str(received),)), 0.0))
    for report in (SawMessage(MESSAGE), SawLine(True, LINE[1]), MadeFile("00")):
        playing.reports(report)
    assert "not the one that was sent" in await until_it_fails(playing, P2PChatError)


def test_a_child_ends_when_we_leave_it(tmp_path: Path) -> None:
    with started(
        "child", "p2pchat.cli.demo.leash", "http.server", "--bind", "127.0.0.1", "0", folder=tmp_path
    ) as child:
        assert child.poll() is None
    assert child.returncode is not None


def test_the_last_words_of_a_child_that_ends_early_are_told(tmp_path: Path) -> None:
    with (
        started("child", "p2pchat.cli.demo.leash", "no_such_module", folder=tmp_path) as child,
        pytest.raises(P2PChatError) as caught,
    ):
        first_line(child, "child", PATIENCE, tmp_path)
    assert "no_such_module" in caught.value.hint


def test_a_child_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    # It writes where it listens, but into a buffer that nobody flushes.
    quiet = ("p2pchat.cli.demo.leash", "http.server", "--bind", "127.0.0.1", "0")
    with started("child", *quiet, folder=tmp_path) as child, pytest.raises(P2PChatError):
        first_line(child, "child", 0.01, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the process in /proc")
def test_no_child_outlives_a_starter_that_is_killed(tmp_path: Path) -> None:
    start = (
        "import pathlib, subprocess, sys\n"
        "from p2pchat.cli.demo.children import started\n"
        "with started('child', 'p2pchat.cli.demo.leash', *sys.argv[2:], folder=pathlib.Path(sys.argv[1])) as child:\n"
        "    print(child.pid, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    arguments = [str(tmp_path), "http.server", "--bind", "127.0.0.1", "0"]
    with subprocess.Popen(
        [sys.executable, "-c", start, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as starter:
        child = int(piped(starter.stdout).readline())
        assert is_running(child)
        starter.kill()
    for _ in range(1000):
        if not is_running(child):
            return
        threading.Event().wait(0.01)
    pytest.fail("the child still runs")


def is_running(process: int) -> bool:
    """Whether a process runs. One that has ended, and that nobody has asked about yet, does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
