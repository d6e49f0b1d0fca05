"""The transfers that are shown, in the list and in the timeline. Knows nothing of Textual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from p2pchat.node.events import Direction, TransferInfo, TransferProgressed, TransferState

TRANSFERS: Final = 200
"""Transfers that are remembered; beyond it the oldest finished one is forgotten. Open ones of three peers fit."""


class TransferBook:
    """Transfers of all conversations, as they stand."""

    def __init__(self) -> None:
        self.infos: dict[str, TransferInfo] = {}
        """By id, oldest first."""
        self.groups: dict[str, str] = {}
        """What was offered to several at once: for the id of each transfer, that of the first of them."""

    def changed(self, info: TransferInfo) -> bool:
        """A transfer stands like this now. Returns whether it is new."""
        new = info.transfer not in self.infos
        self.infos[info.transfer] = info
        if len(self.infos) > TRANSFERS:
            oldest = next((id for id, known in self.infos.items() if known.state.final), None)
            if oldest is not None:
                del self.infos[oldest]
                self.groups.pop(oldest, None)
        return new

    def progressed(self, event: TransferProgressed) -> TransferInfo | None:
        """More of a transfer is done. Returns how it stands; None when it is not known any more."""
        info = self.infos.get(event.transfer)
        if info is not None:
            info = replace(info, confirmed=event.confirmed, wanted=event.total, rate=event.rate)
            self.infos[event.transfer] = info
        return info

    def renamed(self, was: str, peer: str) -> None:
        """A peer is called something else."""
        for id, info in self.infos.items():
            if info.peer == was:
                self.infos[id] = replace(info, peer=peer)

    def group(self, transfers: Sequence[str]) -> None:
        """These were offered at once: the same to several peers."""
        if len(transfers) > 1:
            self.groups |= dict.fromkeys(transfers, transfers[0])

    def offers(self, conversation: str) -> list[TransferInfo]:
        """Offers in a conversation that wait for an answer, oldest first."""
        return [info for info in self.infos.values() if is_offer(info) and info.conversation == conversation]


def is_offer(info: TransferInfo) -> bool:
    """Whether a transfer is an offer to us that waits for an answer."""
    return info.direction is Direction.RECEIVE and info.state is TransferState.WAITING
