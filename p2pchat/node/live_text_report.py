"""How well live text with a peer works, in words for people who are no engineers. All front ends say it with these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from p2pchat.node.answers import LiveTextStats
from p2pchat.protocol.rtt.graphemes import GRAPHEME, unicode_version
from p2pchat.protocol.rtt.statistics import Spread

SENDING: Final = (0.3, 0.5)
"""Times from key to sending that are good and that are usable, in seconds (EN 301 549 clause 6.2.4 and its note 3)."""

READING: Final = (1.0, 2.0)
"""Times from key to the other's screen that are good and that are usable, in seconds (RFC 5194 R10)."""


@dataclass(frozen=True, slots=True)
class Delay:
    """How long keys took on a part of their way."""

    label: str
    """Which part, as the beginning of a sentence."""
    spread: Spread
    good: float
    """Up to so many seconds it is good."""
    usable: float
    """Up to so many seconds it is usable."""

    @property
    def verdict(self) -> str:
        """What it comes to, in a word or two: by the slowest of 95 in a hundred keys."""
        if not self.spread.count:
            return "nothing measured yet"
        if self.spread.p95 <= self.good:
            return "good"
        return "usable" if self.spread.p95 <= self.usable else "too slow"

    @property
    def aim(self) -> str:
        """What would be good, in words."""
        return f"up to {milliseconds(self.good) if self.good < 1 else _count(round(self.good), 'second')} is good"


def delays(stats: LiveTextStats, who: str) -> list[Delay]:
    """Returns the parts of a key's way that are measured.

    Args:
        stats: what was measured.
        who: what the peer is called.
    """
    measured = stats.measured
    return [
        Delay("From key to sending", measured.key_to_send, *SENDING),
        Delay(f"From key to the screen of {who}", measured.key_to_remote, *READING),
    ]


def facts(stats: LiveTextStats, who: str) -> list[tuple[str, str]]:
    """Returns everything else that was measured or agreed: what it is, and how it stands, without full stops."""
    measured = stats.measured
    waiting = _count(measured.backlog, "character")
    if measured.cps and measured.backlog > measured.cps:
        waiting += f", because {who} takes no more at once: catching up"
    missing = (
        f"in {_count(measured.gaps, 'place')}, of which {measured.healed:,} healed" if measured.gaps else "nowhere"
    )
    found = [
        ("Sent", f"{_count(measured.characters_sent, 'character')} in {_count(measured.messages_sent, 'message')}"),
        (
            "Received",
            f"{_count(measured.characters_received, 'character')} in {_count(measured.messages_received, 'message')}",
        ),
        ("Still to be sent", waiting),
        ("Text may be missing", missing),
        ("Shown wrongly, corrected at the end", _count(measured.desyncs, "line")),
        ("Alerts received", f"{measured.alerts:,}"),
    ]
    if measured.cps:
        found.append((f"{who} takes", f"{_count(measured.cps, 'character')} a second"))
        found.append(("One erasure takes", _UNITS.get(measured.unit, _UNITS[GRAPHEME])))
    return [*found, (f"Clock of {who}", _clock(stats))]


def other_unicode(stats: LiveTextStats, who: str) -> str:
    """Returns that the peer's program cuts characters by another version of Unicode; empty when it does not say so."""
    ours = unicode_version()
    if stats.unicode in ("", ours):
        return ""
    differs = f"{who} segments text by Unicode {stats.unicode}, this program by {ours}"
    return f"{differs}: new emoji and scripts may be erased in other steps there"


def milliseconds(seconds: float) -> str:
    """A time in whole milliseconds, in words."""
    return _count(round(seconds * 1000), "millisecond")


_UNITS: Final = {
    GRAPHEME: "a whole character, as people see it",
    "c": "one code point, which may be a part of a character",
}


def _clock(stats: LiveTextStats) -> str:
    if stats.measured.clock_known:
        return f"known, give or take {milliseconds(stats.measured.clock_error)}"
    return "not known, so that the time to its screen is not measured"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"
