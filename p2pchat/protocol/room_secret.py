"""The secret of a room: what its members share and its server never sees.

A secret has 128 bits. People pass it on as a token of 32 characters, in an invite link or a file. They may also agree
on a passphrase, which is stretched into 128 bits; a good one is still better than a short one.

The server sees a room under a name that is derived from its real name and the secret, and tells nothing about either.
What is signaled inside is sealed with the secret (`p2pchat.protocol.sealing`).
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from typing import Final

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from p2pchat.errors import UsageError
from p2pchat.protocol.derivation import derive, framed
from p2pchat.protocol.limits import ROOM_SECRET_BYTES

ROOM_ID_PREFIX: Final = "sealed-"
"""How the name of every room with a secret begins at the server. What follows are 160 bits in base32."""

SCRYPT_N: Final = 2**17
"""Cost of stretching a passphrase: 128 MiB of memory (with r = 8) and about half a second, once for each room that is
joined. It is what OWASP's "Password Storage Cheat Sheet" asks for at least; whoever tries passphrases against the name
of a room pays the same for each."""

SCRYPT_R: Final = 8
SCRYPT_P: Final = 1

_ROOM_ID_BYTES: Final = 20
_CHECK_BYTES: Final = 4
_TOKEN: Final = re.compile(r"[a-z2-7]{32}")
_HINT: Final = "copy the whole secret once more; nothing may be missing or added"


def secret_token(secret: bytes) -> str:
    """Returns a secret of `ROOM_SECRET_BYTES` as people pass it on: 32 characters of base32 in lower case.

    The last 32 bits are a checksum, so that a typing error leads to a message and not into an empty room.
    """
    return base64.b32encode(secret + _check(secret)).decode().lower()


def parse_token(text: str) -> bytes:
    """Reads a token; capital letters are understood.

    Raises:
        UsageError: it is none, or was copied with an error. The message does not hold it.
    """
    text = text.strip().lower()
    if not _TOKEN.fullmatch(text):
        raise UsageError("the room's secret is not 32 letters and digits", _HINT)
    decoded = base64.b32decode(text.upper())
    secret, check = decoded[:ROOM_SECRET_BYTES], decoded[ROOM_SECRET_BYTES:]
    if check != _check(secret):
        raise UsageError("the room's secret was copied with an error", _HINT)
    return secret


def read_secret(text: str, room: str) -> bytes:
    """Returns the secret that a person gives for a room: a token, or a passphrase of any kind.

    A passphrase is stretched with scrypt (RFC 7914), which takes about half a second and 128 MiB: call it on a thread
    where that matters. The room's name is the salt: it is what both sides know, and a list of tried passphrases made
    for one room is of no use for another. White space at both ends does not count.

    Raises:
        UsageError: it is empty, or a token with an error in it.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    if not text:
        raise UsageError("the room's secret is empty", "give a passphrase of several words, or the secret of an invite")
    if _TOKEN.fullmatch(text):
        return parse_token(text)
    salt = framed("p2pchat room passphrase", "1", room)
    stretch = Scrypt(salt=salt, length=ROOM_SECRET_BYTES, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    return stretch.derive(text.encode())


def room_id(room: str, secret: bytes) -> str:
    """Returns the name under which the server knows a room with a secret.

    Args:
        room: its name among people.
        secret: `ROOM_SECRET_BYTES`.

    Returns:
        `sealed-` and 32 characters of base32. Neither argument can be worked out from it.
    """
    digest = derive(secret, "p2pchat room name", "1", room, length=_ROOM_ID_BYTES)
    return ROOM_ID_PREFIX + base64.b32encode(digest).decode().lower()


def _check(secret: bytes) -> bytes:
    return hashlib.sha256(framed("p2pchat room token", "1", secret)).digest()[:_CHECK_BYTES]
