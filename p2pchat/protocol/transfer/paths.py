r"""A path that somebody else chose, turned into names that can only lie below the download folder. Or refused.

One set of rules for all systems, the strictest of them, so that an offer that is accepted on Linux means the same on
Windows and macOS. Both ends apply it: the sender before it offers, the receiver to the whole offer before anything
touches its disk. The receiver repairs nothing: a name that was changed silently is a name that somebody else chose
after all. The sender renames before it offers: a name that its own system allows is no reason to send nothing. It
offers such a file under a `portable` name, and says so.

What is refused, and why
    empty, `.`, `..`, leading `/`          leaves the folder, or means another file than it says
    `\` and `:`                            separators, drives and alternate streams on Windows
    control, format and bidi characters    show another name than they store; break terminals
    trailing dot or space                  dropped by Windows: two names become one
    CON, NUL, COM1, CONIN$ ...             devices on Windows, with any extension
    too long, too deep                     no file system would take it
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from p2pchat.errors import UnsafeName
from p2pchat.protocol.limits import NAME_BYTES, PATH_BYTES, PATH_DEPTH

_DEVICES: Final = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"] + [port + n for port in ("COM", "LPT") for n in "0123456789¹²³"]
)
"""Names that Windows takes for devices, whatever extension follows."""

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that have no place in a name: control, format (bidi among them), unassigned, line separators."""

_JOINERS: Final = frozenset("\u200c\u200d")
"""The two format characters that names need: Persian and Indic spelling, and emoji of several persons."""

_SHOWN_CHARACTERS: Final = 80
"""Longest part of a refused path that is repeated in the reason."""


def safe_components(path: str) -> tuple[str, ...]:
    """Splits a relative path with `/` between its components.

    Args:
        path: anything; in an offer it comes from the peer.

    Returns:
        At least one component. Joined below any folder, on POSIX or Windows, they stay below it.

    Raises:
        UnsafeName: the path breaks one of the rules above. The message shows it escaped.
    """
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        raise _unsafe(path, "is no valid Unicode text") from None
    if len(encoded) > PATH_BYTES:
        raise _unsafe(path, f"is longer than {PATH_BYTES} bytes")
    if path.startswith("/"):
        raise _unsafe(path, "is absolute: it would leave the download folder")
    components = tuple(path.split("/"))
    if len(components) > PATH_DEPTH:
        raise _unsafe(path, f"has more than {PATH_DEPTH} levels")
    for component in components:
        if fault := _fault(component):
            raise _unsafe(path, fault)
    return components


def portable(name: str) -> str:
    """Returns the name under which a file or folder of this machine is offered: its own one where that goes.

    Control characters become their pictures (U+2400 and following), bytes that are no UTF-8 become U+FFFD, and what
    else has no place in a name becomes `_`. That goes for backslash and colon too: Windows turns their full-width
    look-alikes back into them wherever a program uses a code page. A trailing dot or space and the name of a device
    get a `_` behind them. What is too long is cut, in front of its extension.

    Args:
        name: one component, as the system has it: not empty, and without slashes.

    Returns:
        A component that `safe_components` takes. Two names may become one; see `collision_key`.
    """
    visible = "".join(map(_portable_character, name)) if _has_unsafe_characters(name) else name
    safe = _not_reserved(visible)
    if len(safe.encode()) > NAME_BYTES:
        safe = _not_reserved(shortened(visible, NAME_BYTES - 2))  # two more may be put to it
    return safe


def shortened(name: str, size: int, ending: str = "") -> str:
    """Cuts a file's name to at most `size` bytes of UTF-8, between two characters and in front of its extension.

    Args:
        name: not longer than it has to be is left as it is.
        size: bytes, with `ending`.
        ending: put between what is left and the extension.
    """
    stem, dot, extension = name.rpartition(".")
    if not stem.strip(".") or len(extension.encode()) >= size // 2:  # an extension as long as that is none
        stem, dot, extension = name, "", ""
    ending += dot + extension
    return stem.encode()[: max(0, size - len(ending.encode()))].decode(errors="ignore") + ending


def collision_key(component: str) -> str:
    """Returns what a file system that ignores case, composition and joiners would compare."""
    if component.isascii():
        return component.lower()  # the same, in a tenth of the time
    bare = "".join(character for character in component if character not in _JOINERS)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", bare).casefold())


def shown(path: str) -> str:
    """Returns a path in quotes, cut, and with everything escaped that is not printable: safe in a message."""
    return repr(path if len(path) <= _SHOWN_CHARACTERS else path[:_SHOWN_CHARACTERS] + "…")


@lru_cache(maxsize=1024)  # the names of folders come again and again
def _fault(name: str) -> str:
    """Returns what is wrong with one component; empty when nothing is."""
    if not name:
        return "has an empty component"
    if name == "..":
        return "would leave the download folder"
    if name == ".":
        return "has the component '.'"
    if len(name.encode()) > NAME_BYTES:
        return f"has a name of more than {NAME_BYTES} bytes"
    if "\\" in name or ":" in name:
        return "has a backslash or a colon"
    # What is printable is in none of these categories: most names need no look at each character.
    if not name.isprintable() and any(map(_is_invisible, name)):
        return "has control or invisible characters"
    if name[-1] in ". ":
        return "has a name that ends with a dot or a space"
    if _is_device(name):
        return "has a name that is a device on Windows"
    return ""


def _is_invisible(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in _INVISIBLE


def _is_device(name: str) -> bool:
    return name.partition(".")[0].rstrip(" ").upper() in _DEVICES


def _has_unsafe_characters(name: str) -> bool:
    return "\\" in name or ":" in name or not name.isprintable()


def _portable_character(character: str) -> str:
    if character < " ":
        return chr(0x2400 + ord(character))
    if character == "\x7f":
        return "\u2421"
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    return "_" if character in "\\:" or _is_invisible(character) else character


def _not_reserved(name: str) -> str:
    """Puts a `_` behind what Windows would drop, and behind the stem of what it takes for a device."""
    if name.endswith((".", " ")):
        name += "_"
    if _is_device(name):
        stem, dot, rest = name.partition(".")
        name = f"{stem}_{dot}{rest}"
    return name


def _unsafe(path: str, fault: str) -> UnsafeName:
    return UnsafeName(f"the name {shown(path)} {fault}", "the sender has to give it another name")
