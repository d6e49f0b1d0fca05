"""All transfers of a node, by their id."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from p2pchat.errors import PeerUnreachable, UsageError
from p2pchat.node.events import Event, PeerState, Problem, TransferInfo, TransferState
from p2pchat.node.receive_job import ReceiveJob
from p2pchat.node.send_job import SendJob
from p2pchat.protocol.transfer.exchange import Offered, OfferRefused, TransferOutput
from p2pchat.protocol.transfer.incoming import IncomingTransfer
from p2pchat.protocol.transfer.lifecycle import StateChanged
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.outgoing import OutgoingTransfer
from p2pchat.protocol.untrusted import safe_line
from p2pchat.store.incoming import IfExists
from p2pchat.store.outgoing import Source

if TYPE_CHECKING:
    from p2pchat.node.peer import Peer

DISK_THREADS = 4
"""Threads for the disk: one block being read, one being written, one being flushed, and one to spare."""

ENDED_KEPT = 200
"""Transfers remembered after they have ended, to be looked at."""


class Transfers:
    """Makes jobs of offers in both directions, finds them again, and brings them to peers that are back.

    Args:
        downloads: where received files go unless told otherwise.
        tell: takes events for the front end.
    """

    def __init__(self, downloads: Path, tell: Callable[[Event], None]) -> None:
        self._downloads = downloads
        self._tell = tell
        self._pool = ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="p2pchat-disk")
        self._jobs: dict[str, SendJob | ReceiveJob] = {}
        self._by_machine: dict[OutgoingTransfer | IncomingTransfer, SendJob | ReceiveJob] = {}
        self._peers: dict[bytes, Peer] = {}
        """The peer that was admitted last with each key."""

    async def scan(self, paths: Sequence[Path]) -> Source:
        """Looks at files to be offered; see `NodeApi.offer` for what is raised."""
        source = await asyncio.get_running_loop().run_in_executor(self._pool, Source.scan, list(paths))
        if source.skipped:
            skipped = ", ".join(safe_line(path, 60) for path in source.skipped[:3])
            more = f" and {len(source.skipped) - 3} more" if len(source.skipped) > 3 else ""
            self._tell(Problem("skipped", f"not sent, being neither file nor folder: {skipped}{more}", "", time.time()))
        return source

    def offer(self, peer: Peer, source: Source) -> str:
        """Offers files to a peer; returns the transfer's id.

        Raises:
            PeerUnreachable: it is not connected any more.
            ProtocolError: it has too many offers of ours open.
        """
        if peer.info.state is not PeerState.CONNECTED:
            raise PeerUnreachable(f"{peer.info.name} is not connected any more")
        exchange = peer.session.transfers
        machine = exchange.outgoing[exchange.offer(source.manifest)]
        job = SendJob(secrets.token_hex(4), peer, machine, source=source, pool=self._pool, tell=self._tell)
        self._add(job)
        peer.drain()
        return job.id

    async def accept(self, transfer: str, output: Path | None, if_exists: str) -> None:
        """See `NodeApi.accept`."""
        job = self._offer_to_us(transfer)
        try:
            policy = IfExists(if_exists)
        except ValueError:
            raise UsageError(f"{safe_line(if_exists, 20)} is not rename, skip or overwrite") from None
        await job.accept(output if output is not None else self._downloads, policy)

    def decline(self, transfer: str, reason: str) -> None:
        """See `NodeApi.decline`."""
        self._offer_to_us(transfer).decline(reason)

    def pause(self, transfer: str) -> None:
        """See `NodeApi.pause`."""
        job = self._open(transfer)
        if job.state is TransferState.WAITING:
            raise UsageError("the transfer has not begun")
        job.pause()

    def resume(self, transfer: str) -> None:
        """See `NodeApi.resume`."""
        job = self._open(transfer)
        if job.state is not TransferState.PAUSED:
            raise UsageError("the transfer is not paused")
        job.resume()

    def cancel(self, transfer: str) -> None:
        """See `NodeApi.cancel`."""
        self._open(transfer).cancel()

    def infos(self) -> list[TransferInfo]:
        """All transfers, oldest first."""
        return [job.info() for job in self._jobs.values()]

    @property
    def settled(self) -> bool:
        """Whether every transfer that was accepted, or that we offered, has ended."""
        return all(job.settled for job in self._jobs.values())

    def admitted(self, peer: Peer) -> None:
        """A peer can be talked to: it is offered again what it could not receive."""
        if peer.key is None:
            return
        self._peers[peer.key] = peer
        peer.session.transfers.known = self._known
        for job in list(self._jobs.values()):
            if isinstance(job, SendJob) and job.peer.key == peer.key and _waits_for(job, peer):
                job.offer_again(peer)
                if not job.state.final:
                    self._by_machine[job.machine] = job

    def handle(self, peer: Peer, output: TransferOutput) -> None:
        """Takes what a transfer of a peer asks for or tells."""
        machine = output.machine
        if isinstance(output.output, OfferRefused):
            message = f"an offer of {peer.info.name} was refused: {safe_line(output.output.reason)}"
            self._tell(Problem("offer-refused", message, "", time.time()))
        elif isinstance(output.output, Offered) and isinstance(machine, IncomingTransfer):
            self._offered(peer, machine)
        elif machine is not None:
            job = self._by_machine.get(machine)
            if job is not None and job.serves(machine):
                job.handle(output)
                if job.detached:
                    self._find_elsewhere(job)
            if isinstance(output.output, StateChanged) and output.output.state.final:
                self._by_machine.pop(machine, None)

    async def close(self) -> None:
        """Gives up what is not done, waits for the disk work that is under way, and ends the threads."""
        for job in self._jobs.values():
            job.give_up("the program ended")
        await asyncio.gather(*(job.settle() for job in self._jobs.values()))
        self._pool.shutdown(wait=False)

    def _offered(self, peer: Peer, machine: IncomingTransfer) -> None:
        for job in self._jobs.values():
            if isinstance(job, ReceiveJob) and _is_again(job, peer, machine):
                self._by_machine[machine] = job
                job.comes_again(peer, machine)
                return
        job = ReceiveJob(secrets.token_hex(4), peer, machine, pool=self._pool, tell=self._tell)
        self._add(job)
        job.look(self._downloads)

    def _find_elsewhere(self, job: SendJob | ReceiveJob) -> None:
        """The peer may have come back at another seat before its old link was given up."""
        peer = self._peers.get(job.peer.key or b"")
        if isinstance(job, SendJob) and peer is not None and peer is not job.peer and peer.connected:
            asyncio.get_running_loop().call_soon(self.admitted, peer)

    def _known(self, root: bytes) -> Manifest | None:
        return next((job.manifest for job in self._jobs.values() if job.manifest.root == root), None)

    def _add(self, job: SendJob | ReceiveJob) -> None:
        self._jobs[job.id] = job
        self._by_machine[job.machine] = job
        ended = [job for job in self._jobs.values() if job.state.final]
        for old in ended[: max(0, len(ended) - ENDED_KEPT)]:
            del self._jobs[old.id]

    def _job(self, transfer: str) -> SendJob | ReceiveJob:
        try:
            return self._jobs[transfer]
        except KeyError:
            raise UsageError(f"there is no transfer {safe_line(transfer, 20)}", "see the list of transfers") from None

    def _open(self, transfer: str) -> SendJob | ReceiveJob:
        job = self._job(transfer)
        if job.state.final:
            raise UsageError(f"the transfer has ended: {job.state.value}")
        return job

    def _offer_to_us(self, transfer: str) -> ReceiveJob:
        job = self._job(transfer)
        if not isinstance(job, ReceiveJob):
            raise UsageError("this transfer does not wait to be accepted")
        return job


def _waits_for(job: SendJob, peer: Peer) -> bool:
    """Whether a job goes on with a peer that has come back: its link is lost, or must be, the seat being gone."""
    if job.state.final:
        return job.withdrawn
    return job.detached or (job.peer is not peer and not job.peer.present)


def _is_again(job: ReceiveJob, peer: Peer, machine: IncomingTransfer) -> bool:
    """Whether a peer offers what a job is about."""
    if job.peer.key != peer.key or job.manifest.root != machine.manifest.root:
        return False
    if job.state.final:
        return machine.again and job.state is not TransferState.FAILED
    return job.detached or (job.peer is not peer and not job.peer.present)
