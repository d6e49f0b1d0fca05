"""The numbers of mailboxes: which one is drawn, and what the room behind it is called.

Rules
    1. A number is drawn from those free of one digit; when none is free, of two, then of three.
    2. It is not free while its mailbox is there, and rests for a while after it, so that a late claim does not reach
       somebody else.
    3. The room behind it has a name that no client can join and no other mailbox gets, as a room outlives its mailbox
       until its last member leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

from p2pchat.protocol.signaling import LAST_MAILBOX

NUMBERS: Final = (range(1, 10), range(10, 100), range(100, LAST_MAILBOX + 1))
"""Those of each length, the shortest first."""


def draw(numbers: Iterable[int], taken: Collection[int], pick: Callable[[int], int]) -> int | None:
    """Draws one of the free numbers among some, or returns None when there is none.

    Args:
        numbers: one of `NUMBERS`.
        taken: those that are not free.
        pick: returns a random number from 0 up to, but not including, its argument.
    """
    free = [number for number in numbers if number not in taken]
    return free[pick(len(free))] if free else None


def room_name(number: int, serial: int | str) -> str:
    """The name of the room behind a number.

    Args:
        number: of the mailbox.
        serial: tells the mailboxes of one number apart, one after the other.
    """
    # A control character keeps it apart from all names that clients can give: see `RoomName`.
    return f"\0mailbox {number} {serial}"
