"""Links that are lost in the middle of a line: what the reader ends up with."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.protocol import frames, limits
from p2pchat.protocol.codec import decode
from p2pchat.protocol.rtt.conversation import LineRead, LiveText, Mode
from p2pchat.protocol.rtt.direction import DIRECTIONS, EXTENSIONS
from p2pchat.protocol.rtt.encoding import as_live_line
from p2pchat.protocol.session_events import CloseLink, MessageRead
from p2pchat.protocol.session_link import State
from tests.protocol.pair import Pair, hello, message
from tests.protocol.rtt.scripts import PIECES

LINES = ["", "a", "ab", "abc", "abd", "b", "ba", "hello", "hello you", "help", "🇸", "🇸🇪", "👍🏽 ok", "two\nlines"]


class Outage:
    """Ana types to Ben over links that lose what is on its way, on each channel from any message on."""

    def __init__(self, extensions: tuple[str, ...] = EXTENSIONS) -> None:
        ana, ben = (hello(name, extensions=extensions, cps=10_000) for name in ("ana", "ben"))
        self.pair = Pair(ana, ben).connect()
        self.session = self.pair.ana.session
        self.text = ""
        self.written: list[str] = []

    def reads(self, text: str, held: bool = False) -> Outage:
        self.text = text
        self.session.set_live_text(text, self.pair.now, held)
        return self.drain()

    def sends(self) -> Outage:
        if self.text:
            self.written.append(self.text)
            self.session.commit_live_text(message(len(self.written), self.text), self.pair.now)
            self.text = ""
        return self.drain()

    def wants(self, mode: Mode) -> Outage:
        self.session.set_live_text_mode(mode, self.pair.now)
        return self.drain()

    def passes(self, seconds: float) -> Outage:
        """Time passes, and nothing arrives."""
        self.pair.now += seconds
        for side in (self.pair.ana, self.pair.ben):
            side.session.tick(self.pair.now)
        return self.drain()

    def arrives(self, control: int, text: int) -> Outage:
        """So many messages of Ana arrive; what Ben answers waits."""
        ana, ben = self.pair.ana, self.pair.ben
        for _ in range(min(control, len(ana.control))):
            ben.session.receive_control(ana.control.popleft(), self.pair.now)
            ben.drain()
        for _ in range(min(text, len(ana.text))):
            ben.session.receive_text(ana.text.popleft(), self.pair.now)
            ben.drain()
        return self

    def everything_arrives(self) -> Outage:
        self.pair.exchange()
        return self

    def link_lost(self) -> Outage:
        self.pair.disconnect()
        return self

    def link_back(self) -> Outage:
        self.pair.now += 1.0
        for side in (self.pair.ana, self.pair.ben):
            side.link_opened(self.pair.now)
        return self.drain()

    def introduced(self) -> Outage:
        """The two have introduced themselves; what they say then is on its way."""
        sides = (self.pair.ana, self.pair.ben)
        while any(side.session.state is not State.TALKING for side in sides):
            for sender, receiver in (sides, sides[::-1]):
                if sender.control and receiver.session.state is not State.TALKING:
                    receiver.session.receive_control(sender.control.popleft(), self.pair.now)
                    receiver.drain()
                    sender.drain()
        return self

    def ben_wants(self, mode: Mode) -> Outage:
        self.pair.ben.session.set_live_text_mode(mode, self.pair.now)
        return self.drain()

    def drain(self) -> Outage:
        self.pair.ana.drain()
        self.pair.ben.drain()
        return self

    def settles(self) -> Outage:
        self.pair.exchange().wait(3.0)
        assert self.pair.ana.all(CloseLink) == self.pair.ben.all(CloseLink) == []
        return self

    @property
    def shown(self) -> dict[int, LineRead]:
        """Ben's lines as they read now."""
        return {read.line: read for read in self.pair.ben.all(LineRead)}

    @property
    def finished(self) -> list[str]:
        """What Ben sees as finished: lines, and messages of their own."""
        lines = [read.text for _, read in sorted(self.shown.items()) if read.state == "final" and read.text]
        return lines + [read.message.text for read in self.pair.ben.all(MessageRead)]

    @property
    def open(self) -> list[str]:
        """What Ben sees of lines that are not finished."""
        return [read.text for _, read in sorted(self.shown.items()) if read.state != "final" and read.text]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.sampled_from(LINES), st.sampled_from([False, False, False, True])),
        st.tuples(st.just("add"), st.sampled_from(PIECES)),
        st.tuples(st.just("send")),
        st.tuples(st.just("send")),
        st.tuples(st.just("pass"), st.sampled_from([0.01, 0.05, 0.1, 0.4])),
        st.tuples(st.just("want"), st.sampled_from(Mode)),
        st.tuples(st.just("ben wants"), st.sampled_from(Mode)),
        st.tuples(st.just("arrive"), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("arrive"), st.just(99), st.just(99)),
        st.tuples(st.just("lose"), st.integers(0, 5), st.integers(0, 5), st.booleans()),
    ),
    max_size=25,
)


