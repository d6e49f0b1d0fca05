"""What the conversation looks like: events of the node in, rows out. Knows nothing of Textual.

Rules
    1. `apply` one event and the time; then `take_changes` says which rows of the timeline to add, repaint and drop.
       Everything else (peers, live rows, transfers, unread) is read from the attributes and is small.
    2. Rows are frozen and only ever appended. A row that reads differently is replaced under its key.
    3. Text is kept as the event brought it. `p2pchat.tui.content` makes it fit to be shown.
    4. Time is an argument: seconds of a monotonic clock. `at` in events and rows is unix seconds.

The life of a peer's line
    live ── FINAL ──────────────────────> message row ── FINAL again ──> same row, marked as corrected
      └──── INTERRUPTED ─> marked live row ── FINAL ──> message row
                              └─ next line, peer gone, or INTERRUPTED_SECONDS ──> message row, marked as interrupted
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from p2pchat.node.events import (
    Alerted,
    Direction,
    Event,
    LineState,
    LiveTextChanged,
    MessageDelivered,
    MessageReceived,
    MessageSent,
    PeerChanged,
    PeerInfo,
    PeerMeasured,
    PeerState,
    Problem,
    Ready,
    ServerChanged,
    TransferChanged,
    TransferInfo,
    TransferOffered,
    TransferProgressed,
    TransferState,
)
from p2pchat.tui.rows import DayRow, LiveRow, MessageRow, NoticeRow, Row, TransferRow, UnreadRow

INTERRUPTED_SECONDS: Final = 10.0
"""How long an interrupted line waits in its live row, in seconds: a lost link is mostly replaced in less."""

TRANSFERS: Final = 200
"""Transfers that are remembered; beyond it the oldest finished one is forgotten. Open ones of three peers fit."""

REMOTE_PEERS: Final = 500
"""Peers that are remembered: more than a terminal can list, and a server that invents peers cannot grow our memory."""


@dataclass(slots=True)
class Changes:
    """What has happened to the timeline since the last call of `take_changes`."""

    added: list[str] = field(default_factory=list)
    """Keys of new rows, in order; they belong at the end."""
    changed: set[str] = field(default_factory=set)
    """Keys of rows that read differently."""
    removed: list[str] = field(default_factory=list)
    """Keys of rows that are gone."""
    calls_for_attention: list[str] = field(default_factory=list)
    """One line of remote text each, for somebody who looks elsewhere."""


class Conversation:
    """One conversation as it is shown.

    Args:
        name: the name of the room.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.own: Ready | None = None
        """Who and where we are; None until the room is joined."""
        self.server_reason: str | None = None
        """Why the signaling server is away; None while it is there."""
        self.peers: dict[str, PeerInfo] = {}
        """Everybody who is here or should be, by key tag; those who left are not."""
        self.rows: dict[str, Row] = {}
        """The timeline by key, oldest first."""
        self.live: dict[str, LiveRow] = {}
        """The line that each peer is typing, by key tag, in the order in which the lines began."""
        self.transfers: dict[str, TransferInfo] = {}
        """Transfers by id, oldest first."""
        self.unread = 0
        """Messages and offers that came while nobody was reading."""
        self._reading = True
        self._day: date | None = None
        self._notices = 0
        self._changes = Changes()

    def apply(self, event: Event, now: float) -> None:
        """Takes one event in. Events of other conversations change nothing."""
        match event:
            case Ready():
                if event.conversation == self.name:
                    self.own = event
            case Problem():
                self.notice(event.message, event.hint, at=event.at, problem=True)
            case TransferOffered(info=info) | TransferChanged(info=info):
                if info.conversation == self.name:
                    self._transfer(info, event.at)
            case TransferProgressed():
                self._progress(event)
            case _:
                if event.conversation == self.name:
                    self._apply_here(event, now)

    def tick(self, now: float) -> None:
        """Time has passed: interrupted lines that nobody finished move to the timeline."""
        for row in [row for row in self.live.values() if row.interrupted_at is not None]:
            if row.interrupted_at is not None and now >= row.interrupted_at + INTERRUPTED_SECONDS:
                self._settle(row.peer)

    def take_changes(self) -> Changes:
        """What has changed since the last call."""
        changes, self._changes = self._changes, Changes()
        changes.changed.difference_update(changes.added)
        return changes

    def trim(self, keep: int) -> None:
        """Drops the oldest rows but for the last `keep`."""
        for key in list(self.rows)[: max(0, len(self.rows) - keep)]:
            self._remove(key)

    def notice(self, text: str, hint: str = "", *, at: float, problem: bool = False) -> None:
        """Puts a line into the timeline that nobody said.

        Args:
            text: what happened.
            hint: what to do about it.
            at: when, in unix seconds.
            problem: whether something failed.
        """
        self._notices += 1
        self._append(NoticeRow(f"notice:{self._notices}", at, text, hint, problem))

    @property
    def reading(self) -> bool:
        """Whether somebody sees the end of the timeline now. Setting it to True makes everything read."""
        return self._reading

    @reading.setter
    def reading(self, reading: bool) -> None:
        self._reading = reading
        if reading:
            self.unread = 0

    @property
    def offers(self) -> list[TransferInfo]:
        """Offers that wait for an answer, oldest first."""
        return [
            info
            for info in self.transfers.values()
            if info.direction is Direction.RECEIVE and info.state is TransferState.WAITING
        ]

    @property
    def connected(self) -> list[PeerInfo]:
        """The peers that are connected now."""
        return [info for info in self.peers.values() if info.state is PeerState.CONNECTED]

    def label(self, peer: str, name: str) -> str:
        """What a peer is called: its name, with four characters of its key tag where the name alone could be another's.

        Nobody is called what we are called, nor "you".
        """
        taken = {info.name.casefold() for tag, info in self.peers.items() if tag != peer}
        taken |= {"you", self.own.name.casefold() if self.own else "you"}
        return full_label(peer, name) if name.strip().casefold() in taken or not name.strip() else name

    def _apply_here(self, event: Event, now: float) -> None:
        match event:
            case ServerChanged():
                self._server(event)
            case PeerChanged():
                self._peer(event.info, event.at)
            case PeerMeasured():
                if event.peer in self.peers:
                    self.peers[event.peer] = replace(self.peers[event.peer], rtt_ms=event.rtt_ms)
            case MessageSent():
                awaited = frozenset(info.peer for info in self.connected)
                self._remove("unread")
                self._append(MessageRow(f"own:{event.id}", event.at, "", "you", event.text, awaited=awaited))
            case MessageDelivered():
                row = self.rows.get(f"own:{event.id}")
                if isinstance(row, MessageRow):
                    self._replace(replace(row, delivered=row.delivered | {event.peer}))
            case MessageReceived():
                label = self.label(event.peer, event.name)
                self._said(MessageRow(f"message:{event.peer}:{event.id}", event.at, event.peer, label, event.text))
            case LiveTextChanged():
                self._line(event, now)
            case Alerted():
                label = self.label(event.peer, event.name)
                self.notice(f"{label} asks for your attention", at=event.at)
                self._changes.calls_for_attention.append(f"{label} asks for your attention")
            case _:
                pass

    def _server(self, event: ServerChanged) -> None:
        was_away, self.server_reason = self.server_reason is not None, None if event.online else event.reason
        if not event.online and not was_away:
            reason = f": {event.reason}" if event.reason else ""
            self.notice(f"The server is away{reason}", "Who is connected stays connected.", at=event.at)
        elif event.online and was_away:
            self.notice("The server is back", at=event.at)

    def _peer(self, info: PeerInfo, at: float) -> None:
        before = self.peers.get(info.peer)
        self.peers[info.peer] = info
        who, reason = full_label(info.peer, info.name), f": {info.reason}" if info.reason else ""
        if info.state in (PeerState.LEFT, PeerState.FAILED):
            self._settle(info.peer)
        if info.state is PeerState.LEFT or len(self.peers) > REMOTE_PEERS:
            del self.peers[info.peer]
        if before is not None and before.state is info.state:
            return
        match info.state:
            case PeerState.CONNECTED if before is not None and before.state is PeerState.LOST:
                self.notice(f"{who} is back", at=at)
            case PeerState.CONNECTED:
                path = {"direct": ", connected directly", "relay": ", connected through a relay"}.get(info.path, "")
                self.notice(f"{who} joined{path}", at=at)
            case PeerState.LOST:
                self.notice(f"{who} was lost{reason}", at=at, problem=True)
            case PeerState.LEFT if before is not None:
                self.notice(f"{who} left" + ("" if info.reason.startswith("left") else reason), at=at)
            case PeerState.FAILED:
                self.notice(f"{who} could not be reached{reason}", at=at, problem=True)
            case _:
                pass

    def _line(self, event: LiveTextChanged, now: float) -> None:
        typing = self.live.get(event.peer)
        if typing is not None and typing.line != event.line and typing.interrupted_at is not None:
            self._settle(event.peer)
            typing = None
        label = self.label(event.peer, event.name)
        if event.state is LineState.FINAL:
            if typing is not None and typing.line == event.line:
                del self.live[event.peer]
            self._finished_line(event, label)
        elif not event.text:
            self.live.pop(event.peer, None)
        else:
            interrupted_at = now if event.state is LineState.INTERRUPTED else None
            self.live[event.peer] = LiveRow(
                event.peer, event.line, label, event.text, event.at, changed_at=now, interrupted_at=interrupted_at
            )

    def _finished_line(self, event: LiveTextChanged, label: str) -> None:
        key = f"line:{event.peer}:{event.line}"
        told = self.rows.get(key)
        if isinstance(told, MessageRow):
            if told.mark == "interrupted" or told.text != event.text:
                self._replace(replace(told, text=event.text, mark="corrected" if not told.mark else ""))
        elif event.text:
            self._said(MessageRow(key, event.at, event.peer, label, event.text))

    def _settle(self, peer: str) -> None:
        """Moves an unfinished line of somebody to the timeline, with its mark."""
        row = self.live.pop(peer, None)
        if row is not None:
            key = f"line:{row.peer}:{row.line}"
            message = MessageRow(key, row.at, row.peer, row.label, row.text, mark="interrupted")
            if key in self.rows:
                self._replace(message)
            else:
                self._said(message)

    def _transfer(self, info: TransferInfo, at: float) -> None:
        new = info.transfer not in self.transfers
        self.transfers[info.transfer] = info
        key = f"transfer:{info.transfer}"
        told = self.rows.get(key)
        if isinstance(told, TransferRow):
            self._replace(replace(told, info=info))
        elif new:
            receiving = info.direction is Direction.RECEIVE
            label = self.label(info.peer, info.name)
            if receiving:
                self._count_unread(at)
                self._changes.calls_for_attention.append(f"{label} offers {files(info.files)}")
            self._append(TransferRow(key, at, info.peer if receiving else "", label, info))
        self._forget_transfers()

    def _forget_transfers(self) -> None:
        if len(self.transfers) > TRANSFERS:
            oldest = next((id for id, info in self.transfers.items() if info.state.final), None)
            if oldest is not None:
                del self.transfers[oldest]

    def _progress(self, event: TransferProgressed) -> None:
        info = self.transfers.get(event.transfer)
        if info is not None:
            info = replace(info, confirmed=event.confirmed, total=event.total, rate=event.rate)
            self.transfers[event.transfer] = info
            row = self.rows.get(f"transfer:{event.transfer}")
            if isinstance(row, TransferRow):
                self._replace(replace(row, info=info))

    def _said(self, row: MessageRow) -> None:
        if row.key not in self.rows:
            self._count_unread(row.at)
            self._append(row)
            self._changes.calls_for_attention.append(f"{row.label}: {row.text}")

    def _count_unread(self, at: float) -> None:
        if not self._reading:
            if self.unread == 0:
                self._remove("unread")
                self._append(UnreadRow("unread", at))
            self.unread += 1

    def _append(self, row: Row) -> None:
        day = date.fromtimestamp(row.at)
        if day != self._day:
            self._day = day
            self._add(DayRow(f"day:{row.key}", row.at))
        self._add(row)

    def _add(self, row: Row) -> None:
        self.rows[row.key] = row
        self._changes.added.append(row.key)

    def _replace(self, row: Row) -> None:
        self.rows[row.key] = row
        self._changes.changed.add(row.key)

    def _remove(self, key: str) -> None:
        if self.rows.pop(key, None) is not None:
            self._changes.changed.discard(key)
            if key in self._changes.added:
                self._changes.added.remove(key)
            else:
                self._changes.removed.append(key)


def full_label(peer: str, name: str) -> str:
    """A peer's name with the first four characters of its key tag; the tag alone until it has said its name."""
    return name if name == peer else f"{name}·{peer[:4]}"


def files(count: int) -> str:
    """A number of files in words."""
    return "1 file" if count == 1 else f"{count:,} files"
