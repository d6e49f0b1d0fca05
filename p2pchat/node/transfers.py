"""All transfers of a node, by their id."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from p2pchat.errors import P2PChatError, PeerUnreachable, UsageError
from p2pchat.node.answers import Landing, Leftover
from p2pchat.node.events import Event, Item, PeerState, Problem, TransferInfo, TransferState
from p2pchat.node.leftovers import Leftovers, title_of
from p2pchat.node.receive_job import ReceiveJob
from p2pchat.node.send_job import SendJob
from p2pchat.node.transfer_job import Means, item
from p2pchat.protocol.limits import PATH_BYTES
from p2pchat.protocol.transfer.choice import left_out
from p2pchat.protocol.transfer.exchange import Offered, OfferRefused, TransferOutput
from p2pchat.protocol.transfer.incoming import IncomingTransfer
from p2pchat.protocol.transfer.lifecycle import StateChanged
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.outgoing import OutgoingTransfer
from p2pchat.protocol.untrusted import safe_line
from p2pchat.store.interrupted import InterruptedTransfers
from p2pchat.store.outgoing import Source
from p2pchat.store.terms import IfExists, Terms

if TYPE_CHECKING:
    from p2pchat.node.peer import Peer

P = ParamSpec("P")
Result = TypeVar("Result")

DISK_THREADS = 4
"""Threads for the disk: one block being read, one being written, one being flushed, and one to spare."""

ENDED_KEPT = 200
"""Transfers remembered after they have ended, to be looked at."""

AUTOMATIC = 8
"""Transfers of one contact that run at once without having been asked for; others wait for the user."""

NAMES_TOLD = 3
"""Names in a problem that concerns several: it is one sentence."""


class Transfers:
    """Makes jobs of offers in both directions, finds them again, and brings them to peers that are back.

    Args:
        downloads: where received files go unless told otherwise.
        register: where interrupted transfers are noted; closed with `close`.
        patience: seconds for a peer to come back to a transfer.
        auto_accept: says of a proved key how large an offer may be to be accepted without a question; blocks.
        tell: takes events for the front end.
    """

    def __init__(
        self,
        downloads: Path,
        register: InterruptedTransfers,
        patience: float,
        auto_accept: Callable[[bytes], int],
        tell: Callable[[Event], None],
    ) -> None:
        self._downloads = downloads
        self._auto_accept = auto_accept
        self._tell = tell
        self._pool = ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="p2pchat-disk")
        self._means = Means(self._pool, patience, tell)
        self._leftovers = Leftovers(register, downloads)
        self._welcoming: set[asyncio.Task[None]] = set()
        self._jobs: dict[str, SendJob | ReceiveJob] = {}
        self._by_machine: dict[OutgoingTransfer | IncomingTransfer, SendJob | ReceiveJob] = {}
        self._peers: dict[bytes, Peer] = {}
        """The peer that was admitted last with each key."""

    async def scan(self, paths: Sequence[Path], follow_links: bool) -> Source:
        """Looks at files to be offered; see `NodeApi.offer` for what is raised."""
        source = await self._on_thread(Source.scan, list(paths), follow_links)
        if source.skipped:
            skipped = _listed([safe_line(path, 60) for path in source.skipped[:NAMES_TOLD]], len(source.skipped))
            self._tell(Problem("skipped", f"not sent, being neither file nor folder: {skipped}", "", time.time()))
        if source.renamed:
            pairs = [f"{_quoted(here)} as {_quoted(there)}" for here, there in source.renamed[:NAMES_TOLD]]
            renamed = _listed(pairs, len(source.renamed))
            hint = "other systems could not store these names"
            self._tell(Problem("renamed", f"offered under other names: {renamed}", hint, time.time()))
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
        job = SendJob(secrets.token_hex(4), peer, machine, self._means, source)
        self._add(job)
        peer.drain()
        return job.id

    async def items(self, transfer: str, start: int, count: int) -> list[Item]:
        """See `NodeApi.items`."""
        entries = self._job(transfer).manifest.entries
        if start < 0 or count < 0:
            raise UsageError("items are counted from 0")
        numbers = range(start, min(start + count, len(entries)))
        return await self._on_thread(lambda: [item(entries[number], PATH_BYTES) for number in numbers])

    async def inspect(self, transfer: str, output: Path | None) -> Landing:
        """See `NodeApi.inspect`."""
        job = self._offer_to_us(transfer)
        folder = output if output is not None else job.begun_in
        return await self._on_thread(self._leftovers.inspect, folder, job.peer.key or b"", job.manifest)

    async def accept(
        self, transfer: str, output: Path | None, if_exists: str, only: Sequence[str] | None, preserve: bool
    ) -> None:
        """See `NodeApi.accept`."""
        job = self._offer_to_us(transfer)
        try:
            policy = IfExists(if_exists)
        except ValueError:
            raise UsageError(f"{safe_line(if_exists, 20)} is not rename, skip or overwrite") from None
        unwanted = await self._on_thread(left_out, job.manifest, list(only)) if only is not None else b""
        folder = output if output is not None else job.begun_in or self._downloads
        await job.accept(folder, Terms(policy, unwanted, preserve))

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

    async def discard(self, transfer: str) -> None:
        """See `NodeApi.discard`."""
        job = self._jobs.get(transfer)
        if isinstance(job, ReceiveJob):
            await job.discard()
            return
        if job is not None:
            raise UsageError("nothing of a transfer that we offered is left here")
        if any(job.leftover == transfer and not job.state.final for job in self._receiving):
            raise UsageError("this transfer is running", "cancel it first")
        discarded = await self._on_thread(self._leftovers.discard_by_id, transfer)
        for job in self._receiving:
            if job.begun_in is not None and job.transfer == discarded:
                await job.look([])
                job.discarded()

    async def leftovers(self) -> list[Leftover]:
        """See `NodeApi.leftovers`."""
        return await self._on_thread(self._leftovers.all)

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
        self.visited(peer)
        for job in list(self._jobs.values()):
            if isinstance(job, SendJob) and job.peer.key == peer.key and _waits_for(job, peer):
                job.offer_again(peer)
                if not job.state.final:
                    self._by_machine[job.machine] = job

    def visited(self, peer: Peer) -> None:
        """A peer can offer us files. It is offered nothing: that is for another link to somebody with this key."""
        peer.session.transfers.known = self._known

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
        await asyncio.gather(*self._welcoming, *(job.settle() for job in self._jobs.values()))
        await self._on_thread(self._leftovers.close)
        self._pool.shutdown(wait=False)

    def _offered(self, peer: Peer, machine: IncomingTransfer) -> None:
        same = [job for job in self._receiving if _is_same(job, peer, machine)]
        for job in same:
            if _is_again(job, peer, machine):
                self._by_machine[machine] = job
                job.comes_again(peer, machine)
                return
        job = ReceiveJob(secrets.token_hex(4), peer, machine, self._means, self._leftovers)
        self._add(job)
        task = asyncio.get_running_loop().create_task(self._welcome(job, [job for job in same if job.state.final]))
        self._welcoming.add(task)
        task.add_done_callback(self._welcoming.discard)

    async def _welcome(self, job: ReceiveJob, earlier: Sequence[ReceiveJob]) -> None:
        """Looks at a new offer, accepts it if the user wants that of this contact, and tells it."""
        failed: P2PChatError | None = None
        try:
            await job.look(earlier)
            if not job.state.final and await self._is_automatic(job):
                await job.accept(job.begun_in or self._downloads, Terms(), automatic=True)
        except P2PChatError as error:
            failed = error
        finally:
            job.tell_offer()
        if failed is not None:
            what = f"{title_of(job.manifest)} of {job.peer.info.name}"
            message = f"{what} was not accepted by itself: {failed.message}"
            self._tell(Problem(failed.code, message, failed.hint, time.time()))

    async def _is_automatic(self, job: ReceiveJob) -> bool:
        key = job.peer.key
        if key is None:
            return False
        try:
            most = await self._on_thread(self._auto_accept, key)
        except P2PChatError as error:
            self._tell(Problem(error.code, f"the contacts cannot be read: {error.message}", error.hint, time.time()))
            return False
        if not most or job.manifest.total > most:
            return False
        running = [other for other in self._receiving if other.automatic and not other.state.final]
        return sum(other.peer.key == key for other in running) < AUTOMATIC

    async def _on_thread(self, work: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *args, **kwargs))

    @property
    def _receiving(self) -> list[ReceiveJob]:
        return [job for job in self._jobs.values() if isinstance(job, ReceiveJob)]

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
    return job.detached or (job.peer is not peer and not job.peer.seated)


def _is_same(job: ReceiveJob, peer: Peer, machine: IncomingTransfer) -> bool:
    """Whether a peer offers what it has offered in a job."""
    return job.peer.key == peer.key and job.manifest.root == machine.manifest.root


def _is_again(job: ReceiveJob, peer: Peer, machine: IncomingTransfer) -> bool:
    """Whether an offer of the same continues a job, whether its sender remembers that or was started again."""
    if job.state.final:
        return machine.again and job.state is not TransferState.FAILED
    return job.detached or (job.peer is not peer and not job.peer.seated)


def _quoted(name: str) -> str:
    return f"\u201c{safe_line(name, 60)}\u201d"


def _listed(told: Sequence[str], of: int) -> str:
    more = f" and {of - len(told)} more" if of > len(told) else ""
    return ", ".join(told) + more
