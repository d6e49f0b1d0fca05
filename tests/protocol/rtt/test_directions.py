"""Who may see our line: directions of both sides, composing in private, and lines that are held until they are sent."""

from __future__ import annotations

import pytest

from p2pchat.protocol import frames, limits
from p2pchat.protocol.codec import decode, encode
from p2pchat.protocol.rtt.conversation import Alerted, Committed, Directed, LineRead, LiveText, Mode
from p2pchat.protocol.rtt.direction import EXTENSIONS, receives, sends
from p2pchat.protocol.session_events import MessageRead
from tests.protocol.pair import Pair, hello, message


class Talk:
    """Ana writes to Ben."""

    def __init__(self, extensions: tuple[str, ...] = EXTENSIONS, cps: int = limits.CPS_ADVERTISED) -> None:
        self.pair = Pair(hello("ana", extensions=extensions), hello("ben", extensions=extensions, cps=cps)).connect()
        self.session = self.pair.ana.session
        self.written = 0

    def reads(self, text: str, held: bool = False) -> Talk:
        self.session.set_live_text(text, self.pair.now, held)
        return self.settles()

    def sends(self, text: str) -> Talk:
        self.written += 1
        self.session.commit_live_text(message(self.written, text), self.pair.now)
        return self.settles()

    def wants(self, mode: Mode) -> Talk:
        self.session.set_live_text_mode(mode, self.pair.now)
        return self.settles()

    def shares(self, shared: bool, mode: Mode = Mode.LIVE) -> Talk:
        self.session.set_live_text_mode(mode, self.pair.now, shared)
        return self.settles()

    def ben_wants(self, mode: Mode) -> Talk:
        self.pair.ben.session.set_live_text_mode(mode, self.pair.now)
        return self.settles()

    def settles(self) -> Talk:
        self.pair.exchange().wait(0.5)
        return self

    @property
    def lines(self) -> list[tuple[int, str, str]]:
        """Ben's lines as they read now."""
        last = {read.line: read for read in self.pair.ben.all(LineRead)}
        return [(read.line, read.text, read.state) for read in last.values() if read.text]

    @property
    def messages(self) -> list[str]:
        """What Ben read as messages of their own."""
        return [read.message.text for read in self.pair.ben.all(MessageRead)]

    @property
    def characters(self) -> int:
        """How much T.140 has left."""
        return self.session.live_text.statistics().characters_sent


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
def test_n04_not_one_byte_leaves_to_a_peer_that_does_not_receive(direction: str) -> None:
    text = LiveText()
    text.channel_opened(0.0)
    text.admitted(frames.LiveTextFeatures(direction=direction, extensions=EXTENSIONS), 0.0)
    text.set_text("typing", 0.0)
    assert text.commit(0.0) == Committed(message=True)
    assert not text.alert(0.0)
    steps = []
    while (step := text.poll(100.0)) is not None:
        steps.append(step)
    assert steps == [Directed(direction == "sendonly", False, ""), frames.RttSnapshot(0, "")]
    assert text.deadline() is None


def test_t08_a_line_stays_here_while_the_peer_does_not_receive_and_goes_as_a_message() -> None:
    talk = Talk().ben_wants(Mode.OFF)
    before = talk.characters
    talk.reads("nobody sees this").sends("nobody sees this")
    assert talk.characters == before
    assert (talk.lines, talk.messages) == ([], ["nobody sees this"])


def test_t08_the_line_as_it_stands_is_sent_when_the_peer_receives_again() -> None:
    talk = Talk().reads("one").ben_wants(Mode.OFF).reads("one two").reads("one two three")
    assert talk.lines == [(0, "one", "live")]
    talk.ben_wants(Mode.LIVE)
    assert talk.lines == [(0, "one two three", "live")]


def test_t08_a_line_that_had_begun_is_finished_by_its_message() -> None:
    talk = Talk().reads("half").ben_wants(Mode.OFF).reads("half a line").sends("half a line")
    assert (talk.lines, talk.messages) == ([(0, "half a line", "final")], [])
    talk.reads("next").ben_wants(Mode.LIVE)
    assert talk.lines == [(0, "half a line", "final"), (1, "next", "live")]
    assert talk.pair.ben.session.live_text.statistics().desyncs == 0


