"""The room of two contacts: both find it, and nobody else does."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.errors import IdentityError
from p2pchat.protocol.contact_room import agreement_private, agreement_public, contact_room
from p2pchat.protocol.identity import Identity
from p2pchat.protocol.limits import ROOM_SECRET_BYTES

SEEDS = st.binary(min_size=32, max_size=32)

ANA = Identity.from_seed(bytes(range(32)))
BEN = Identity.from_seed(bytes(range(32, 64)))

NAME = "sealed-whpawelvny5tcli3jojmv7yz4flpaupa"
SECRET = "c8dc9140304a7e3bcea3259292aa8fce"

SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
]


def test_keys_are_taken_over_to_the_other_curve_as_libsodium_does() -> None:
    # The vector of `crypto_sign_ed25519_pk_to_curve25519` in libsodium's test `ed25519_convert`.
    seed = bytes.fromhex("421151a459faeade3d247115f94aedae42318124095afabe4d1451a559faedee")
    public = agreement_public(Identity.from_seed(seed).public)
    private = agreement_private(seed)
    assert public.hex() == "f1814f0e8ff1043d8a44d25babff3cedcae6c22c3edaa48f857ae70de2baae50"
    assert X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw() == public


def test_what_is_derived_stays_what_it_is() -> None:
    room = contact_room(ANA, BEN.public)
    assert (room.name, room.secret.hex()) == (NAME, SECRET)
    assert SECRET not in repr(room)


@given(SEEDS, SEEDS, SEEDS)
@settings(max_examples=50)
def test_both_find_the_same_room_and_a_third_finds_another(one: bytes, two: bytes, three: bytes) -> None:
    ours, theirs, third = map(Identity.from_seed, (one, two, three))
    if len({one, two, three}) < 3:
        return
    room = contact_room(ours, theirs.public)
    assert room == contact_room(theirs, ours.public)
    assert len(room.secret) == ROOM_SECRET_BYTES
    for other in (contact_room(third, theirs.public), contact_room(third, ours.public)):
        assert other.name != room.name
        assert other.secret != room.secret


@pytest.mark.parametrize("key", [*map(bytes.fromhex, SMALL_ORDER), bytes(31), b"\xff" * 32, ANA.public])
def test_a_key_that_anybody_could_agree_with_or_that_is_ours_is_refused(key: bytes) -> None:
    with pytest.raises(IdentityError):
        contact_room(ANA, key)
