"""Two peers and a server in between that may delay, drop and repeat what they say."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol.negotiation import (
    Crossed,
    MakeAnswer,
    MakeOffer,
    Negotiation,
    Output,
    Refused,
    Send,
    Signal,
    State,
    UseAnswer,
    UseCandidates,
)


def drain(machine: Negotiation) -> list[Output]:
    outputs = []
    while (output := machine.poll()) is not None:
        outputs.append(output)
    return outputs


def body(signal: Signal) -> Any:
    return msgspec.to_builtins(signal)


class Side:
    """One peer with links that answer at once; `link` is the pair of descriptions it ended up with."""

    def __init__(self, us: str, them: str) -> None:
        self.machine = Negotiation(us, them)
        self.us = us
        self.link: tuple[str, str] | None = None
        self.sent: deque[Any] = deque()

    def run(self) -> None:
        while (output := self.machine.poll()) is not None:
            match output:
                case MakeOffer(generation):
                    self.machine.offered(generation, f"offer of {self.us} {generation}")
                case MakeAnswer(generation, sdp):
                    answer = f"answer of {self.us} {generation}"
                    self.link = (sdp, answer)
                    self.machine.answered(generation, answer)
                case UseAnswer(generation, sdp):
                    self.link = (f"offer of {self.us} {generation}", sdp)
                case Send(signal):
                    self.sent.append(body(signal))

    def start(self) -> None:
        self.machine.start()
        self.run()

    def hear(self, signal: Any) -> None:
        self.machine.receive(signal)
        self.run()


def exchange(a: Side, b: Side) -> None:
    while a.sent or b.sent:
        if a.sent:
            b.hear(a.sent.popleft())
        if b.sent:
            a.hear(b.sent.popleft())


def test_the_newcomer_offers_and_the_other_answers() -> None:
    ana, ben = Side("aaaa", "bbbb"), Side("bbbb", "aaaa")
    ben.start()
    exchange(ana, ben)
    assert ana.link == ben.link == ("offer of bbbb 1", "answer of aaaa 1")
    assert ana.machine.state is ben.machine.state is State.SETTLED


def test_glare_is_won_by_the_smaller_id() -> None:
    ana, ben = Side("aaaa", "bbbb"), Side("bbbb", "aaaa")
    ana.start()
    ben.start()
    exchange(ana, ben)
    assert ana.link == ben.link == ("offer of aaaa 1", "answer of bbbb 1")


def test_an_offer_that_was_lost_is_made_again_when_the_peer_offers() -> None:
    ana, ben = Side("aaaa", "bbbb"), Side("bbbb", "aaaa")
    ana.start()
    ana.sent.clear()
    ben.start()
    ana.machine.receive(ben.sent.popleft())
    assert drain(ana.machine) == [Crossed()]
    ana.machine.reset()
    ana.start()
    exchange(ana, ben)
    assert ana.link == ben.link == ("offer of aaaa 2", "answer of bbbb 2")


def test_both_may_begin_again_at_the_same_time() -> None:
    ana, ben = Side("aaaa", "bbbb"), Side("bbbb", "aaaa")
    ben.start()
    exchange(ana, ben)
    for side in (ana, ben):
        side.machine.reset()
        side.start()
    exchange(ana, ben)
    assert ana.link == ben.link == ("offer of aaaa 2", "answer of bbbb 2")


def test_an_answer_of_another_generation_is_dropped() -> None:
    machine = Negotiation("aaaa", "bbbb")
    machine.start()
    machine.offered(1, "first")
    machine.reset()
    machine.start()
    machine.offered(2, "second")
    drain(machine)
    machine.receive(body(Signal(1, "answer", "late")))
    assert drain(machine) == []
    machine.receive(body(Signal(2, "answer", "right")))
    assert drain(machine) == [UseAnswer(2, "right")]


def test_a_repeated_answer_is_used_once() -> None:
    machine = Negotiation("aaaa", "bbbb")
    machine.start()
    machine.offered(1, "offer")
    drain(machine)
    for _ in range(2):
        machine.receive(body(Signal(1, "answer", "answer")))
    assert drain(machine) == [UseAnswer(1, "answer")]


def test_a_repeated_offer_is_answered_once_and_a_newer_one_replaces_it() -> None:
    machine = Negotiation("bbbb", "aaaa")
    for _ in range(2):
        machine.receive(body(Signal(3, "offer", "old")))
    assert drain(machine) == [MakeAnswer(3, "old")]
    machine.receive(body(Signal(4, "offer", "new")))
    assert drain(machine) == [MakeAnswer(4, "new")]
    machine.answered(3, "answer to the old one")
    assert drain(machine) == []
    machine.answered(4, "answer to the new one")
    assert drain(machine) == [Send(Signal(4, "answer", "answer to the new one"))]


def test_a_refusal_ends_the_attempt_with_its_reason() -> None:
    machine = Negotiation("aaaa", "bbbb")
    machine.start()
    drain(machine)
    machine.receive(body(Signal(1, "refuse", reason="busy")))
    assert drain(machine) == [Refused("busy")]
    machine.start()
    assert drain(machine) == [MakeOffer(2)]


def test_a_new_attempt_is_newer_than_anything_the_peer_has_offered() -> None:
    machine = Negotiation("aaaa", "bbbb")
    machine.receive(body(Signal(7, "offer", "sdp")))
    machine.reset()
    drain(machine)
    machine.start()
    assert drain(machine) == [MakeOffer(8)]


nonsense = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["generation", "kind", "sdp", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.nightly
@given(st.lists(nonsense, max_size=10))
def test_nonsense_changes_nothing(bodies: list[Any]) -> None:
    machine = Negotiation("aaaa", "bbbb")
    for signal in bodies:
        machine.receive(signal)
    assert drain(machine) == []
    assert machine.state is State.IDLE


@given(st.lists(st.sampled_from(["ana starts", "ben starts", "to ana", "to ben", "repeat to ana", "repeat to ben"])))
def test_whatever_is_delayed_or_repeated_both_end_with_the_same_link(steps: list[str]) -> None:
    ana, ben = Side("aaaa", "bbbb"), Side("bbbb", "aaaa")
    sides = {"ana": (ana, ben), "ben": (ben, ana)}
    for step in [*steps, "ana starts"]:
        words = step.split()
        if words[-1] == "starts":
            sides[words[0]][0].start()
            continue
        receiver, sender = sides[words[-1]]
        if sender.sent:
            receiver.hear(sender.sent[0] if words[0] == "repeat" else sender.sent.popleft())
    exchange(ana, ben)
    assert ana.link == ben.link
    assert ana.link is not None


HOST = "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host"


def test_candidates_that_are_found_later_follow_the_description() -> None:
    ana, ben = Negotiation("aaaaaaaa", "bbbbbbbb"), Negotiation("bbbbbbbb", "aaaaaaaa")
    ana.start()
    drain(ana)
    ana.offered(1, "offer")
    ana.gathered(1, [HOST])
    ana.gathered(1, [])
    offer, found, no_more = (output.signal for output in drain(ana) if isinstance(output, Send))
    ben.receive(body(offer))
    assert drain(ben) == [MakeAnswer(1, "offer")]
    ben.receive(body(found))
    ben.receive(body(no_more))
    assert drain(ben) == [UseCandidates(1, (HOST,)), UseCandidates(1, ())]


def test_candidates_may_come_before_the_answer() -> None:
    ana = Negotiation("aaaaaaaa", "bbbbbbbb")
    ana.start()
    ana.offered(1, "offer")
    drain(ana)
    ana.receive(body(Signal(1, "candidates", candidates=[HOST])))
    ana.receive(body(Signal(1, "answer", "answer")))
    assert drain(ana) == [UseCandidates(1, (HOST,)), UseAnswer(1, "answer")]


def test_candidates_of_another_attempt_are_dropped() -> None:
    ana = Negotiation("aaaaaaaa", "bbbbbbbb")
    ana.receive(body(Signal(1, "candidates", candidates=[HOST])))
    ana.start()
    ana.offered(1, "offer")
    drain(ana)
    ana.receive(body(Signal(2, "candidates", candidates=[HOST])))
    ana.gathered(2, [HOST])
    assert drain(ana) == []
    ana.reset()
    ana.receive(body(Signal(1, "candidates", candidates=[HOST])))
    ana.gathered(1, [HOST])
    assert drain(ana) == []


@pytest.mark.parametrize("candidates", [["c" * 257], ["candidate:1"] * 33, [1], "candidate:1"])
def test_candidates_that_break_the_bounds_are_dropped(candidates: Any) -> None:
    ana = Negotiation("aaaaaaaa", "bbbbbbbb")
    ana.start()
    ana.offered(1, "offer")
    drain(ana)
    ana.receive({"generation": 1, "kind": "candidates", "candidates": candidates})
    assert drain(ana) == []
