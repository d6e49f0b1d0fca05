"""All transfers with one peer, in both directions, on one link at a time.

`Exchange` gives offers their numbers, gathers the pages of the peer's offers, brings each frame and each chunk to the
machine it is for, lets running transfers take turns chunk by chunk, and forgets those that have ended. A frame or a
chunk for a transfer that it does not know is ignored: it was on its way when the transfer ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from p2pchat.errors import ProtocolError, UnsafeName
from p2pchat.protocol import frames
from p2pchat.protocol.codec import FrameError
from p2pchat.protocol.limits import MANIFEST_BYTES, OPEN_TRANSFERS, PAGE_ENTRIES, PAGES_AHEAD, REASON_CHARACTERS
from p2pchat.protocol.transfer.bulk import unpack
from p2pchat.protocol.transfer.incoming import IncomingTransfer
from p2pchat.protocol.transfer.lifecycle import (
    Confirmed,
    FinishFile,
    ReadBlock,
    SendFrame,
    StateChanged,
    StoreBlock,
    Transfer,
)
from p2pchat.protocol.transfer.manifest import Gathering, Manifest
from p2pchat.protocol.transfer.outgoing import OutgoingTransfer

Direction = Literal["send", "receive"]


@dataclass(frozen=True, slots=True)
class Offered:
    """The peer offers files: answer with the incoming transfer's `accept` or `decline`."""


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """An offer of the peer was declined for us, because it must not be accepted. `reason` may be shown."""

    reason: str


@dataclass(frozen=True, slots=True)
class TransferOutput:
    """What one transfer asks for or tells."""

    direction: Direction
    number: int
    output: Offered | OfferRefused | StateChanged | Confirmed | ReadBlock | StoreBlock | FinishFile
    machine: OutgoingTransfer | IncomingTransfer | None = field(default=None, compare=False)
    """The end of the transfer; None when an offer was refused."""


Output: TypeAlias = TransferOutput | frames.TransferFrame


