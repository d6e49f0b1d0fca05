"""What a node tells its front end: one stream of frozen events, in the order in which things happened.

All text and all names in an event have been through `p2pchat.protocol.untrusted`: they hold no control characters
(text may hold newlines) and may be shown as they are, but never as markup. `at` is unix seconds of this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias


class PeerState(StrEnum):
    """Where the link to a peer stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    LOST = "lost"
    """It was connected, and nothing has been heard for ten seconds."""
    LEFT = "left"
    """It said goodbye, or left the room before it was connected."""
    FAILED = "failed"
    """No connection came about; `reason` says why."""


class Trust(StrEnum):
    """What is known of the peer's key."""

    NEW = "new"
    KNOWN = "known"
    VERIFIED = "verified"
    NONE = "none"
    """It has no key, and cannot prove who it is: a guest, with whom there is real-time text and nothing else."""


class LineState(StrEnum):
    """Where a line of real-time text stands."""

    LIVE = "live"
    FINAL = "final"
    INTERRUPTED = "interrupted"
    """The link was lost before the line was finished: some of its end may be missing."""


class Direction(StrEnum):
    """Which way the files go, seen from here."""

    SEND = "send"
    RECEIVE = "receive"


class TransferState(StrEnum):
    """Where a transfer stands. The last four are final."""

    WAITING = "waiting"
    """Offered, and not answered yet."""
    ACTIVE = "active"
    PAUSED = "paused"
    """Somebody wants it to be, the disk is full, or the peer is away and may come back; `reason` says which."""
    DONE = "done"
    """Everything is verified and on the receiver's disk."""
    FAILED = "failed"
    DECLINED = "declined"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to the transfer."""
        return self not in (TransferState.WAITING, TransferState.ACTIVE, TransferState.PAUSED)


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """A peer of a conversation, as it stands."""

    peer: str
    """Its key tag: eight characters; front ends may show the first four. Before it has proved a key, its seat in the
    room; for a second terminal with one key `-2` follows. Unique in the conversation."""
    name: str
    """What it calls itself; its tag until it has said so."""
    state: PeerState
    trust: Trust = Trust.NEW
    path: str = ""
    """`direct` or `relay` once connected."""
    rtt_ms: float | None = None
    """Last measured round-trip time in milliseconds."""
    reason: str = ""
    """Why it is not connected, in words."""
    live_text: bool = False
    """Whether it takes real-time text."""
    sees_keys: bool = False
    """Whether what we type reaches it key by key at this moment."""
    live_mode: str = ""
    """Why it shows us no keys, as far as it says: `hold` while its user composes in private by choice, `off` when it
    wants no real-time text. Empty otherwise: when it does show them, and when it gives no reason."""
    languages: tuple[str, ...] = ()
    """Languages that its user writes or reads, as BCP 47 tags, the preferred one first; empty when it has not said."""
    words: tuple[str, ...] = ()
    """The safety words of the link to it: the same at both ends, unless somebody sits in between."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file or folder of a transfer."""

    path: str
    size: int
    folder: bool = False
    executable: bool = False
    """Whether its sender's machine would run it. It is stored without that unless `accept` is told to preserve it."""


@dataclass(frozen=True, slots=True)
class TransferInfo:
    """A transfer with one peer, as it stands."""

    transfer: str
    """Its id in this node: eight hexadecimal digits."""
    conversation: str
    peer: str
    name: str
    direction: Direction
    state: TransferState
    files: int
    total: int
    """Bytes of all files."""
    items: tuple[Item, ...] = ()
    """At most the first hundred."""
    wanted: int = 0
    """Bytes that the receiver has accepted, which may be a part of `total`; `total` until it is accepted."""
    wanted_files: int = 0
    """The same as a number of files."""
    confirmed: int = 0
    """Bytes of the wanted ones that the receiver has verified and written."""
    rate: float = 0.0
    """Bytes per second of late."""
    seconds: float = 0.0
    """Time since it was accepted."""
    reason: str = ""
    """Why it is paused, failed, declined or cancelled, in words; while ACTIVE, why it has stalled, empty when it has
    not."""
    automatic: bool = False
    """At the receiver: accepted by itself, because the user wants that of this contact (`NodeApi.auto_accept`)."""
    saved: tuple[str, ...] = ()
    """At the receiver, when ended: where the files are that are complete, at most the first hundred. Paths of this
    machine, not cleaned for display."""
    resumable: int = 0
    """At the receiver: bytes that were here already when it was offered, of a transfer that was interrupted."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The conversation is joined."""

    conversation: str
    name: str
    peer: str
    """Our own key tag."""
    server: str
    at: float


@dataclass(frozen=True, slots=True)
class CodeChanged:
    """The one-time code to tell the other person; one that was told before is of no use any more."""

    conversation: str
    code: str
    link: str
    """The same with the server, as a link."""
    reason: str
    """Why it is a new one; empty for the first."""
    at: float


