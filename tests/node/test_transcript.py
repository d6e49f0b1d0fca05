"""What is kept of a conversation, and how it is saved."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.errors import StorageFailed, UsageError
from p2pchat.node import transcript as transcripts
from p2pchat.node.events import (
    Alerted,
    LineState,
    LiveTextChanged,
    MessageDelivered,
    MessageReceived,
    MessageSent,
    PeerChanged,
    PeerInfo,
    PeerState,
    Ready,
)
from p2pchat.node.exporting import write
from p2pchat.node.transcript import Transcript
from p2pchat.node.transcript_formats import render

BEN = PeerInfo("m2xdabcd", "ben", PeerState.CONNECTED)


def begun() -> Transcript:
    transcript = Transcript("lab")
    transcript.event(Ready("lab", "ana", "k7qfm2xd", "ws://a", 0.0))
    return transcript


def line(text: str, at: float, state: LineState = LineState.LIVE, number: int = 0, **more: bool) -> LiveTextChanged:
    return LiveTextChanged("lab", BEN.peer, "ben", number, text, state, at, **more)


def a_talk() -> Transcript:
    transcript = begun()
    transcript.event(PeerChanged("lab", BEN, 1.0))
    transcript.typed("helo", 2.0)
    transcript.typed("hello", 3.0)
    transcript.event(MessageSent("lab", "0a", "hello", 4.0))
    transcript.event(MessageDelivered("lab", "0a", BEN.peer, 4.25))
    for at, text in ((5.0, "I will"), (6.0, "I will add it tonight"), (7.0, "I will add it on Friday")):
        transcript.event(line(text, at))
    transcript.event(line("I will add it on Friday.", 8.0, LineState.FINAL))
    transcript.event(Alerted("lab", BEN.peer, "ben", 9.0))
    transcript.event(MessageReceived("lab", "0b", BEN.peer, "ben", "two\nlines", 9.5, 10.0))
    transcript.event(line("I have the sour", 11.0, LineState.INTERRUPTED, number=1))
    return transcript


def test_the_text_reads_like_the_conversation() -> None:
    assert "".join(render(a_talk(), "txt")) == (
        "Conversation lab. Times are UTC.\n"
        "\n"
        "1970-01-01 00:00:01.000  ben (m2xd) joined\n"
        "1970-01-01 00:00:02.000  you: hello\n"
        "    [typed live, until 1970-01-01 00:00:04.000]\n"
        "    [1970-01-01 00:00:03.000 erased 'o', wrote 'lo']\n"
        "    [on its way for 0.250 s]\n"
        "1970-01-01 00:00:05.000  ben (m2xd): I will add it on Friday.\n"
        "    [typed live, until 1970-01-01 00:00:08.000]\n"
        "    [1970-01-01 00:00:07.000 erased 'tonight', wrote 'on Friday']\n"
        "1970-01-01 00:00:09.000  ben (m2xd) asks for attention\n"
        "1970-01-01 00:00:10.000  ben (m2xd): two\n"
        "    ben (m2xd): lines\n"
        "    [on its way for 0.500 s]\n"
        "1970-01-01 00:00:11.000  ben (m2xd): I have the sour\n"
        "    [typed live, until 1970-01-01 00:00:11.000]\n"
        "    [text may be missing]\n"
        "    [interrupted: the connection was lost]\n"
    )


def objects(transcript: Transcript) -> list[dict[str, Any]]:
    return [json.loads(each) for each in render(transcript, "jsonl")]


def test_json_lines_hold_every_time_edit_and_loss() -> None:
    head, joined, ours, theirs, alert, message, cut = objects(a_talk())
    assert head == {"kind": "conversation", "conversation": "lab", "dropped": 0}
    assert [each["kind"] for each in (joined, ours, theirs, alert, message, cut)] == [
        "status",
        "live",
        "live",
        "alert",
        "message",
        "live",
    ]
    assert (ours["dir"], ours["from"], ours["latency"], ours["delivered"]) == ("sent", "ana", 0.25, {BEN.peer: 4.25})
    assert (theirs["first"], theirs["last"], theirs["commit"]) == (5.0, 8.0, 8.0)
    assert theirs["edits"] == [{"t": 7.0, "erased": "tonight", "written": "on Friday"}]
    assert (message["sent_at"], message["latency"], message["text"]) == (9.5, 0.5, "two\nlines")
    assert (cut["state"], cut["losses"], cut["commit"]) == ("interrupted", 1, None)


def test_markup_in_what_others_write_stays_text() -> None:
    transcript = begun()
    transcript.event(MessageReceived("lab", "0", BEN.peer, "**ana**", "<b> [x](http://y) `z` | # _", 1.0, 1.0))
    text = "".join(render(transcript, "md"))
    assert r"\<b\> \[x\]\(http\:\/\/y\) \`z\` \| \# \_" in text
    assert r"\*\*ana\*\*" in text


def test_what_was_lost_and_came_back_is_kept_as_that() -> None:
    transcript = begun()
    transcript.event(line("I have the sour", 1.0))
    transcript.event(line("I have the sour", 2.0, LineState.INTERRUPTED))
    transcript.event(line("I have the source", 3.0, restored=True))
    transcript.event(line("I have the source, here", 4.0, LineState.FINAL, corrected=True))
    (entry,) = transcript.entries()
    assert (entry.losses, entry.restored, entry.corrected, entry.edits) == (1, True, True, [])
    assert entry.state is LineState.FINAL


def test_the_line_breaks_of_the_finished_message_are_no_edit() -> None:
    transcript = begun()
    transcript.event(line("one two", 1.0))
    transcript.event(line("one\ntwo", 2.0, LineState.FINAL))
    (entry,) = transcript.entries()
    assert (entry.text, entry.edited) == ("one\ntwo", 0)


def test_a_line_that_was_taken_back_is_kept_with_what_was_seen() -> None:
    transcript = begun()
    transcript.event(line("oh no", 1.0))
    transcript.event(line("", 2.0, LineState.FINAL))
    transcript.typed("me too", 3.0)
    transcript.typed("", 4.0)
    text = "".join(render(transcript, "txt"))
    assert "ben (m2xd) taken back" in text
    assert "you taken back" in text
    assert "erased 'oh no'" in text
    assert "erased 'me too'" in text


def test_a_peer_whose_link_was_lost_is_back() -> None:
    transcript = begun()
    for state in (PeerState.CONNECTING, PeerState.CONNECTED, PeerState.LOST, PeerState.CONNECTED, PeerState.LEFT):
        transcript.event(PeerChanged("lab", replace(BEN, state=state), 1.0))
    assert [entry.text for entry in transcript.entries()] == ["joined", "connection lost", "is back", "left"]


def test_other_conversations_are_none_of_ours() -> None:
    transcript = begun()
    transcript.event(MessageReceived("other", "0", BEN.peer, "ben", "hello", 1.0, 1.0))
    assert transcript.entries() == []


def test_memory_is_bounded_and_what_is_gone_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "ENTRIES", 10)
    monkeypatch.setattr(transcripts, "CHARACTERS", 100)
    transcript = begun()
    for number in range(30):
        transcript.event(line(f"line {number}", 1.0, LineState.FINAL, number=number))
    assert len(transcript.entries()) == 10
    assert transcript.dropped == 20
    transcript.event(MessageReceived("lab", "0", BEN.peer, "ben", "x" * 500, 1.0, 1.0))
    assert len(transcript.entries()) == 1
    assert "The first 30 entries are not kept.\n" in render(transcript, "txt")


def test_the_edits_of_a_line_are_bounded_and_all_are_counted() -> None:
    transcript = begun()
    for number in range(300):
        transcript.event(line(f"{number}", float(number)))
    (entry,) = transcript.entries()
    assert len(entry.edits) == transcripts.EDITS
    assert entry.edited == 299


def test_a_line_of_which_nothing_is_kept_any_more_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "ENTRIES", 1)
    transcript = begun()
    transcript.event(line("one", 1.0))
    transcript.event(line("two", 1.0, number=1))
    transcript.event(line("one more", 2.0))
    assert [entry.text for entry in transcript.entries()] == ["one more"]


@given(
    st.lists(st.tuples(st.text(), st.text(), st.sampled_from(LineState)), max_size=6), st.sampled_from(["txt", "md"])
)
def test_whatever_others_write_a_saved_line_names_its_speaker_and_has_no_control_codes(
    said: list[tuple[str, str, LineState]], form: str
) -> None:
    transcript = begun()
    for number, (name, text, state) in enumerate(said):
        transcript.event(LiveTextChanged("lab", BEN.peer, name, number // 2, text, state, 1.0))
        transcript.event(MessageReceived("lab", "0", BEN.peer, name, text, 1.0, 1.0))
    for each in "".join(render(transcript, form)).split("\n"):
        assert not any(ord(letter) < 0x20 or 0x7F <= ord(letter) <= 0x9F for letter in each)
        assert "\u202e" not in each


def test_saving_overwrites_nothing_and_is_for_the_owner_only(tmp_path: Path) -> None:
    path = write(a_talk(), "txt", tmp_path / "talk.txt")
    assert path.read_text("utf-8").startswith("Conversation lab")
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError):
        write(a_talk(), "txt", path)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError):
        write(a_talk(), "txt", tmp_path / "link")
    with pytest.raises(StorageFailed):
        write(a_talk(), "txt", tmp_path / "missing" / "talk.txt")
    with pytest.raises(StorageFailed):
        write(a_talk(), "txt", tmp_path / "a\0b")
    with pytest.raises(UsageError, match="no format"):
        write(a_talk(), "pdf", tmp_path / "talk.pdf")
    assert not (tmp_path / "talk.pdf").exists()
