"""What is told of our own line: that it has left, or that the peer's rate holds it back."""

from __future__ import annotations

from p2pchat.protocol import frames
from p2pchat.protocol.rtt.conversation import LiveText, Mode, Sent


class Writer:
    """We, typing to a peer that takes `cps` characters a second."""

    def __init__(self, cps: int = 90) -> None:
        self.text = LiveText()
        self.now = 0.0
        self.text.channel_opened(self.now)
        self.text.admitted(frames.LiveTextFeatures(cps=cps), self.now)
        assert self.told() == []

    def told(self) -> list[Sent]:
        steps = []
        while (step := self.text.poll(self.now)) is not None:
            steps.append(step)
        return [step for step in steps if isinstance(step, Sent)]

    def types(self, text: str, typed_at: float | None = None) -> list[Sent]:
        self.text.set_text(text, self.now, typed_at=typed_at)
        return self.told()

    def until(self, now: float) -> list[Sent]:
        told = []
        while (due := self.text.deadline()) is not None and due <= now:
            self.now = max(self.now, due)
            told += self.told()
        self.now = now
        return told + self.told()


def test_a_key_is_told_as_sent_once_it_has_left_and_not_again() -> None:
    writer = Writer()
    writer.now = 5.0
    assert writer.types("h", typed_at=4.9) == [Sent(0, 4.9)]
    assert writer.types("he", typed_at=5.0) == []
    assert writer.until(5.2) == [Sent(0, 5.0)]
    assert writer.until(9.0) == []


def test_what_was_typed_and_erased_before_it_left_is_not_waited_for() -> None:
    writer = Writer()
    writer.types("h")
    writer.now = 0.02
    assert writer.types("ho") == []
    writer.now = 0.03
    assert writer.types("h") == [Sent(0, 0.03)]


def test_what_the_peers_rate_holds_back_is_told_once_a_second_and_when_it_has_left() -> None:
    writer = Writer(cps=2)
    told = writer.types("x" * 30)
    assert told == [Sent(11, None)]  # 20 in ten seconds, of which the BOM is one
    writer.now = 0.5
    assert writer.types("x" * 31) == []
    writer.now = 1.0
    assert writer.types("x" * 32) == [Sent(13, None)]
    assert writer.until(20.0) == [Sent(0, 1.0)]


def test_a_few_characters_that_wait_are_neither_sent_nor_behind() -> None:
    writer = Writer(cps=2)
    assert writer.types("x" * 20) == []
    assert writer.until(20.0) == [Sent(0, 0.0)]


def test_nothing_is_told_of_a_line_in_private() -> None:
    writer = Writer()
    writer.text.share(True, Mode.HOLD, writer.now)
    assert writer.types("secret") == []
    writer.text.share(True, Mode.LIVE, writer.now)
    assert writer.until(1.0) == [Sent(0, 0.0)]


def test_after_an_outage_it_is_sent_when_the_new_channel_has_taken_it() -> None:
    writer = Writer()
    writer.types("h")
    writer.text.channel_lost(writer.now)
    writer.now = 3.0
    assert writer.types("he") == []
    writer.text.channel_opened(writer.now)
    writer.text.admitted(frames.LiveTextFeatures(cps=90), writer.now)
    assert writer.until(4.0) == [Sent(0, 3.0)]
