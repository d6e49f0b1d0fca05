"""The room that two contacts have for themselves: both work it out from their long-term keys, and nobody else can.

    our private key, their public key  ──X25519──>  shared secret  ──HKDF──>  name of the room, secret of the room

The keys are Ed25519 keys, taken over to Curve25519 (RFC 7748 section 4.1). That one key pair signs and agrees on
secrets is sound for these two schemes (Thormarker, "On using the same key pair for Ed25519 and an X25519 based KEM",
2021). The room is one with a secret (`p2pchat.protocol.room_secret`), and looks like any other to the server. It stays
the same for two keys: a server can tell that the two who met there today are those who met there yesterday.

Knowing the room admits nobody: who comes has to prove its key (`p2pchat.protocol.handshake`).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from p2pchat.errors import IdentityError
from p2pchat.protocol.derivation import derive
from p2pchat.protocol.identity import Identity, is_usable_key
from p2pchat.protocol.limits import ROOM_SECRET_BYTES
from p2pchat.protocol.room_secret import ROOM_ID_PREFIX

_FIELD: Final = 2**255 - 19
"""The prime of the field of both curves."""

_SIGN: Final = 2**255 - 1
"""Takes the bit away that says which of two points with one y coordinate is meant."""

_NAME_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class ContactRoom:
    """Where two contacts meet."""

    name: str
    """Its name at the server: `sealed-` and 32 characters of base32, which say nothing."""
    secret: bytes = field(repr=False)
    """`ROOM_SECRET_BYTES` that seal what is signaled in it."""


def contact_room(ours: Identity, theirs: bytes) -> ContactRoom:
    """Returns the room of two keys; the owner of the other one gets the same.

    Args:
        ours: our key pair.
        theirs: the public key of the contact, 32 bytes.

    Raises:
        IdentityError: `theirs` is no usable key, or gives a secret that anybody could have.
    """
    if not is_usable_key(theirs) or theirs == ours.public:
        raise IdentityError("this key cannot be met", "it is damaged, or our own")
    try:
        shared = X25519PrivateKey.from_private_bytes(agreement_private(ours.seed)).exchange(
            X25519PublicKey.from_public_bytes(agreement_public(theirs))
        )
    except ValueError:  # the result is all zeros: a point of small order (RFC 7748 section 6.1)
        raise IdentityError("this key cannot be met", "it is damaged") from None
    both = sorted((ours.public, theirs))
    name = derive(shared, "p2pchat contact room name", "1", *both, length=_NAME_BYTES)
    secret = derive(shared, "p2pchat contact room secret", "1", *both, length=ROOM_SECRET_BYTES)
    return ContactRoom(ROOM_ID_PREFIX + base64.b32encode(name).decode().lower(), secret)


def agreement_private(seed: bytes) -> bytes:
    """Returns the X25519 private key of an Ed25519 seed: the first half of its SHA-512 (RFC 8032 section 5.1.5).

    X25519 clamps it as Ed25519 does.
    """
    return hashlib.sha512(seed).digest()[:32]


def agreement_public(public: bytes) -> bytes:
    """Returns the X25519 public key of an Ed25519 public key: u = (1 + y) / (1 - y) (RFC 7748 section 4.1)."""
    y = int.from_bytes(public, "little") & _SIGN
    u = (1 + y) * pow(1 - y, -1, _FIELD) % _FIELD
    return u.to_bytes(32, "little")
