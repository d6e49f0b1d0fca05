"""What becomes of the text in the composer: which keys others see, and what happens on Enter. Knows nothing of Textual.

Rules
    1. With live text off, or held in private, nothing leaves before Enter. What the others saw of a line before it was
       held stays; the node holds the rest, so each change goes to it all the same.
    2. With live text on each change is shown to the others, but for text that is held: a line that begins with `/`,
       text of several lines, whatever a paste of more than PASTE_CHARACTERS or of several lines went into, what was
       said before and is recalled, and what comes from an editor. What they saw before stays as it was. Held text
       leaves as a message on Enter, and the live line is taken back.
    3. A line that begins with one `/` is a command and never text; `//` stands for a `/` at the beginning of text.

Each call returns what to do now, in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

PASTE_CHARACTERS: Final = 200
"""Longest paste that is shown live, in characters. Nobody types as fast; RFC 4103 section 9 asks not to send it so."""


class Origin(StrEnum):
    """Where a text is from that was not typed now; the value says it on the screen."""

    PASTED = "pasted"
    RECALLED = "recalled"
    EDITOR = "from the editor"


@dataclass(frozen=True, slots=True)
class ShowLive:
    """Our live line reads so now; the empty text takes it back."""

    text: str


@dataclass(frozen=True, slots=True)
class Commit:
    """The live line is finished; `text` is what it read."""

    text: str


@dataclass(frozen=True, slots=True)
class Say:
    """Send a message."""

    text: str


@dataclass(frozen=True, slots=True)
class Share:
    """Everybody who is here sees our keys from now on, or nobody does."""

    shared: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """Our keys are held back from now on, or go on to those who may see them."""

    private: bool


@dataclass(frozen=True, slots=True)
class Command:
    """Run a slash command: its name without the slash, and what follows it."""

    name: str
    argument: str


Written: TypeAlias = ShowLive | Commit | Say | Share | Hold
"""What the node is told, in the order in which it was written."""

Step: TypeAlias = Written | Command


class Draft:
    """The text being written.

    Args:
        live: whether others see each key.
    """

    def __init__(self, live: bool = False) -> None:
        self.live = live
        self.private = False
        """Whether the keys are held back although live text is on."""
        self.text = ""
        self.origin: Origin | None = None
        """Where the text is from, if it is held for that."""
        self.pasted_characters = 0
        """Length of what was pasted last, if the text is held for that."""
        self._origin_before: Origin | None = None
        """The same of what was being written before something was recalled."""
        self._shown = ""
        self.seen = ""
        """What the others see of it while it is written: not what is held back in private."""

    @property
    def held(self) -> bool:
        """Whether the text is of a kind that others do not see before Enter."""
        return self.origin is not None or self.text.startswith("/") or "\n" in self.text

    @property
    def shown(self) -> str:
        """What the others see of it."""
        return self._shown

    def pasted(self, text: str) -> None:
        """Something was pasted. Call it before the `edited` that it leads to."""
        if len(text) > PASTE_CHARACTERS or len(text.splitlines()) > 1:
            self.origin, self.pasted_characters = Origin.PASTED, len(text)

    def filled(self, origin: Origin | None) -> None:
        """Another text takes the place of this one. Call it before the `edited` that it leads to.

        Args:
            origin: where it is from; None for what was being written before something was recalled.
        """
        if origin is Origin.RECALLED and self.origin is not Origin.RECALLED:
            self._origin_before = self.origin
        self.origin = self._origin_before if origin is None else origin

    def edited(self, text: str) -> list[Step]:
        """The composer's text reads so now."""
        self.text = text
        if not text:
            self.origin = None
            return self._show("")
        return self._show(text) if self.live and not self.held else []

    def submitted(self, text: str) -> list[Step]:
        """Enter was pressed. The composer is empty afterwards."""
        self.text = text
        held, self.origin, self._origin_before = self.held, None, None
        if not text.strip():
            return self._end()
        if text.startswith("/") and not text.startswith("//"):
            name, _, argument = text[1:].partition(" ")
            return [*self._end(), Command(name.strip(), argument.strip())]
        if text.startswith("//"):
            text = text[1:]
        if self.live and not held:
            steps = [*self._show(text), Commit(text)]
            self.text = self._shown = self.seen = ""
            return steps
        return [*self._end(), Say(text)]

    def retracted(self) -> list[Step]:
        """The line is given up. The composer is empty afterwards."""
        self.origin = self._origin_before = None
        return self._end()

    def switched(self, live: bool) -> list[Step]:
        """Live text is on or off from now. What stands in the composer is shown, or taken back, at once."""
        self.live = live
        if live:
            return [Share(True), *self.edited(self.text)]
        return [*self._show(""), Share(False), *self.composed_in_private(False)]

    def composed_in_private(self, private: bool) -> list[Step]:
        """The keys are held back, or no longer."""
        if private is self.private:
            return []
        self.private = private
        self.seen = self.seen if private else self._shown
        return [Hold(private)]

    def _end(self) -> list[Step]:
        self.text = ""
        return self._show("")

    def _show(self, text: str) -> list[Step]:
        if text == self._shown:
            return []
        self._shown = text
        if not (self.private and text):
            self.seen = text
        return [ShowLive(text)]
