"""A transfer that we offered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from p2pchat.errors import ProtocolError, TransferFailed
from p2pchat.node.disk_work import Batches, one_by_one
from p2pchat.node.events import Direction, TransferChanged, TransferState
from p2pchat.node.transfer_job import Means, TransferJob
from p2pchat.protocol.transfer.exchange import TransferOutput
from p2pchat.protocol.transfer.lifecycle import ReadBlock
from p2pchat.protocol.transfer.outgoing import OutgoingTransfer
from p2pchat.protocol.untrusted import safe_line
from p2pchat.store.outgoing import Source

if TYPE_CHECKING:
    from p2pchat.node.peer import Peer

FILE_CHARACTERS: Final = 60
"""Longest name of a file in a reason, which is a part of a line."""


class SendJob(TransferJob):
    """Files that go to one peer; see `TransferJob` for the arguments.

    Args:
        source: what is sent. It is closed when nobody sends it any more.
    """

    direction = Direction.SEND

    def __init__(
        self,
        id_: str,
        peer: Peer,
        machine: OutgoingTransfer,
        means: Means,
        source: Source,
    ) -> None:
        super().__init__(id_, peer, machine, means)
        self.machine = machine
        self.withdrawn = False
        """Whether it was cancelled while the peer was away, and the peer does not know."""
        self._source = source
        self._reading = self._batches()
        self._tell(TransferChanged(self.info(), time.time()))

    def _batches(self) -> Batches[int, tuple[bytes, bytes]]:
        machine, source = self.machine, self._source

        def failed(number: int, error: TransferFailed) -> None:
            machine.read_failed(error.reason, error.message)

        return Batches(
            self._work,
            size=lambda number: source.manifest.place(number)[2],
            do=one_by_one(source.read_block),
            done=lambda number, block: machine.block_read(number, *block),
            failed=failed,
        )

    def offer_again(self, peer: Peer) -> None:
        """The peer is back: offers it what it has not, or withdraws what it thinks to be offered still."""
        exchange = peer.session.transfers
        try:
            number = exchange.offer(self.manifest, self.machine.digests, again=True)
        except ProtocolError as error:
            self.give_up(error.message)
            return
        machine = exchange.outgoing[number]
        if self.withdrawn:
            self.withdrawn = False
            machine.cancel()
        else:
            self._attach(peer, machine)
            self.machine = machine
            self._reading = self._batches()
            if self.state is TransferState.PAUSED:
                self._enter(TransferState.PAUSED, f"offered again: waiting for {peer.info.name} to go on")
        peer.drain()

    def cancel(self) -> None:
        """See `TransferJob.cancel`."""
        self.withdrawn = self.detached
        super().cancel()

    def handle(self, output: TransferOutput) -> None:
        """Does what the machine asks for, or tells what it tells."""
        match output.output:
            case ReadBlock(_, number):
                self._reading.add(number)
            case _:
                super().handle(output)

    def _let_go(self, code: str) -> None:
        if self.state is TransferState.DONE:
            self._stored = self._wanted
        self._when_settled(self._source.close)

    def _waits_for(self, seconds: float) -> str:
        block = self._reading.oldest
        if block is not None:
            entry = self.manifest.entries[self.manifest.place(block)[0]]
            return f"reading {safe_line(entry.components[-1], FILE_CHARACTERS)} is slow"
        return f"nothing confirmed for {seconds:.0f} s: waiting for {self.peer.info.name}"
