"""Sealed signaling between two peers, and what becomes of it in other hands."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol.limits import SDP_BYTES, SEALED_BYTES, SIGNALING_MESSAGE_BYTES
from p2pchat.protocol.sealing import SEALING_NONCE_BYTES, Sealer, SealError
from p2pchat.protocol.signaling import Relay, Relayed, encode

ANA, BEN, EVA = "anaanaaa", "benbenbb", "evaevaee"
SECRET = hashlib.sha256(b"secret").digest()
NONCE = bytes(range(SEALING_NONCE_BYTES))
OFFER = {"generation": 3, "kind": "offer", "sdp": "v=0\r\no=- 1 1 IN IP4 192.0.2.17\r\n", "reason": ""}


def sealers(secret: bytes = SECRET, room: str = "lab") -> tuple[Sealer, Sealer]:
    return Sealer(secret, room, ANA, BEN), Sealer(secret, room, BEN, ANA)


def test_what_one_seals_the_other_opens() -> None:
    ana, ben = sealers()
    assert ben.open(ana.seal(OFFER, NONCE)) == OFFER
    assert ana.open(ben.seal(OFFER, NONCE)) == OFFER


def test_the_server_sees_a_generation_and_nothing_else() -> None:
    ana, _ = sealers()
    sealed = ana.seal(OFFER, NONCE)
    assert sealed.keys() == {"sealed", "generation"}
    assert sealed["generation"] == 3
    visible = base64.b64decode(sealed["sealed"])
    assert b"192.0.2.17" not in visible
    assert b"offer" not in visible


def test_bodies_of_about_one_length_are_sealed_to_the_same_length() -> None:
    ana, _ = sealers()
    lengths = {len(ana.seal({**OFFER, "kind": kind, "sdp": "x" * size}, NONCE)["sealed"]) for kind, size in VARIANTS}
    assert len(lengths) == 1


VARIANTS = [("offer", 1600), ("answer", 1600), ("offer", 1700), ("answer", 1900)]


def test_the_same_body_is_never_sealed_to_the_same_text() -> None:
    ana, ben = sealers()
    texts = {ana.seal(OFFER, NONCE)["sealed"], ana.seal(OFFER, NONCE[::-1])["sealed"], ben.seal(OFFER, NONCE)["sealed"]}
    assert len({text[16:] for text in texts}) == 3


def test_nobody_else_opens_it() -> None:
    ana, _ = sealers()
    sealed = ana.seal(OFFER, NONCE)
    others = {
        "its author, to whom it was sent back": ana,
        "somebody without the secret": sealers(hashlib.sha256(b"guess").digest())[1],
        "another room with the same secret": sealers(room="kitchen")[1],
        "another receiver": Sealer(SECRET, "lab", EVA, ANA),
        "the receiver, who takes it for another's": Sealer(SECRET, "lab", BEN, EVA),
    }
    for who, sealer in others.items():
        with pytest.raises(SealError):
            pytest.fail(f"{who} opened {sealer.open(sealed)}")


def test_fields_cannot_be_pushed_into_one_another() -> None:
    sealed = Sealer(SECRET, "lab", "anab", "en").seal(OFFER, NONCE)
    with pytest.raises(SealError):
        Sealer(SECRET, "lab", "ben", "ana").open(sealed)


def test_another_generation_beside_it_is_noticed() -> None:
    ana, ben = sealers()
    with pytest.raises(SealError):
        ben.open({**ana.seal(OFFER, NONCE), "generation": 4})


def test_a_replay_opens_for_the_negotiation_to_drop() -> None:
    ana, ben = sealers()
    sealed = ana.seal(OFFER, NONCE)
    assert ben.open(sealed) == ben.open(sealed)


@pytest.mark.nightly
@given(st.integers(0), st.integers(1, 255))
def test_a_changed_byte_is_always_noticed(position: int, change: int) -> None:
    ana, ben = sealers()
    sealed = ana.seal(OFFER, NONCE)
    data = bytearray(base64.b64decode(sealed["sealed"]))
    data[position % len(data)] ^= change
    with pytest.raises(SealError):
        ben.open({**sealed, "sealed": base64.b64encode(data).decode()})


@pytest.mark.nightly
@given(st.integers(0, 719))
def test_what_is_cut_short_is_noticed(length: int) -> None:
    ana, ben = sealers()
    sealed = ana.seal(OFFER, NONCE)
    assert len(sealed["sealed"]) == 720
    with pytest.raises(SealError):
        ben.open({**sealed, "sealed": sealed["sealed"][:length]})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.nightly
@given(values | st.fixed_dictionaries({"sealed": values | st.text("AZaz09+/=", max_size=99), "generation": values}))
def test_nonsense_is_refused_and_nothing_else_is_raised(body: Any) -> None:
    with pytest.raises(SealError):
        sealers()[1].open(body)


@pytest.mark.nightly
@given(st.integers(1, 2**53 - 1), st.dictionaries(st.text(max_size=9), st.text(max_size=900), max_size=4))
def test_every_body_comes_out_as_it_went_in(generation: int, fields: dict[str, str]) -> None:
    ana, ben = sealers()
    body = {**fields, "generation": generation}
    assert ben.open(ana.seal(body, NONCE)) == body


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b'{"generation":4}', b"{}", b'"x"', b"\xff", b"[" * 40_000, b'{"generation":3', b"null"]
)
def test_what_a_member_seals_is_checked_as_well(content: bytes) -> None:
    """A member of the room has the secret and can seal anything."""
    ana, ben = sealers()
    padded = len(content).to_bytes(4, "big") + content
    sealed = NONCE + ana._outgoing.seal(padded, NONCE, 3)
    with pytest.raises(SealError):
        ben.open({"sealed": base64.b64encode(sealed).decode(), "generation": 3})


def test_a_member_that_lies_about_the_length_is_refused() -> None:
    ana, ben = sealers()
    padded = (2**32 - 1).to_bytes(4, "big") + b'{"generation":3,'
    sealed = NONCE + ana._outgoing.seal(padded, NONCE, 3)
    with pytest.raises(SealError):
        ben.open({"sealed": base64.b64encode(sealed).decode(), "generation": 3})


def test_the_longest_session_description_fits_and_one_that_does_not_is_refused_at_once() -> None:
    ana, ben = sealers()
    line = "a=candidate:1 1 udp 2130706431 192.0.2.17 50000 typ host\r\n"
    longest = {**OFFER, "sdp": (line * (SDP_BYTES // len(line) + 1))[:SDP_BYTES]}
    sealed = ana.seal(longest, NONCE)
    assert ben.open(sealed) == longest
    with pytest.raises(SealError, match="bytes"):
        ana.seal({**OFFER, "sdp": "x" * SEALED_BYTES}, NONCE)


def test_the_longest_sealed_body_fits_a_signaling_message() -> None:
    ana, ben = sealers()
    overhead = len(json.dumps({"generation": 2**53 - 1, "sdp": ""}, separators=(",", ":"))) + 4
    body = {"generation": 2**53 - 1, "sdp": "x" * (SEALED_BYTES - overhead)}
    sealed = ana.seal(body, NONCE)
    assert len(encode(Relay(BEN, sealed, 2**53))) <= SIGNALING_MESSAGE_BYTES
    assert len(encode(Relayed(ANA, sealed))) <= SIGNALING_MESSAGE_BYTES
    assert ben.open(sealed) == body
