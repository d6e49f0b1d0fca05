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
from p2pchat.node.transfer_job import TransferJob
from p2pchat.protocol.transfer.exchange import OfferRefused, TransferOutput
from p2pchat.protocol.transfer.incoming import IncomingTransfer
from p2pchat.protocol.untrusted import safe_line
from p2pchat.store.outgoing import Source

if TYPE_CHECKING:
    from p2pchat.node.peer import Peer

DISK_THREADS = 4
"""Threads for the disk: one block being read, one being written, one being flushed, and one to spare."""

ENDED_KEPT = 200
"""Transfers remembered after they have ended, to be looked at."""


class Transfers:
    """Makes jobs of offers in both directions, and finds them again.

    Args:
        downloads: where received files go unless told otherwise.
        tell: takes events for the front end.
    """

    def __init__(self, downloads: Path, tell: Callable[[Event], None]) -> None:
        self._downloads = downloads
        self._tell = tell
        self._pool = ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="p2pchat-disk")
        self._jobs: dict[str, TransferJob] = {}
        self._by_number: dict[tuple[str, str, int], TransferJob] = {}

    async def offer(self, peer: Peer, conversation: str, paths: Sequence[Path]) -> str:
        """Offers files to a peer; returns the transfer's id. See `NodeApi.offer` for what is raised."""
        source = await asyncio.get_running_loop().run_in_executor(self._pool, Source.scan, list(paths))
        if peer.info.state is not PeerState.CONNECTED:
            source.close()
            raise PeerUnreachable(f"{peer.info.name} is not connected any more")
        number = peer.session.transfers.offer(source.manifest)
        job = self._add(peer, conversation, "send", number, source)
        if source.skipped:
            skipped = ", ".join(safe_line(path, 60) for path in source.skipped[:3])
            more = f" and {len(source.skipped) - 3} more" if len(source.skipped) > 3 else ""
            self._tell(Problem("skipped", f"not sent, being neither file nor folder: {skipped}{more}", "", time.time()))
        peer.drain()
        return job.id

    async def accept(self, transfer: str, output: Path | None) -> None:
        """See `NodeApi.accept`."""
        await self._job(transfer).accept(output if output is not None else self._downloads)

    def decline(self, transfer: str, reason: str) -> None:
        """See `NodeApi.decline`."""
        job = self._job(transfer)
        if not isinstance(job.machine, IncomingTransfer) or job.state is not TransferState.WAITING:
            raise UsageError("this transfer does not wait to be accepted")
        job.machine.decline(reason)
        job.peer.drain()

    def pause(self, transfer: str) -> None:
        """See `NodeApi.pause`."""
        job = self._open(transfer)
        if job.state is TransferState.WAITING:
            raise UsageError("the transfer has not begun")
        job.machine.pause()
        job.peer.drain()

    def resume(self, transfer: str) -> None:
        """See `NodeApi.resume`."""
        job = self._open(transfer)
        if job.state is not TransferState.PAUSED:
            raise UsageError("the transfer is not paused")
        job.machine.resume()
        job.peer.drain()

    def cancel(self, transfer: str) -> None:
        """See `NodeApi.cancel`."""
        job = self._open(transfer)
        job.machine.cancel()
        job.peer.drain()

    def infos(self) -> list[TransferInfo]:
        """All transfers, oldest first."""
        return [job.info() for job in self._jobs.values()]

    @property
    def settled(self) -> bool:
        """Whether every transfer that was accepted, or that we offered, has ended."""
        return all(job.settled for job in self._jobs.values())

    def handle(self, peer: Peer, output: TransferOutput) -> None:
        """Takes what a transfer of a peer asks for or tells."""
        if isinstance(output.output, OfferRefused):
            message = f"an offer of {peer.info.name} was refused: {safe_line(output.output.reason)}"
            self._tell(Problem("offer-refused", message, "", time.time()))
            return
        job = self._by_number.get((peer.seat, output.direction, output.number))
        if job is None or job.state.final:
            if output.direction != "receive" or output.number not in peer.session.transfers.incoming:
                return
            job = self._add(peer, peer.conversation, "receive", output.number, None)
        job.handle(output)

    async def close(self) -> None:
        """Waits for the disk work that is under way, and ends the threads."""
        await asyncio.gather(*(job.settle() for job in self._jobs.values()))
        self._pool.shutdown(wait=False)

    def _add(self, peer: Peer, conversation: str, direction: str, number: int, source: Source | None) -> TransferJob:
        exchange = peer.session.transfers
        machine = exchange.incoming[number] if source is None else exchange.outgoing[number]
        job = TransferJob(
            secrets.token_hex(4), peer, conversation, machine, source=source, pool=self._pool, tell=self._tell
        )
        self._jobs[job.id] = job
        self._by_number[peer.seat, direction, number] = job
        self._forget_old()
        return job

    def _forget_old(self) -> None:
        ended = [job for job in self._jobs.values() if job.state.final]
        for job in ended[: max(0, len(ended) - ENDED_KEPT)]:
            del self._jobs[job.id]
            self._by_number = {key: other for key, other in self._by_number.items() if other is not job}

    def _job(self, transfer: str) -> TransferJob:
        try:
            return self._jobs[transfer]
        except KeyError:
            raise UsageError(f"there is no transfer {safe_line(transfer, 20)}", "see the list of transfers") from None

    def _open(self, transfer: str) -> TransferJob:
        job = self._job(transfer)
        if job.state.final:
            raise UsageError(f"the transfer has ended: {job.state.value}")
        return job
