"""What an offer offers, checked as a whole before any of it touches a disk.

    total    = bytes of all files
    blocks   = a file's bytes cut every `block` bytes; the last one is shorter; an empty file has none
    chunks   = a block's bytes cut every `chunk` bytes; the last one is shorter

The sending side builds a manifest by the same rules, so what one side offers no other refuses for its names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from p2pchat.errors import ProtocolError, UnsafeName
from p2pchat.protocol.frames import Entry, Offer
from p2pchat.protocol.limits import BLOCK_BYTES, CHUNK_BYTES, FILE_BYTES, OFFER_ENTRIES, OFFER_PATH_BYTES
from p2pchat.protocol.transfer.paths import collision_key, safe_components, shown

if TYPE_CHECKING:
    from hashlib import _Hash

_BLOCKS_OF_A_FILE: Final = 2**32
"""A block's index is a 32-bit number on the wire."""


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One file or folder, under names that may become files."""

    components: tuple[str, ...]
    size: int
    folder: bool

    @property
    def path(self) -> str:
        """The path as the offer has it."""
        return "/".join(self.components)


class _Kind(Enum):
    FILE = 1
    FOLDER = 2
    IMPLIED = 3
    """A folder that has no entry of its own, but something below it has."""


class Manifest:
    """The checked content of an offer.

    Args:
        entries: files and folders in the order of the offer; see `from_offer` for what is refused.
        block: bytes in each block of a file but its last.
        chunk: bytes in each chunk of a block but its last; at most `block`.

    Raises:
        UnsafeName: an entry's path is unsafe, or two of them cannot lie beside each other.
        ProtocolError: sizes or counts are out of range.
    """

    def __init__(self, entries: Iterable[Entry], block: int = BLOCK_BYTES, chunk: int = CHUNK_BYTES) -> None:
        if not 0 < chunk <= block:
            raise ProtocolError("the offer's chunks are larger than its blocks")
        self.block = block
        self.chunk = chunk
        self.entries = tuple(ManifestEntry(safe_components(entry.path), entry.size, entry.folder) for entry in entries)
        self._check_sizes()
        _check_tree(self.entries)
        self.total = sum(entry.size for entry in self.entries)
        """Bytes of all files."""
        self.files = tuple(file for file, entry in enumerate(self.entries) if not entry.folder)
        """The indexes of the entries that are files, in order."""
        self.blocks = sum(self.blocks_of(file) for file in self.files)
        """Blocks of all files."""

    @classmethod
    def from_offer(cls, offer: Offer) -> Manifest:
        """Checks a peer's offer as a whole.

        Raises:
            UnsafeName: a path breaks a rule of `p2pchat.protocol.transfer.paths`, occurs twice, differs from another
                only in case or composition, or is a file where another path needs a folder. The message is for users
                of both sides.
            ProtocolError: it has no or too many entries, a folder with a size, or sizes beyond `FILE_BYTES`.
        """
        return cls(offer.entries, offer.block, offer.chunk)

    def to_entries(self) -> list[Entry]:
        """Returns the entries as an offer carries them."""
        return [Entry(entry.path, entry.size, entry.folder) for entry in self.entries]

    def to_offer(self, transfer: int) -> Offer:
        """Returns the frame that offers all this under the number `transfer`."""
        return Offer(transfer, self.to_entries(), self.block, self.chunk)

    def blocks_of(self, file: int) -> int:
        """Returns how many blocks an entry has: none when it is empty or a folder."""
        return -(-self.entries[file].size // self.block)

    def block_length(self, file: int, index: int) -> int:
        """Returns the bytes in a block of a file."""
        return min(self.block, self.entries[file].size - index * self.block)

    def _check_sizes(self) -> None:
        if not 1 <= len(self.entries) <= OFFER_ENTRIES:
            raise ProtocolError(f"an offer has 1 to {OFFER_ENTRIES} files and folders")
        if sum(len(entry.path.encode()) for entry in self.entries) > OFFER_PATH_BYTES:
            raise ProtocolError(f"the paths of the offer are longer than {OFFER_PATH_BYTES} bytes together")
        if any(entry.folder and entry.size for entry in self.entries):
            raise ProtocolError("the offer has a folder with a size")
        if any(entry.size < 0 for entry in self.entries) or sum(entry.size for entry in self.entries) > FILE_BYTES:
            raise ProtocolError(f"the files of the offer are larger than {FILE_BYTES} bytes together")
        if any(self.blocks_of(file) > _BLOCKS_OF_A_FILE for file in range(len(self.entries))):
            raise ProtocolError(f"a file of the offer has more than {_BLOCKS_OF_A_FILE} blocks")


def file_root(size: int) -> _Hash:
    """Begins the root hash of a file: feed it the digest of each block, in order, and ask it for its own."""
    return sha256(size.to_bytes(8, "big"))


def _check_tree(entries: Iterable[ManifestEntry]) -> None:
    """Refuses paths that could not all exist in one folder of a file system that ignores case and composition."""
    claims: dict[tuple[str, ...], tuple[tuple[str, ...], _Kind]] = {}
    for entry in entries:
        keys = tuple(collision_key(component) for component in entry.components)
        for depth in range(1, len(keys)):
            _claim(claims, keys[:depth], entry.components[:depth], _Kind.IMPLIED)
        _claim(claims, keys, entry.components, _Kind.FOLDER if entry.folder else _Kind.FILE)


def _claim(
    claims: dict[tuple[str, ...], tuple[tuple[str, ...], _Kind]],
    key: tuple[str, ...],
    spelling: tuple[str, ...],
    kind: _Kind,
) -> None:
    claim = claims.get(key)
    if claim is None:
        claims[key] = (spelling, kind)
        return
    other_spelling, other_kind = claim
    name = shown("/".join(spelling))
    if spelling != other_spelling:
        raise _collision(f"{name} and {shown('/'.join(other_spelling))} are one name on many systems")
    if (kind is _Kind.FILE) != (other_kind is _Kind.FILE):
        raise _collision(f"{name} is offered both as a file and as a folder")
    if kind is other_kind is not _Kind.IMPLIED:
        raise _collision(f"{name} is offered twice")
    if kind is _Kind.FOLDER:
        claims[key] = (spelling, kind)


def _collision(fault: str) -> UnsafeName:
    return UnsafeName(fault, "the sender has to give one of them another name")
