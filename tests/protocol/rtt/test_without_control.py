"""Two programs that speak RFC 8865 alone: no control channel, no messages, no snapshots."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.protocol.rtt.conversation import LineRead, LiveText, Sent
from p2pchat.protocol.rtt.parser import BACKSPACE, BOM, LOSS_MARK


@dataclass
class Bare:
    """Two programs that speak RFC 8865 alone."""

    writer: LiveText = field(default_factory=LiveText)
    reader: LiveText = field(default_factory=LiveText)
    now: float = 0.0
    wire: list[str] = field(default_factory=list)
    """What left and has not arrived."""
    sent: list[str] = field(default_factory=list)
    shown: dict[int, LineRead] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        for side in (self.writer, self.reader):
            side.channel_opened(self.now)
            side.foreign_partner(self.now)
        self.drain()

    def lose(self, kept: int) -> None:
        self.arrive(kept)
        self.wire.clear()
        for side in (self.writer, self.reader):
            side.channel_lost(self.now)
        self.drain()
        self.now += 1.0
        self.open()

    def arrive(self, count: int) -> None:
        for text in self.wire[:count]:
            self.reader.receive(text, self.now)
        del self.wire[:count]
        self.drain()

    def drain(self) -> None:
        while (step := self.writer.poll(self.now)) is not None:
            assert isinstance(step, str | Sent), "there is no control channel"
            if isinstance(step, str):
                self.wire.append(step)
                self.sent.append(step)
        while (step := self.reader.poll(self.now)) is not None:
            if isinstance(step, LineRead):
                self.shown[step.line] = step

    def finish(self) -> None:
        while (due := self.writer.deadline()) is not None:
            self.now = max(self.now, due)
            self.drain()
        self.arrive(len(self.wire))


@pytest.mark.nightly
@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["type", "type", "send", "pass", "arrive", "lose"]), st.integers(0, 4)), max_size=25
    )
)
def test_without_snapshots_a_loss_is_marked_and_nothing_comes_twice(script: list[tuple[str, int]]) -> None:
    bare = Bare()
    typed = ""
    line = ""
    lost = 0
    for step, number in script:
        match step:
            case "type":
                new = "".join(chr(0x4E00 + len(typed) + place) for place in range(number))
                typed, line = typed + new, line + new
                bare.writer.set_text(line, bare.now)
            case "send":
                assert not bare.writer.commit(bare.now).message
                line = ""
            case "pass":
                bare.now += number * 0.15
            case "arrive":
                bare.drain()
                bare.arrive(number)
            case "lose":
                bare.drain()
                lost += sum(len(text.replace(BOM, "")) for text in bare.wire[number:])
                bare.lose(number)
        bare.drain()
    bare.finish()
    everything_sent = "".join(bare.sent).replace(BOM, "").replace("\u2028", "")
    assert everything_sent == typed, "each character leaves once, and none is erased"
    shown = "".join(read.text for _, read in sorted(bare.shown.items()))
    characters = [character for character in shown if character != LOSS_MARK]
    assert len(set(characters)) == len(characters)
    assert set(characters) <= set(typed)
    if not lost:
        assert "".join(characters) == typed
    assert BACKSPACE not in everything_sent


def test_a_new_line_finishes_a_line_of_a_partner_without_messages() -> None:
    bare = Bare()
    bare.writer.set_text("hello", bare.now)
    bare.finish()
    assert bare.shown == {0: LineRead(0, "hello", "live")}
    committed = bare.writer.commit(bare.now)
    assert (committed.message, committed.line) == (False, None)
    bare.finish()
    assert bare.shown == {0: LineRead(0, "hello", "final")}
    assert "".join(bare.sent) == "\ufeffhello\u2028"


def test_a_partner_without_messages_keeps_the_mark() -> None:
    bare = Bare()
    bare.writer.set_text("hello", bare.now)
    bare.drain()
    bare.arrive(9)
    bare.lose(0)
    bare.writer.set_text("hello you", bare.now)
    bare.finish()
    assert bare.shown == {0: LineRead(0, "hello\ufffd you", "live")}
