"""On what terms an offer was accepted: what of it, and how it is stored. A transfer that goes on keeps to them."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from p2pchat.protocol.transfer.manifest import Manifest


class IfExists(StrEnum):
    """What becomes of a file when something of its name is there."""

    RENAME = "rename"
    """It gets a number; folders too."""
    SKIP = "skip"
    """What is there stays. It is compared, and only what differs is received, under a name with a number."""
    OVERWRITE = "overwrite"
    """It takes the place of what was there, once it is complete."""


_IF_EXISTS: Final = "if_exists"
_PRESERVE: Final = "preserve"
_LEFT_OUT: Final = "left_out"


@dataclass(frozen=True, slots=True)
class Terms:
    """What our user decided when the offer was accepted."""

    if_exists: IfExists = IfExists.RENAME
    left_out: bytes = b""
    """For each entry 1 when it is not wanted, else 0; empty when all are."""
    preserve: bool = False
    """Whether files get the modification time and the executable bit that they have at the sender."""

    def to_header(self) -> dict[str, Any]:
        """Returns them as the header of a journal has them.

        What is left out is compressed: a million entries, every other of them at random, take 220 kB.
        """
        header: dict[str, Any] = {_IF_EXISTS: self.if_exists.value, _PRESERVE: self.preserve}
        if self.left_out:
            header[_LEFT_OUT] = b64encode(zlib.compress(self.left_out)).decode()
        return header

    def of_header(self, header: dict[str, Any], manifest: Manifest) -> Terms:
        """Returns the terms that a header notes; what cannot be read of them is as it is here."""
        if_exists, left_out = self.if_exists, b""
        with suppress(ValueError):
            if_exists = IfExists(header.get(_IF_EXISTS, ""))
        if _LEFT_OUT in header:
            noted = _read(header[_LEFT_OUT], len(manifest.entries))
            left_out = self.left_out if noted is None else noted
        return Terms(if_exists, left_out, header.get(_PRESERVE, self.preserve) is True)

    def wants(self, entry: int) -> bool:
        """Whether an entry is wanted."""
        return not self.left_out or not self.left_out[entry]


def _read(text: object, count: int) -> bytes | None:
    """Returns the flags of `count` entries; None when the text does not hold just these."""
    try:
        unpack = zlib.decompressobj()
        flags = unpack.decompress(b64decode(str(text), validate=True), count + 1)
    except (ValueError, zlib.error):
        return None
    return flags if unpack.eof and len(flags) == count and not flags.strip(b"\0\1") else None
