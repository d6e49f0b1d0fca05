"""Paths that could not all exist below one folder of a file system that ignores case and composition.

What is remembered of a path is a hash and where it came from; only when two hashes are equal are the paths themselves
compared.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from p2pchat.errors import ProtocolError, UnsafeName
from p2pchat.protocol.limits import MANIFEST_ENTRIES, PATH_DEPTH
from p2pchat.protocol.transfer.entries import Entries
from p2pchat.protocol.transfer.paths import collision_key, shown

_DEPTHS: Final = PATH_DEPTH + 1
_KINDS: Final = 3


class _Kind(IntEnum):
    FILE = 0
    FOLDER = 1
    IMPLIED = 2
    """A folder that has no entry of its own, but something below it has."""


class Collisions:
    """Takes the entries of one offer, one after the other.

    Args:
        entries: where they are kept; each is looked at again when another one looks like it.
    """

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._claims: dict[int, int] = {}
        """By the hash of a path's key: the entry that claimed it first, the depth of the path in it, and its kind."""
        self._last_folder: tuple[str, ...] = ()
        self._last_key = ""

    def check(self, components: tuple[str, ...], folder: bool) -> None:
        """Checks the entry that was added last.

        Args:
            components: its path.
            folder: whether it is a folder.

        Raises:
            UnsafeName: it and an earlier one cannot lie beside each other.
            ProtocolError: the paths imply more than `MANIFEST_ENTRIES` folders.
        """
        index = len(self._entries) - 1
        if components[:-1] != self._last_folder:
            keys = tuple(map(collision_key, components[:-1]))
            for depth in range(1, len(components)):
                self._claim("/".join(keys[:depth]), index, depth, _Kind.IMPLIED)
            self._last_folder = components[:-1]
            self._last_key = "".join(f"{key}/" for key in keys)
        key = self._last_key + collision_key(components[-1])
        self._claim(key, index, len(components), _Kind.FOLDER if folder else _Kind.FILE)

    def _claim(self, key: str, index: int, depth: int, kind: _Kind) -> None:
        hashed = hash(key)
        claim = self._claims.get(hashed)
        ours = (index * _DEPTHS + depth) * _KINDS + kind
        if claim is None:
            if len(self._claims) >= 2 * MANIFEST_ENTRIES:
                raise ProtocolError(f"the paths of the offer imply more than {MANIFEST_ENTRIES} folders")
            self._claims[hashed] = ours
            return
        place, other_kind = divmod(claim, _KINDS)
        other, other_depth = divmod(place, _DEPTHS)
        other_spelling = self._entries[other].components[:other_depth]
        spelling = self._entries[index].components[:depth]
        if spelling != other_spelling and key != _key(other_spelling):
            return  # two paths with one hash: once in 2**64, and then neither harms the other
        name = shown("/".join(spelling))
        if spelling != other_spelling:
            raise _collision(f"{name} and {shown('/'.join(other_spelling))} are one name on many systems")
        if (kind is _Kind.FILE) != (other_kind == _Kind.FILE):
            raise _collision(f"{name} is offered both as a file and as a folder")
        if kind == other_kind != _Kind.IMPLIED:
            raise _collision(f"{name} is offered twice")
        if kind is _Kind.FOLDER:
            self._claims[hashed] = ours


def _key(components: tuple[str, ...]) -> str:
    return "/".join(map(collision_key, components))


def _collision(fault: str) -> UnsafeName:
    return UnsafeName(fault, "the sender has to give one of them another name")
