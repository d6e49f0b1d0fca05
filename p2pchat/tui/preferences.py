"""How the full screen is to look: what was given when it was started, and what is remembered from last time."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

FILE_NAME: Final = "screen.json"
"""The name of the file in the profile."""

THEME_NAMES: Final = ("p2pchat-dark", "p2pchat-light", "high-contrast-dark", "high-contrast-light", "mono")
"""The themes, which are made in `p2pchat.tui.theme`: a command line can check a name without loading Textual."""

LONGEST: Final = 4096
"""Bytes of the file that are read: it is ours, and short."""


class Layout(StrEnum):
    """How the conversation is laid out."""

    STACK = "stack"
    """What was said above, what others are typing in rows below it, our own line last (RFC 9071 figure 1)."""
    COLUMNS = "columns"
    """A column for each who takes part, in the order of time across them (RFC 9071 figure 2)."""
    INLINE = "inline"
    """One field, turn by turn, for braille."""
    CAPTIONS = "captions"
    """The last lines of the others in large type, for reading across a table."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """What was given when the program was started; it goes before what is remembered."""

    theme: str = ""
    """The name of a theme; empty for the remembered one."""
    reduced_motion: bool = False
    """Whether nothing may flash."""
    flash: bool = False
    """Whether an alert inverts the screen for a moment as well."""
    on_alert: tuple[str, ...] = ()
    """A program and its arguments, started at each alert; empty for none."""
    folder: Path | None = None
    """Where preferences are remembered; None to remember nothing."""


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered."""

    theme: str = ""
    layout: Layout = Layout.STACK
    told_no_emergency: bool = False
    """Whether the user has read that this is no emergency-calling service."""


class Remembered:
    """The preferences, kept in a file of the profile. A file that cannot be read or written costs no more than itself.

    Args:
        folder: where the file is; None to keep nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE_NAME
        self.now = self._read()
        """The preferences as they stand."""

    def change(self, **changes: object) -> None:
        """Changes some of them, and keeps them."""
        changed = msgspec.structs.replace(self.now, **changes)
        if changed != self.now:
            self.now = changed
            self._write()

    def _read(self) -> Preferences:
        if self._path is not None:
            with contextlib.suppress(OSError, ValueError, msgspec.MsgspecError), self._path.open("rb") as file:
                return msgspec.json.decode(file.read(LONGEST), type=Preferences)
        return Preferences()

    def _write(self) -> None:
        if self._path is None:
            return
        new = self._path.with_name(f".{FILE_NAME}-{secrets.token_hex(8)}")
        try:
            new.write_bytes(msgspec.json.encode(self.now) + b"\n")
            os.replace(new, self._path)
        except OSError:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
