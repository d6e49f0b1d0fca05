"""Safety words: a few words that two people compare over a way they trust, to know that nobody sits in between.

They are words of BIP-39's English list, as in codes: 2,048 common ones, each told apart by its first four letters.
"""

from __future__ import annotations

from typing import Final

from p2pchat.protocol.codes import word_list
from p2pchat.protocol.derivation import derive
from p2pchat.protocol.limits import SAFETY_WORDS

_BITS: Final = 11
"""What one word says: 2,048 is 2^11."""

_BYTES: Final = -(-_BITS * SAFETY_WORDS // 8)


def safety_words(transcript: bytes) -> tuple[str, ...]:
    """Returns the words of a handshake: the same at both ends, in the same order.

    Args:
        transcript: the hash over all that was said, with both DTLS fingerprints (`p2pchat.protocol.handshake`).
    """
    number = int.from_bytes(derive(transcript, "p2pchat safety words", "1", length=_BYTES), "big")
    words = word_list()
    return tuple(words[number >> _BITS * place & (len(words) - 1)] for place in range(SAFETY_WORDS))
