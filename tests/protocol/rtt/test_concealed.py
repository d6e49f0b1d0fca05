"""Whatever our user does, no character of a line that is not finished goes to a peer that is not to see it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol import frames
from p2pchat.protocol.rtt.conversation import Directed, LiveText, Shown
from p2pchat.protocol.rtt.direction import CAN_SHOWN, DIRECTIONS, EXTENSIONS, Mode
from p2pchat.protocol.rtt.parser import BACKSPACE, BELL, BOM, NEW_LINE

CONTROLS = {BACKSPACE, NEW_LINE, BOM}
FEATURES = frames.LiveTextFeatures(cps=90, extensions=EXTENSIONS)


class Writer:
    """Our side, and everything that left on the channel with whether the peer saw keys then."""

    def __init__(self) -> None:
        self.text = LiveText()
        self.now = 0.0
        self.left: list[tuple[bool, str]] = []
        self.told: list[Directed | Shown] = []
        self.finished = ""
        """Characters of finished lines, which may still be on their way."""

    def link(self, features: frames.LiveTextFeatures = FEATURES) -> None:
        self.text.channel_opened(self.now)
        self.text.admitted(features, self.now)
        self.drain()

    def drain(self) -> None:
        while (output := self.text.poll(self.now)) is not None:
            if isinstance(output, str):
                self.left.append((self.text.sees_keys, output))
            elif isinstance(output, Directed | Shown):
                self.told.append(output)

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.text.deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.drain()
        self.now = end
        self.drain()

    def sent(self) -> str:
        return "".join(text for _, text in self.left)


STEPS = st.one_of(
    st.tuples(st.just("type"), st.text("abcdefgh ", max_size=12)),
    st.tuples(st.just("share"), st.tuples(st.booleans(), st.sampled_from(Mode))),
    st.tuples(st.just("peer"), st.sampled_from(DIRECTIONS)),
    st.tuples(st.just("wait"), st.sampled_from([0.05, 0.2, 4.0])),
    st.tuples(st.sampled_from(["commit", "alert", "lost"]), st.none()),
)


@given(st.lists(STEPS, max_size=40))
def test_nothing_but_erasures_and_ends_of_lines_leaves_to_who_sees_no_keys(steps: list[tuple[str, object]]) -> None:
    writer = Writer()
    writer.link()
    for step in steps:
        match step:
            case ("type", str(text)):
                writer.text.set_text(text, writer.now)
            case ("share", (bool(shared), Mode() as mode)):
                writer.text.share(shared, mode, writer.now)
                assert not writer.text.sees_keys or (shared and mode is Mode.LIVE)
            case ("peer", str(direction)):
                writer.text.receive_frame(frames.RttDirection(direction), writer.now)
            case ("wait", float(seconds)):
                writer.wait(seconds)
            case ("commit", _):
                writer.wait(0.5)  # a finished line that is still on its way is no secret: its message has it, too
                writer.text.commit(writer.now)
            case ("alert", _):
                assert not writer.text.alert(writer.now) or writer.text.sees_keys
            case ("lost", _):
                writer.text.channel_lost(writer.now)
                assert not writer.text.sees_keys
                writer.link()
        writer.drain()
    writer.wait(30.0)
    assert all(sees or not set(text) - CONTROLS for sees, text in writer.left)


def test_a_peer_that_was_never_to_see_keys_is_not_sent_one_byte() -> None:
    writer = Writer()
    writer.text.share(False, Mode.LIVE, writer.now)
    writer.link()
    writer.text.set_text("private", writer.now)
    writer.wait(5.0)
    assert not writer.text.commit(writer.now).withheld
    writer.wait(5.0)
    assert not writer.text.alert(writer.now)
    assert writer.left == []


def test_what_was_seen_is_taken_back_and_comes_again_when_it_is_shared_again() -> None:
    writer = Writer()
    writer.link()
    writer.text.set_text("abc", writer.now)
    writer.wait(1.0)
    writer.text.share(False, Mode.LIVE, writer.now)
    writer.text.set_text("abcd", writer.now)
    writer.wait(1.0)
    assert writer.sent() == BOM + "abc" + 3 * BACKSPACE
    writer.text.share(True, Mode.LIVE, writer.now)
    writer.wait(1.0)
    assert writer.sent().endswith(BACKSPACE + "abcd")


def test_an_alert_that_waits_for_its_turn_does_not_leave_in_private() -> None:
    writer = Writer()
    writer.link()
    assert writer.text.alert(writer.now)
    writer.text.share(True, Mode.HOLD, writer.now)
    writer.wait(5.0)
    assert BELL not in writer.sent()


def test_what_the_peer_typed_counts_as_shown_when_our_user_has_it() -> None:
    text = LiveText(shows_later=True)
    text.channel_opened(0.0)
    text.admitted(frames.LiveTextFeatures(extensions=(CAN_SHOWN,)), 0.0)
    for now, typed in ((1.0, BOM + "ab"), (1.5, "c")):
        text.receive(typed, now)
    while not isinstance(text.poll(2.0), type(None)):
        pass
    assert text.deadline() != 2.0
    text.handed_on(3, 3.0)
    text.handed_on(99, 3.5)
    frames_told = [output for output in iter(lambda: text.poll(9.0), None) if isinstance(output, frames.RttShown)]
    assert frames_told == [frames.RttShown([(3, 3.0), (4, 3.5)])]


def test_it_is_told_once_that_everything_was_shown() -> None:
    writer = Writer()
    writer.link()
    writer.text.set_text("ab", writer.now)
    writer.wait(1.0)
    for characters in (1, 3, 3):
        writer.text.receive_frame(frames.RttShown([(characters, 0.5)]), writer.now)
    writer.drain()
    assert writer.told == [Shown()]
