"""What an offer offers, checked as a whole before any of it touches a disk.

    total    = bytes of all files
    blocks   = a file's bytes cut every `block_size`; the last one is shorter; an empty file has none. They are numbered
               through all files, in the order of the offer, from 0
    chunks   = a block's bytes cut every `chunk` bytes; the last one is shorter
    root     = SHA-256 over all entries and the smallest block: two manifests with one root are the same

A manifest travels in pages, and each entry is checked when it is added. The sending side builds one by the same
rules, so what one side offers no other refuses for its names.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from struct import Struct
from typing import TYPE_CHECKING, Final

from p2pchat.errors import ProtocolError
from p2pchat.protocol.frames import Entry, Offer
from p2pchat.protocol.limits import (
    BLOCK_BYTES,
    CHUNK_BYTES,
    FILE_BYTES,
    MANIFEST_BYTES,
    MANIFEST_ENTRIES,
    PAGE_ENTRIES,
    PAGE_PATH_BYTES,
)
from p2pchat.protocol.transfer.collisions import Collisions
from p2pchat.protocol.transfer.entries import Entries, block_size, flags
from p2pchat.protocol.transfer.paths import safe_components

if TYPE_CHECKING:
    from hashlib import _Hash


_BLOCKS: Final = 2**32
"""A block's number has 32 bits on the wire."""

_ROOT_CONTEXT: Final = b"p2pchat-manifest-1\0"
_ENTRY: Final = Struct("!IQQB")


class ManifestBuilder:
    """Takes the entries of an offer and checks each.

    Args:
        block: bytes in the smallest blocks.
        chunk: bytes in each chunk of a block but its last; at most `block`.

    Raises:
        ProtocolError: chunks are larger than blocks.
    """

    def __init__(self, block: int = BLOCK_BYTES, chunk: int = CHUNK_BYTES) -> None:
        if not 0 < chunk <= block:
            raise ProtocolError("the offer's chunks are larger than its blocks")
        self.chunk = chunk
        self.entries = Entries(block)
        self._collisions = Collisions(self.entries)
        self._root = sha256(_ROOT_CONTEXT + block.to_bytes(8, "big"))

    def add(self, entry: Entry) -> None:
        """Adds one more file or folder.

        Raises:
            UnsafeName: the path breaks a rule of `p2pchat.protocol.transfer.paths`, occurs twice, differs from another
                only in case or composition, or is a file where another path needs a folder. The message is for users
                of both sides.
            ProtocolError: there are too many entries, a folder with a size or executable, or sizes beyond `FILE_BYTES`.
        """
        if len(self.entries) == MANIFEST_ENTRIES:
            raise ProtocolError(f"an offer has at most {MANIFEST_ENTRIES} files and folders")
        components = safe_components(entry.path)
        if entry.folder and (entry.size or entry.executable):
            raise ProtocolError("the offer has a folder with what only files have")
        if entry.size < 0 or self.entries.starts[-1] + entry.size > FILE_BYTES:
            raise ProtocolError(f"the files of the offer are larger than {FILE_BYTES} bytes together")
        path = entry.path.encode()
        if self.entries.weight + len(path) > MANIFEST_BYTES:
            raise ProtocolError("the names of the offer take too much memory")
        self.entries.add(entry)
        self._collisions.check(components, entry.folder)
        self._root.update(_ENTRY.pack(len(path), entry.size, entry.modified, flags(entry)) + path)

    def finish(self) -> Manifest:
        """Returns the manifest. The builder is not used any more.

        Raises:
            ProtocolError: nothing was added, or the files have more than 2**32 blocks.
        """
        if not self.entries:
            raise ProtocolError("the offer is empty")
        if self.entries.blocks > _BLOCKS:
            raise ProtocolError(f"the files of the offer have more than {_BLOCKS} blocks")
        return Manifest(self.entries, self._root.digest(), self.chunk)