@dataclass(frozen=True, slots=True)
class ServerChanged:
    """The signaling server of a conversation went away or came back. Established links do not care."""

    conversation: str
    online: bool
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class PeerChanged:
    """A peer appeared, or its state, name, trust or path is another one now."""

    conversation: str
    info: PeerInfo
    at: float
    was: str = ""
    """What `info.peer` was before, when the peer has just proved its key; empty when it is the same."""


@dataclass(frozen=True, slots=True)
class PeerMeasured:
    """A heartbeat was answered."""

    conversation: str
    peer: str
    rtt_ms: float
    at: float


@dataclass(frozen=True, slots=True)
class MessageSent:
    """A message of ours was accepted for sending."""

    conversation: str
    id: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class MessageDelivered:
    """A peer has a message of ours."""

    conversation: str
    id: str
    peer: str
    at: float


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message of a peer arrived. Never told twice for one id."""

    conversation: str
    id: str
    peer: str
    name: str
    text: str
    sent_at: float
    at: float


@dataclass(frozen=True, slots=True)
class LiveTextChanged:
    """A peer's line of real-time text reads differently now, or is finished.

    A line that ends `FINAL` is a message, and no `MessageReceived` follows for it. It may be told `FINAL` a second
    time with another text, when the author's acknowledged text shows that something was missing.
    """

    conversation: str
    peer: str
    name: str
    line: int
    """Counts the peer's lines from 0, over all its links."""
    text: str
    """The whole line as it stands."""
    state: LineState
    at: float
    corrected: bool = False
    """Whether the finished text is another than what was shown of the line."""
    restored: bool = False
    """Whether what was lost with a link is back: the loss mark is gone."""


@dataclass(frozen=True, slots=True)
class LiveTextShown:
    """A peer's program has handed our live line to its user, as far as it has been sent; at most once a second."""

    conversation: str
    peer: str
    at: float


@dataclass(frozen=True, slots=True)
class LiveTextSent:
    """Our live line has left for a peer, or waits because the peer takes no more for now; that at most once a second.

    The first after a key says that the key has left; `LiveTextShown` follows when the peer's program has handed it on.
    """

    conversation: str
    peer: str
    waiting: int
    """Characters that the peer's rate holds back, when they are more than it takes in a second; 0 when all has left."""
    typed_at: float | None
    """When the newest key was pressed that has left with all before it, by `time.monotonic`; None while some wait."""
    at: float


@dataclass(frozen=True, slots=True)
class LiveTextAsked:
    """A peer came while others see what we type. It does not, until `NodeApi.share_live_text` is told of it."""

    conversation: str
    peer: str
    name: str
    at: float


@dataclass(frozen=True, slots=True)
class Alerted:
    """A peer asks for attention (T.140 BEL)."""

    conversation: str
    peer: str
    name: str
    at: float


@dataclass(frozen=True, slots=True)
class GuestAsks:
    """Somebody who speaks only real-time text, such as a page in a browser, and cannot prove who it is wants to talk.

    Answer with `NodeApi.admit_guest`; nothing of it is told before. When it goes, a `PeerChanged` says so.
    """

    conversation: str
    peer: str
    name: str
    """What it would be called."""
    at: float


@dataclass(frozen=True, slots=True)
class TransferOffered:
    """A peer offers files; answer with `accept` or `decline`."""

    info: TransferInfo
    at: float


@dataclass(frozen=True, slots=True)
class TransferProgressed:
    """More of a transfer is verified and written; at most five times a second for each transfer."""

    transfer: str
    direction: Direction
    confirmed: int
    total: int
    """Bytes that the receiver has accepted: `TransferInfo.wanted`."""
    rate: float
    at: float


@dataclass(frozen=True, slots=True)
class TransferChanged:
    """A transfer's state is another one now, or the reason for it; ours begin with `WAITING`."""

    info: TransferInfo
    at: float


CODE_SPENT: Final = frozenset({"wrong-code", "version", "protocol", "timed-out", "peer-left", "mailbox-expired"})
"""Codes of a `Problem` with which a one-time code ends unused. For its guest it is over; its host gets a new code."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something failed that no call of the front end is waiting for."""

    code: str
    """A stable word."""
    message: str
    hint: str
    at: float


Event: TypeAlias = (
    Ready
    | CodeChanged
    | ServerChanged
    | PeerChanged
    | PeerMeasured
    | MessageSent
    | MessageDelivered
    | MessageReceived
    | LiveTextChanged
    | LiveTextShown
    | LiveTextSent
    | LiveTextAsked
    | Alerted
    | GuestAsks
    | TransferOffered
    | TransferProgressed
    | TransferChanged
    | Problem
)
