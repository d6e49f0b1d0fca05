"""What tests of transfers between two nodes say again and again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from p2pchat.node.events import TransferChanged, TransferInfo, TransferOffered, TransferProgressed, TransferState
from p2pchat.node.peer import Peer
from tests.node.player import ROOM, Player


def digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def ended(event: TransferChanged) -> bool:
    return event.info.state.final


def paused(event: TransferChanged) -> bool:
    return event.info.state is TransferState.PAUSED


def active(event: TransferChanged) -> bool:
    return event.info.state is TransferState.ACTIVE


def peers_of(player: Player) -> list[Peer]:
    return list(player.node._conversations[ROOM].peers.values())


def lose_link(player: Player) -> None:
    """Cuts the link without a word."""
    for peer in peers_of(player):
        peer._connector.drop("pulled the plug")


async def offered(sender: Player, receiver: Player, *paths: Path) -> tuple[str, TransferInfo]:
    """Offers files; returns the transfer's id at the sender, and the offer at the receiver."""
    receiver.told.clear()
    (transfer,) = await sender.node.offer(ROOM, list(paths), receiver.name)
    return transfer, (await receiver.until(TransferOffered)).info


async def some_progress(player: Player, least: int = 2_000_000) -> None:
    await player.until(TransferProgressed, lambda event: event.confirmed > least)


async def end(player: Player) -> TransferInfo:
    """Waits until a transfer has ended."""
    return (await player.until(TransferChanged, ended)).info