class Manifest:
    """The checked content of an offer. Made by `ManifestBuilder`, or by `of`."""

    def __init__(self, entries: Entries, root: bytes, chunk: int) -> None:
        self.entries = entries
        self.root = root
        self.block = entries.block
        """Bytes in the smallest blocks."""
        self.chunk = chunk
        self.total = entries.starts[-1]
        """Bytes of all files."""
        self.files = entries.files
        """The indexes of the entries that are files, in order."""
        self.blocks = entries.blocks
        """Blocks of all files."""
        self.largest_block = entries.largest_block
        """Bytes in the longest block."""

    @classmethod
    def of(cls, entries: Iterable[Entry], block: int = BLOCK_BYTES, chunk: int = CHUNK_BYTES) -> Manifest:
        """Builds a manifest; see `ManifestBuilder` for the arguments and for what is refused."""
        builder = ManifestBuilder(block, chunk)
        for entry in entries:
            builder.add(entry)
        return builder.finish()

    def to_offer(self, transfer: int, again: bool = False) -> Offer:
        """Returns the frame that offers all this (again) under the number `transfer`, with the first page."""
        return Offer(
            transfer,
            self.root,
            len(self.entries),
            len(self.files),
            self.total,
            self.page(0),
            self.block,
            self.chunk,
            again,
        )

    def page(self, start: int) -> list[Entry]:
        """Returns the entries of the page that begins with the entry `start`, which there must be."""
        page: list[Entry] = []
        path_bytes = 0
        for index in range(start, min(start + PAGE_ENTRIES, len(self.entries))):
            entry = self.entries.entry(index)
            path_bytes += len(entry.path.encode())
            if path_bytes > PAGE_PATH_BYTES:
                break
            page.append(entry)
        return page

    def block_size(self, file: int) -> int:
        """Returns the bytes in each block of a file but its last."""
        return block_size(self.entries.size(file), self.block)

    def blocks_of(self, file: int) -> range:
        """Returns the numbers of a file's blocks; a folder or an empty file has none."""
        return self.entries.blocks_of(file)

    def place(self, number: int) -> tuple[int, int, int]:
        """Returns the file of a block, where in it the block begins, and the block's length."""
        file = self.entries.file_of(number)
        size = self.entries.size(file)
        length = block_size(size, self.block)
        offset = (number - self.blocks_of(file).start) * length
        return file, offset, min(length, size - offset)

    def bytes_of(self, first: int, count: int) -> int:
        """Returns the bytes in `count` blocks from the block `first` on."""
        return self._bytes_before(first + count) - self._bytes_before(first)

    def _bytes_before(self, number: int) -> int:
        if number == self.blocks:
            return self.total
        file, offset, _ = self.place(number)
        return self.entries.starts[file] + offset


def file_root(size: int) -> _Hash:
    """Begins the root hash of a file: feed it the digest of each block, in order, and ask it for its own."""
    return sha256(size.to_bytes(8, "big"))


class Gathering:
    """A peer's offer while its pages come.

    Args:
        offer: its first frame, with the first page.

    Raises:
        UnsafeName, ProtocolError: as `ManifestBuilder.add`; `page` raises them too.
    """

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self.again = offer.again
        """Whether the same was offered before."""
        self.builder = ManifestBuilder(offer.block, offer.chunk)
        self.page(offer.entries)

    def page(self, entries: Iterable[Entry]) -> None:
        """Adds a page."""
        for entry in entries:
            self.builder.add(entry)
        if len(self.builder.entries) > self._offer.count:
            raise ProtocolError("the offer has more entries than it says")

    def manifest(self) -> Manifest | None:
        """Returns the whole, or None while pages are missing.

        Raises:
            UnsafeName, ProtocolError: it is complete, and not what the offer says.
        """
        if len(self.builder.entries) < self._offer.count:
            return None
        manifest = self.builder.finish()
        if (manifest.root, len(manifest.files), manifest.total) != (
            self._offer.root,
            self._offer.files,
            self._offer.total,
        ):
            raise ProtocolError("the offer's entries are not those that it was announced with")
        return manifest
