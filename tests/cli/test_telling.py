"""What `send` and `receive` tell: people on standard error, programs and paths on standard output."""

from __future__ import annotations

import io
import json

import pytest

from p2pchat.cli.one_shot.progress import ProgressBar
from p2pchat.cli.one_shot.telling import ForPeople, ForPrograms
from p2pchat.errors import TurnedDown
from p2pchat.node.events import (
    CodeChanged,
    Direction,
    Problem,
    Ready,
    ServerChanged,
    TransferProgressed,
    TransferState,
)
from tests.cli.exchange import CONNECTED, changed
from tests.cli.talk import HOSTILE

ACTIVE = changed(TransferState.ACTIVE, Direction.SEND)


def progressed(confirmed: int) -> TransferProgressed:
    return TransferProgressed("000000aa", Direction.SEND, confirmed, 100, 2_000_000.0, 0.0)


def test_without_a_terminal_each_quarter_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    teller = ForPeople(print, None)
    teller.event(ACTIVE)
    for confirmed in (1, 24, 25, 26, 80, 90, 100):
        teller.event(progressed(confirmed))
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors == "draft.pdf: 25 percent, 2.0 MB/s.\ndraft.pdf: 75 percent, 2.0 MB/s.\n"


def test_the_bar_is_cleared_before_anything_else_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = io.StringIO()
    teller = ForPeople(print, ProgressBar(terminal, lambda: 80))
    teller.event(ACTIVE)
    teller.event(progressed(50))
    assert "50 %" in terminal.getvalue()
    teller.say("Done.")
    assert terminal.getvalue().rpartition("50 %")[2].strip("\r ").endswith("0:01")
    assert terminal.getvalue().endswith(" \r")
    assert capsys.readouterr().err == "Done.\n"


def test_a_question_leaves_the_cursor_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    ForPeople(print, None).ask("Receive? (y/n)")
    assert capsys.readouterr().err == "Receive? (y/n) "


def test_people_hear_of_problems_pauses_and_the_server_once(capsys: pytest.CaptureFixture[str]) -> None:
    teller = ForPeople(print, None)
    gone = ServerChanged("code", False, HOSTILE, 0.0)
    for event in (gone, gone, ServerChanged("code", True, "", 0.0), Problem("skipped", HOSTILE, HOSTILE, 0.0)):
        teller.event(event)
    teller.event(changed(TransferState.PAUSED, Direction.SEND, reason="paused by ben"))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("The signaling server is gone; trying to reach it again.")
    assert lines[1] == "The signaling server is back."
    assert lines[3] == "draft.pdf to ben is paused. Paused by ben."
    assert all(line.isprintable() for line in lines)


def test_saved_paths_are_data() -> None:
    paths: list[str] = []
    ForPeople(paths.append, None).saved(("/a/b", "/a/c"))
    assert paths == ["/a/b", "/a/c"]


def test_programs_get_events_and_the_error_that_ends_it_but_no_sentences() -> None:
    lines: list[str] = []
    teller = ForPrograms(lines.append)
    teller.say("hello")
    teller.ask("well?")
    teller.saved(("/a",))
    teller.event(Ready("code-1", "ana", "k7qfm2xd", "ws://a", 0.0))
    teller.event(CodeChanged("code-1", "7-a-b-c", "p2pchat:s#7-a-b-c", "", 0.0))
    teller.event(CONNECTED)
    teller.event(progressed(50))
    teller.failed(TurnedDown("declined by ben", "ask ben"))
    told = [json.loads(line) for line in lines]
    assert [each["event"] for each in told] == ["code", "peer", "progress", "error"]
    assert (told[-1]["code"], told[-1]["message"]) == ("turned-down", "declined by ben")
