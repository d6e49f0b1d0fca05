"""Delays, acknowledgements, the peer's clock, and the small frames behind a lost last key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol import frames, limits
from p2pchat.protocol.rtt.clock import PeerClock
from p2pchat.protocol.rtt.conversation import LineRead, LiveText, Mode, Sent
from p2pchat.protocol.rtt.direction import EXTENSIONS
from p2pchat.protocol.rtt.nudge import Nudges
from p2pchat.protocol.rtt.statistics import SAMPLES, Delays, Spread
from tests.protocol.pair import Pair, hello, message


class Control:
    """One side of a conversation, and the frames that it sends on the control channel."""

    def __init__(self) -> None:
        self.text = LiveText()
        self.now = 0.0
        self.text.channel_opened(self.now)
        self.text.admitted(frames.LiveTextFeatures(cps=90, extensions=EXTENSIONS), self.now)
        self.text.receive_frame(frames.RttSnapshot(0, ""), self.now)
        assert self.sends() == [frames.RttSnapshot(0, "")]

    def sends(self) -> list[frames.RttFrame]:
        steps = []
        while (step := self.text.poll(self.now)) is not None:
            steps.append(step)
        return [step for step in steps if isinstance(step, frames.Frame)]

    def until(self, now: float) -> list[tuple[float, frames.RttFrame]]:
        """Lets time pass, waking it exactly when it asks for it."""
        sent = []
        while (due := self.text.deadline()) is not None and due <= now:
            self.now = max(self.now, due)
            sent += [(round(self.now, 3), frame) for frame in self.sends()]
        self.now = now
        return sent


def nudged(sent: list[tuple[float, frames.RttFrame]]) -> list[float]:
    return [at for at, frame in sent if isinstance(frame, frames.RttNudge)]


def test_three_nudges_follow_the_last_text_of_a_burst() -> None:
    control = Control()
    control.text.set_text("h", control.now)
    control.sends()
    assert nudged(control.until(10.0)) == [0.04, 0.08, 0.12]
    assert control.text.deadline() is None


def test_text_that_waits_is_as_good_as_a_nudge() -> None:
    control = Control()
    for text in ("h", "he"):  # the second one leaves after 100 ms
        control.text.set_text(text, control.now)
        control.sends()
    assert nudged(control.until(10.0)) == [0.14, 0.18, 0.22]


def test_a_peer_that_has_shown_it_all_needs_no_nudge() -> None:
    control = Control()
    control.text.set_text("h", control.now)
    control.sends()
    assert nudged(control.until(0.05)) == [0.04]
    control.text.receive_frame(frames.RttShown([(2, 0.05)]), control.now)
    assert nudged(control.until(10.0)) == []


def test_a_peer_that_has_shown_a_part_is_nudged_on() -> None:
    control = Control()
    control.text.set_text("h", control.now)
    control.sends()
    control.text.receive_frame(frames.RttShown([(1, 0.01)]), control.now)
    assert nudged(control.until(10.0)) == [0.04, 0.08, 0.12]


def test_a_lost_link_ends_the_nudges() -> None:
    control = Control()
    control.text.set_text("h", control.now)
    control.sends()
    control.text.channel_lost(0.05)
    assert control.until(10.0) == []


def test_a_partner_without_a_control_channel_is_never_nudged() -> None:
    text = LiveText()
    text.channel_opened(0.0)
    text.foreign_partner(0.0)
    text.set_text("h", 0.0)
    steps = []
    while (step := text.poll(0.0)) is not None:
        steps.append(step)
    assert [step for step in steps if not isinstance(step, Sent)] == ["\ufeffh"]
    assert text.deadline() is None


def test_nudges_that_come_late_come_one_at_a_time_and_end() -> None:
    nudges = Nudges()
    assert not nudges.take(5.0)
    nudges.text_sent(5.0)
    assert [nudges.take(6.0) for _ in range(4)] == [True, True, True, False]


def test_what_was_shown_is_told_at_once_and_then_once_a_second() -> None:
    control = Control()
    told = []
    for number in range(30):
        control.text.receive("x", control.now)
        told += [(control.now, frame) for frame in control.sends()]
        told += control.until(round((number + 1) * 0.1, 3))
    told += control.until(10.0)
    shown = [(round(at, 1), frame.seen[-1][0]) for at, frame in told if isinstance(frame, frames.RttShown)]
    assert shown == [(0.0, 1), (1.0, 10), (2.0, 20), (3.0, 30)]
    assert control.text.deadline() is None


def test_each_message_has_its_own_time() -> None:
    control = Control()
    control.text.receive("\ufeffab", control.now)
    control.sends()
    for at in (0.25, 0.5):
        control.now = at
        control.text.receive("c", at)
    ((at, frame),) = control.until(3.0)
    assert (at, frame) == (1.0, frames.RttShown([(4, 0.25), (5, 0.5)]))


def test_of_many_messages_the_last_one_counts() -> None:
    control = Control()
    control.text.receive("x", control.now)
    control.sends()
    for _ in range(100):
        control.text.receive("x", control.now)
    ((_, frame),) = control.until(3.0)
    assert isinstance(frame, frames.RttShown)
    assert len(frame.seen) == limits.SHOWN_MESSAGES
    assert frame.seen[-1][0] == 101


def test_a_peer_that_does_not_ask_is_not_told() -> None:
    text = LiveText()
    text.channel_opened(0.0)
    text.admitted(frames.LiveTextFeatures(), 0.0)
    text.receive("x", 0.0)
    steps = []
    while (step := text.poll(0.0)) is not None:
        steps.append(step)
    assert not [step for step in steps if isinstance(step, frames.RttShown)]


@pytest.mark.parametrize("seen", [[(0, 0.0)], [(2**32 - 1, 1e11)], [(5, 9.0), (1, 0.0), (5, 3.0)]])
def test_an_acknowledgement_of_what_was_never_sent_does_no_harm(seen: list[tuple[int, float]]) -> None:
    control = Control()
    control.text.clock_answered(0.1, 1e11, 1.0)
    control.text.set_text("hello", control.now)
    control.sends()
    control.text.receive_frame(frames.RttShown(seen), control.now)
    control.text.receive_frame(frames.RttShown(seen), control.now)
    spread = control.text.statistics().key_to_remote
    assert spread.count <= 1
    assert spread.max == 0.0, "nothing is shown later than it is told"


def test_the_fastest_answer_says_what_the_peers_clock_shows() -> None:
    clock = PeerClock()
    assert not clock.known
    clock.answered(0.1, 1000.05, 10.1)  # ours was 10.05 in the middle
    clock.answered(2.0, 1003.9, 12.1)  # came back late
    assert clock.ours(1000.0) == pytest.approx(10.0)
    assert clock.error == pytest.approx(0.05)


@given(st.floats(-1e6, 1e6), st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2)), min_size=1, max_size=100))
def test_the_clock_is_never_wrong_by_more_than_it_says(offset: float, trips: list[tuple[float, float]]) -> None:
    clock = PeerClock()
    for number, (there, back) in enumerate(trips):
        clock.answered(there + back, number + there + offset, number + there + back)
    assert abs(clock.ours(offset + 5.0) - 5.0) <= clock.error + 1e-6


def test_percentiles_are_those_of_delays_that_occurred() -> None:
    delays = Delays()
    assert delays.spread() == Spread()
    for number in range(100, 0, -1):
        delays.add(number / 100)
    assert delays.spread() == Spread(100, 0.5, 0.95, 0.99, 1.0)
    delays.add(-3.0)
    assert delays.spread().max == 1.0


def test_delays_take_bounded_memory_and_remember_the_longest() -> None:
    delays = Delays()
    delays.add(9.0)
    for _ in range(2 * SAMPLES):
        delays.add(0.1)
    assert delays.spread() == Spread(2 * SAMPLES + 1, 0.1, 0.1, 0.1, 9.0)


def test_statistics_tell_of_both_directions() -> None:
    pair = Pair(hello("ana", extensions=EXTENSIONS), hello("ben", extensions=EXTENSIONS)).connect()
    pair.ana.session.set_live_text("hello", pair.now)
    pair.exchange().wait(1.0)
    pair.ana.session.commit_live_text(message(1, "hello"), pair.now)
    pair.ana.session.alert(pair.now)
    pair.exchange().wait(2.0)
    pair.ana.session.receive_text("\x1b[1m\ufffd", pair.now)
    ana, ben = (side.session.live_text.statistics() for side in (pair.ana, pair.ben))
    assert (ana.messages_sent, ana.characters_sent) == (ben.messages_received, ben.characters_received)
    assert ana.characters_sent == len("\ufeffhello\u2028\a")
    assert (ben.alerts, ana.alerts, ana.ignored, ana.gaps) == (1, 0, 1, 1)
    assert ana.key_to_send.count == 2
    assert ana.key_to_remote.count == 2
    assert ana.backlog == 0


def test_a_line_that_was_shown_otherwise_is_corrected_and_counted() -> None:
    pair = Pair(hello("ana", extensions=EXTENSIONS), hello("ben", extensions=EXTENSIONS)).connect()
    ben = pair.ben
    ben.session.receive_text("hallo\u2028", pair.now)
    said = message(1, "hello", 0)
    assert ben.session.live_text.finished_by(said)
    ben.session.tick(pair.now)
    ben.drain()
    statistics = ben.session.live_text.statistics()
    assert (statistics.desyncs, statistics.gaps) == (1, 0)


@pytest.mark.parametrize("message_first", [True, False])
def test_the_correction_is_told_whichever_half_comes_first(message_first: bool) -> None:
    text = LiveText()
    text.channel_opened(0.0)
    text.admitted(frames.LiveTextFeatures(), 0.0)
    if message_first:
        assert text.finished_by(message(1, "hello", 0))
        text.receive("hallo\u2028", 0.0)
    else:
        text.receive("hallo\u2028", 0.0)
        assert text.finished_by(message(1, "hello", 0))
    told = []
    while (step := text.poll(0.0)) is not None:
        told.append(step)
    last = [step for step in told if isinstance(step, LineRead)][-1]
    assert (last.text, last.state, last.corrected) == ("hello", "final", True)
    assert text.statistics().desyncs == 1


def test_equal_texts_in_another_form_are_no_correction() -> None:
    for said in ("caf\u0065\u0301", "one\ntwo", "tab\there", "x" * limits.MESSAGE_CHARACTERS):
        pair = Pair(hello("ana", cps=10_000), hello("ben")).connect()
        pair.ana.session.set_live_text(said, pair.now)
        pair.exchange().wait(0.5)
        pair.ana.session.commit_live_text(message(1, said), pair.now)
        pair.exchange().wait(0.5)
        assert pair.ben.session.live_text.statistics().desyncs == 0


def test_keys_typed_in_private_are_not_measured() -> None:
    control = Control()
    control.text.share(True, Mode.HOLD, control.now)
    control.text.set_text("private", control.now)
    control.until(5.0)
    assert control.text.mode is Mode.HOLD
    control.text.share(True, Mode.LIVE, control.now)
    control.sends()
    assert control.text.statistics().key_to_send.count == 0
