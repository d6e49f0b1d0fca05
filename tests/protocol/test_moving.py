"""A session moves to another link while the one in use still lives: nothing is lost, nothing comes twice."""

from __future__ import annotations

from collections import deque

import pytest

from p2pchat.protocol.codec import decode, encode
from p2pchat.protocol.handshake import Handshake
from p2pchat.protocol.identity import Identity
from p2pchat.protocol.introduction import Greeted, Introduction, SendFrame
from p2pchat.protocol.rtt.conversation import LineRead
from p2pchat.protocol.rtt.direction import EXTENSIONS
from p2pchat.protocol.session_events import MessageRead, PulseChanged, Signalled
from p2pchat.protocol.session_link import State
from tests.protocol.pair import Pair, Side, hello, message


class NewLink:
    """Another link between the two of a pair, and its introduction at each end."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.introductions: dict[str, Introduction] = {
            side.role: self._introduce(side) for side in (pair.ana, pair.ben)
        }
        self.greeted: dict[str, Greeted] = {}
        self.under_way: deque[tuple[str, bytes]] = deque()

    @staticmethod
    def _introduce(side: Side) -> Introduction:
        ours, theirs = (b"3" * 32, b"4" * 32) if side.role == "offer" else (b"4" * 32, b"3" * 32)
        seed = side.role.encode().ljust(32)
        return side.session.introduction(
            Handshake(
                Identity.from_seed(seed),
                role=side.role,
                room="lab",
                our_fingerprint=ours,
                their_fingerprint=theirs,
                nonce=seed[:31] + b"n",
            )
        )

    def begin(self) -> None:
        for role, introduction in self.introductions.items():
            introduction.start()
            self._poll(role)

    def carry(self, most: int = 100) -> None:
        """Carries so many frames over, at most."""
        for _ in range(most):
            if not self.under_way:
                return
            sender, data = self.under_way.popleft()
            receiver = "answer" if sender == "offer" else "offer"
            self.introductions[receiver].receive(decode(data))
            self._poll(receiver)

    def _poll(self, role: str) -> None:
        while (step := self.introductions[role].poll()) is not None:
            if isinstance(step, SendFrame):
                self.under_way.append((role, encode(step.frame)))
            elif isinstance(step, Greeted):
                self.greeted[role] = step

    def move(self, side: Side) -> None:
        side.session.link_moved(self.introductions[side.role], self.greeted.get(side.role), self.pair.now)
        side.drain()


def texts(side: Side) -> list[str]:
    return [read.message.text for read in side.all(MessageRead)]


def test_what_was_on_its_way_over_the_old_link_comes_over_the_new_one_once_and_in_order() -> None:
    pair = Pair().connect()
    new = NewLink(pair)
    new.begin()
    new.carry()
    for number in range(3):
        pair.ana.session.say(message(number, f"number {number}"), pair.now)
    pair.ana.drain()
    pair.ben.session.receive_control(pair.ana.control.popleft(), pair.now)  # the first arrives, its receipt does not
    pair.ben.drain()
    for side in (pair.ana, pair.ben):
        side.control.clear()
        new.move(side)
    pair.exchange()
    assert texts(pair.ben) == ["number 0", "number 1", "number 2"]
    assert pair.ana.session.unacknowledged == 0
    assert pair.ana.session.state is pair.ben.session.state is State.TALKING


def test_a_live_line_goes_on() -> None:
    pair = Pair(hello("ana", extensions=EXTENSIONS), hello("ben", extensions=EXTENSIONS)).connect()
    pair.ana.session.set_live_text("half a sen", pair.now)
    pair.exchange().wait(0.5)
    new = NewLink(pair)
    new.begin()
    new.carry()
    new.move(pair.ana)
    new.move(pair.ben)
    pair.ana.session.set_live_text("half a sentence", pair.now)
    pair.exchange().wait(1.0)
    assert pair.ben.all(LineRead)[-1].text == "half a sentence"


@pytest.mark.parametrize("carried", range(9))
def test_a_link_that_is_lost_while_the_next_one_is_introduced_is_followed_by_it_all_the_same(carried: int) -> None:
    pair = Pair().connect()
    new = NewLink(pair)
    new.begin()
    new.carry(carried)
    pair.ana.session.say(message(1, "still here"), pair.now)
    for side in (pair.ana, pair.ben):
        side.drain()
        # What the introductions have sent, and nobody has read yet, is in front of what the sessions send now.
        side.control = deque(data for sender, data in new.under_way if sender == side.role)
        new.move(side)
    pair.exchange()
    assert texts(pair.ben) == ["still here"]
    assert pair.ana.session.state is pair.ben.session.state is State.TALKING
    pair.wait(20.0)
    assert pair.ana.all(PulseChanged) == []


def test_a_signal_goes_over_the_link_and_nowhere_without_one() -> None:
    pair = Pair()
    pair.ana.session.signal({"generation": 1})
    pair.connect()
    pair.ana.session.signal({"generation": 2})
    pair.ana.session.signal({"generation": 3, "sdp": "x" * 100_000})
    pair.exchange()
    assert pair.ben.all(Signalled) == [Signalled({"generation": 2})]


def test_an_answer_says_that_the_peer_was_there_after_it_was_asked() -> None:
    pair = Pair().connect()
    pair.wait(1.0)
    asked = pair.now
    assert not pair.ana.session.answered_since(asked)
    pair.ben.session.say(message(1, "under way since before"), pair.now)
    pair.exchange()
    assert not pair.ana.session.answered_since(asked)
    pair.ana.session.probe(asked)
    pair.exchange()
    assert pair.ana.session.answered_since(asked)
