"""A transfer that we offered."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from p2pchat.errors import ProtocolError, TransferFailed
from p2pchat.node.disk_work import Batches
from p2pchat.node.events import Direction, Event, TransferChanged, TransferState
from p2pchat.node.transfer_job import TransferJob
from p2pchat.protocol.transfer.exchange import TransferOutput
from p2pchat.protocol.transfer.lifecycle import ReadBlock
from p2pchat.protocol.transfer.outgoing import OutgoingTransfer
from p2pchat.store.outgoing import Source

if TYPE_CHECKING:
    from p2pchat.node.peer import Peer


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
        *,
        source: Source,
        pool: Executor,
        tell: Callable[[Event], None],
    ) -> None:
        super().__init__(id_, peer, machine, pool=pool, tell=tell)
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
            do=source.read_block,
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
            self._stored = self.manifest.total
        self._when_settled(self._source.close)
