"""Signaling that the server cannot read: bodies of `relay`, sealed between two peers who share a secret.

Rules
    1. ChaCha20-Poly1305 (RFC 8439). Each direction between two peers has a key of its own, derived from the secret, the
       room, the sender and the receiver: what is sent back to its author, or on to a third one, does not open.
    2. The generation stands beside what is sealed, for whoever follows a conversation, and is bound to it: it is in the
       associated data, and inside.
    3. What is sealed is padded, so that its length does not tell an offer from an answer.
    4. A replay opens. It is the negotiation that drops it: an offer that is not newer than the last one, and an answer
       of another generation than the open offer's, count for nothing (`p2pchat.protocol.negotiation`).

Nonces are random, 96 bits, from the caller. A counter would have to outlive reconnections; chance does not: peer ids
are chosen anew for each run, so one key seals a few messages for each link that is made, and even of a million of them
two have the same nonce once in 2**57.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from msgspec import Meta, Struct

from p2pchat.protocol.derivation import derive, framed
from p2pchat.protocol.limits import SEALED_BLOCK_BYTES, SEALED_BYTES

PURPOSE: Final = "p2pchat sealed signaling"
VERSION: Final = "1"

SEALING_NONCE_BYTES: Final = 12
"""Length of a nonce (RFC 8439 §2.8)."""

_TAG_BYTES: Final = 16
_LENGTH_BYTES: Final = 4
_BASE64_CHARACTERS: Final = (SEALING_NONCE_BYTES + SEALED_BYTES + _TAG_BYTES + 2) // 3 * 4


class SealError(ValueError):
    """This was not sealed for us by that peer. Its text holds nothing of what was received."""


class _Sealed(Struct, frozen=True):
    sealed: Annotated[str, Meta(max_length=_BASE64_CHARACTERS)]
    generation: Annotated[int, Meta(ge=1, lt=2**53)]


class Sealer:
    """Seals what we signal to one peer, and opens what that peer signals to us.

    Args:
        secret: what only the two of us know, or only the members of the room: `Paired.secret` or a room's secret.
        room: the name of the room, as both sides know it.
        us: our peer id.
        them: the peer's.
    """

    def __init__(self, secret: bytes, room: str, us: str, them: str) -> None:
        self._outgoing = _Direction(secret, room, us, them)
        self._incoming = _Direction(secret, room, them, us)

    def seal(self, body: dict[str, Any], nonce: bytes) -> dict[str, Any]:
        """Returns the body to relay in place of this one.

        Args:
            body: JSON values, with a `generation` of 1 or more.
            nonce: `SEALING_NONCE_BYTES` random bytes, never used twice.

        Raises:
            SealError: the body is longer than `SEALED_BYTES` allows.
        """
        generation = int(body["generation"])
        sealed = nonce + self._outgoing.seal(_padded(msgspec.json.encode(body)), nonce, generation)
        return {"sealed": base64.b64encode(sealed).decode(), "generation": generation}

    def open(self, body: Any) -> dict[str, Any]:
        """Returns what the peer sealed.

        Args:
            body: as it came out of JSON, whatever it is.

        Raises:
            SealError: it was not sealed with our secret, by that peer, for us, with this generation; or is no JSON
                object. Nothing else is raised.
        """
        try:
            envelope = msgspec.convert(body, _Sealed)
            sealed = base64.b64decode(envelope.sealed, validate=True)
            padded = self._incoming.open(
                sealed[SEALING_NONCE_BYTES:], sealed[:SEALING_NONCE_BYTES], envelope.generation
            )
            opened = msgspec.json.decode(_unpadded(padded))
        except (msgspec.DecodeError, binascii.Error, InvalidTag, ValueError, RecursionError):
            raise SealError("a sealed signal does not open") from None
        if not isinstance(opened, dict) or opened.get("generation") != envelope.generation:
            raise SealError("a sealed signal holds no body of its generation")
        return opened


class _Direction:
    """From one peer to another."""

    def __init__(self, secret: bytes, room: str, sender: str, receiver: str) -> None:
        self._context = (PURPOSE, VERSION, room, sender, receiver)
        self._cipher = ChaCha20Poly1305(derive(secret, *self._context))

    def seal(self, padded: bytes, nonce: bytes, generation: int) -> bytes:
        return self._cipher.encrypt(nonce, padded, self._bound_to(generation))

    def open(self, sealed: bytes, nonce: bytes, generation: int) -> bytes:
        return self._cipher.decrypt(nonce, sealed, self._bound_to(generation))

    def _bound_to(self, generation: int) -> bytes:
        return framed(*self._context, str(generation))


def _padded(data: bytes) -> bytes:
    """The length in 4 bytes, big-endian, the data, and zeros up to a multiple of `SEALED_BLOCK_BYTES`."""
    padded = len(data).to_bytes(_LENGTH_BYTES, "big") + data
    padded += bytes(-len(padded) % SEALED_BLOCK_BYTES)
    if len(padded) > SEALED_BYTES:
        raise SealError(f"a body may have {SEALED_BYTES - _LENGTH_BYTES} bytes")
    return padded


def _unpadded(padded: bytes) -> bytes:
    length = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    return padded[_LENGTH_BYTES : _LENGTH_BYTES + length]
