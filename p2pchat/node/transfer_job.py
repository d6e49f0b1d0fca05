"""One transfer with one peer, as the front end knows it, over as many links as it takes.

    machine    one end of the transfer on one link; it ends with the link
    job        what the user offered or accepted: it ends when it is done, when somebody ends it, or when the peer has
               not come back for `Settings.patience`

A job whose link is lost is paused. When the peer is back, the sender offers the same manifest again, and the receiver
goes on with what it has accepted. `SendJob` and `ReceiveJob` are the two kinds.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from p2pchat.node.disk_work import DiskWork
from p2pchat.node.events import (
    Direction,
    Event,
    Item,
    TransferChanged,
    TransferInfo,
    TransferProgressed,
    TransferState,
)
from p2pchat.node.stall import Stall
from p2pchat.protocol.transfer.entries import ManifestEntry
from p2pchat.protocol.transfer.exchange import TransferOutput
from p2pchat.protocol.transfer.incoming import IncomingTransfer
from p2pchat.protocol.transfer.lifecycle import Confirmed, StateChanged
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.protocol.transfer.outgoing import OutgoingTransfer
from p2pchat.protocol.untrusted import safe_line

if TYPE_CHECKING:
    from p2pchat.node.peer import Peer

PROGRESS_EVERY = 0.2
"""Seconds between two `TransferProgressed` events: five a second look fluent, and cost a slow terminal little."""

RATE_SECONDS = 3.0
"""Time over which the rate is taken: a display that jumps cannot be read."""

ITEMS_TOLD = 100
"""Files of an offer that a front end is told by name."""

PATH_CHARACTERS = 300
"""Longest path shown; the middle of a longer one helps nobody."""


@dataclass(frozen=True, slots=True)
class Means:
    """What every job of a node works with."""

    pool: Executor
    """Where blocking work runs."""
    patience: float
    """Seconds for a peer to come back to a transfer."""
    tell: Callable[[Event], None]
    """Takes events for the front end."""


class Rate:
    """Bytes per second over the last `RATE_SECONDS`."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque()

    def count(self, total: int, now: float) -> float:
        """Notes that `total` bytes are done at `now`; returns the rate."""
        self._counts.append((now, total))
        while len(self._counts) > 2 and now - self._counts[1][0] >= RATE_SECONDS:
            self._counts.popleft()
        since, before = self._counts[0]
        return max(0.0, (total - before) / (now - since)) if now > since else 0.0


