"""Candidates in session descriptions, and apart from them (RFC 8838, RFC 8840).

A description leaves with the candidates that are known at that moment. This module marks it as one that more follow,
and takes the candidates out of what came, so that those of a description and later ones go the same way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CANDIDATE = "a=candidate:"
_END = "a=end-of-candidates"
_OPTIONS = "a=ice-options:"
_CREDENTIALS = re.compile(r"a=ice-(?:ufrag:[A-Za-z0-9+/]{4,256}|pwd:[A-Za-z0-9+/]{22,256})")
"""RFC 8839 §5.4. The first is in every check, which goes wherever the peer says: one of 30 kB would be a weapon."""


@dataclass(frozen=True, slots=True)
class Received:
    """A peer's description, taken apart."""

    sdp: str
    """Without candidates."""
    candidates: tuple[str, ...]
    """Each from `candidate:` on."""
    complete: bool
    """Whether it says that there will be no more."""
    trickles: bool
    """Whether its author takes candidates that come after our own description (RFC 8840 §4.1.3)."""
    credentials_fit: bool
    """Whether user name fragment and password have the form that they must have."""


def received(sdp: str) -> Received:
    """Takes a peer's description apart."""
    kept, candidates, complete, trickles, fit = [], [], False, False, True
    for line in sdp.splitlines():
        if line.startswith(_CANDIDATE):
            candidates.append(line.removeprefix("a="))
        elif line.startswith(_END):
            complete = True
        else:
            trickles = trickles or (line.startswith(_OPTIONS) and "trickle" in line.removeprefix(_OPTIONS).split())
            fit = fit and (not line.startswith(("a=ice-ufrag:", "a=ice-pwd:")) or bool(_CREDENTIALS.fullmatch(line)))
            kept.append(line)
    return Received("".join(line + "\r\n" for line in kept), tuple(candidates), complete, trickles, fit)


def described(sdp: str, more: bool, added: Sequence[str] = ()) -> str:
    """Returns our description, saying that we take candidates later, and whether we send any.

    Args:
        sdp: as aiortc makes it, with one medium.
        more: whether candidates will follow.
        added: candidates beyond those that are in it, each from `candidate:` on.
    """
    lines = [line for line in sdp.splitlines() if not line.startswith((_END, _OPTIONS))]
    lines += [f"a={candidate}" for candidate in added]
    lines.append(f"{_OPTIONS}trickle")
    if not more:
        lines.append(_END)
    return "".join(line + "\r\n" for line in lines)
