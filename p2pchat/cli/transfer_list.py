"""The transfers of a plain session, each with a number to call it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from p2pchat.errors import UsageError
from p2pchat.node.events import Direction, TransferInfo, TransferState

REMEMBERED: Final = 200
"""Transfers that are remembered; beyond it the oldest finished one is forgotten."""

PERCENT_STEP: Final = 25
"""Progress is told at each quarter, and not at the end, which has a line of its own."""


@dataclass(slots=True)
class Numbered:
    """A transfer with its number, which counts from 1 and never changes."""

    number: int
    info: TransferInfo
    told_percent: int = 0

    @property
    def is_offer(self) -> bool:
        """Whether it waits for our answer."""
        return self.info.direction is Direction.RECEIVE and self.info.state is TransferState.WAITING

    @property
    def can_be_cancelled(self) -> bool:
        """Whether it is ours or under way."""
        return not self.info.state.final and not self.is_offer

    @property
    def may_be_discarded(self) -> bool:
        """Whether it may have left something here that is of no use unless it goes on."""
        failed = self.info.direction is Direction.RECEIVE and self.info.state is TransferState.FAILED
        return failed or (self.is_offer and self.info.resumable > 0)


class TransferList:
    """Knows each transfer by its number."""

    def __init__(self) -> None:
        self._known: dict[str, Numbered] = {}
        self._last_number = 0

    def update(self, info: TransferInfo) -> Numbered:
        """Notes how a transfer stands."""
        known = self._known.get(info.transfer)
        if known is None:
            self._last_number += 1
            known = self._known[info.transfer] = Numbered(self._last_number, info)
            self._forget()
        known.info = info
        return known

    def find(self, transfer: str) -> Numbered | None:
        """Returns a transfer by its id."""
        return self._known.get(transfer)

    def reached(self, transfer: str, confirmed: int, total: int) -> tuple[Numbered, int] | None:
        """Returns the transfer and the quarter that it has newly reached, in percent; None for no new one."""
        known = self._known.get(transfer)
        percent = 100 * confirmed // total // PERCENT_STEP * PERCENT_STEP if total else 0
        if known is None or not known.told_percent < percent < 100:
            return None
        known.told_percent = percent
        return known, percent

    def all(self) -> list[Numbered]:
        """Returns the transfers, oldest first."""
        return list(self._known.values())

    def offers(self) -> list[Numbered]:
        """Returns those that wait for our answer."""
        return [known for known in self._known.values() if known.is_offer]

    def choose_offer(self, argument: str) -> Numbered:
        """Returns the offer that a command means: by its number, or the only one.

        Raises:
            UsageError: there is none, there are several and no number was given, or the number is of none of them.
        """
        return _choose(self.offers(), argument, "offer")

    def choose_running(self, argument: str) -> Numbered:
        """Returns the transfer to cancel, as `choose_offer` does."""
        return _choose([known for known in self._known.values() if known.can_be_cancelled], argument, "transfer")

    def choose_paused(self, argument: str) -> Numbered:
        """Returns the transfer to go on with, as `choose_offer` does."""
        paused = [known for known in self._known.values() if known.info.state is TransferState.PAUSED]
        return _choose(paused, argument, "paused transfer")

    def choose_discardable(self, argument: str) -> Numbered:
        """Returns the transfer to us of which something may be left on the disk, as `choose_offer` does."""
        return _choose(
            [known for known in self._known.values() if known.may_be_discarded], argument, "interrupted transfer"
        )

    def _forget(self) -> None:
        if len(self._known) > REMEMBERED:
            finished = (key for key, known in self._known.items() if known.info.state.final)
            self._known.pop(next(finished, ""), None)


def _choose(candidates: list[Numbered], argument: str, noun: str) -> Numbered:
    if not candidates:
        raise UsageError(f"no {noun} is open")
    if not argument and len(candidates) == 1:
        return candidates[0]
    numbers = ", ".join(str(known.number) for known in candidates)
    if not argument:
        raise UsageError(f"{len(candidates)} {noun}s are open: {numbers}", "Give the number of one.")
    for known in candidates:
        if argument == str(known.number):
            return known
    raise UsageError(f"no open {noun} has that number", f"Open: {numbers}.")
