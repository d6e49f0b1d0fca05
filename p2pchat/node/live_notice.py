"""What every front end says of live text before it begins, in the same words."""

from __future__ import annotations

from typing import Final

NO_EMERGENCY: Final = "p2pchat is not an emergency-calling service: do not rely on it to call for help."
"""Said so that nobody expects it (RFC 6443 §4, §14)."""

NOTICE: Final = f"Live text shows each key to others before you press Enter. {NO_EMERGENCY}"
"""Said where it is not known yet who the others are."""