class Exchange:
    """The transfers with one peer.

    After any call, and after any call of a transfer in `outgoing` or `incoming`, drain `poll` until it returns None.
    """

    def __init__(self) -> None:
        self.outgoing: dict[int, OutgoingTransfer] = {}
        """Our offers and what became of them, by number, until they end."""
        self.incoming: dict[int, IncomingTransfer] = {}
        self.known: Callable[[bytes], Manifest | None] = lambda root: None
        """Looks up the manifest with a root, so that its pages need not be sent again."""
        self._gathering: dict[int, Gathering] = {}
        """Offers whose pages are still coming."""
        self._next_number = 0
        self._turns: deque[int] = deque()
        self._outputs: deque[Output] = deque()

    def offer(self, manifest: Manifest, digests: dict[int, bytes] | None = None, again: bool = False) -> int:
        """Offers files to the peer; returns the offer's number.

        Args:
            manifest: what is offered.
            digests: what an earlier transfer of the same has read; see `OutgoingTransfer`.
            again: whether that was offered on an earlier link, which was lost.

        Raises:
            ProtocolError: the peer has `OPEN_TRANSFERS` offers of ours open.
        """
        if len(self.outgoing) >= OPEN_TRANSFERS:
            raise ProtocolError(
                f"{OPEN_TRANSFERS} offers to this peer are open", "wait until one of them is answered or done"
            )
        number = self._next_number
        self._next_number = (number + 1) % 2**32
        self.outgoing[number] = OutgoingTransfer(number, manifest, digests, again)
        self._turns.append(number)
        return number

    def receive(self, frame: frames.TransferFrame, now: float) -> None:
        """A frame about a transfer arrived."""
        match frame:
            case frames.Offer():
                self._receive_offer(frame)
            case frames.ManifestPage():
                self._receive_page(frame)
            case frames.Cancel(by_sender=True) if frame.transfer in self._gathering:
                del self._gathering[frame.transfer]
            case frames.Hashes() | frames.FileEnd():
                self._incoming(frame, now)
            case frames.Pause(by_sender=True) | frames.Resume(by_sender=True) | frames.Cancel(by_sender=True):
                self._incoming(frame, now)
            case _:
                self._outgoing(frame, now)

    def chunk(self, message: bytes | str, now: float) -> bool:
        """A message came on `bulk`. Returns whether it is for a transfer that is there.

        Raises:
            FrameError: it is no chunk of a file.
        """
        if isinstance(message, str):
            raise FrameError("the bulk channel carries binary messages only")
        chunk = unpack(message)
        transfer = self.incoming.get(chunk.transfer)
        if transfer is None:
            return False
        transfer.chunk(chunk, now)
        return True

    def next_chunk(self) -> bytes | None:
        """Returns the next message for `bulk`, or None while no transfer has anything that may be sent."""
        for _ in range(len(self._turns)):
            number = self._turns[0]
            self._turns.rotate(-1)
            transfer = self.outgoing.get(number)
            if transfer is not None and (message := transfer.next_chunk()) is not None:
                return message
        return None

    def link_lost(self, reason: str) -> None:
        """The link is gone, and with it every transfer that has not ended."""
        self._gathering.clear()
        for transfer in self._all():
            transfer.link_lost(reason)

    def poll(self) -> Output | None:
        """The next thing to do, to tell or (a frame) to send; None when there is nothing left."""
        if self._outputs:
            return self._outputs.popleft()
        for transfer in self._all():
            output = transfer.poll()
            if output is None:
                if transfer.state.final:
                    self._forget(transfer)
                continue
            if isinstance(output, SendFrame):
                return output.frame
            return TransferOutput("send" if transfer.by_sender else "receive", transfer.number, output, transfer)
        return None

    def _all(self) -> list[OutgoingTransfer | IncomingTransfer]:
        return [*self.outgoing.values(), *self.incoming.values()]

    def _forget(self, transfer: Transfer) -> None:
        if transfer.by_sender:
            del self.outgoing[transfer.number]
            self._turns.remove(transfer.number)
        else:
            del self.incoming[transfer.number]

    def _incoming(self, frame: frames.TransferFrame, now: float) -> None:
        transfer = self.incoming.get(frame.transfer)
        if transfer is not None:
            transfer.receive(frame, now)

    def _outgoing(self, frame: frames.TransferFrame, now: float) -> None:
        transfer = self.outgoing.get(frame.transfer)
        if transfer is not None:
            transfer.receive(frame, now)

    def _receive_offer(self, offer: frames.Offer) -> None:
        number = offer.transfer
        if number in self.incoming:
            self.incoming[number].cancel("protocol", "the same offer came twice")
        elif number in self._gathering:
            self._refuse(number, "the same offer came twice")
        elif len(self.incoming) + len(self._gathering) >= OPEN_TRANSFERS:
            self._refuse(number, f"{OPEN_TRANSFERS} offers are open already")
        else:
            known = self.known(offer.root)
            if known is not None and known.chunk == offer.chunk:
                self._offered(number, known, offer.again)
                return
            try:
                gathering = Gathering(offer)
            except (UnsafeName, ProtocolError) as error:
                self._refuse(number, error.message)
                return
            self._gathering[number] = gathering
            self._look_at(number, gathering)

    def _receive_page(self, page: frames.ManifestPage) -> None:
        gathering = self._gathering.get(page.transfer)
        if gathering is None:
            return
        try:
            gathering.page(page.entries)
        except (UnsafeName, ProtocolError) as error:
            self._refuse(page.transfer, error.message)
        else:
            self._look_at(page.transfer, gathering)

    def _look_at(self, number: int, gathering: Gathering) -> None:
        """Asks for more of an offer, or tells it once it is whole."""
        try:
            manifest = gathering.manifest()
        except (UnsafeName, ProtocolError) as error:
            self._refuse(number, error.message)
            return
        if manifest is not None:
            del self._gathering[number]
            self._offered(number, manifest, gathering.again)
        elif self._weight() > MANIFEST_BYTES:
            self._refuse(number, "the open offers take too much memory")
        else:
            until = len(gathering.builder.entries) + PAGES_AHEAD * PAGE_ENTRIES
            self._outputs.append(frames.More(number, until))

    def _weight(self) -> int:
        offered = sum(transfer.manifest.entries.weight for transfer in self.incoming.values())
        return offered + sum(gathering.builder.entries.weight for gathering in self._gathering.values())

    def _offered(self, number: int, manifest: Manifest, again: bool) -> None:
        transfer = self.incoming[number] = IncomingTransfer(number, manifest, again)
        self._outputs.append(TransferOutput("receive", number, Offered(), transfer))

    def _refuse(self, number: int, reason: str) -> None:
        self._gathering.pop(number, None)
        self._outputs.append(frames.Decline(number, reason[:REASON_CHARACTERS]))
        self._outputs.append(TransferOutput("receive", number, OfferRefused(reason)))
