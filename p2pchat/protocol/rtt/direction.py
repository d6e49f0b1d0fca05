"""How a side takes part in real-time text, as its hello says: the words for it, and what we say."""

from __future__ import annotations

from enum import Enum
from typing import Final

from p2pchat.protocol.frames import LiveTextFeatures
from p2pchat.protocol.limits import CPS_ADVERTISED
from p2pchat.protocol.rtt.graphemes import GRAPHEME, unicode_version

SENDRECV: Final = "sendrecv"
SENDONLY: Final = "sendonly"
RECVONLY: Final = "recvonly"
INACTIVE: Final = "inactive"
DIRECTIONS: Final = (SENDRECV, SENDONLY, RECVONLY, INACTIVE)
"""The directions of RFC 8865 §4.2.3, each seen from the side that says it. Any other word means `sendrecv`."""

CAN_DIRECTION: Final = "direction"
"""Extension: the side understands `rtt-direction`."""

CAN_SNAPSHOT: Final = "snapshot"
"""Extension: the side sends an `rtt-snapshot` before its first text on each channel, and understands ours."""

CAN_SHOWN: Final = "shown"
"""Extension: the side understands `rtt-shown`."""

EXTENSIONS: Final = (CAN_DIRECTION, CAN_SNAPSHOT, CAN_SHOWN)
"""What this program can do."""


class Mode(Enum):
    """What our user wants of real-time text with a peer."""

    LIVE = "live"
    """Others see each key."""

    HOLD = "hold"
    """Our user composes in private and goes on reading: nothing more of the line leaves before it is sent."""

    OFF = "off"
    """Neither is wanted. What was sent of the line is erased; lines go as messages."""


OUR_DIRECTION: Final = {Mode.LIVE: SENDRECV, Mode.HOLD: RECVONLY, Mode.OFF: INACTIVE}
"""What a side in each mode says of itself, to a peer that may see the keys."""

OUR_REASON: Final = {Mode.LIVE: "", Mode.HOLD: "hold", Mode.OFF: "off"}
"""Why, as it says to the same."""


def our_features(hlang_send: tuple[str, ...] = (), hlang_recv: tuple[str, ...] = ()) -> LiveTextFeatures:
    """Returns what this program says of itself in `hello`.

    Args:
        hlang_send: languages that our user writes, as BCP 47 tags, the preferred one first.
        hlang_recv: languages that our user reads.
    """
    return LiveTextFeatures(
        cps=CPS_ADVERTISED,
        unit=GRAPHEME,
        ucd=unicode_version(),
        hlang_send=hlang_send,
        hlang_recv=hlang_recv,
        extensions=EXTENSIONS,
    )


def languages(features: LiveTextFeatures | None) -> tuple[str, ...]:
    """Returns the languages that a side writes or reads, each once, the preferred ones first."""
    return tuple(dict.fromkeys(features.hlang_send + features.hlang_recv)) if features is not None else ()


def receives(direction: str) -> bool:
    """Whether a side that says so may be sent real-time text (RFC 8865 §4.2.3.1)."""
    return direction not in (SENDONLY, INACTIVE)


def sends(direction: str) -> bool:
    """Whether real-time text may come from a side that says so."""
    return direction not in (RECVONLY, INACTIVE)
