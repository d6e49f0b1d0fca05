"""A line that is typed key by key on a terminal whose cursor only moves forward.

What is erased cannot be wiped off such a terminal, so that erasing writes nothing; the line that results is said once
when it is entered, and whenever the user asks for it.

    Enter          the line is finished           Backspace      takes the last character away
    Ctrl-W         takes the last word away       Ctrl-U         takes all of it away
    Ctrl-R         says how the line reads        Esc Esc        takes the line back, at the others too
    Ctrl-D         on an empty line: the end
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from p2pchat.protocol.limits import MESSAGE_CHARACTERS, PASTE_CHARACTERS
from p2pchat.protocol.rtt.graphemes import erase_last

_ENTER: Final = "\r\n"
_BACKSPACE: Final = "\x7f\b"
_ERASE_WORD, _ERASE_ALL, _REPEAT, _END, _ESCAPE = "\x17", "\x15", "\x12", "\x04", "\x1b"


@dataclass(frozen=True, slots=True)
class Typed:
    """The line reads `text` now. `echo` is what to write; others may see it unless it is `held`."""

    text: str
    echo: str
    held: bool


@dataclass(frozen=True, slots=True)
class Repeat:
    """Say how the line reads."""

    text: str


@dataclass(frozen=True, slots=True)
class Entered:
    """The line is finished; `rewritten` when what stands on the terminal is not how it reads."""

    text: str
    held: bool
    rewritten: bool


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The line is given up."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The user ends the input."""


Key: TypeAlias = Typed | Repeat | Entered | TakenBack | Ended


class KeyLine:
    """Makes lines of keys. A line that begins with a slash, or that a long paste went into, is held."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._pasted = False
        self._rewritten = False
        self._escape = ""

    def feed(self, data: bytes) -> Iterator[Key]:
        """Takes what the terminal sent at once; yields what it means, in order."""
        keys = self._decoder.decode(data)
        echo = ""
        self._pasted = self._pasted or len(keys) > PASTE_CHARACTERS
        for key in keys:
            if not self._escape and (key == "\t" or (key >= " " and not "\x7f" <= key <= "\x9f")):
                echo += self._append(" " if key == "\t" else key)
                continue
            if echo:
                yield Typed(self._text, echo, self._held)
                echo = ""
            step = self._escaped(key) if self._escape or key == _ESCAPE else self._control(key)
            if step is not None:
                yield step
        if echo:
            yield Typed(self._text, echo, self._held)

    @property
    def _held(self) -> bool:
        return self._pasted or self._text.startswith("/")

    def _append(self, key: str) -> str:
        if len(self._text) >= MESSAGE_CHARACTERS:
            return ""
        self._text += key
        return key

    def _control(self, key: str) -> Key | None:
        if key in _ENTER:
            return self._finish()
        if key == _END:
            return None if self._text else Ended()
        if key == _REPEAT:
            return Repeat(self._text)
        if key in _BACKSPACE:
            return self._erase(erase_last(self._text))
        if key == _ERASE_WORD:
            return self._erase(self._text.rstrip().rpartition(" ")[0] + " " if " " in self._text.strip() else "")
        if key == _ERASE_ALL:
            return self._erase("")
        return None

    def _erase(self, rest: str) -> Key | None:
        if rest == self._text:
            return None
        self._text, self._rewritten = rest, True
        self._pasted = self._pasted and bool(rest)
        return Typed(rest, "", self._held)

    def _escaped(self, key: str) -> Key | None:
        """Keys that move the cursor are sequences: ESC, an intermediate, parameters, a final letter."""
        if key == _ESCAPE:
            twice, self._escape = self._escape == _ESCAPE, _ESCAPE
            if twice:
                self._escape = ""
                self._finish()
                return TakenBack()
            return None
        self._escape += key
        introduced = self._escape in ("\x1b[", "\x1bO")
        in_parameters = self._escape[1] in "[O" and not "@" <= key <= "~" and len(self._escape) < 32
        if not (introduced or in_parameters):
            self._escape = ""
        return None

    def _finish(self) -> Entered:
        entered = Entered(self._text, self._held, self._rewritten)
        self._text, self._pasted, self._rewritten = "", False, False
        return entered
