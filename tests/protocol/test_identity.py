"""Key pairs, tags, and keys that are refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol import signaling
from p2pchat.protocol.identity import Identity, is_usable_key, key_tag, verify

ANA = Identity.from_seed(b"a" * 32)
BEN = Identity.from_seed(b"b" * 32)

P = 2**255 - 19
NEUTRAL_SIGNATURE = (1).to_bytes(32, "little") + bytes(32)
"""The neutral point and zero: with a key of small order it fits every message, or one in eight."""

# The points of small order as their y coordinate, with the sign of x as the highest bit.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]


def test_a_seed_gives_the_key_pair_of_rfc_8032() -> None:
    # RFC 8032 §7.1, test 1
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    identity = Identity.from_seed(seed)
    assert (identity.public, identity.seed, identity.sign(b"")) == (public, seed, signature)
    assert verify(public, signature, b"")


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33)])
def test_a_seed_of_another_length_is_refused(seed: bytes) -> None:
    with pytest.raises(ValueError, match="32"):
        Identity.from_seed(seed)


def test_a_tag_has_the_shape_of_a_peer_id_and_stays_the_same() -> None:
    assert ANA.tag == key_tag(ANA.public) == "lkbexf4x"
    assert BEN.tag != ANA.tag
    assert re.match(signaling.PeerId.__metadata__[0].pattern, ANA.tag)  # type: ignore[attr-defined]


def test_printing_an_identity_does_not_show_its_seed() -> None:
    assert repr(ANA) == str(ANA) == f"Identity({ANA.tag})"


def test_only_the_owner_signs_and_only_for_that_message() -> None:
    signature = ANA.sign(b"hello")
    assert verify(ANA.public, signature, b"hello")
    assert not verify(ANA.public, signature, b"hello!")
    assert not verify(BEN.public, signature, b"hello")


@pytest.mark.parametrize("key", map(bytes.fromhex, SMALL_ORDER), ids=bytes.hex)
def test_a_key_for_which_anybody_can_sign_is_refused(key: bytes) -> None:
    assert not is_usable_key(key)
    assert not any(verify(key, NEUTRAL_SIGNATURE, bytes([number])) for number in range(100))


@pytest.mark.parametrize("y", [P, P + 1, P + 3, 2**255 - 1])
def test_a_key_written_in_a_second_way_is_refused(y: int) -> None:
    assert not is_usable_key(y.to_bytes(32, "little"))


def test_what_is_no_point_of_the_curve_verifies_nothing() -> None:
    assert not verify((2).to_bytes(32, "little"), NEUTRAL_SIGNATURE, b"")


@given(st.binary(min_size=32, max_size=32))
def test_no_key_that_is_made_from_a_seed_is_refused(seed: bytes) -> None:
    assert is_usable_key(Identity.from_seed(seed).public)


@given(st.binary(max_size=40), st.binary(max_size=70), st.binary(max_size=10))
def test_arbitrary_bytes_verify_nothing_and_raise_nothing(key: bytes, signature: bytes, message: bytes) -> None:
    assert verify(key, signature, message) is False
    assert verify(ANA.public, signature, message) is False