def play(outage: Outage, script: list[tuple[object, ...]]) -> None:
    for step in script:
        match step:
            case ("read", str(text), bool(held)):
                outage.reads(text, held)
            case ("add", str(piece)):
                outage.reads(outage.text + piece)
            case ("send",):
                outage.sends()
            case ("pass", float(seconds)):
                outage.passes(seconds)
            case ("want", Mode() as mode):
                outage.wants(mode)
            case ("arrive", int(control), int(text)) if control < 99:
                outage.arrives(control, text)
            case ("arrive", _, _):
                outage.everything_arrives()
            case ("ben wants", Mode() as mode):
                outage.ben_wants(mode)
            case ("lose", int(control), int(text), bool(introduced)):
                outage.arrives(control, text).link_lost().link_back()
                if introduced:
                    outage.introduced()


@pytest.mark.nightly
@settings(deadline=None)
@given(steps)
def test_with_snapshots_both_ends_agree_whatever_was_lost(script: list[tuple[object, ...]]) -> None:
    outage = Outage()
    play(outage, script)
    outage.ben_wants(Mode.LIVE).wants(Mode.LIVE).reads(outage.text).settles()
    assert Counter(outage.finished) == Counter(outage.written)
    assert outage.open == ([as_live_line(outage.text)] if as_live_line(outage.text) else [])
    assert outage.pair.ben.session.live_text.statistics().desyncs == 0


def test_an_interrupted_line_is_restored_and_goes_on() -> None:
    outage = Outage().reads("hello").everything_arrives().passes(0.2).reads("hello wor").link_lost()
    assert outage.open == ["hello"]
    outage.reads("hello world").link_back().settles()
    assert outage.open == ["hello world"]
    told = [(read.text, read.state, read.restored) for read in outage.pair.ben.all(LineRead)]
    assert told == [
        ("hello", "live", False),
        ("hello", "interrupted", False),
        ("hello\ufffd", "live", False),
        ("hello wor", "live", True),
        ("hello world", "live", False),
    ]
    statistics = outage.pair.ben.session.live_text.statistics()
    assert (statistics.gaps, statistics.healed, statistics.desyncs) == (1, 1, 0)


def test_a_line_that_was_taken_back_during_an_outage_is_not_taken_for_its_message() -> None:
    outage = Outage().reads("a").link_lost().link_back().introduced()
    outage.wants(Mode.OFF).arrives(2, 0)
    assert outage.open == ["a"]
    outage.link_lost().link_back().introduced().sends().reads("a").wants(Mode.LIVE).settles()
    assert (outage.finished, outage.open) == (["a"], ["a"])


def test_a_line_whose_end_came_without_its_last_snapshot_is_restored_by_its_message() -> None:
    outage = Outage().reads("hello you").link_lost().link_back().introduced()
    outage.reads("hello").sends().arrives(2, 2)
    assert outage.finished == ["hello you"]
    outage.link_lost().link_back().settles()
    assert outage.finished == ["hello"]
    last = outage.pair.ben.all(LineRead)[-1]
    assert (last.restored, last.corrected) == (True, False)


def test_healing_sends_nothing_again_as_real_time_text() -> None:
    outage = Outage().reads("hello").everything_arrives().passes(0.2).reads("hello wor").link_lost()
    outage.link_back().everything_arrives()
    outage.pair.ana.session.tick(outage.pair.now)
    sent: list[str] = []
    outage.reads("hello world").passes(0.2)
    sent += outage.pair.ana.text
    outage.settles()
    assert "".join(sent) == "ld"


def test_what_stood_before_the_loss_can_be_edited_after_it() -> None:
    outage = Outage().reads("hello").everything_arrives().link_lost().link_back().settles()
    for text in ("help", "he", "", "hello again"):
        outage.reads(text).settles()
        assert outage.open == ([text] if text else [])


def test_a_line_that_was_taken_back_during_the_outage_is_gone_after_it() -> None:
    outage = Outage().reads("never mind").everything_arrives().link_lost().reads("").link_back().settles()
    assert outage.open == []


def test_a_line_whose_end_was_lost_does_not_swallow_the_next() -> None:
    outage = Outage().reads("first").everything_arrives().passes(0.2).sends().arrives(9, 0).link_lost()
    outage.link_back().settles().reads("second").settles()
    assert (outage.finished, outage.open) == (["first"], ["second"])


