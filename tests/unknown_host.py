"""A host that nobody has, and of which no resolver is asked."""

from __future__ import annotations

from typing import Final

UNKNOWN_HOST: Final = ".".join(["no-such-host"] * 25)
"""Longer than the 255 bytes of a name in the DNS (RFC 1035 §2.3.4): it is refused without a query leaving."""