def test_a_direction_is_never_answered_with_another() -> None:
    talk = Talk()
    talk.session.set_live_text_mode(Mode.HOLD, talk.pair.now)
    talk.pair.ana.drain()
    talk.pair.ben.session.receive_control(talk.pair.ana.control.popleft(), talk.pair.now)
    talk.pair.ben.drain()
    assert list(talk.pair.ben.control) == []


def test_the_peer_is_told_why_the_line_grows_no_more() -> None:
    talk = Talk().wants(Mode.HOLD).wants(Mode.LIVE).wants(Mode.OFF)
    assert talk.pair.ben.all(Directed) == [
        Directed(sends=False, receives=True, why="hold"),
        Directed(sends=True, receives=True, why=""),
        Directed(sends=False, receives=False, why="off"),
    ]


def test_a_new_link_begins_with_the_direction_that_is_wanted() -> None:
    talk = Talk().wants(Mode.HOLD)
    talk.pair.disconnect().connect()
    talk.settles()
    assert talk.pair.ben.all(Directed)[1:] == [Directed(sends=False, receives=True, why="hold")]
    talk.shares(False).pair.disconnect().connect()
    talk.settles()
    assert talk.pair.ben.all(Directed)[2:] == [Directed(sends=False, receives=True, why="")] * 2


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.HOLD])
def test_a_peer_that_may_not_see_our_keys_is_not_told_why(mode: Mode) -> None:
    talk = Talk().shares(False, mode)
    assert talk.pair.ben.all(Directed) == [Directed(sends=False, receives=True, why="")]


def test_composing_in_private_is_told_to_those_who_may_see_our_keys_only_and_only_while_they_may() -> None:
    talk = Talk().wants(Mode.HOLD).shares(False, Mode.HOLD).shares(False, Mode.LIVE).shares(True, Mode.HOLD)
    assert [directed.why for directed in talk.pair.ben.all(Directed)] == ["hold", "", "hold"]


def test_that_no_live_text_is_wanted_at_all_is_told_to_everybody() -> None:
    talk = Talk().shares(False, Mode.OFF).shares(False, Mode.LIVE)
    assert talk.pair.ben.all(Directed) == [
        Directed(sends=False, receives=False, why="off"),
        Directed(sends=False, receives=True, why=""),
    ]


def test_a_peer_that_knows_no_directions_is_told_none() -> None:
    talk = Talk(extensions=()).wants(Mode.HOLD)
    assert talk.pair.ben.all(Directed) == []


def test_what_is_composed_in_private_leaves_when_it_is_sent() -> None:
    talk = Talk().reads("I think").wants(Mode.HOLD).reads("I think not").reads("I say nothing")
    assert talk.lines == [(0, "I think", "live")]
    talk.sends("I say nothing")
    assert (talk.lines, talk.messages) == ([(0, "I say nothing", "final")], [])
    assert not any(read.corrected for read in talk.pair.ben.all(LineRead))


def test_a_line_that_began_in_private_is_a_message_of_its_own() -> None:
    talk = Talk().wants(Mode.HOLD)
    before = talk.characters
    talk.reads("secret").sends("secret")
    assert talk.characters == before
    assert (talk.lines, talk.messages) == ([], ["secret"])


def test_after_composing_in_private_the_line_as_it_stands_is_shown() -> None:
    talk = Talk().reads("a").wants(Mode.HOLD).reads("abc").wants(Mode.LIVE)
    assert talk.lines == [(0, "abc", "live")]


def test_text_that_has_not_left_when_the_user_goes_private_stays_private() -> None:
    talk = Talk().reads("a")
    for text in ("ab", "abc"):  # the second one waits for the interval
        talk.session.set_live_text(text, talk.pair.now)
    talk.wants(Mode.HOLD)
    assert talk.lines == [(0, "ab", "live")]


def test_off_erases_the_line_at_the_peer() -> None:
    talk = Talk().reads("never mind").wants(Mode.OFF)
    assert talk.lines == []
    talk.reads("never mind this").sends("never mind this")
    assert talk.messages == ["never mind this"]


def test_retracting_erases_the_line_everywhere_even_in_private() -> None:
    talk = Talk().reads("oh no").wants(Mode.HOLD).reads("oh no, well")
    talk.session.live_text.set_text("", talk.pair.now)
    talk.session.tick(talk.pair.now)
    talk.settles()
    assert talk.lines == []