def test_a_line_that_was_rewritten_and_lost_is_shown_once() -> None:
    outage = Outage().reads("abc").everything_arrives().passes(0.2).reads("xyz").passes(0.2).sends().passes(0.2)
    outage.link_lost().link_back().settles()
    assert (outage.finished, outage.open) == (["xyz"], [])


def test_a_line_that_was_rewritten_after_the_loss_and_sent_at_once_is_no_correction() -> None:
    outage = Outage().reads("a").link_lost().link_back().introduced().reads("b").sends().settles()
    assert (outage.finished, outage.open) == (["b"], [])
    assert not any(read.corrected for read in outage.pair.ben.all(LineRead))


def test_lines_of_which_nothing_arrived_are_shown_in_their_order() -> None:
    outage = Outage().reads("one").everything_arrives().passes(0.2).sends().passes(0.2)
    for text in ("two", "three"):
        outage.reads(text).passes(0.2).sends().passes(0.2)
    outage.reads("fo").passes(0.2).link_lost().reads("four").link_back().settles()
    assert (outage.finished, outage.open) == (["one", "two", "three"], ["four"])


def test_text_that_overtakes_its_snapshot_waits_for_it() -> None:
    outage = Outage().reads("hello").everything_arrives().link_lost().reads("hello you").link_back()
    ana, ben = outage.pair.ana, outage.pair.ben
    outage.introduced()
    assert isinstance(decode(ana.control[1]), frames.RttSnapshot), "after the first ping"
    before = len(ben.all(LineRead))
    outage.arrives(0, 9)
    assert len(ben.all(LineRead)) == before
    outage.settles()
    assert outage.open == ["hello you"]


def test_a_peer_that_never_sends_its_snapshot_is_not_waited_for_without_end() -> None:
    outage = Outage()
    ben = outage.pair.ben
    ben.session.link_closed(0.0, "the path was cut")
    ben.link_opened(0.0)
    for _ in range(limits.EARLY_TEXTS + 1):
        ben.session.receive_text("x", 0.0)
    ben.drain()
    assert [close.code for close in ben.all(CloseLink)] == ["protocol"]


def test_a_partner_that_counts_anew_begins_a_line_of_its_own() -> None:
    outage = Outage().reads("one").sends().settles().reads("half a li").everything_arrives()
    pair = outage.link_lost().pair
    ben, again = pair.ben, Outage().pair.ana
    again.session.link_closed(pair.now, "restarted")
    again.drain()
    pair.ana = again
    for side in (again, ben):
        side.link_opened(pair.now)
    pair.exchange()
    again.session.set_live_text("back", pair.now)
    pair.exchange()
    assert [(read.line, read.text) for read in ben.all(LineRead)][-1] == (2, "back")


numbers = st.one_of(st.integers(0, 5), st.sampled_from([2**31, 2**32 - 1]))
said = st.one_of(
    st.text(max_size=20),
    st.binary(max_size=20),
    st.sampled_from(["one\u2028", "\u2028\u2028", "\b\b\b", "x" * 4000]),
    st.builds(frames.RttSnapshot, numbers, st.sampled_from(["", "abc", "x" * limits.LIVE_LINE_CHARACTERS])),
    st.builds(frames.RttDirection, st.sampled_from([*DIRECTIONS, "x"]), st.text(max_size=5)),
    st.builds(frames.RttShown, st.lists(st.tuples(numbers, st.floats(0, 1e11)), min_size=1, max_size=4)),
    st.builds(
        lambda text, line, number, withheld, id_: frames.Message(f"{id_:08x}", text, 0.0, line, number, withheld),
        st.sampled_from(["", "one", "abc"]),
        st.none() | numbers,
        st.none() | numbers,
        st.booleans(),
        st.integers(0, 2**32 - 1),
    ),
    st.none(),
)


@pytest.mark.nightly
@settings(deadline=None)
@given(st.lists(said, max_size=30))
def test_whatever_a_peer_says_of_its_lines_nothing_raises(inputs: list[str | bytes | frames.Frame | None]) -> None:
    reader = LiveText()
    sizes = []
    for now, data in enumerate(inputs):
        match data:
            case None:
                reader.channel_lost(now)
                reader.channel_opened(now)
                reader.admitted(frames.LiveTextFeatures(extensions=EXTENSIONS), now)
            case frames.Message():
                reader.finished_by(data)
            case frames.RttSnapshot() | frames.RttDirection() | frames.RttShown():
                reader.receive_frame(data, now)
            case str() | bytes():
                reader.receive(data, now)
        reader.set_text(f"typing {now}", now)
        while (step := reader.poll(now)) is not None:
            if isinstance(step, LineRead):
                sizes.append(len(step.text))
        reader.deadline()
        reader.statistics()
    assert max(sizes, default=0) <= 2 * limits.LIVE_LINE_CHARACTERS + 2
