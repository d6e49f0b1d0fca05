"""Keys from keys: HKDF over fields that cannot be confused with one another.

Every key of codes, rooms and sealed signaling is derived here. The fields begin with a purpose, so that a key made for
one thing is never the key of another, and each is preceded by its length, so that `("ab", "c")` and `("a", "bc")` are
different.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DERIVED_BYTES: Final = 32
"""Length of a derived key: 256 bits, what ChaCha20-Poly1305 takes and HMAC-SHA256 gives."""


def framed(*fields: str | bytes) -> bytes:
    """Returns the fields as one byte string that no other sequence of fields gives.

    Each is preceded by its length in bytes, as 8 bytes, big-endian. Text is UTF-8.
    """
    encoded = [field.encode() if isinstance(field, str) else field for field in fields]
    return b"".join(len(field).to_bytes(8, "big") + field for field in encoded)


def derive(secret: bytes, *fields: str | bytes, length: int = DERIVED_BYTES) -> bytes:
    """Derives a key: HKDF-SHA256 (RFC 5869) without salt, with the framed fields as `info`.

    Args:
        secret: key material of at least 128 bits that nobody else can guess; a passphrase is stretched first.
        fields: what the key is for, beginning with a purpose, and everything that it is bound to.
        length: bytes of the result.
    """
    return HKDF(SHA256(), length, salt=None, info=framed(*fields)).derive(secret)