class TransferJob:
    """What both kinds have in common.

    Args:
        id_: its id in this node.
        peer: whom it is with.
        machine: the end of the transfer that is ours.
        means: what it works with.
    """

    direction: ClassVar[Direction]

    def __init__(
        self,
        id_: str,
        peer: Peer,
        machine: OutgoingTransfer | IncomingTransfer,
        means: Means,
    ) -> None:
        self.id = id_
        self.state = TransferState.WAITING
        self.peer = peer
        self.manifest: Manifest = machine.manifest
        self.detached = False
        """Whether the link is lost, and the peer may come back."""
        self._machine = machine
        self._conversation = peer.conversation
        self._pool = means.pool
        self._work = DiskWork(means.pool, lambda: self.peer.drain())
        self._patience = means.patience
        self._tell = means.tell
        self._loop = asyncio.get_running_loop()
        self._paused = False
        """Whether our user wants it to be paused."""
        self._stored = 0
        self._wanted = self.manifest.total
        self._wanted_files = len(self.manifest.files)
        self._resumable = 0
        self.automatic = False
        """Whether it was accepted by itself."""
        self._reason = ""
        self._accepted_at: float | None = None
        self._ended_at: float | None = None
        self._rate = Rate()
        self._bytes_per_second = 0.0
        self._told_at = 0.0
        self._trailing: asyncio.TimerHandle | None = None
        self._giving_up: asyncio.TimerHandle | None = None
        self._stall = Stall()
        self._watching: asyncio.TimerHandle | None = None
        self._items = tuple(item(entry, PATH_CHARACTERS) for entry in self.manifest.entries[:ITEMS_TOLD])

    def info(self) -> TransferInfo:
        """The transfer as it stands."""
        until = self._ended_at if self._ended_at is not None else time.monotonic()
        return TransferInfo(
            transfer=self.id,
            conversation=self._conversation,
            peer=self.peer.info.peer,
            name=self.peer.info.name,
            direction=self.direction,
            state=self.state,
            files=len(self.manifest.files),
            total=self.manifest.total,
            items=self._items,
            wanted=self._wanted,
            wanted_files=self._wanted_files,
            confirmed=self._stored,
            rate=self._bytes_per_second if self.state is TransferState.ACTIVE else 0.0,
            seconds=until - self._accepted_at if self._accepted_at is not None else 0.0,
            reason=self._reason,
            automatic=self.automatic,
            saved=self._saved(),
            resumable=self._resumable,
        )

    def _saved(self) -> tuple[str, ...]:
        return ()

    @property
    def settled(self) -> bool:
        """Whether nothing more is to come, or it is an offer to us that we have not accepted."""
        return self.state.final

    async def settle(self) -> None:
        """Waits for the disk work that is under way."""
        await self._work.settle()

    # --- what our user wants

    def pause(self) -> None:
        """Stops it until `resume`, also over a lost link."""
        self._paused = True
        self._machine.pause()
        self.peer.drain()

    def resume(self) -> None:
        """Goes on, as soon as the peer is there. A disk that was too full is tried again."""
        self._paused = False
        self._resume()
        self.peer.drain()

    def _resume(self) -> None:
        self._machine.resume()
        if self._machine.state.value == TransferState.PAUSED.value:
            self._enter(TransferState.PAUSED, f"paused by {self.peer.info.name}")

    def cancel(self) -> None:
        """Ends it without success."""
        if self.detached:
            self._end(TransferState.CANCELLED, "cancelled by you")
            return
        self._machine.cancel()
        self.peer.drain()

    def give_up(self, reason: str) -> None:
        """The peer does not come back, or we leave: what is there stays, for another time. Nothing if it has ended."""
        if not self.state.final:
            self._machine.link_lost(reason)
            self._end(TransferState.FAILED, reason, "no-connection")

    # --- what the machine tells

    def serves(self, machine: OutgoingTransfer | IncomingTransfer) -> bool:
        """Whether this is the machine on the present link, and what it says still matters."""
        return machine is self._machine and not self.state.final

    def handle(self, output: TransferOutput) -> None:
        """Takes what the machine tells; the two kinds extend it with what it asks for."""
        match output.output:
            case StateChanged(code="no-connection", reason=reason) if not self.peer.gone_for_good:
                self._detach(safe_line(reason))
            case StateChanged() as change:
                self._changed(change)
            case Confirmed(stored):
                self._progressed(stored)
            case _:
                pass

    def _attach(self, peer: Peer, machine: OutgoingTransfer | IncomingTransfer) -> None:
        """The peer is back, with a new link."""
        self._machine.link_lost()  # the old one, in case that nobody has noticed yet
        self.peer, self._machine = peer, machine
        self.detached = False
        if self._giving_up is not None:
            self._giving_up.cancel()

    def _detach(self, reason: str) -> None:
        self.detached = True
        self._giving_up = self._loop.call_later(self._patience, self.give_up, f"did not come back: {reason}")
        if self.state is not TransferState.WAITING:
            self._enter(TransferState.PAUSED, f"the connection was lost: {reason}")

    def _changed(self, change: StateChanged) -> None:
        state = TransferState(change.state.value)
        reason = safe_line(change.reason) or self._default_reason(state, change.by_peer)
        if state.final:
            self._end(state, reason, change.code)
            return
        if state is TransferState.ACTIVE:
            if self._accepted_at is None:
                self._accepted_at = self._machine.accepted_at
            self._wanted, self._wanted_files = self._machine.wanted, self._machine.wanted_files
            self._rate = Rate()
            self._rate.count(self._machine.stored, time.monotonic())
            if self._paused:
                self._machine.pause()
        self._enter(state, reason)

    def _default_reason(self, state: TransferState, by_peer: bool) -> str:
        who = self.peer.info.name if by_peer else "you"
        match state:
            case TransferState.PAUSED | TransferState.DECLINED | TransferState.CANCELLED:
                return f"{state.value} by {who}"
            case _:
                return ""

    def _enter(self, state: TransferState, reason: str) -> None:
        self.state = state
        self._reason = reason
        if state is TransferState.ACTIVE:
            self._stall.begin(time.monotonic())
        else:
            self._stall.end()
        self._watch()
        self._tell(TransferChanged(self.info(), time.time()))

    def _end(self, state: TransferState, reason: str, code: str = "") -> None:
        self.state = state
        self.detached = False
        self._ended_at = time.monotonic()
        for timer in (self._trailing, self._giving_up):
            if timer is not None:
                timer.cancel()
        self._let_go(code)
        self._enter(state, reason)

    def _let_go(self, code: str) -> None:
        """Closes the files once no work on them is under way; `code` says why the transfer has ended."""
        raise NotImplementedError

    def _when_settled(self, close: Callable[[], None]) -> None:
        """Runs `close` on a thread, once no other work is under way."""

        async def run() -> None:
            await self._loop.run_in_executor(self._pool, close)

        self._work.later(run())

    def _progressed(self, stored: int) -> None:
        now = time.monotonic()
        grown = stored > self._stored
        self._stored = stored
        if grown:
            self._moved()
        self._bytes_per_second = self._rate.count(stored, now)
        if self._trailing is not None:
            return
        wait = self._told_at + PROGRESS_EVERY - now
        if wait <= 0:
            self._tell_progress()
        else:
            self._trailing = self._loop.call_later(wait, self._tell_progress)

    def _tell_progress(self) -> None:
        self._trailing = None
        self._told_at = time.monotonic()
        self._tell(
            TransferProgressed(self.id, self.direction, self._stored, self._wanted, self._bytes_per_second, time.time())
        )

    # --- when nothing moves

    def _moved(self) -> None:
        if self._stall.grew(time.monotonic()):
            self._reason = ""
            self._tell(TransferChanged(self.info(), time.time()))

    def _watch(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        deadline = self._stall.deadline()
        if deadline is not None:
            self._watching = self._loop.call_later(max(0.0, deadline - time.monotonic()), self._look_whether_it_moves)

    def _look_whether_it_moves(self) -> None:
        self._watching = None
        seconds = self._stall.due(time.monotonic())
        if seconds is not None:
            self._reason = self._waits_for(seconds)
            self._tell(TransferChanged(self.info(), time.time()))
        self._watch()

    def _waits_for(self, seconds: float) -> str:
        """Says in words what a transfer waits for of which nothing was confirmed for so long."""
        raise NotImplementedError


def item(entry: ManifestEntry, characters: int) -> Item:
    """Returns what a front end is told of an entry; `characters` is the longest path."""
    return Item(safe_line(entry.path, characters), entry.size, entry.folder, entry.executable)
