"""The handshake, told as conversations between Ana, who offered the link, Ben, who answered, and Mallory in between."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol import frames, limits
from p2pchat.protocol.codec import decode, encode
from p2pchat.protocol.codes import word_list
from p2pchat.protocol.handshake import Authenticated, Failed, Handshake, Output, Role, Send, State
from p2pchat.protocol.identity import Identity, verify
from tests.protocol.test_codec import SAMPLES

ANA, BEN, MALLORY = (Identity.from_seed(name * 32) for name in (b"a", b"b", b"m"))
ANAS_CERTIFICATE, BENS_CERTIFICATE, MALLORYS_CERTIFICATE = (bytes([number]) * 32 for number in (1, 2, 3))
SECRET = b"sixteen bytes ok"

Tamper = Callable[[frames.HandshakeFrame], frames.HandshakeFrame]


def anas(**changes: Any) -> Handshake:
    usual: dict[str, Any] = {
        "role": "offer",
        "room": "lab",
        "our_fingerprint": ANAS_CERTIFICATE,
        "their_fingerprint": BENS_CERTIFICATE,
        "nonce": b"A" * 32,
    }
    return Handshake(changes.pop("identity", ANA), **(usual | changes))


def bens(**changes: Any) -> Handshake:
    usual: dict[str, Any] = {
        "role": "answer",
        "room": "lab",
        "our_fingerprint": BENS_CERTIFICATE,
        "their_fingerprint": ANAS_CERTIFICATE,
        "nonce": b"B" * 32,
    }
    return Handshake(changes.pop("identity", BEN), **(usual | changes))


class Side:
    """One end: what it has sent and what it has told."""

    def __init__(self, machine: Handshake) -> None:
        self.machine = machine
        self.sent: list[frames.HandshakeFrame] = []
        self.told: list[Authenticated | Failed] = []

    def start(self) -> None:
        self.machine.start()
        self._drain()

    def hears(self, frame: frames.AnyFrame) -> None:
        self.machine.receive(frame)
        self._drain()

    @property
    def key(self) -> bytes | None:
        """The key that it believes the other end has; None while it believes nobody."""
        found = [told.key for told in self.told if isinstance(told, Authenticated)]
        return found[0] if found else None

    @property
    def words(self) -> tuple[str, ...]:
        return next(told.words for told in self.told if isinstance(told, Authenticated))

    @property
    def failure(self) -> Failed:
        """Why it ended the handshake; it must have told nothing else."""
        assert len(self.told) == 1, self.told
        assert isinstance(self.told[0], Failed), self.told
        return self.told[0]

    def _drain(self) -> None:
        output: Output | None
        while (output := self.machine.poll()) is not None:
            if isinstance(output, Send):
                self.sent.append(output.frame)
            else:
                self.told.append(output)


def as_it_is(frame: frames.HandshakeFrame) -> frames.HandshakeFrame:
    return frame


def talk(ana: Handshake, ben: Handshake, to_ana: Tamper = as_it_is, to_ben: Tamper = as_it_is) -> tuple[Side, Side]:
    """Joins two ends until neither has anything to say; `to_ana` and `to_ben` may change what passes."""
    one, other = Side(ana), Side(ben)
    one.start()
    other.start()
    passed_to_ana = passed_to_ben = 0
    while len(one.sent) > passed_to_ben or len(other.sent) > passed_to_ana:
        for frame in one.sent[passed_to_ben:]:
            passed_to_ben += 1
            other.hears(to_ben(frame))
        for frame in other.sent[passed_to_ana:]:
            passed_to_ana += 1
            one.hears(to_ana(frame))
    return one, other


def replacing(**fields: Any) -> Tamper:
    """Changes these fields in whatever frame has them."""

    def tamper(frame: frames.HandshakeFrame) -> frames.HandshakeFrame:
        return msgspec.structs.replace(frame, **{k: v for k, v in fields.items() if k in frame.__struct_fields__})

    return tamper


def failures(*sides: Side) -> list[str]:
    """The code with which each side failed; empty for one that is still waiting. Nobody may believe anybody."""
    assert [side.key for side in sides] == [None] * len(sides)
    return [side.failure.code if side.told else "" for side in sides]


# --- when nobody interferes


def test_two_ends_learn_each_others_key_and_see_the_same_words() -> None:
    ana, ben = talk(anas(), bens())
    assert (ana.key, ben.key) == (BEN.public, ANA.public)
    assert ana.words == ben.words
    assert len(ana.words) == limits.SAFETY_WORDS
    assert set(ana.words) <= set(word_list())
    assert [type(frame).__name__ for frame in ana.sent] == ["Commit", "Reveal", "Proof"]


def test_it_makes_no_difference_which_end_is_faster() -> None:
    ana, ben = Side(anas()), Side(bens())
    ana.start()
    ben.start()
    ben.hears(ana.sent[0])
    for frame in list(ben.sent):
        ana.hears(frame)
    assert (len(ana.sent), len(ben.sent)) == (3, 2), "Ana has proved herself, and Ben has read only her first frame"
    for frame in ana.sent[1:]:
        ben.hears(frame)
    ana.hears(ben.sent[2])
    assert ana.words == ben.words


def test_every_link_has_words_of_its_own() -> None:
    first, _ = talk(anas(), bens())
    second, _ = talk(anas(nonce=b"C" * 32), bens())
    assert first.words != second.words


def test_a_common_secret_is_proved() -> None:
    ana, ben = talk(anas(secret=SECRET), bens(secret=SECRET))
    assert (ana.key, ben.key) == (BEN.public, ANA.public)


def test_the_bytes_are_those_that_the_documentation_states() -> None:
    # Written from docs/security.md with nothing but the standard library.
    def framed(*fields: bytes) -> bytes:
        return b"".join(len(field).to_bytes(8, "big") + field for field in fields)

    def hkdf(secret: bytes, info: bytes, length: int = 32) -> bytes:
        extracted = hmac.digest(bytes(32), secret, "sha256")
        return hmac.digest(extracted, info + b"\x01", "sha256")[:length]

    def commitment(role: bytes, key: bytes, nonce: bytes) -> bytes:
        return hashlib.sha256(framed(b"p2pchat handshake commitment", b"1", role, key, nonce)).digest()

    offer = commitment(b"offer", ANA.public, b"A" * 32)
    answer = commitment(b"answer", BEN.public, b"B" * 32)
    transcript = hashlib.sha256(
        framed(
            *(b"p2pchat handshake transcript", b"1", "lab ü".encode()),
            *(b"offer", ANA.public, offer, b"A" * 32, ANAS_CERTIFICATE),
            *(b"answer", BEN.public, answer, b"B" * 32, BENS_CERTIFICATE),
        )
    ).digest()
    signed = framed(b"p2pchat handshake signature", b"1", b"offer", transcript)
    mac_key = hkdf(SECRET, framed(b"p2pchat handshake secret", b"1", b"offer", transcript))
    number = int.from_bytes(hkdf(transcript, framed(b"p2pchat safety words", b"1"), 7), "big")
    words = tuple(word_list()[number // 2048**place % 2048] for place in range(5))

    ana, _ = talk(anas(room="lab ü", secret=SECRET), bens(room="lab ü", secret=SECRET))
    assert ana.sent == [
        frames.Commit(1, ANA.public, offer),
        frames.Reveal(b"A" * 32),
        frames.Proof(ANA.sign(signed), hmac.digest(mac_key, transcript, "sha256")),
    ]
    assert ana.words == words == ("lunar", "athlete", "body", "fun", "disease")


# --- somebody in between


def test_somebody_in_between_who_passes_everything_on_is_caught_by_the_fingerprints() -> None:
    """Mallory ends both links with her own certificate, as a server that swaps fingerprints can, and copies frames."""
    ana, ben = talk(
        anas(their_fingerprint=MALLORYS_CERTIFICATE, secret=SECRET),
        bens(their_fingerprint=MALLORYS_CERTIFICATE, secret=SECRET),
    )
    assert failures(ana, ben) == ["identity", "identity"]
    assert "somebody may sit in between" in ana.failure.reason


@pytest.mark.parametrize("swapped", ["our_fingerprint", "their_fingerprint"])
@pytest.mark.parametrize("end", [anas, bens])
def test_one_other_fingerprint_at_one_end_is_enough_to_fail(end: Callable[..., Handshake], swapped: str) -> None:
    changed = end(**{swapped: MALLORYS_CERTIFICATE})
    ana, ben = talk(changed, bens()) if end is anas else talk(anas(), changed)
    assert failures(ana, ben) == ["identity", "identity"]


def test_somebody_in_between_with_keys_of_her_own_gives_the_two_ends_different_words() -> None:
    ana, mallory_as_ben = talk(
        anas(their_fingerprint=MALLORYS_CERTIFICATE),
        bens(identity=MALLORY, our_fingerprint=MALLORYS_CERTIFICATE, nonce=b"M" * 32),
    )
    mallory_as_ana, ben = talk(
        anas(identity=MALLORY, our_fingerprint=MALLORYS_CERTIFICATE, nonce=b"N" * 32),
        bens(their_fingerprint=MALLORYS_CERTIFICATE),
    )
    assert (ana.key, ben.key) == (MALLORY.public, MALLORY.public), "nothing but the words and the pinned keys can tell"
    assert mallory_as_ben.words == ana.words != ben.words == mallory_as_ana.words


def test_somebody_in_between_without_the_secret_is_caught_without_words() -> None:
    ana, mallory = talk(
        anas(their_fingerprint=MALLORYS_CERTIFICATE, secret=SECRET),
        bens(identity=MALLORY, our_fingerprint=MALLORYS_CERTIFICATE, secret=b"a guess"),
    )
    assert failures(ana, mallory) == ["identity", "identity"]


def test_a_nonce_chosen_after_seeing_the_other_one_is_refused() -> None:
    """To search for matching words Mallory would have to choose her nonce, or her key, last."""
    ana, _ = talk(anas(), bens(identity=MALLORY), to_ana=replacing(nonce=b"X" * 32))
    assert (ana.failure.code, len(ana.sent)) == ("identity", 2)
    assert "committed" in ana.failure.reason


def test_a_commitment_does_not_open_for_another_key() -> None:
    ana, _ = talk(anas(), bens(), to_ana=replacing(key=MALLORY.public))
    assert ana.failure.code == "identity"
    assert "committed" in ana.failure.reason


def test_a_nonce_is_not_shown_before_the_peer_has_committed() -> None:
    ana = Side(anas())
    ana.start()
    ana.hears(frames.Reveal(b"X" * 32))
    assert ana.failure.code == "protocol"
    assert not any(isinstance(frame, frames.Reveal) for frame in ana.sent)


# --- recorded, reflected, mixed up


def test_a_recorded_conversation_is_worth_nothing_later() -> None:
    _, recorded = talk(anas(), bens())
    ana = Side(anas(nonce=b"C" * 32))
    ana.start()
    for frame in recorded.sent:
        ana.hears(frame)
    assert ana.failure.code == "identity"


@pytest.mark.parametrize("flight", [0, 1, 2])
def test_one_recorded_flight_is_worth_nothing_either(flight: int) -> None:
    _, recorded = talk(anas(), bens(nonce=b"C" * 32))

    def replayed(frame: frames.HandshakeFrame) -> frames.HandshakeFrame:
        return recorded.sent[flight] if type(frame) is type(recorded.sent[flight]) else frame

    ana, _ = talk(anas(), bens(), to_ana=replayed)
    assert ana.failure.code == "identity"


def test_what_we_say_cannot_be_sent_back_to_us() -> None:
    ana = Side(anas(their_fingerprint=ANAS_CERTIFICATE))
    ana.start()
    for flight in range(2):
        ana.hears(ana.sent[flight])
    assert failures(ana) == ["identity"]
    assert len(ana.sent) == 2, "she proves nothing to herself"


def test_another_terminal_of_the_same_profile_is_a_peer_like_any_other() -> None:
    one, other = talk(anas(), bens(identity=ANA))
    assert (one.key, other.key) == (ANA.public, ANA.public)
    assert one.words == other.words


def test_two_links_of_the_same_profile_cannot_be_joined_by_somebody_in_between() -> None:
    one, other = talk(anas(their_fingerprint=MALLORYS_CERTIFICATE), bens(identity=ANA, their_fingerprint=b"n" * 32))
    assert failures(one, other) == ["identity", "identity"]


def test_a_commitment_of_ours_cannot_be_used_by_another_key() -> None:
    ana = Side(anas())
    ana.start()
    ana.hears(msgspec.structs.replace(ana.sent[0], key=MALLORY.public))
    ana.hears(ana.sent[1])
    assert ana.failure.code == "identity"


@pytest.mark.parametrize("role", ["offer", "answer"])
def test_two_ends_with_the_same_role_do_not_come_together(role: Role) -> None:
    assert failures(*talk(anas(role=role), bens(role=role))) == ["identity", "identity"]


def test_two_ends_with_exchanged_roles_are_two_ends_all_the_same() -> None:
    """Glare is settled before; what matters is that the two agree, and that it is another link than the other way."""
    ana, ben = talk(anas(role="answer"), bens(role="offer"))
    assert ana.words == ben.words != talk(anas(), bens())[0].words


def test_a_proof_of_one_role_is_no_proof_of_the_other() -> None:
    """Even where everything else is the same, the signature that Ana made as offerer does not fit an answerer."""
    ana, ben = talk(anas(), bens())
    proof = ana.sent[2]
    assert isinstance(proof, frames.Proof)
    machine = ben.machine
    assert verify(ANA.public, proof.signature, machine._signed("offer"))
    assert not verify(ANA.public, proof.signature, machine._signed("answer"))
    assert machine._mac("offer") != machine._mac("answer")


def test_another_room_fails() -> None:
    assert failures(*talk(anas(room="lab"), bens(room="den"))) == ["identity", "identity"]


@pytest.mark.parametrize("other", [b"", b"sixteen bytes no", SECRET + b"\0"])
def test_another_secret_fails_and_says_so(other: bytes) -> None:
    ana, ben = talk(anas(secret=SECRET), bens(secret=other))
    assert failures(ana, ben) == ["identity", "identity"]
    assert ana.failure.reason == ben.failure.reason == "the peer does not know the same secret"


# --- what breaks the rules


def test_another_version_is_refused_with_both_numbers() -> None:
    ana, ben = talk(anas(), bens(), to_ana=replacing(version=2))
    assert ana.failure == Failed("version", "the peer speaks version 2 of the handshake, we speak 1")
    assert ben.key is None
    assert len(ana.sent) == 1, "nothing more is said to it"


def test_a_key_for_which_anybody_can_sign_is_refused() -> None:
    ana, _ = talk(anas(), bens(), to_ana=replacing(key=(1).to_bytes(32, "little")))
    assert ana.failure == Failed("identity", "the peer's key cannot be used")


@pytest.mark.parametrize("flight", [0, 1, 2])
def test_a_repeated_frame_ends_the_handshake(flight: int) -> None:
    _, ben = talk(anas(), bens())
    ana = Side(anas())
    ana.start()
    for frame in [*ben.sent[: flight + 1], ben.sent[flight]]:
        ana.hears(frame)
    assert isinstance(ana.told[-1], Failed)
    assert ana.told[-1].code == "protocol"
    assert ana.machine.state is State.FAILED


@pytest.mark.parametrize("order", [(1,), (2,), (0, 2)])
def test_a_frame_out_of_order_ends_the_handshake(order: tuple[int, ...]) -> None:
    _, ben = talk(anas(), bens())
    ana = Side(anas())
    ana.start()
    for flight in order:
        ana.hears(ben.sent[flight])
    assert failures(ana) == ["protocol"]


def test_a_frame_before_our_own_start_ends_the_handshake() -> None:
    ana = Side(anas())
    ana.hears(frames.Commit(1, BEN.public, bytes(32)))
    assert failures(ana) == ["protocol"]


@pytest.mark.parametrize("early", [frames.Hello([1], "ben"), frames.Message("00ff00ff", "hi", 1.0)])
def test_any_other_frame_before_the_end_of_the_handshake_ends_it(early: frames.AnyFrame) -> None:
    ana = Side(anas())
    ana.start()
    ana.hears(early)
    assert failures(ana) == ["protocol"]


def test_after_a_failure_nothing_helps_any_more() -> None:
    _, ben = talk(anas(), bens())
    ana = Side(anas())
    ana.start()
    for frame in [ben.sent[1], *ben.sent]:
        ana.hears(frame)
    assert failures(ana) == ["protocol"]


@pytest.mark.parametrize("wrong", [{"our_fingerprint": b""}, {"their_fingerprint": bytes(20)}, {"nonce": bytes(8)}])
def test_a_caller_cannot_leave_out_what_the_proof_rests_on(wrong: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        anas(**wrong)


# --- properties

TO_ANA = talk(anas(secret=SECRET), bens(secret=SECRET))[1].sent
"""What Ben says to Ana when nobody interferes."""


def every_bit() -> Iterator[tuple[int, str, int]]:
    for flight, frame in enumerate(TO_ANA):
        for field in frame.__struct_fields__:
            value = getattr(frame, field)
            yield from ((flight, field, bit) for bit in range(32 if isinstance(value, int) else 8 * len(value)))


def flipped(frame: frames.HandshakeFrame, field: str, bit: int) -> frames.HandshakeFrame:
    value = getattr(frame, field)
    if isinstance(value, int):
        return msgspec.structs.replace(frame, **{field: value ^ 1 << bit})
    number = int.from_bytes(value, "big") ^ 1 << bit
    return msgspec.structs.replace(frame, **{field: number.to_bytes(len(value), "big")})


@given(st.sampled_from(list(every_bit())))
def test_every_single_bit_counts(place: tuple[int, str, int]) -> None:
    flight, field, bit = place
    ana = Side(anas(secret=SECRET))
    ana.start()
    for number, frame in enumerate(TO_ANA):
        ana.hears(flipped(frame, field, bit) if number == flight else frame)
    assert failures(ana) == ["version" if field == "version" else "identity"]


hostile = st.one_of(
    st.sampled_from(SAMPLES),
    st.sampled_from(TO_ANA),
    st.builds(frames.Commit, st.integers(0, 2**32), st.binary(max_size=40), st.binary(max_size=40)),
    st.builds(frames.Commit, st.just(1), st.just(BEN.public), st.binary(max_size=40)),
    st.builds(frames.Reveal, st.binary(max_size=40)),
    st.builds(frames.Proof, st.binary(max_size=70), st.binary(max_size=40)),
)


@pytest.mark.nightly
@given(st.lists(hostile, max_size=8))
def test_no_frames_raise_and_only_the_right_ones_in_order_convince(received: list[frames.AnyFrame]) -> None:
    ana = Side(anas(secret=SECRET))
    ana.start()
    for frame in received:
        ana.hears(frame)
    assert (ana.key is not None) is (received[:3] == TO_ANA)
    assert sum(isinstance(told, Failed) for told in ana.told) <= 1


def test_all_flights_pass_the_wire() -> None:
    assert [decode(encode(frame)) for frame in TO_ANA] == TO_ANA
