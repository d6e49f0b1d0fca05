"""What both ends of a transfer have in common: its states, what its machines ask of their shell, and how it ends.

                     accept                 everything verified, on disk
    WAITING ───────────────────> ACTIVE ─────────────────────────────────> DONE
       │  │                      │    ^  │
       │  └─ decline ─> DECLINED │    │  └─ cancel ─> CANCELLED
       │                   pause │    │ resume
       │                         v    │      anything wrong, or the link is lost
       └──────────────────────── PAUSED ─────────────────────────────────> FAILED

Rules
    1. Hand a machine one input, then drain `poll()` until it returns None. That holds after `next_chunk()` too.
    2. DONE, DECLINED, CANCELLED and FAILED are final: whatever arrives later, of the peer or of the disk, is ignored.
    3. A transfer is paused while either side wants it to be; each side takes back only its own pause.
    4. A machine lives as long as its link, and fails with it. What it has stored goes into the next one: the same peer
       offers the same manifest again, and `accept` is told what is there already.
    5. `now` is in seconds of the caller's monotonic clock. A transfer has no timers: whether the peer is still there
       is the link's question, and `link_lost()` its answer.
    6. Reasons given by the peer are its own words: clean them before anybody sees them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final, TypeAlias

from p2pchat.protocol.frames import Cancel, Pause, Resume, TransferFrame
from p2pchat.protocol.limits import REASON_CHARACTERS
from p2pchat.protocol.transfer.manifest import Manifest

CANCEL_CODES: Final = frozenset(
    {"user", "disk", "permission", "source-changed", "hash", "policy", "protocol", "transfer-failed"}
)
"""The stable words of a `cancel` frame. One that is not among them counts as `transfer-failed`."""


class TransferState(StrEnum):
    """Where a transfer stands; the words are those of `p2pchat.node.events.TransferState`."""

    WAITING = "waiting"
    ACTIVE = "active"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    DECLINED = "declined"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to the transfer."""
        return self not in (TransferState.WAITING, TransferState.ACTIVE, TransferState.PAUSED)


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send this on `ctl`, in the order of the outputs."""

    frame: TransferFrame


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The state is another one now."""

    state: TransferState
    code: str = ""
    """Why it was cancelled or failed: one of `CANCEL_CODES`, or `no-connection`. When paused, `disk` if that is why.
    Empty for other states."""
    reason: str = ""
    """The same in words; may be empty. Untrusted when `by_peer`."""
    by_peer: bool = False
    """Whether the other side did it."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """So many bytes of the files are verified and on the receiver's disk."""

    stored: int


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """Read a block and hash it; answer with `block_read` or `read_failed`."""

    transfer: int
    number: int


@dataclass(frozen=True, slots=True)
class StoreBlock:
    """Verify a block and write it; answer with `block_stored`, `block_bad`, `disk_full` or `storage_failed`."""

    transfer: int
    number: int
    data: bytes
    digest: bytes
    """SHA-256 that `data` has to have."""


@dataclass(frozen=True, slots=True)
class FinishFile:
    """Every block of a file is stored: give it its final name; answer with `file_finished` or `storage_failed`."""

    transfer: int
    file: int


Output: TypeAlias = SendFrame | StateChanged | Confirmed | ReadBlock | StoreBlock | FinishFile