def test_a_retraction_is_completed_when_a_held_line_follows_at_once() -> None:
    talk = Talk().reads("oh no")
    talk.session.set_live_text("oh noo", talk.pair.now)
    talk.session.set_live_text("", talk.pair.now)
    talk.reads("/quit", held=True)
    assert talk.lines == []


def test_private_composing_that_follows_off_leaves_nothing_behind() -> None:
    talk = Talk().reads("oh no")
    talk.session.set_live_text_mode(Mode.OFF, talk.pair.now)
    talk.wants(Mode.HOLD)
    assert talk.lines == []


def test_a_held_line_is_seen_when_it_is_sent_and_not_before() -> None:
    talk = Talk().reads("/me", held=True).reads("/me waves", held=True)
    assert (talk.lines, talk.messages) == ([], [])
    talk.sends("/me waves")
    assert talk.messages == ["/me waves"]
    talk.reads("next")
    assert talk.lines == [(0, "next", "live")]


def test_a_line_that_is_not_held_any_more_is_seen() -> None:
    talk = Talk().reads("/m", held=True).reads("m")
    assert talk.lines == [(0, "m", "live")]


def test_alerts_ring_once_in_three_seconds() -> None:
    talk = Talk()
    assert talk.session.alert(talk.pair.now)
    assert not talk.session.alert(talk.pair.now + limits.ALERT_SECONDS - 0.1)
    talk.settles()
    assert len(talk.pair.ben.all(Alerted)) == 1
    talk.pair.wait(limits.ALERT_SECONDS)
    assert talk.session.alert(talk.pair.now)
    talk.settles()
    assert len(talk.pair.ben.all(Alerted)) == 2
    assert talk.lines == []


def test_an_alert_does_not_wait_for_the_interval() -> None:
    talk = Talk().reads("a")
    talk.session.set_live_text("ab", talk.pair.now)
    talk.session.set_live_text("abc", talk.pair.now)
    talk.pair.ana.drain()
    talk.pair.ana.text.clear()
    assert talk.session.alert(talk.pair.now)
    talk.pair.ana.drain()
    assert list(talk.pair.ana.text) == ["\a"]


def test_an_alert_for_which_the_rate_leaves_no_room_soon_is_not_sent() -> None:
    talk = Talk(cps=4)
    talk.session.set_live_text("x" * 100, talk.pair.now)
    talk.pair.exchange()
    talk.pair.wait(5.0)
    assert not talk.session.alert(talk.pair.now)
    talk.pair.wait(4.0)
    assert talk.session.alert(talk.pair.now), "there will be room in a second"
    talk.pair.wait(0.9)
    assert talk.pair.ben.all(Alerted) == []
    talk.pair.wait(0.2)
    assert len(talk.pair.ben.all(Alerted)) == 1


def test_an_alert_that_was_held_back_does_not_follow_later() -> None:
    text = LiveText()
    text.channel_opened(0.0)
    text.admitted(frames.LiveTextFeatures(extensions=EXTENSIONS), 0.0)
    while text.poll(0.0) is not None:
        pass
    assert text.alert(1.0)
    text.receive_frame(frames.RttDirection("inactive"), 1.0)
    text.receive_frame(frames.RttDirection("sendrecv"), 1.1 + limits.ALERT_SECONDS)
    steps = [step for step in iter(lambda: text.poll(1.1 + limits.ALERT_SECONDS), None) if isinstance(step, str)]
    assert steps == []
    assert text.deadline() is None


def test_no_alert_leaves_where_no_text_may() -> None:
    pair = Pair(hello("ana"), hello("ben"))
    assert not pair.ana.session.alert(0.0)
    talk = Talk().ben_wants(Mode.OFF)
    assert not talk.session.alert(talk.pair.now)
    assert not Talk().wants(Mode.OFF).session.alert(1.0)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("sendrecv", (True, True)),
        ("sendonly", (True, False)),
        ("recvonly", (False, True)),
        ("inactive", (False, False)),
        ("sideways", (True, True)),
        ("", (True, True)),
    ],
)
def test_a_direction_is_that_of_the_side_that_says_it(direction: str, expected: tuple[bool, bool]) -> None:
    assert (sends(direction), receives(direction)) == expected


def test_a_hello_with_words_of_a_later_version_is_understood() -> None:
    later = frames.Hello([1], "ben", "", frames.LiveTextFeatures(direction="both", extensions=("snapshot", "smell")))
    assert decode(encode(later)) == later
