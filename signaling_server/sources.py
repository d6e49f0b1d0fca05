"""Where a socket comes from: what the hub and the gate know of an address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Source:
    """Who is counted together, and what it brought along.

    Args:
        key: equal for all sockets that count together; empty when nobody counts them.
        address: as the server sees it, for the client to be told; may be empty.
        token: what came with the request, in `Authorization: Bearer`; may be empty.
    """

    key: str = ""
    address: str = ""
    token: str = ""


ANYWHERE: Final = Source()
"""The source of sockets that nobody counts."""
