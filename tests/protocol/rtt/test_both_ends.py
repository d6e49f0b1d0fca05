"""A sender and a receiver, joined on a virtual clock."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.protocol.limits import CPS_WINDOW, T140_MESSAGE_BYTES
from p2pchat.protocol.rtt.graphemes import CLUSTER_CHARACTERS, split
from p2pchat.protocol.rtt.sender import Sender, difference
from p2pchat.protocol.rtt.t140 import Interrupted, LineChanged, Receiver
from tests.protocol.rtt.scripts import PIECES, text_of

lines_of_text = text_of([*PIECES, "\n", "\r\n", "\t", "\x1b[1m", "\b"], 30)


@dataclass
class Wire:
    """What one types, what the other sees, and what went between them."""

    interval: float
    cps: int
    unit: str = "g"
    now: float = 0.0
    messages: list[tuple[float, str]] = field(default_factory=list)
    shown: dict[int, str] = field(default_factory=dict)
    finished: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.sender = Sender(self.interval, self.cps, self.unit)
        self.receiver = Receiver(self.unit)

    def pump(self) -> None:
        while (message := self.sender.poll(self.now)) is not None:
            self.messages.append((self.now, message))
            self.receiver.receive(message, self.now)
        self.read()

    def read(self) -> None:
        while (output := self.receiver.poll()) is not None:
            match output:
                case LineChanged(line, text, final):
                    self.shown[line] = text
                    if final:
                        self.finished.add(line)
                case Interrupted(line, text):
                    assert self.shown[line] == text

    def run(self, until: float | None) -> None:
        """Lets time pass to `until`, or until there is nothing left to send."""
        while (due := self.sender.deadline()) is not None and (until is None or due <= until):
            self.now = max(self.now, due)
            before = len(self.messages)
            self.pump()
            assert len(self.messages) > before, "woken for nothing"
        if until is not None:
            self.now = until

    def reopen(self) -> None:
        self.receiver.interrupted(self.now)
        self.receiver.reopened(self.now)
        self.read()
        self.sender.reopened(self.now, self.cps, self.unit)
        self.pump()


def as_sent(text: str) -> str:
    """What a peer is to see of a live line: composed, on one line, without control codes."""
    for newline in ("\r\n", "\n", "\t"):
        text = text.replace(newline, " ")
    return unicodedata.normalize("NFC", text.replace("\x1b", "").replace("\b", ""))


edits = st.lists(
    st.one_of(
        st.tuples(st.just("read"), lines_of_text, st.floats(0, 3)),
        st.tuples(st.just("add"), lines_of_text, st.floats(0, 1)),
        st.tuples(st.just("commit"), st.just(""), st.floats(0, 1)),
    ),
    max_size=20,
)


@pytest.mark.nightly
@settings(deadline=None)
@given(lines_of_text, lines_of_text, st.sampled_from("gc"))
def test_the_difference_makes_the_one_line_of_the_other(old: str, new: str, unit: str) -> None:
    old, new = as_sent(old), as_sent(new)
    receiver = Receiver(unit)
    receiver.receive(old, 0.0)
    receiver.receive("".join(difference(split(old, unit), split(new, unit))), 0.0)
    text = ""
    while (output := receiver.poll()) is not None:
        assert isinstance(output, LineChanged)
        text = output.text
    assert text == new
    assert receiver.excess_erasures == 0


@pytest.mark.nightly
@settings(deadline=None)
@given(edits, st.sampled_from([0.1, 0.3, 0.5]), st.sampled_from([4, 30, 90]), st.sampled_from("gc"))
def test_the_reader_ends_up_with_what_was_written_and_is_never_sent_too_much(
    steps: list[tuple[str, str, float]], interval: float, cps: int, unit: str
) -> None:
    wire = Wire(interval, cps, unit)
    wire.pump()
    written: list[str] = []
    text = ""
    for step, more, pause in steps:
        wire.run(wire.now + pause)
        if step == "commit":
            assert wire.sender.line == len(written)
            written.append(text)
            text = ""
            wire.sender.commit(wire.now)
        else:
            text = more if step == "read" else text + more
            wire.sender.set_text(text, wire.now)
        wire.pump()
    wire.run(None)
    assert wire.sender.outstanding == 0
    assert [wire.shown.get(number, "") for number in range(len(written))] == [as_sent(line) for line in written]
    assert wire.shown.get(len(written), "") == as_sent(text)
    assert wire.finished == set(range(len(written)))
    assert wire.receiver.excess_erasures == wire.receiver.ignored == wire.receiver.losses == 0
    check_messages(wire)


def check_messages(wire: Wire) -> None:
    """The properties of the wire: RFC 4103 §6, RFC 8865 §5.3."""
    assert wire.messages[0][1].startswith("\ufeff")
    assert sum(message.count("\ufeff") for _, message in wire.messages) == 1
    assert all(len(message.encode()) <= T140_MESSAGE_BYTES for _, message in wire.messages)
    for start, _ in wire.messages:
        window = [message for at, message in wire.messages if start <= at and not start + CPS_WINDOW <= at]
        assert sum(map(len, window)) <= wire.cps * CPS_WINDOW


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 2), st.sampled_from(PIECES)), max_size=60), st.sampled_from([0.1, 0.3, 0.5]))
def test_no_key_waits_longer_than_the_interval_while_the_peer_accepts_it(
    keys: list[tuple[float, str]], interval: float
) -> None:
    wire = Wire(interval, cps=1000)
    wire.pump()
    text, waiting_since = "", None
    for pause, key in keys:
        until = wire.now + pause
        wire.run(until)
        if waiting_since is not None and not wire.sender.outstanding:
            assert wire.messages[-1][0] <= waiting_since + interval
            waiting_since = None
        text += key
        wire.sender.set_text(text, wire.now)
        wire.pump()
        if wire.sender.outstanding and waiting_since is None:
            waiting_since = wire.now
        assert waiting_since is None or wire.now <= waiting_since + interval


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["type", "type", "commit", "lose"]), st.text("abc", max_size=5)), max_size=20)
)
def test_a_lost_link_costs_marks_but_no_line_and_repeats_nothing(steps: list[tuple[str, str]]) -> None:
    wire = Wire(interval=0.1, cps=1000)
    wire.pump()
    written: list[str] = []
    text = ""
    for number, (step, more) in enumerate(steps):
        wire.run(wire.now + number % 3 * 0.06)
        match step:
            case "type":
                text += more
                wire.sender.set_text(text, wire.now)
                wire.pump()
            case "commit":
                written.append(text)
                text = ""
                wire.sender.commit(wire.now)
                wire.pump()
            case "lose":
                wire.reopen()
                first = wire.receiver.first_line_of_channel
                assert first + wire.sender.line == len(written)
    wire.run(None)
    shown = [wire.shown.get(line, "").replace("\ufffd", "") for line in range(len(written) + 1)]
    assert shown == [*written, text]
    assert wire.receiver.excess_erasures == 0


def test_a_long_character_is_erased_by_both_ends_alike() -> None:
    wire = Wire(interval=0.1, cps=1000)
    for text in ["a" + "\u0301" * CLUSTER_CHARACTERS * 3, "a" + "\u0301" * CLUSTER_CHARACTERS, "b"]:
        wire.sender.set_text(text, wire.now)
        wire.run(None)
        assert wire.shown[0] == as_sent(text)


@pytest.mark.parametrize("cps", [30, 90])
def test_somebody_who_types_fast_is_never_held_back(cps: int) -> None:
    wire = Wire(interval=0.3, cps=cps)
    wire.pump()
    text = ""
    for _ in range(600):
        wire.run(wire.now + 0.04)  # 25 keys a second: twice a record
        text += "x"
        wire.sender.set_text(text, wire.now)
        wire.pump()
        assert wire.sender.outstanding <= 8
