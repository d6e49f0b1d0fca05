"""A link as a QR code, for a telephone that looks at the terminal."""

from __future__ import annotations

import io

import segno


def qr_code(text: str) -> str:
    """Returns a QR code (ISO/IEC 18004) in block characters, two rows of it in each line, with its quiet zone.

    Light modules are drawn in the terminal's text colour, so that it is right on a dark background; most readers take
    it on a light one as well.

    Args:
        text: at most 2,000 characters.
    """
    drawn = io.StringIO()
    segno.make_qr(text, error="l").terminal(drawn, compact=True)
    return drawn.getvalue()
