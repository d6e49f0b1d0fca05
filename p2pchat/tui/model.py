"""What the conversation looks like: events of the node in, rows out. Knows nothing of Textual.

Rules
    1. `apply` one event and the time; then `take_changes` says which rows of the timeline to add, repaint and drop.
       Everything else (peers, live rows, transfers, unread) is read from the attributes and is small.
    2. Rows are frozen and only ever appended. A row that reads differently is replaced under its key.
    3. Text is kept as the event brought it. `p2pchat.tui.content` makes it fit to be shown. Names lose the signs that
       only we may write (`p2pchat.tui.people`).
    4. Time is an argument: seconds of a monotonic clock. `at` in events and rows is unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from p2pchat.node.events import (
    Alerted,
    Direction,
    Event,
    GuestAsks,
    LiveTextAsked,
    LiveTextChanged,
    LiveTextSent,
    LiveTextShown,
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
)
from p2pchat.node.transcript import Transcript
from p2pchat.tui.alerts import Alert, Alerts
from p2pchat.tui.live_lines import LiveLines
from p2pchat.tui.measures import files
from p2pchat.tui.own_line import OwnLine
from p2pchat.tui.people import full_label, guest_asks, latecomer, news, plain_name
from p2pchat.tui.rows import LiveRow, MessageRow, NoticeRow, Row, TransferRow, UnreadRow
from p2pchat.tui.timeline import Changes, TimelineRows
from p2pchat.tui.transfer_book import TransferBook

REMOTE_PEERS: Final = 500
"""Peers that are remembered: more than a terminal can list, and a server that invents peers cannot grow our memory."""

GUESTS: Final = 50
"""Guests that may ask at the same time; beyond it the oldest is forgotten: a server may invent them."""

ALARM_CODES: Final = frozenset({"changed-key"})
"""Problems that must not scroll away unread: somebody may be taken for somebody else."""

ALARMS: Final = 20
"""Most alarms that wait to be dismissed: somebody with ever new keys must not grow our memory. All are notices too."""

REPEATED_SECONDS: Final = 600.0
"""For so long, in seconds, the same problem is counted in its notice and not told anew: a forger must not flood us."""

REPEATED_ROWS: Final = 50
"""How many rows back such a notice is looked for: about what can be on a screen."""


class Conversation:
    """One conversation as it is shown.

    Args:
        name: the name of the room.
        secret: whether one has to know a secret to come in.
    """

    def __init__(self, name: str, secret: bool = False) -> None:
        self.name = name
        self.secret = secret
        self.own: Ready | None = None
        """Who and where we are; None until the room is joined."""
        self.server_reason: str | None = None
        """Why the signaling server is away; None while it is there."""
        self.peers: dict[str, PeerInfo] = {}
        """Everybody who is here or should be, by key tag; those who left are not."""
        self.guests: dict[str, str] = {}
        """Who asks to come in without a key, by seat, and what each is called."""
        self.transfers = TransferBook()
        self.alarms: list[Problem] = []
        """What the user has to have seen, oldest first, until it is dismissed."""
        self.alerts = Alerts()
        """Who asks for attention and was not heard yet, and who is muted."""
        self.unread = 0
        """Messages and offers that came while nobody was reading."""
        self.own_line = OwnLine()
        """How far our own live line has come."""
        self.transcript = Transcript(name)
        """Everything that was said since the conversation was joined, to be saved."""
        self._live = LiveLines()
        self._lost: set[str] = set()
        self._explained = ""
        self._reading = True
        self._timeline = TimelineRows()
        self._notices = 0
        self._attention: list[str] = []

    def apply(self, event: Event, now: float) -> None:
        """Takes one event in. Events of other conversations change nothing."""
        self.transcript.event(event)
        match event:
            case Ready():
                if event.conversation == self.name:
                    self.own = event
            case Problem():
                self._problem(event)
            case TransferOffered(info=info) | TransferChanged(info=info):
                self._transfer(info, event.at)
            case TransferProgressed():
                self._progress(event)
            case _:
                if event.conversation == self.name:
                    self._apply_here(event, now)

    def tick(self, now: float) -> None:
        """Time has passed: interrupted lines that nobody finished move to the timeline."""
        self._leave(self._live.tick(now))
        self.own_line.tick(now)

    def typed(self, text: str, now: float, at: float) -> None:
        """Our own live line reads so, by a key that was pressed at these times of both clocks."""
        self.own_line.typed(text, now)
        self.transcript.typed(text, at)

    @property
    def live(self) -> Mapping[str, LiveRow]:
        """The line that each peer is typing, by key tag, in the order in which the lines began."""
        return self._live.rows

    @property
    def rows(self) -> Mapping[str, Row]:
        """The timeline by key, oldest first."""
        return self._timeline.rows

    def take_changes(self) -> Changes:
        """What has changed in the timeline since the last call."""
        return self._timeline.take_changes()

    def take_calls_for_attention(self) -> list[str]:
        """What happened since the last call and should be heard of by somebody who looks elsewhere: a line for each."""
        calls, self._attention = self._attention, []
        return calls

    def trim(self, keep: int) -> None:
        """Drops the oldest rows but for the last `keep`."""
        self._timeline.trim(keep)

    def notice(self, text: str, hint: str = "", *, at: float, problem: bool = False) -> None:
        """Puts a line into the timeline that nobody said.

        Args:
            text: what happened.
            hint: what to do about it.
            at: when, in unix seconds.
            problem: whether something failed.
        """
        self._notices += 1
        self._timeline.append(NoticeRow(f"notice:{self._notices}", at, text, hint, problem))

    def dismiss(self) -> None:
        """The user has seen the oldest alarm."""
        del self.alarms[:1]

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
        """Offers in this conversation that wait for an answer, oldest first."""
        return self.transfers.offers(self.name)

    @property
    def connected(self) -> list[PeerInfo]:
        """The peers that are connected now."""
        return [info for info in self.peers.values() if info.state is PeerState.CONNECTED]

    def label(self, peer: str, name: str) -> str:
        """What a peer is called: its name, with four characters of its key tag where the name alone could be another's.

        Nobody is called what we are called, nor "you".
        """
        name = plain_name(name)
        taken = {info.name.casefold() for tag, info in self.peers.items() if tag != peer}
        taken |= {"you", plain_name(self.own.name).casefold() if self.own else "you"}
        return full_label(peer, name) if name.strip().casefold() in taken or not name.strip() else name

    def _apply_here(self, event: Event, now: float) -> None:
        match event:
            case ServerChanged():
                self._server(event)
            case PeerChanged():
                if event.was:
                    self._rename(event.was, event.info.peer)
                self._peer(replace(event.info, name=plain_name(event.info.name)), event.at)
            case PeerMeasured():
                if event.peer in self.peers:
                    self.peers[event.peer] = replace(self.peers[event.peer], rtt_ms=event.rtt_ms)
            case MessageSent():
                self.own_line.finished()
                awaited = frozenset(info.peer for info in self.connected)
                self._timeline.remove("unread")
                self._timeline.append(MessageRow(f"own:{event.id}", event.at, "", "you", event.text, awaited=awaited))
            case MessageDelivered():
                row = self.rows.get(f"own:{event.id}")
                if isinstance(row, MessageRow):
                    self._timeline.replace(replace(row, delivered=row.delivered | {event.peer}))
            case MessageReceived():
                label = self.label(event.peer, event.name)
                self._said(MessageRow(f"message:{event.peer}:{event.id}", event.at, event.peer, label, event.text))
            case LiveTextChanged():
                self._leave(self._live.changed(event, self.label(event.peer, event.name), now))
            case LiveTextSent():
                self.own_line.sent(event)
            case LiveTextShown():
                self.own_line.shown(event)
            case Alerted():
                self._alerted(event, now)
            case LiveTextAsked():
                self._call(*latecomer(event, self.label(event.peer, event.name)), event.at)
            case GuestAsks():
                self._guest(event)
            case _:
                pass

    def _alerted(self, event: Alerted, now: float) -> None:
        label = self.label(event.peer, event.name)
        if self.alerts.alerted(Alert(event.peer, label, event.at), now):
            self._call(f"{label} asks for your attention", "", event.at)
        else:
            self.notice(f"{label} asks for your attention, and is muted", at=event.at)

    def _call(self, text: str, hint: str, at: float, problem: bool = False) -> None:
        """Puts a line into the timeline of which also somebody should hear who looks elsewhere."""
        self.notice(text, hint, at=at, problem=problem)
        self._attention.append(text)

    def _guest(self, event: GuestAsks) -> None:
        label = self.label(event.peer, event.name)
        if label in self.guests.values():
            label = full_label(event.peer, event.name)
        self.guests[event.peer] = label
        if len(self.guests) > GUESTS:
            del self.guests[next(iter(self.guests))]
        self._call(*guest_asks(label), event.at, problem=True)

    def _server(self, event: ServerChanged) -> None:
        was_away, self.server_reason = self.server_reason is not None, None if event.online else event.reason
        if not event.online and not was_away:
            reason = f": {event.reason}" if event.reason else ""
            self.notice(f"The server is away{reason}", "Who is connected stays connected.", at=event.at)
        elif event.online and was_away:
            self.notice("The server is back", at=event.at)

    def _problem(self, event: Problem) -> None:
        self._explained = event.message
        if event.code in ALARM_CODES:
            if len(self.alarms) < ALARMS and all(alarm.message != event.message for alarm in self.alarms):
                self.alarms.append(event)
            self._attention.append(event.message)
        for row in list(self.rows.values())[-REPEATED_ROWS:]:
            match row:
                case NoticeRow(text=event.message, hint=event.hint) if event.at - row.at < REPEATED_SECONDS:
                    self._timeline.replace(replace(row, times=row.times + 1))
                    return
        # That somebody is blocked is the user's own decision, and no failure.
        self.notice(event.message, event.hint, at=event.at, problem=event.code != "blocked")

    def _rename(self, was: str, peer: str) -> None:
        """A peer has proved its key, and is called by its tag instead of its seat.

        A tag that is here already is the same peer, from before it lost its seat: its place is kept.
        """
        if was in self.peers:
            known = peer in self.peers
            self.peers = {
                peer if tag == was else tag: info for tag, info in self.peers.items() if not (known and tag == was)
            }
        if was in self._lost:
            self._lost = self._lost - {was} | {peer}
        self._leave(self._live.renamed(was, peer))
        self.alerts.renamed(was, peer)
        self.transfers.renamed(was, peer)
        for row in list(self.rows.values()):
            if isinstance(row, MessageRow | TransferRow) and (renamed := row.renamed(was, peer)) != row:
                self._timeline.replace(renamed)

    def _peer(self, info: PeerInfo, at: float) -> None:
        before = self.peers.get(info.peer)
        self.guests.pop(info.peer, None)
        self.peers[info.peer] = info
        if info.state is not PeerState.CONNECTED:
            self.own_line.away(info.peer)
        if info.state in (PeerState.LEFT, PeerState.FAILED):
            self._leave(self._live.gone(info.peer))
        if info.state is PeerState.LEFT or len(self.peers) > REMOTE_PEERS:
            del self.peers[info.peer]
        text = news(before, info, info.peer in self._lost)
        if info.state is PeerState.LOST:
            self._lost.add(info.peer)
        elif info.state is not PeerState.CONNECTING:
            self._lost.discard(info.peer)
        # Why a link was closed on purpose has just been told, with what to do.
        if text and not (info.state is PeerState.FAILED and info.reason and info.reason == self._explained):
            self.notice(text, at=at, problem=info.state in (PeerState.LOST, PeerState.FAILED))

    def _leave(self, lines: list[MessageRow]) -> None:
        """Lines of others are finished, or given up; some of them for the second time."""
        for row in lines:
            told = self.rows.get(row.key)
            if not isinstance(told, MessageRow):
                if row.text:
                    self._said(row)
            elif row.mark == "interrupted":
                self._timeline.replace(row)
            elif told.mark == "interrupted" or told.text != row.text:
                mark = row.mark or ("" if told.mark else "corrected")
                self._timeline.replace(replace(told, text=row.text, mark=mark))

    def _transfer(self, info: TransferInfo, at: float) -> None:
        info = replace(info, name=plain_name(info.name))
        new = self.transfers.changed(info)
        key = f"transfer:{info.transfer}"
        told = self.rows.get(key)
        if isinstance(told, TransferRow):
            self._timeline.replace(replace(told, info=info))
        elif new and info.conversation == self.name:
            receiving = info.direction is Direction.RECEIVE
            label = self.label(info.peer, info.name)
            if receiving:
                self._count_unread(at)
                self._attention.append(f"{label} offers {files(info.files)}")
            self._timeline.append(TransferRow(key, at, info.peer if receiving else "", label, info))

    def _progress(self, event: TransferProgressed) -> None:
        info = self.transfers.progressed(event)
        row = self.rows.get(f"transfer:{event.transfer}")
        if info is not None and isinstance(row, TransferRow):
            self._timeline.replace(replace(row, info=info))

    def _said(self, row: MessageRow) -> None:
        if row.key not in self.rows:
            self._count_unread(row.at)
            self._timeline.append(row)
            self._attention.append(f"{row.label}: {row.text}")

    def _count_unread(self, at: float) -> None:
        if not self._reading:
            if self.unread == 0:
                self._timeline.remove("unread")
                self._timeline.append(UnreadRow("unread", at))
            self.unread += 1
