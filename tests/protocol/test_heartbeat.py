"""The heartbeat, told as conversations between a link and its peer."""

from __future__ import annotations

from typing import Self

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol.heartbeat import MAX_UNANSWERED, Changed, Heartbeat, Output, Ping, State
from p2pchat.protocol.limits import LOST_AFTER


class Talk:
    """Drives a machine through time; every output must be expected, or the conversation fails."""

    def __init__(self) -> None:
        self.machine = Heartbeat(now=0.0)
        self.now = 0.0

    def until(self, now: float) -> list[Output]:
        """Lets time pass to `now`, waking the machine exactly when it asks to be woken."""
        outputs: list[Output] = []
        while (due := self.machine.deadline()) is not None and due <= now:
            self.now = due
            self.machine.tick(due)
            while (output := self.machine.poll()) is not None:
                outputs.append(output)
        self.now = now
        return outputs

    def silence(self, seconds: float, *expected: Output) -> Self:
        assert self.until(self.now + seconds) == list(expected)
        return self

    def peer_answers(self, number: int, *expected: Output) -> Self:
        self.machine.answered(number, self.now)
        outputs = []
        while (output := self.machine.poll()) is not None:
            outputs.append(output)
        assert outputs == list(expected)
        return self


def test_a_peer_that_answers_stays_alive() -> None:
    talk = Talk()
    talk.silence(2.0, Ping(0)).peer_answers(0).silence(2.0, Ping(1)).peer_answers(1)
    assert talk.machine.state is State.ALIVE


def test_silence_makes_a_peer_suspect_and_then_lost() -> None:
    Talk().silence(5.9, Ping(0), Ping(1)).silence(0.2, Changed(State.SUSPECT, 6.0), Ping(2)).silence(
        4.0, Ping(3), Changed(State.LOST, 10.0)
    )


def test_any_sign_of_life_clears_suspicion() -> None:
    talk = Talk()
    talk.silence(6.5, Ping(0), Ping(1), Changed(State.SUSPECT, 6.0), Ping(2))
    talk.peer_answers(2, Changed(State.ALIVE, 6.5))
    assert talk.machine.round_trip == 0.5


def test_a_made_up_answer_proves_life_but_measures_nothing() -> None:
    talk = Talk()
    talk.silence(2.0, Ping(0)).peer_answers(99)
    assert talk.machine.round_trip is None


def test_a_hint_that_the_peer_is_gone_is_checked_at_once() -> None:
    talk = Talk()
    talk.machine.probe(0.5)
    assert talk.machine.poll() == Ping(0)
    assert talk.machine.deadline() == 2.5


@given(st.lists(st.tuples(st.floats(0.0, 9.0), st.integers(0, 20)), max_size=50))
def test_a_peer_heard_within_the_limit_is_never_lost(steps: list[tuple[float, int]]) -> None:
    talk = Talk()
    for pause, number in steps:
        talk.until(talk.now + min(pause, LOST_AFTER - 0.1))
        talk.machine.answered(number, talk.now)
        while talk.machine.poll() is not None:
            pass
    assert talk.machine.state is State.ALIVE
    assert len(talk.machine._sent) <= MAX_UNANSWERED