class Transfer:
    """One end of a transfer; `OutgoingTransfer` and `IncomingTransfer` are the two.

    Args:
        number: the number of the offer.
        manifest: what is offered.
    """

    by_sender: ClassVar[bool]
    """Which end this is, as `pause`, `resume` and `cancel` frames say it."""

    def __init__(self, number: int, manifest: Manifest) -> None:
        self.number = number
        self.manifest = manifest
        self.state = TransferState.WAITING
        self.stored = 0
        """Bytes verified and on the receiver's disk, as far as this end knows."""
        self.wanted = manifest.total
        """Bytes of the files that the receiver wants; those of all files until the offer is accepted."""
        self.wanted_files = len(manifest.files)
        """How many files it wants; all of them until the offer is accepted."""
        self.accepted_at: float | None = None
        """When the offer was accepted; None until then."""
        self._paused_here = False
        self._paused_there = False
        self._outputs: deque[Output] = deque()

    def poll(self) -> Output | None:
        """The next thing to do or to tell, or None when there is nothing left."""
        return self._outputs.popleft() if self._outputs else None

    def pause(self, code: str = "", reason: str = "") -> None:
        """Our user wants the data to stop. Without effect unless the transfer is running.

        Args:
            code: `disk` when the disk is full; empty when it is a wish.
            reason: in words, for both users.
        """
        if self._running and not self._paused_here:
            self._paused_here = True
            reason = reason[:REASON_CHARACTERS]
            self._send(Pause(self.number, self.by_sender, code, reason))
            self._pause_or_go_on(by_peer=False, code=code, reason=reason)

    def resume(self) -> None:
        """Our user takes the pause back."""
        if self._running and self._paused_here:
            self._paused_here = False
            self._send(Resume(self.number, self.by_sender))
            self._pause_or_go_on(by_peer=False)

    def cancel(self, code: str = "user", reason: str = "") -> None:
        """Ends the transfer without success and tells the peer. Without effect once it has ended.

        Args:
            code: one of `CANCEL_CODES`. With `user` the transfer ends CANCELLED, with any other FAILED.
            reason: in words, for both users; what is beyond `REASON_CHARACTERS` is cut.
        """
        if not self.state.final:
            reason = reason[:REASON_CHARACTERS]
            self._send(Cancel(self.number, self.by_sender, code, reason))
            self._end(_state_after(code), code, reason)

    def link_lost(self, reason: str = "the connection was lost") -> None:
        """The link is gone: the transfer fails with the code `no-connection`. Without effect once it has ended."""
        if not self.state.final:
            self._end(TransferState.FAILED, "no-connection", reason)

    @property
    def _running(self) -> bool:
        return self.state in (TransferState.ACTIVE, TransferState.PAUSED)

    def _send(self, frame: TransferFrame) -> None:
        self._outputs.append(SendFrame(frame))

    def _refuse(self, fault: str) -> None:
        """The peer broke the protocol."""
        self.cancel("protocol", fault)

    def _receive_common(self, frame: TransferFrame) -> None:
        """Handles what either end may send; anything else is a breach."""
        match frame:
            case Cancel(code=code, reason=reason):
                code = code if code in CANCEL_CODES else "transfer-failed"
                self._end(_state_after(code), code, reason, by_peer=True)
            case Pause() if self._running:
                self._paused_there = True
                self._pause_or_go_on(by_peer=True, code=frame.code, reason=frame.reason)
            case Resume() if self._running:
                self._paused_there = False
                self._pause_or_go_on(by_peer=True)
            case _:
                self._refuse(f"the frame {frame.__struct_config__.tag!r} has no place here")

    def _pause_or_go_on(self, by_peer: bool, code: str = "", reason: str = "") -> None:
        paused = self._paused_here or self._paused_there
        state = TransferState.PAUSED if paused else TransferState.ACTIVE
        if state is not self.state:
            self._enter(state, code if code == "disk" else "", reason, by_peer=by_peer)

    def _enter(self, state: TransferState, code: str = "", reason: str = "", by_peer: bool = False) -> None:
        self.state = state
        self._outputs.append(StateChanged(state, code, reason, by_peer))

    def _end(self, state: TransferState, code: str = "", reason: str = "", by_peer: bool = False) -> None:
        """Enters a final state. The two ends extend it: what they hold of the files is dropped."""
        self._enter(state, code, reason, by_peer)


def _state_after(code: str) -> TransferState:
    return TransferState.CANCELLED if code == "user" else TransferState.FAILED
