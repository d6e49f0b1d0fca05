"""Long-term identity: an Ed25519 key pair (RFC 8032), and the short tag by which people tell two keys apart.

A tag is a label and proves nothing: 40 bits can be matched by somebody who tries enough keys. Who a peer is, the
handshake proves (`p2pchat.protocol.handshake`), and people verify by its safety words.
"""

from __future__ import annotations

from base64 import b32encode
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from p2pchat.protocol.derivation import framed
from p2pchat.protocol.limits import KEY_BYTES, PEER_ID_CHARACTERS

_FIELD: Final = 2**255 - 19
"""The prime of the field (RFC 8032 §5.1); coordinates are below it."""

_OF_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER: Final = frozenset({0, 1, _FIELD - 1, _OF_ORDER_8, _FIELD - _OF_ORDER_8})
"""The y coordinates of the eight points of order 1, 2, 4 and 8. OpenSSL takes them for keys, and anybody can sign for
them without knowing a secret."""


class Identity:
    """A key pair. Its `repr` shows the tag and never the seed."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        """The public key: 32 bytes."""
        self.tag = key_tag(self.public)

    @classmethod
    def from_seed(cls, seed: bytes) -> Identity:
        """Makes the key pair of a seed.

        Args:
            seed: 32 bytes that nobody can guess; the same seed gives the same key pair.

        Raises:
            ValueError: the seed is not 32 bytes long.
        """
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def seed(self) -> bytes:
        """The secret from which the key pair is made: 32 bytes. Whoever has it is this identity."""
        return self._private.private_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Returns the signature of a message: 64 bytes. The message must begin with a label of its purpose."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"Identity({self.tag})"


def key_tag(public: bytes) -> str:
    """Returns the tag of a public key: eight characters of base32 in lower case, of which front ends show four."""
    digest = sha256(framed("p2pchat key tag", "1", public)).digest()
    return b32encode(digest).decode().lower()[:PEER_ID_CHARACTERS]


def is_usable_key(public: bytes) -> bool:
    """Whether this may be a public key: 32 bytes, written in the one canonical way, and not of small order.

    That the point lies on the curve shows only when a signature is verified (`cryptography` decodes it then).
    """
    if len(public) != KEY_BYTES:
        return False
    y = int.from_bytes(public, "little") & (2**255 - 1)
    return y < _FIELD and y not in _SMALL_ORDER


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the owner of a public key signed this message. Nothing is raised, whatever the bytes."""
    if not is_usable_key(public):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
