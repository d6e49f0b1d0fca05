"""The T.140 coding: text and control codes out of a stream of characters.

    BS U+0008                       erases the last character
    U+2028                          new line; also CR LF, CR, LF, U+2029 and U+0085, which others send
    BEL U+0007                      asks for attention
    BOM U+FEFF                      marks a start; removed wherever it stands
    U+FFFD                          stands for text that was lost
    U+009B ... final byte           CSI, of which SGR (colours, bold) is one; skipped
    U+0098 ... U+009C               SOS to ST, a string for programs; skipped
    ESC ... final byte              INT (ESC a) and other escape sequences; skipped. ESC [ is CSI, ESC X is SOS
    other C0 and C1 codes, DEL      skipped, except the tab, which is text

Source: RFC 9071 §4.2.4, which lists the codes of ITU-T T.140; the forms of sequences are those of ISO/IEC 6429.
A sequence may be spread over any number of messages. One that does not end is given up with a loss mark, after its
longest permitted length or after two seconds, so that a lost or hostile beginning cannot swallow a conversation.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final, TypeAlias

BACKSPACE: Final = "\b"
BELL: Final = "\a"
BOM: Final = "\ufeff"
LOSS_MARK: Final = "\ufffd"
NEW_LINE: Final = "\u2028"

STRING_BYTES: Final = 256
"""Longest content of SOS ... ST, in UTF-8 (T.140 by RFC 9071 §4.2.4)."""

SEQUENCE_CHARACTERS: Final = 64
"""Longest CSI or escape sequence. A colour needs at most 19 (`38;2;255;255;255`); no standard sets a limit."""

SEQUENCE_SECONDS: Final = 2.0
"""Time from a sequence's beginning to its end. Four times the longest buffering: it was meant to come as one piece."""

_SPECIAL: Final = re.compile("[\x00-\x08\n-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd\ud800-\udfff]")


class Control(Enum):
    """What a control code asks for."""

    ERASE = auto()
    NEW_LINE = auto()
    ALERT = auto()
    LOSS = auto()
    """Something is missing here: count it and show U+FFFD."""
    IGNORED = auto()
    """A code or sequence that was skipped."""


Token: TypeAlias = str | Control
"""A run of text without control codes, or a control."""


class _State(Enum):
    TEXT = auto()
    AFTER_CR = auto()
    ESCAPE = auto()
    CSI = auto()
    STRING = auto()
    STRING_ESCAPE = auto()


_MEANINGS: Final = {
    BACKSPACE: Control.ERASE,
    BELL: Control.ALERT,
    "\r": Control.NEW_LINE,
    "\n": Control.NEW_LINE,
    "\x85": Control.NEW_LINE,
    NEW_LINE: Control.NEW_LINE,
    "\u2029": Control.NEW_LINE,
    LOSS_MARK: Control.LOSS,
}

_BEGINNINGS: Final = {"\x1b": _State.ESCAPE, "\x9b": _State.CSI, "\x98": _State.STRING}


class Parser:
    """Reads one channel's characters. Nothing is raised, whatever they are."""

    def __init__(self) -> None:
        self._state = _State.TEXT
        self._length = 0
        self._since = 0.0

    @property
    def busy(self) -> bool:
        """Whether a sequence has begun and not ended."""
        return self._state not in (_State.TEXT, _State.AFTER_CR)

    def feed(self, text: str, now: float) -> list[Token]:
        """Reads the characters of one message, or of a part of one, that arrived at `now`."""
        tokens: list[Token] = []
        if self.busy and now - self._since > SEQUENCE_SECONDS:
            tokens += self._give_up()
        position = 0
        while position < len(text):
            if self._state is _State.TEXT:
                special = _SPECIAL.search(text, position)
                end = special.start() if special else len(text)
                if end > position:
                    tokens.append(text[position:end])
                if special:
                    tokens += self._control(special[0], now)
                    end += 1
                position = end
            elif self._continue(text[position], tokens):
                position += 1
        return tokens

    def _control(self, code: str, now: float) -> list[Token]:
        if code == BOM:
            return []
        if code in _BEGINNINGS:
            self._state, self._length, self._since = _BEGINNINGS[code], 0, now
            return []
        if code == "\r":
            self._state = _State.AFTER_CR
        if "\ud800" <= code <= "\udfff":
            return [Control.LOSS]
        return [_MEANINGS.get(code, Control.IGNORED)]

    def _give_up(self) -> list[Token]:
        self._state = _State.TEXT
        return [Control.IGNORED, Control.LOSS]

    def _skipped(self, tokens: list[Token]) -> None:
        self._state = _State.TEXT
        tokens.append(Control.IGNORED)

    def _continue(self, character: str, tokens: list[Token]) -> bool:
        """Takes the next character of a sequence; False when it does not belong to it and is to be read as text."""
        match self._state:
            case _State.AFTER_CR:
                self._state = _State.TEXT
                return character == "\n"
            case _State.ESCAPE:
                return self._continue_escape(character, tokens)
            case _State.CSI:
                return self._continue_csi(character, tokens)
        return self._continue_string(character, tokens)

    def _continue_escape(self, character: str, tokens: list[Token]) -> bool:
        if self._length == 0 and character in "[X":
            self._state = _State.CSI if character == "[" else _State.STRING
            return True
        if " " <= character <= "/":
            self._grow(1, SEQUENCE_CHARACTERS, tokens)
            return True
        self._skipped(tokens)
        return "0" <= character <= "~"

    def _continue_csi(self, character: str, tokens: list[Token]) -> bool:
        # RFC 9071 §4.2.2 prints the parameter of its "SGR 0" as U+0000.
        if " " <= character <= "?" or character == "\0":
            self._grow(1, SEQUENCE_CHARACTERS, tokens)
            return True
        self._skipped(tokens)
        return "@" <= character <= "~"

    def _continue_string(self, character: str, tokens: list[Token]) -> bool:
        after_escape = self._state is _State.STRING_ESCAPE
        if character == "\x9c" or (after_escape and character == "\\"):
            self._skipped(tokens)
            return True
        self._state = _State.STRING_ESCAPE if character == "\x1b" else _State.STRING
        self._grow(len(character.encode("utf-8", "surrogatepass")), STRING_BYTES, tokens)
        return True

    def _grow(self, length: int, limit: int, tokens: list[Token]) -> None:
        """Counts a character of a sequence. One too many gives the sequence up; the loss mark stands for it, too."""
        self._length += length
        if self._length > limit:
            tokens += self._give_up()
