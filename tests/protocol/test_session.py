"""Two sessions, joined by a link in memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol import frames, limits
from p2pchat.protocol.codec import decode, encode
from p2pchat.protocol.heartbeat import State as Pulse
from p2pchat.protocol.introduction import Greeted
from p2pchat.protocol.rtt.conversation import LineRead, Mode
from p2pchat.protocol.rtt.direction import EXTENSIONS
from p2pchat.protocol.session import Session
from p2pchat.protocol.session_events import CloseLink, Delivered, Left, Measured, MessageRead, PulseChanged
from p2pchat.protocol.session_link import State
from tests.protocol.pair import Pair, Side, hello, message


def test_both_sides_greet_and_know_each_other() -> None:
    pair = Pair().connect()
    assert [greeted.hello.name for greeted in pair.ana.all(Greeted)] == ["ben"]
    assert [greeted.hello.name for greeted in pair.ben.all(Greeted)] == ["ana"]
    assert pair.ana.session.state is State.TALKING


def test_a_message_arrives_once_and_is_confirmed() -> None:
    pair = Pair().connect()
    pair.ana.session.say(message(1, "hi"), 0.0)
    pair.exchange()
    assert [read.message.text for read in pair.ben.all(MessageRead)] == ["hi"]
    assert pair.ana.all(Delivered) == [Delivered("00000001")]
    assert pair.ana.session.unacknowledged == 0


def test_where_only_files_are_taken_a_message_ends_the_link_unread_and_unconfirmed() -> None:
    pair = Pair()
    pair.ben.session.only_files = True
    pair.connect()
    pair.ana.session.say(message(1, "hi"), 0.0)
    pair.exchange()
    assert [left.code for left in pair.ana.all(Left)] == ["only-files"]
    assert pair.ana.all(Delivered) == []
    assert pair.ben.all(MessageRead) == []


def test_where_only_files_are_taken_real_time_text_ends_the_link_unread() -> None:
    pair = Pair()
    pair.ben.session.only_files = True
    pair.connect()
    pair.ben.session.receive_text("unasked", 0.0)
    pair.exchange()
    assert [left.code for left in pair.ana.all(Left)] == ["only-files"]
    assert pair.ben.all(LineRead) == []


def test_a_message_said_without_a_link_arrives_when_there_is_one() -> None:
    pair = Pair()
    pair.ana.session.say(message(1, "are you there?"), 0.0)
    pair.connect()
    assert [read.message.text for read in pair.ben.all(MessageRead)] == ["are you there?"]


def test_messages_whose_receipts_were_lost_are_not_shown_again() -> None:
    pair = Pair().connect()
    for number, text in enumerate(["one", "two", "three"]):
        pair.ana.session.say(message(number + 1, text), 0.0)
    pair.ana.drain()
    pair.ben.session.receive_control(pair.ana.control.popleft(), 0.0)
    pair.ben.drain()
    pair.disconnect().connect()
    assert [read.message.text for read in pair.ben.all(MessageRead)] == ["one", "two", "three"]
    assert [delivered.id for delivered in pair.ana.all(Delivered)] == ["00000001", "00000002", "00000003"]


def test_live_text_is_seen_as_it_is_typed_and_ends_as_one_line() -> None:
    pair = Pair().connect()
    for text in ("hello wrld", "hello world"):
        pair.ana.session.set_live_text(text, pair.now)
        pair.exchange().wait(0.2)
    pair.ana.session.commit_live_text(message(7, "hello world"), pair.now)
    pair.exchange().wait(1.0)
    lines = pair.ben.all(LineRead)
    assert [(line.text, line.state) for line in lines] == [
        ("hello wrld", "live"),
        ("hello world", "live"),
        ("hello world", "final"),
    ]
    assert pair.ben.all(MessageRead) == []
    assert pair.ana.all(Delivered) == [Delivered("00000007")]


def test_the_next_live_line_has_the_next_number() -> None:
    pair = Pair().connect()
    for number, text in enumerate(["one", "two"]):
        pair.ana.session.set_live_text(text, pair.now)
        pair.exchange().wait(0.2)
        pair.ana.session.commit_live_text(message(number, text), pair.now)
        pair.exchange().wait(0.2)
    finals = [(line.line, line.text) for line in pair.ben.all(LineRead) if line.state == "final"]
    assert finals == [(0, "one"), (1, "two")]


def test_a_live_line_that_a_lost_link_interrupts_is_finished_by_its_message() -> None:
    pair = Pair().connect()
    pair.ana.session.set_live_text("the bridge is", pair.now)
    pair.exchange().wait(0.2)
    pair.ana.session.set_live_text("the bridge is open", pair.now)
    pair.disconnect()
    pair.ana.session.commit_live_text(message(1, "the bridge is open"), pair.now)
    pair.connect().wait(1.0)
    lines = [(line.line, line.text, line.state) for line in pair.ben.all(LineRead)]
    assert lines == [
        (0, "the bridge is", "live"),
        (0, "the bridge is", "interrupted"),
        (0, "the bridge is\ufffd", "live"),
        (0, "the bridge is open", "final"),
    ]
    assert pair.ben.all(MessageRead) == []


def test_a_peer_without_live_text_gets_messages_only() -> None:
    pair = Pair(ben=hello("ben", live_text=False)).connect()
    pair.ana.session.set_live_text("typing", pair.now)
    pair.exchange().wait(1.0)
    pair.ana.session.commit_live_text(message(1, "typed"), pair.now)
    pair.exchange()
    assert pair.ben.all(LineRead) == []
    assert [read.message.text for read in pair.ben.all(MessageRead)] == ["typed"]


def test_round_trips_are_measured() -> None:
    pair = Pair().connect()
    assert len(pair.ana.all(Measured)) == 1
    pair.wait(5.0)
    assert len(pair.ana.all(Measured)) == 3


def test_an_answered_ping_says_what_the_clock_of_the_answering_side_shows() -> None:
    pair = Pair()
    pair.now = 1000.0
    pair.connect()
    pair.now += 5.0
    pair.ben.session.receive_control(encode(frames.Ping(7)), pair.now)
    pair.ben.drain()
    assert decode(pair.ben.control[-1]) == frames.Pong(7, 5.0)


def test_hello_says_what_our_user_wants_of_real_time_text_now() -> None:
    pair = Pair()
    pair.ana.session.set_live_text_mode(Mode.OFF, 0.0)
    pair.connect()
    (greeted,) = pair.ben.all(Greeted)
    assert greeted.hello.live_text is not None
    assert greeted.hello.live_text.direction == "inactive"
    pair.ben.session.set_live_text("not for her", pair.now)
    pair.exchange().wait(1.0)
    assert pair.ana.all(LineRead) == []


def test_a_snapshot_comes_before_the_messages_that_name_its_lines() -> None:
    pair = Pair(hello("ana", extensions=EXTENSIONS), hello("ben", extensions=EXTENSIONS)).connect()
    pair.ana.session.set_live_text("one", pair.now)
    pair.ana.session.commit_live_text(message(1, "one"), pair.now)
    pair.disconnect()
    sent: list[frames.AnyFrame | None] = []
    receive = pair.ben.session.receive_control

    def noting(data: bytes | str, now: float) -> None:
        sent.append(decode(data) if isinstance(data, bytes) else None)
        receive(data, now)

    pair.ben.session.receive_control = noting  # type: ignore[method-assign]
    pair.connect()
    kinds = [type(frame) for frame in sent]
    assert kinds.index(frames.RttSnapshot) < kinds.index(frames.Message)


def test_a_session_under_a_new_address_names_no_lines_of_the_old_one() -> None:
    pair = Pair(hello("ana", extensions=EXTENSIONS), hello("ben", extensions=EXTENSIONS)).connect()
    for number in range(3):
        pair.ana.session.set_live_text("old", pair.now)
        pair.exchange().wait(0.2)
        pair.ana.session.commit_live_text(message(number, "old"), pair.now)
    pair.disconnect()
    again, pair.ana.session = pair.ana.session, Session(hello("ana", extensions=EXTENSIONS))
    ben, pair.ben.session = pair.ben.session, Session(hello("ben", extensions=EXTENSIONS))
    pair.ana.session.continue_from(again)
    pair.ben.session.continue_from(ben)
    pair.connect()
    pair.ana.session.set_live_text("new", pair.now)
    pair.exchange().wait(0.2)
    assert [read.text for read in pair.ben.all(LineRead) if read.line == pair.ben.session.live_text.next_line - 1] == [
        "new"
    ]
    seen = [read.text for read in pair.ben.all(LineRead) if read.state == "final"]
    assert seen + [read.message.text for read in pair.ben.all(MessageRead)] == ["old"] * 3


def test_a_silent_peer_is_suspect_and_then_lost() -> None:
    pair = Pair().connect()
    ana = pair.ana.session
    while (due := ana.deadline()) is not None and due <= 11.0:
        ana.tick(due)
        pair.ana.drain()
    assert [changed.pulse for changed in pair.ana.all(PulseChanged)] == [Pulse.SUSPECT, Pulse.LOST]


def test_goodbye_is_told_with_its_reason() -> None:
    pair = Pair().connect()
    pair.ana.session.say_goodbye("quit", "off to lunch")
    pair.exchange()
    assert pair.ben.all(Left) == [Left("quit", "off to lunch")]


def closed_because(side: Side) -> list[str]:
    return [f"{close.code}: {close.reason}" for close in side.all(CloseLink)]


def test_another_protocol_version_is_refused_with_both_versions_named() -> None:
    pair = Pair(ben=hello("ben", versions=[7, 8])).connect()
    assert closed_because(pair.ana) == ["version: the peer speaks protocol version 7, 8, we speak 1"]
    assert closed_because(pair.ben) == ["version: the peer speaks protocol version 1, we speak 7, 8"]


def test_a_frame_before_the_handshake_closes_the_link() -> None:
    ana = Side(hello("ana"))
    ana.link_opened(0.0)
    ana.session.receive_control(encode(message(1, "too soon")), 0.0)
    ana.drain()
    assert closed_because(ana) == ["protocol: a frame came before the handshake was done"]
    assert ana.all(MessageRead) == []


def test_a_link_without_an_introduction_is_closed_in_time() -> None:
    ana = Side(hello("ana"))
    ana.link_opened(0.0)
    ana.session.tick(limits.HELLO_SECONDS)
    ana.drain()
    assert closed_because(ana) == ["timed-out: no handshake and hello came in time"]


def test_real_time_text_that_overtakes_the_introduction_waits_for_it() -> None:
    pair = Pair()
    for side in (pair.ana, pair.ben):
        side.link_opened(0.0)
    pair.ben.session.receive_text("early", 0.0)
    pair.ben.drain()
    assert pair.ben.all(LineRead) == []
    pair.exchange()
    assert [(line.text, line.state) for line in pair.ben.all(LineRead)] == [("early", "live")]


def test_both_ends_have_the_same_safety_words() -> None:
    pair = Pair().connect()
    (ana,), (ben,) = pair.ana.all(Greeted), pair.ben.all(Greeted)
    assert ana.words == ben.words
    assert len(ana.words) == limits.SAFETY_WORDS


def test_a_session_under_a_new_address_continues_where_the_old_one_was() -> None:
    pair = Pair().connect()
    pair.ana.session.set_live_text("one", 0.0)
    pair.exchange().wait(0.2)
    pair.ana.session.commit_live_text(message(1, "one"), pair.now)
    pair.exchange().wait(0.2)
    pair.disconnect()
    pair.ben.session.say(message(2, "are you back?"), pair.now)
    again = Session(hello("ana"))
    ben, pair.ben.session = pair.ben.session, Session(hello("ben"))
    pair.ana.session = again
    pair.ben.session.continue_from(ben)
    pair.connect()
    assert [read.message.text for read in pair.ana.all(MessageRead)] == ["are you back?"]
    pair.ana.session.set_live_text("two", pair.now)
    pair.exchange()
    assert pair.ben.all(LineRead)[-1] == LineRead(1, "two", "live")


def test_a_flood_of_frames_closes_the_link() -> None:
    pair = Pair().connect()
    for number in range(limits.FRAME_BURST + 1):
        pair.ana.session.receive_control(encode(frames.Pong(number)), pair.now)
    pair.ana.drain()
    assert closed_because(pair.ana) == ["flood: more than 500 control frames a second"]


def test_text_on_the_control_channel_closes_the_link() -> None:
    pair = Pair().connect()
    pair.ana.session.receive_control("hello?", 0.0)
    pair.ana.drain()
    assert closed_because(pair.ana) == ["protocol: the control channel carries binary messages only"]


@pytest.mark.nightly
@given(st.lists(st.tuples(st.sampled_from(["control", "text", "bulk"]), st.binary(max_size=80) | st.text(max_size=40))))
def test_whatever_arrives_nothing_raises(messages: list[tuple[str, bytes | str]]) -> None:
    pair = Pair().connect()
    session = pair.ana.session
    receive = {"control": session.receive_control, "text": session.receive_text, "bulk": session.receive_bulk}
    for channel, data in messages:
        receive[channel](data, pair.now)
        pair.ana.drain()
    assert len(pair.ana.all(CloseLink)) <= 1
    assert session.deadline() is not None
