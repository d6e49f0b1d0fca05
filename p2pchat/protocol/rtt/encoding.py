"""A line of ours as it reads in T.140: what `Sender` sends of it, and what its reader compares with."""

from __future__ import annotations

import unicodedata
from typing import Final

import regex

from p2pchat.protocol.rtt.parser import LOSS_MARK

_SPACING: Final = regex.compile("\r\n|[\t-\r\x85\u2028\u2029]")
_UNSENDABLE: Final = regex.compile("[\x00-\x1f\x7f-\x9f\ufeff]")
_SURROGATE: Final = regex.compile(r"\p{Surrogate}")


def as_live_line(text: str) -> str:
    """Returns a text as one line of T.140: in NFC, line breaks and tabs as spaces, without control codes.

    A lone surrogate, which UTF-8 cannot say, becomes a loss mark.
    """
    text = _UNSENDABLE.sub("", _SPACING.sub(" ", text))
    return unicodedata.normalize("NFC", _SURROGATE.sub(LOSS_MARK, text))
