r"""A path that somebody else chose, turned into names that can only lie below the download folder. Or refused.

One set of rules for all systems, the strictest of them, so that an offer that is accepted on Linux means the same on
Windows and macOS. Both ends apply it: the sender before it offers, the receiver to the whole offer before anything
touches its disk. Nothing is repaired: a name that was changed silently is a name that somebody else chose after all.

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
    if not name.isprintable() and any(c not in _JOINERS and unicodedata.category(c) in _INVISIBLE for c in name):
        return "has control or invisible characters"
    if name[-1] in ". ":
        return "has a name that ends with a dot or a space"
    if name.partition(".")[0].rstrip(" ").upper() in _DEVICES:
        return "has a name that is a device on Windows"
    return ""


def _unsafe(path: str, fault: str) -> UnsafeName:
    return UnsafeName(f"the name {shown(path)} {fault}", "the sender has to give it another name")
