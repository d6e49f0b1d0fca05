"""Pairing, told as conversations between two programs, and with somebody in the middle."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.protocol.codes import Code
from p2pchat.protocol.pairing import Failed, Output, Paired, Pairing, Role, Send

ANA, BEN, EVA = "anaanaaa", "benbenbb", "evaevaee"
CODE = Code.parse("7-marble-tunnel-oyster")
GUESS = Code.parse("7-marble-tunnel-oxygen")

Body = dict[str, Any]


def randomness(seed: str) -> Callable[[int], bytes]:
    """Random bytes that are the same in each run of a test, and others for each call."""
    calls = itertools.count()
    return lambda length: hashlib.shake_256(f"{seed} {next(calls)}".encode()).digest(length)


class Side:
    """One program with its code; what it says goes through JSON, as on the wire."""

    def __init__(
        self, role: Role, code: Code = CODE, us: str = "", them: str = "", entropy: Callable[[int], bytes] | None = None
    ) -> None:
        own, other = (ANA, BEN) if role == "sender" else (BEN, ANA)
        self.machine = Pairing(code, role, us or own, them or other, entropy or randomness(role))
        self.result: Paired | Failed | None = None

    def start(self) -> list[Body]:
        self.machine.start()
        return self._said()

    def hears(self, body: Any) -> list[Body]:
        self.machine.receive(body)
        return self._said()

    def _said(self) -> list[Body]:
        said = []
        while (output := self.machine.poll()) is not None:
            match output:
                case Send(body):
                    said.append(json.loads(json.dumps(body)))
                case Paired() | Failed():
                    assert self.result is None
                    self.result = output
        return said

    @property
    def failure(self) -> str | None:
        return self.result.code if isinstance(self.result, Failed) else None


def kinds(said: list[Body]) -> list[str]:
    return [body["kind"] for body in said]


def converse(
    sender: Side, receiver: Side, tamper: Callable[[int, Body], Body] = lambda number, body: body
) -> list[Body]:
    """Lets both talk until neither has more to say; returns what was said, in order."""
    numbers = itertools.count()
    waiting = [(receiver, body) for body in sender.start()] + [(sender, body) for body in receiver.start()]
    said = []
    while waiting:
        side, body = waiting.pop(0)
        said.append(body)
        other = sender if side is receiver else receiver
        waiting += [(other, answer) for answer in side.hears(tamper(next(numbers), body))]
    return said


def test_the_same_code_gives_both_the_same_secret() -> None:
    sender, receiver = Side("sender"), Side("receiver")
    assert kinds(converse(sender, receiver)) == ["pake", "pake", "confirm", "confirm"]
    assert isinstance(sender.result, Paired)
    assert sender.result == receiver.result
    assert len(sender.result.secret) == 32
    assert sender.result.secret.hex() not in repr(sender.result)


def test_another_attempt_with_the_same_code_gives_another_secret() -> None:
    first, second = Side("sender"), Side("sender", entropy=randomness("second"))
    converse(first, Side("receiver"))
    converse(second, Side("receiver"))
    assert first.result != second.result


def test_the_receiver_proves_first_and_the_sender_only_to_whoever_has_proved() -> None:
    sender, receiver = Side("sender"), Side("receiver")
    [hello], [greeting] = sender.start(), receiver.start()
    assert sender.hears(greeting) == []
    [proof] = receiver.hears(hello)
    assert proof["kind"] == "confirm"
    assert receiver.result is None
    [answer] = sender.hears(proof)
    assert isinstance(sender.result, Paired)
    assert receiver.hears(answer) == []
    assert receiver.result == sender.result


def test_a_mistyped_word_ends_the_code_at_both_sides() -> None:
    sender, receiver = Side("sender"), Side("receiver", GUESS)
    assert kinds(converse(sender, receiver)) == ["pake", "pake", "confirm", "wrong"]
    assert (sender.failure, receiver.failure) == ("wrong-code", "wrong-code")


@pytest.mark.parametrize(
    "receiver",
    [
        Side("receiver", Code(8, CODE.words)),
        Side("receiver", Code(7, CODE.words[::-1])),
        Side("receiver", us=EVA),
        Side("receiver", them=EVA),
    ],
    ids=["another mailbox", "another order of words", "we have another id", "the other side has another id"],
)
def test_everything_that_was_agreed_is_part_of_the_key(receiver: Side) -> None:
    sender = Side("sender")
    converse(sender, receiver)
    assert (sender.failure, receiver.failure) == ("wrong-code", "wrong-code")


def test_a_code_is_spent_from_when_the_other_side_may_have_tried_it() -> None:
    sender, receiver = Side("sender"), Side("receiver")
    [hello], [greeting] = sender.start(), receiver.start()
    assert not receiver.machine.spent
    [proof] = receiver.hears(hello)
    assert receiver.machine.spent
    sender.hears(greeting)
    assert not sender.machine.spent
    sender.hears(proof)
    assert sender.machine.spent


# Somebody in the middle


class Middle:
    """Eva, who runs the server: she plays the other side to both of them, with a guess."""

    def __init__(self, guess: Code) -> None:
        self.as_receiver = Side("receiver", guess, BEN, ANA, randomness("as receiver"))
        self.as_sender = Side("sender", guess, ANA, BEN, randomness("as sender"))


def test_who_guesses_wrongly_in_the_middle_gets_nothing_and_both_are_told() -> None:
    sender, receiver, eva = Side("sender"), Side("receiver"), Middle(GUESS)
    to_sender = converse(sender, eva.as_receiver)
    converse(eva.as_sender, receiver)
    assert (sender.failure, receiver.failure) == ("wrong-code", "wrong-code")
    assert (eva.as_receiver.failure, eva.as_sender.failure) == ("wrong-code", "wrong-code")
    assert kinds([body for body in to_sender if body["kind"] == "confirm"]) == ["confirm"], "the sender proved nothing"


def test_who_leaves_before_showing_the_guess_has_learned_nothing_and_the_code_lives() -> None:
    sender, eva = Side("sender"), Middle(GUESS)
    [hello], [greeting] = sender.start(), eva.as_receiver.start()
    assert sender.hears(greeting) == []
    eva.as_receiver.hears(hello)
    assert not sender.machine.spent
    again, receiver = Side("sender", entropy=randomness("again")), Side("receiver")
    converse(again, receiver)
    assert isinstance(receiver.result, Paired)


def test_proofs_that_are_passed_on_between_two_conversations_are_worth_nothing() -> None:
    sender, receiver, eva = Side("sender"), Side("receiver"), Middle(GUESS)
    [to_eva], [from_eva] = sender.start(), eva.as_sender.start()
    sender.hears(eva.as_receiver.start()[0])
    eva.as_receiver.hears(to_eva)
    receiver.start()
    [proof] = receiver.hears(from_eva)
    assert kinds(sender.hears(proof)) == ["wrong"]
    assert sender.failure == "wrong-code"


def test_messages_of_an_earlier_attempt_are_worth_nothing() -> None:
    overheard = converse(Side("sender", entropy=randomness("earlier")), Side("receiver"))
    sender = Side("sender")
    sender.start()
    greeting, proof = overheard[1], overheard[2]
    assert sender.hears(greeting) == []
    assert kinds(sender.hears(proof)) == ["wrong"]
    assert sender.failure == "wrong-code"


def test_our_own_message_sent_back_is_refused() -> None:
    for role in ("sender", "receiver"):
        side = Side(role)
        [hello] = side.start()
        assert kinds(side.hears(hello)) == ["protocol"]
        assert side.failure == "protocol"


def test_our_own_point_sent_back_under_the_other_name_is_refused() -> None:
    side = Side("sender")
    [hello] = side.start()
    point = base64.b64decode(hello["message"])[1:]
    side.hears({**hello, "message": base64.b64encode(b"B" + point).decode()})
    assert side.failure == "protocol"


def test_our_own_proof_sent_back_is_refused() -> None:
    sender, receiver = Side("sender"), Side("receiver")
    [hello] = sender.start()
    receiver.start()
    [proof] = receiver.hears(hello)
    assert kinds(receiver.hears(proof)) == ["wrong"]


def test_a_repeated_message_ends_it() -> None:
    sender, receiver = Side("sender"), Side("receiver")
    [greeting] = receiver.start()
    sender.start()
    sender.hears(greeting)
    assert kinds(sender.hears(greeting)) == ["protocol"]
    assert sender.failure == "protocol"


def test_a_message_out_of_turn_ends_it() -> None:
    overheard = converse(Side("sender"), Side("receiver"))
    early, impatient = Side("sender"), Side("sender")
    early.hears(overheard[1])
    impatient.start()
    impatient.hears(overheard[2])
    assert (early.failure, impatient.failure) == ("protocol", "protocol")


def test_another_version_is_refused_and_both_say_so() -> None:
    sender, receiver = Side("sender"), Side("receiver")
    receiver.start()
    [answer] = receiver.hears({"pairing": 2, "kind": "hello"})
    sender.start()
    sender.hears(answer)
    assert (sender.failure, receiver.failure) == ("version", "version")


def test_after_the_end_nothing_happens() -> None:
    sender, receiver = Side("sender"), Side("receiver")
    said = converse(sender, receiver)
    assert [side.hears(body) for side in (sender, receiver) for body in said] == [[]] * 8
    failed = Side("sender")
    failed.start()
    failed.hears(None)
    assert failed.hears(said[1]) == []
    assert failed.failure == "protocol"


# Whatever happens


@settings(max_examples=40)
@given(st.integers(0, 3), st.integers(0, 32), st.integers(1, 255))
def test_a_changed_byte_is_always_noticed(which: int, position: int, change: int) -> None:
    def tamper(number: int, body: Body) -> Body:
        key = next((key for key in ("message", "proof") if key in body), None)
        if number != which or key is None:
            return body
        data = bytearray(base64.b64decode(body[key]))
        data[position % len(data)] ^= change
        return {**body, key: base64.b64encode(data).decode()}

    sender, receiver = Side("sender"), Side("receiver")
    converse(sender, receiver, tamper)
    assert isinstance(receiver.result, Failed)
    assert isinstance(sender.result, Failed) or which == 3, "nobody answers the last message"


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=40)
def test_whatever_point_is_sent_nothing_is_raised_and_nobody_is_paired(point: bytes) -> None:
    sender = Side("sender")
    sender.start()
    sender.hears({"pairing": 1, "kind": "pake", "message": base64.b64encode(b"B" + point).decode()})
    sender.hears({"pairing": 1, "kind": "confirm", "proof": base64.b64encode(bytes(32)).decode()})
    assert isinstance(sender.result, Failed)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=10,
)
bodies = values | st.fixed_dictionaries(
    {"pairing": st.just(1) | values, "kind": st.sampled_from(["pake", "confirm", "wrong", "x"]) | values},
    optional={"message": values, "proof": values},
)


@pytest.mark.nightly
@given(bodies)
def test_nonsense_ends_it_with_a_reason_and_never_raises(body: Any) -> None:
    side = Side("receiver")
    side.start()
    side.hears(body)
    assert isinstance(side.result, Failed)
    assert side.result.reason.isprintable()


# What the server sees


def hashes(text: bytes) -> Iterator[bytes]:
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s"):
        yield hashlib.new(name, text).digest()


def test_no_word_and_no_hash_of_words_is_in_what_is_sent() -> None:
    said = converse(Side("sender"), Side("receiver"))
    text = json.dumps(said).lower()
    raw = b"".join(base64.b64decode(body.get("message") or body["proof"]) for body in said)
    spellings = [*CODE.words, *(separator.join(CODE.words) for separator in "- "), str(CODE), "".join(CODE.words)]
    for spelling in spellings:
        assert spelling not in text
        for digest in hashes(spelling.encode()):
            assert digest[:8] not in raw


@pytest.mark.parametrize("code", [CODE, Code(999, ("zoo", "zoo", "zoo")), Code(1, ("act", "add", "age"))])
def test_what_is_sent_has_the_same_shape_whatever_the_code(code: Code) -> None:
    said = converse(Side("sender", code), Side("receiver", code))
    assert [{key: len(str(value)) for key, value in body.items()} for body in said] == [
        {"pairing": 1, "kind": 4, "message": 44},
        {"pairing": 1, "kind": 4, "message": 44},
        {"pairing": 1, "kind": 7, "proof": 44},
        {"pairing": 1, "kind": 7, "proof": 44},
    ]


def test_nothing_that_is_sent_comes_back_in_another_attempt_with_the_same_code() -> None:
    seen: set[str] = set()
    for attempt in range(8):
        said = converse(
            Side("sender", entropy=randomness(f"sender {attempt}")),
            Side("receiver", entropy=randomness(f"receiver {attempt}")),
        )
        seen |= {body.get("message") or body["proof"] for body in said}
    assert len(seen) == 8 * 4


def outputs(machine: Pairing) -> list[Output]:
    return list(iter(machine.poll, None))


def test_starting_twice_says_nothing_twice() -> None:
    machine = Pairing(CODE, "sender", ANA, BEN, randomness("x"))
    machine.start()
    machine.start()
    assert len(outputs(machine)) == 1
