"""The stream for assistive technology: what it says, and that its reader can hold up nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.cli import assistive
from p2pchat.cli.assistive import WAITING_LINES, AssistiveEvents, LineSink, observed
from p2pchat.errors import PeerUnreachable
from p2pchat.node.events import (
    Alerted,
    Event,
    GuestAsks,
    LineState,
    LiveTextAsked,
    LiveTextChanged,
    MessageReceived,
    MessageSent,
    PeerChanged,
    PeerState,
    Problem,
    Ready,
    ServerChanged,
)
from tests.cli.talk import BEN, PATIENCE
from tests.fake_node import FakeNode

READY = Ready("lab", "ana", "k7qfm2xd", "ws://a", 1.0)


def line(text: str, state: LineState = LineState.LIVE, **more: bool) -> LiveTextChanged:
    return LiveTextChanged("lab", BEN.peer, "ben", 0, text, state, 5.0, **more)


def told(*events: Event) -> list[tuple[str, str]]:
    """The kinds and texts of what is told."""
    stream = AssistiveEvents()
    return [(each["kind"], each["text"]) for event in events for each in stream.event(event)]


def test_a_line_grows_shrinks_and_ends() -> None:
    assert told(line("toni"), line("tonight"), line("on Friday"), line("on Friday.", LineState.FINAL)) == [
        ("live", "toni"),
        ("live", "ght"),
        ("erase", "tonight"),
        ("live", "on Friday"),
        ("live", "."),
        ("final", "on Friday."),
    ]


def test_a_final_text_that_was_never_live_is_told_once() -> None:
    assert told(line("hello", LineState.FINAL)) == [("final", "hello")]


def test_a_line_that_is_finished_otherwise_than_it_was_live_is_corrected_first() -> None:
    interrupted = line("the sour\ufffd", LineState.INTERRUPTED)
    assert told(interrupted, line("the source", LineState.FINAL, restored=True))[2:] == [
        ("erase", "\ufffd"),
        ("live", "ce"),
        ("final", "the source"),
        ("status", "what was missing of the line is back"),
    ]
    assert told(line("teh", LineState.FINAL), line("the", LineState.FINAL, corrected=True))[1:] == [
        ("erase", "eh"),
        ("live", "he"),
        ("final", "the"),
    ]


@given(st.lists(st.text(alphabet="ab é👩‍👧e\u0301🇸🇪", max_size=8), max_size=8))
def test_erasing_and_adding_what_is_told_gives_the_line(texts: list[str]) -> None:
    stream, reads = AssistiveEvents(), ""
    for text in texts:
        for each in stream.event(line(text)):
            reads = reads + each["text"] if each["kind"] == "live" else reads.removesuffix(each["text"])
            assert each["line"] == reads
        assert reads == text


async def test_a_line_of_ours_that_cannot_be_sent_is_told_as_taken_back(tmp_path: Path) -> None:
    node, path = FakeNode(), tmp_path / "events"
    beside = observed(node, str(path))
    await beside.set_live_text("lab", "hi")
    node.fail_next = PeerUnreachable("nobody is there")
    with pytest.raises(PeerUnreachable):
        await beside.commit_live_text("lab")
    await beside.set_live_text("lab", "hi again")
    await beside.stop()
    told = [json.loads(each) for each in path.read_text().splitlines()]
    assert [(each["kind"], each["text"], each["number"]) for each in told] == [
        ("live", "hi", 0),
        ("erase", "hi", 0),
        ("live", "hi again", 1),
    ]


def test_losses_and_what_came_back_are_told() -> None:
    assert told(line("the sour", LineState.INTERRUPTED), line("the sour\ufffd"), line("the source", restored=True)) == [
        ("live", "the sour"),
        ("loss", "the line was interrupted, and some of its end may be missing"),
        ("live", "\ufffd"),
        ("loss", "some text is missing"),
        ("erase", "\ufffd"),
        ("live", "ce"),
        ("status", "what was missing of the line is back"),
    ]


def test_that_the_server_is_gone_is_told_once_whatever_the_reasons() -> None:
    gone = [ServerChanged("lab", False, reason, 5.0) for reason in ("connection refused", "no route", "no route")]
    back = ServerChanged("lab", True, "", 6.0)
    assert told(back, *gone, back, gone[0]) == [
        ("status", "the signaling server is gone"),
        ("status", "the signaling server is back"),
        ("status", "the signaling server is gone"),
    ]


def test_everything_else_is_told_in_words() -> None:
    seeing = replace(BEN, sees_keys=True, live_mode="hold")
    assert told(
        READY,
        PeerChanged("lab", BEN, 5.0),
        PeerChanged("lab", seeing, 5.0),
        PeerChanged("lab", replace(seeing, live_mode=""), 5.0),
        PeerChanged("lab", replace(seeing, live_mode="off"), 5.0),
        PeerChanged("lab", replace(seeing, live_mode=""), 5.0),
        PeerChanged("lab", replace(seeing, state=PeerState.LOST, reason="nothing was heard", live_mode=""), 5.0),
        Alerted("lab", BEN.peer, "ben", 5.0),
        LiveTextAsked("lab", BEN.peer, "ben", 5.0),
        GuestAsks("lab", "b7kq2mfa", "guest b7kq", 5.0),
        ServerChanged("lab", False, "", 5.0),
        Problem("failed", "something failed", "", 5.0),
        MessageReceived("lab", "0a", BEN.peer, "ben", "hello", 4.0, 5.0),
    ) == [
        ("status", "joined lab"),
        ("status", "connected"),
        ("status", "sees each key that you type"),
        ("status", "composes in private"),
        ("status", "no longer composes in private"),
        ("status", "has live text off"),
        ("status", "has live text on again"),
        ("status", "lost: nothing was heard"),
        ("alert", "asks for attention"),
        ("status", "does not see your keys yet"),
        ("status", "asks to talk, without a key"),
        ("status", "the signaling server is gone"),
        ("status", "something failed"),
        ("final", "hello"),
    ]


def test_who_and_in_which_direction_is_always_told() -> None:
    stream = AssistiveEvents()
    (_,) = stream.event(READY)
    (typed,) = stream.typed("hi", 2.0)
    stream.finishing()
    (sent,) = stream.event(MessageSent("lab", "0a", "hi", 3.0))
    assert typed == {
        "t": 2.0,
        "dir": "sent",
        "from": "ana",
        "peer": "k7qfm2xd",
        "kind": "live",
        "text": "hi",
        "line": "hi",
        "number": 0,
    }
    assert (sent["dir"], sent["kind"], sent["text"], sent["number"]) == ("sent", "final", "hi", 0)
    (theirs,) = stream.event(line("x"))
    assert (theirs["dir"], theirs["from"], theirs["peer"]) == ("recv", "ben", BEN.peer)


async def test_a_file_gets_what_every_front_end_sees_and_types(tmp_path: Path) -> None:
    node, path = FakeNode(), tmp_path / "events"
    beside = observed(node, str(path))
    await beside.start()
    await beside.join("lab")
    await beside.set_live_text("lab", "hi")
    node.tell(line("ho"))
    events = beside.events()
    assert isinstance(await anext(events), Ready)
    assert isinstance(await anext(events), LiveTextChanged)
    await beside.stop()
    lines: list[dict[str, Any]] = [json.loads(each) for each in path.read_text().splitlines()]
    assert [(each["dir"], each["kind"], each["text"]) for each in lines] == [
        ("sent", "live", "hi"),
        ("sent", "status", "joined lab"),
        ("recv", "live", "ho"),
    ]
    assert path.stat().st_mode & 0o077 == 0


def test_without_a_place_to_write_the_node_is_the_node() -> None:
    node = FakeNode()
    assert observed(node, "") is node


@contextlib.contextmanager
def pipe() -> Any:
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        for descriptor in (reading, writing):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def test_a_reader_that_has_gone_harms_nothing() -> None:
    with pipe() as (reading, writing):
        os.close(reading)
        sink = LineSink(str(writing))
        for _ in range(10):
            sink.put(b"x")
        sink.close()


@pytest.mark.parametrize("where", ["/nowhere/at/all", "9999", "/"])
def test_a_place_that_cannot_be_written_harms_nothing(where: str) -> None:
    sink = LineSink(where)
    assert sink.put(b"x")
    sink.close()


async def test_a_reader_that_does_not_read_misses_events_and_is_told_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistive, "LAST_SECONDS", PATIENCE)
    with pipe() as (reading, writing):
        node = FakeNode()
        beside = observed(node, str(writing))
        count = WAITING_LINES * 3
        for number in range(count):
            await beside.set_live_text("lab", "x" * (number % 2))
        received = bytearray()

        def read() -> None:
            while data := os.read(reading, 65536):
                received.extend(data)

        reader = threading.Thread(target=read)
        reader.start()
        async with asyncio.timeout(PATIENCE):
            while b"left out" not in received:
                node.tell(line("y"))
                await beside.set_live_text("lab", "z")
                await beside.set_live_text("lab", "")
                await asyncio.sleep(0.01)
        await beside.stop()
        os.close(writing)
        await asyncio.to_thread(reader.join)
        texts = [json.loads(each)["text"] for each in received.splitlines()]
        missed = sum(int(text.split()[0]) for text in texts if text.endswith("left out"))
        assert 0 < missed < count
