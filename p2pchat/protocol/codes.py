"""One-time codes: `7-marble-tunnel-oyster`.

The number says which mailbox of the server to meet in; the server sees it and nothing else. The words are a password
that two people say to each other and their programs never send, in any form (`p2pchat.protocol.pairing`). Three of
2,048 words are 33 bits: whoever has one guess gets in once in 8.6 thousand million codes.

The words are those of BIP-39, from the `mnemonic` package: no two begin with the same four letters, so four are enough.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Self

from mnemonic import Mnemonic

from p2pchat.errors import UsageError
from p2pchat.protocol.limits import CODE_WORDS, MAILBOXES
from p2pchat.protocol.untrusted import safe_line, safe_text

ENTROPY_BYTES: Final = 5
"""Random bytes for the words of one code: 40 bits, of which 33 are used."""

UNIQUE_LETTERS: Final = 4
"""Letters after which a word of the list is known (BIP-39, "Generating the mnemonic")."""

_WORD_BITS: Final = 11
_SEPARATORS: Final = re.compile(r"[\s\-\u2010-\u2015\u2212_]+")
"""Spaces, hyphens, and the dashes that a word processor or a messenger makes of them."""

_NUMBER: Final = re.compile(r"0*([1-9][0-9]{0,2})")
_COMPARED: Final = 16
"""Letters of a wrong word that are compared and shown; the longest right one has 8."""

_HINT: Final = "a code is a number and three words, such as 7-marble-tunnel-oyster"


@dataclass(frozen=True, slots=True)
class Code:
    """A mailbox and the words that open what is said in it. Its representation leaves the words out."""

    mailbox: int
    """1 to `MAILBOXES`; the server knows it."""
    words: tuple[str, ...] = field(repr=False)
    """`CODE_WORDS` of them. They never leave this program but by its user's voice, screen or clipboard."""

    @classmethod
    def make(cls, mailbox: int, entropy: bytes) -> Self:
        """Returns a new code. Use it once.

        Args:
            mailbox: the number that the server gave.
            entropy: `ENTROPY_BYTES` random bytes from the system, used for nothing else.

        Raises:
            ValueError: the mailbox's number or the length of the entropy is out of range.
        """
        if len(entropy) != ENTROPY_BYTES or not 1 <= mailbox <= MAILBOXES:
            raise ValueError(f"a code takes {ENTROPY_BYTES} random bytes and a mailbox of 1 to {MAILBOXES}")
        number = int.from_bytes(entropy, "big")
        indices = [number >> _WORD_BITS * place & (1 << _WORD_BITS) - 1 for place in range(CODE_WORDS)]
        return cls(mailbox, tuple(word_list()[index] for index in indices))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a code as a person types or pastes it.

        Capital letters, spaces in place of hyphens, and words cut after four letters or more are understood. Invisible
        characters, which come along with what is pasted, do not count.

        Raises:
            UsageError: it is none; the message names the first word that is wrong, and the nearest right one.
        """
        number, *typed = _SEPARATORS.split(_simplified(text).strip())
        mailbox = _mailbox(number)
        if mailbox is None:
            raise UsageError(f"the code does not begin with a number of 1 to {MAILBOXES}", _HINT)
        words = tuple(_known(word) for word in typed[:CODE_WORDS] if word)
        if len(words) < CODE_WORDS or any(typed[CODE_WORDS:]):
            count = "fewer" if len(words) < CODE_WORDS else "more"
            raise UsageError(f"the code has {count} than {CODE_WORDS} words", _HINT)
        return cls(mailbox, words)

    def __str__(self) -> str:
        return "-".join((str(self.mailbox), *self.words))


def completions(typed: str) -> list[str]:
    """Returns what a code that begins like this may go on with: the whole line, up to the end of its next word.

    A word that another one follows ends in a hyphen, so that pressing the completion key goes on. Nothing can follow a
    number or a word that is wrong. A line editor must not take the hyphen for the end of what it completes.
    """
    *before, last = _SEPARATORS.split(_simplified(typed).lstrip())
    if not before:
        return [f"{mailbox}-"] if (mailbox := _mailbox(last)) is not None else []
    mailbox = _mailbox(before[0])
    words = [_match(word) for word in before[1:]]
    if mailbox is None or None in words or len(words) >= CODE_WORDS:
        return []
    beginning = "-".join((str(mailbox), *(word for word in words if word)))
    end = "" if len(words) == CODE_WORDS - 1 else "-"
    return [f"{beginning}-{word}{end}" for word in word_list() if word.startswith(last)]


@cache
def word_list() -> tuple[str, ...]:
    """The 2,048 words, in alphabetical order. The first call reads them from the package that holds them."""
    return tuple(Mnemonic("english").wordlist)


def _simplified(text: str) -> str:
    return unicodedata.normalize("NFKC", safe_text(text)).casefold()


def _mailbox(text: str) -> int | None:
    match = _NUMBER.fullmatch(text)
    return int(match[1]) if match else None


def _match(typed: str) -> str | None:
    """The word that was typed in full or by a beginning that no other word has."""
    if typed in word_list():
        return typed
    found = [word for word in word_list() if word.startswith(typed)] if len(typed) >= UNIQUE_LETTERS else []
    return found[0] if found else None


def _known(typed: str) -> str:
    word = _match(typed)
    if word is None:
        shown = safe_line(typed, _COMPARED)
        if any(word.startswith(typed) for word in word_list()):
            raise UsageError(f"“{shown}” begins several words", f"type {UNIQUE_LETTERS} letters of each word, or all")
        message = f"“{shown}” is no word of a code; the nearest is “{_nearest(typed[:_COMPARED])}”"
        raise UsageError(message, "compare the code with what you were told")
    return word


def _nearest(typed: str) -> str:
    """The most similar word; of several, one with the same first letter, which people rarely get wrong."""
    matcher = difflib.SequenceMatcher(b=typed, autojunk=False)

    def similarity(word: str) -> tuple[float, bool]:
        matcher.set_seq1(word)
        return matcher.ratio(), word[0] == typed[0]

    return max(word_list(), key=similarity)
