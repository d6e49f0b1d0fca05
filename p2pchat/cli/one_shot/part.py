"""What sending and receiving have in common: meeting the other side, losing it, and taking it back.

    nobody there ──> connected ──> a transfer is open ──> done, or it ended otherwise
                                       │         ^
                                  lost v         │ back, over the old meeting or in the room of the two keys
                                  away, at most for `patience`

The node keeps the transfer while the other side is away, and offers it again when it is back. All that is done here
is to go where it can come back to, and to say what to type there.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

from p2pchat.cli import wording
from p2pchat.cli.lines import Line
from p2pchat.cli.one_shot.failures import gone
from p2pchat.cli.one_shot.standard_input import InputRead
from p2pchat.cli.one_shot.telling import Teller
from p2pchat.errors import NoConnection, P2PChatError, PeerUnreachable, TransferFailed, TurnedDown, UsageError
from p2pchat.node.api import NodeApi
from p2pchat.node.events import Event, PeerChanged, PeerInfo, PeerState, TransferInfo, TransferState
from p2pchat.store.meetings import Meetings

MEET_AGAIN_SECONDS: Final = 3.0
"""Time between two attempts to reach the server for the meeting after an interruption."""


@dataclass(frozen=True, slots=True)
class Comeback:
    """How an exchange that was interrupted goes on."""

    meetings: Meetings
    """Whom this profile met where."""
    occasion: bytes
    """What stands for this exchange, when the same command is run again."""
    patience: float
    """Seconds for the other side to come back: `Settings.patience`."""
    ephemeral: bool = False
    """Whether we have a key for this run only."""


class Part(ABC):
    """One side of an exchange. Errors that are raised end it.

    Args:
        node: a node that is not started.
        teller: takes what there is to tell.
        comeback: how it goes on after an interruption.
    """

    def __init__(self, node: NodeApi, teller: Teller, comeback: Comeback) -> None:
        self._node = node
        self._teller = teller
        self._comeback = comeback
        self._conversations: set[str] = set()
        """Where we wait."""
        self._rooms: set[str] = set()
        """Those of them that are a contact's and ours: somebody may come, go and come again."""
        self._transfer = ""
        """The id of the transfer, once there is one that has not ended."""
        self._key = ""
        """The key of the other side in hexadecimal; empty when it keeps none."""
        self._auto_accept = 0
        """Bytes of the largest offer of the other side that the user wants to be accepted without a question."""
        self._links: dict[tuple[str, str], PeerInfo] = {}
        """The links to the other side, by conversation and peer: there may be one in each place where it was met."""
        self._going_back: asyncio.Task[None] | None = None
        self._stored = 0
        """Bytes that the receiver has confirmed last."""
        self.peer: PeerInfo | None = None
        """The other side, once it has been connected."""
        self.away = False
        """Whether the other side was lost in the middle, and is waited for."""
        self.met = False
        """Whether the waiting is over."""
        self.done = False

    @property
    def patience(self) -> float:
        """Seconds for somebody who was there."""
        return self._comeback.patience

    @abstractmethod
    async def begin(self) -> None:
        """The node is started: go to the meeting."""

    @abstractmethod
    async def told(self, event: Event) -> None:
        """The node told an event."""

    async def entered(self, line: Line) -> None:  # noqa: B027
        """A line of input, or its end; nothing to do for a part that asks nobody."""

    async def read(self, item: InputRead) -> None:  # noqa: B027
        """More of the input that is to be sent has been read; nothing to do for a part that sends none."""

    async def abandon(self) -> None:
        """The user wants to leave: the other side is told that nothing more comes."""
        if self._transfer:
            with contextlib.suppress(P2PChatError):
                await self._node.cancel(self._transfer)
                await self._over()

    async def close(self) -> None:
        """Stops what goes on in the background."""
        if self._going_back is not None:
            self._going_back.cancel()
            await asyncio.wait({self._going_back})

    # --- who is there

    async def _where_it_was_interrupted(self) -> str:
        """Goes to the room of the contact with whom an earlier run did the same; returns the room, or nothing."""
        key = await asyncio.to_thread(self._comeback.meetings.find, self._comeback.occasion)
        if key is None:
            return ""
        try:
            return await self._go_to(key.hex())
        except UsageError:  # it is no contact any more
            return ""

    async def _go_to(self, contact: str) -> str:
        """Goes to the room of a contact; see `NodeApi.meet`."""
        conversation = await self._node.meet(contact)
        self._conversations.add(conversation)
        self._rooms.add(conversation)
        return conversation

    async def _peer_changed(self, event: PeerChanged) -> bool:
        """Notes how the other side stands. Returns whether it is connected for the first time.

        Raises:
            PeerUnreachable: no connection came about, or it is gone, while no transfer is open that says more.
        """
        info, place = event.info, (event.conversation, event.info.peer)
        waits_on = event.conversation in self._rooms
        if self.peer is None:
            return await self._not_met_yet(event, waits_on)
        if _tag(info) != _tag(self.peer):
            return False
        self._links.pop((event.conversation, event.was), None)
        self._links[place] = info
        if any(link.state is PeerState.CONNECTED for link in self._links.values()):
            if info.state is PeerState.CONNECTED:
                self.peer = info
                self._is_back()
        elif self.done:
            pass
        elif self._transfer:
            self.peer = info
            if info.state is PeerState.LOST and not self.away:
                self._is_away(info)
        elif info.state is not PeerState.CONNECTING:
            if not waits_on:
                raise gone(info)
            self.peer = None
            self._links.clear()
        return False

    async def _not_met_yet(self, event: PeerChanged, waits_on: bool) -> bool:
        info = event.info
        match info.state:
            case PeerState.CONNECTED:
                self.peer = info
                self._links[event.conversation, info.peer] = info
                self._teller.say(f"{wording.tagged(info)} connected{_way(info)}. Words match. {wording.trust(info)}.")
                await self._remember(info)
                return True
            case PeerState.FAILED | PeerState.LEFT | PeerState.LOST if not waits_on:
                raise gone(info)
            case PeerState.FAILED:
                why = wording.because(info.reason)
                self._teller.say(f"No connection to {wording.tagged(info)}.{why} Still waiting.")
        return False

    async def _remember(self, info: PeerInfo) -> None:
        """Notes whom we met, for the case that this is interrupted and begun again."""
        with contextlib.suppress(P2PChatError):  # that is a convenience, and no reason to end
            contacts = await self._node.contacts()
            contact = next((contact for contact in contacts if contact.tag == _tag(info)), None)
            if contact is not None:
                self._key, self._auto_accept = contact.key, contact.auto_accept
                key = bytes.fromhex(self._key)
                await asyncio.to_thread(self._comeback.meetings.remember, self._comeback.occasion, key)

    async def _over(self) -> None:
        """Nothing of it is to be gone on with."""
        with contextlib.suppress(P2PChatError):
            await asyncio.to_thread(self._comeback.meetings.forget, self._comeback.occasion)

    async def _stay_only(self, conversation: str) -> None:
        """Leaves the other places where we waited."""
        left = self._conversations - {conversation}
        for other in left:
            with contextlib.suppress(P2PChatError):
                await self._node.leave(other)
        self._conversations -= left
        self._links = {place: info for place, info in self._links.items() if place[0] not in left}

    # --- when it is lost

    def _is_away(self, info: PeerInfo) -> None:
        self.away = True
        who = wording.tagged(info)
        waiting = f"Waiting for up to {wording.length(self.patience)}."
        self._teller.say(f"The connection to {who} is lost.{self._kept()} {self._what_to_do()} {waiting}")
        if self._key and (self._going_back is None or self._going_back.done()):
            self._going_back = asyncio.create_task(self._go_back(self._key))

    def _kept(self) -> str:
        """What is said of what has arrived already; nothing at the sender."""
        return ""

    def _what_to_do(self) -> str:
        if not self._key or self._comeback.ephemeral:
            return "It can come back by itself, but not after it was started anew: that takes a key (no --ephemeral)."
        return "If it does not come back by itself, run the same command there again."

    def _is_back(self) -> None:
        if self.away and self.peer is not None:
            self.away = False
            self._teller.say(f"{wording.tagged(self.peer)} is back.")

    async def _go_back(self, key: str) -> None:
        """Goes to the room of the two, as the other side does, as soon as the server can be reached."""
        while True:
            try:
                await self._go_to(key)
            except NoConnection:
                await asyncio.sleep(MEET_AGAIN_SECONDS)
            except P2PChatError:  # it is blocked or forgotten by now
                return
            else:
                return

    # --- how it ends

    async def _ended(self, info: TransferInfo) -> None:
        """Raises what a transfer's end without success amounts to; does nothing in other states."""
        match info.state:
            case TransferState.DECLINED | TransferState.CANCELLED:
                await self._over()
                raise TurnedDown(info.reason or f"{info.state.value} by {info.name}")
            case TransferState.FAILED if self.peer is not None and not self._connected:
                raise self._gave_up(info, self.peer)
            case TransferState.FAILED:
                raise TransferFailed(info.reason or "the transfer failed", self._how_to_go_on(info))

    @property
    def _connected(self) -> bool:
        return any(link.state is PeerState.CONNECTED for link in self._links.values())

    def _gave_up(self, info: TransferInfo, peer: PeerInfo) -> PeerUnreachable:
        return gone(peer, self._how_to_go_on(info) or "try again together")

    def _how_to_go_on(self, info: TransferInfo) -> str:
        """What is said about a transfer that failed and may go on another time; nothing when it cannot."""
        return ""


def _tag(info: PeerInfo) -> str:
    """The key tag of a peer: a second terminal with the same key is called `m2xdabcd-2`."""
    return info.peer.partition("-")[0]


def _way(info: PeerInfo) -> str:
    way = " through a relay" if info.path == "relay" else " directly"
    return way if info.rtt_ms is None else f"{way}, {info.rtt_ms:g} ms"
