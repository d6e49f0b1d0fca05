"""Sizes, numbers, rates and times as people read them."""

from __future__ import annotations

import re
from math import ceil
from typing import Final

from p2pchat.errors import UsageError
from p2pchat.protocol.untrusted import safe_line

UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")
"""Decimal units, as disks and networks are sold and as most file managers show them."""

SIZE: Final = re.compile(r"(?a:(\d{1,9}(?:[.,]\d{1,9})?)) ?([kmgtp]?)(i?)b?", re.IGNORECASE)
"""A size as people type it: a number, a prefix of a unit, and whether it is a binary one."""

BAR_FULL: Final = "━"
BAR_HALF: Final = "╸"
BAR_EMPTY: Final = "─"


def size(count: float) -> str:
    """A number of bytes with three digits at most before or one after the point: `4.2 MB`, `512 MB`."""
    for unit in UNITS:
        if count < 999.5 or unit == UNITS[-1]:
            break
        count /= 1000
    digits = 1 if unit != "B" and count < 9.95 else 0
    return f"{count:.{digits}f} {unit}"


def read_size(text: str) -> int:
    """A number of bytes that somebody typed: `50 MB`, `1.5gb`, `2 MiB`, `800`; nothing, `0` and `off` are 0.

    Raises:
        UsageError: it is no size.
    """
    text = text.strip()
    if text.casefold() in ("", "off", "no"):
        return 0
    match = SIZE.fullmatch(text)
    if match is None:
        raise UsageError(f"{safe_line(text, 20)} is no size", "Write a number and a unit, as in 50 MB")
    number, prefix, binary = match.groups()
    power = "kmgtp".index(prefix.casefold()) + 1 if prefix else 0
    return round(float(number.replace(",", ".")) * (1024.0 if binary else 1000.0) ** power)


def files(count: int) -> str:
    """A number of files: `1 file`, `1,204 files`."""
    return "1 file" if count == 1 else f"{count:,} files"


def rate(bytes_per_second: float) -> str:
    """A rate: `9.8 MB/s`."""
    return f"{size(bytes_per_second)}/s"


def duration(seconds: float) -> str:
    """A length of time: `0.5 s` below ten seconds, then `0:22`, `1:02:03`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return clock(seconds)


def clock(seconds: float) -> str:
    """A length of time in whole seconds: `0:01`, `12:40`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def remaining(confirmed: int, total: int, bytes_per_second: float) -> str:
    """How long the rest takes at this rate: `0:22`; `-:--` when that is not known, or a day or more."""
    if bytes_per_second <= 0 or (seconds := (total - confirmed) / bytes_per_second) >= 86_400:
        return "-:--"
    return clock(ceil(seconds))


def percent(confirmed: int, total: int) -> int:
    """The part that is done; 100 only when everything is."""
    return 100 if confirmed >= total else max(0, confirmed * 100 // total)


def bar(confirmed: int, total: int, width: int) -> tuple[str, str]:
    """A progress bar of `width` cells: the part that is done, and the rest."""
    halves = 2 * width if confirmed >= total else max(0, confirmed) * 2 * width // total
    done = BAR_FULL * (halves // 2) + BAR_HALF * (halves % 2)
    return done, BAR_EMPTY * (width - len(done))
