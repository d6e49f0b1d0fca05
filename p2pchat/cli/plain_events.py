"""Events as lines for plain mode. Every line passes the border for text of others once more when it is written."""

from __future__ import annotations

from collections.abc import Callable

from p2pchat.cli import wording
from p2pchat.cli.live_words import LiveWords
from p2pchat.cli.speakers import Speakers
from p2pchat.cli.transfer_list import TransferList
from p2pchat.cli.voice import Voice
from p2pchat.node import link_report
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
    TransferState,
)
from p2pchat.protocol.rtt.announce import Size
from p2pchat.protocol.untrusted import safe_text


class PlainEvents:
    """Says what happens in a conversation.

    Args:
        write_line: takes each line.
        echo: whether our own messages are written, too.
        now: the time, in seconds of a monotonic clock.
        size: how much of a live line is said at once.
        write_text: takes the echo of keys, where keys are seen.
        languages: those that our user writes and reads, as BCP 47 tags.
    """

    def __init__(
        self,
        write_line: Callable[[str], None],
        echo: bool,
        now: float,
        size: Size = "sentence",
        write_text: Callable[[str], None] | None = None,
        languages: tuple[str, ...] = (),
    ) -> None:
        self.speakers = Speakers()
        self.transfers = TransferList()
        self.voice = Voice(self._write_safe, write_text)
        self.live = LiveWords(self.voice, self.speakers, now, size)
        self._write_line = write_line
        self._echo = echo
        self._languages = languages
        self._foreign: set[str] = set()
        """Peers of whom it was said that they share no language with us."""
        self._ready: Ready | None = None
        self._lost: set[str] = set()
        """Peers that were lost, and are tried again."""
        self._online = True
        self._problem = ""
        """The last one: what follows from it is told without its reason."""

    def write(self, text: str) -> None:
        """Writes text, whatever it holds, as one line or several; not while somebody types."""
        self.live.said_otherwise()
        self.voice.say(text)

    def _write_safe(self, text: str) -> None:
        for line in safe_text(text).split("\n"):
            self._write_line(line)

    def write_problem(self, message: str, hint: str) -> None:
        """Writes what failed and what to do."""
        self.write(wording.sentence(message) + wording.because(hint))

    def whereabouts(self) -> str:
        """Returns who and where we are, as sentences."""
        if self._ready is None:
            return "Not in a room yet."
        server = "The signaling server is not reachable; connections that exist go on."
        if self._online:
            server = "The signaling server is reachable." if self._ready.server else "No signaling server is used."
        return (
            f"You are {self._ready.name}, key {wording.key(self._ready.peer)}. Room {self._ready.conversation}. "
            f"{server}"
        )

    def deadline(self) -> float | None:
        """When `tick` is due."""
        deadlines = [due for due in (self.live.announcer.deadline(), self.voice.deadline()) if due is not None]
        return min(deadlines, default=None)

    def tick(self, now: float) -> None:
        """Time has passed: announces the live text that has waited long enough."""
        self.live.announcer.tick(now)
        self.live.announce()
        self.voice.tick(now)

    def tell(self, event: Event, now: float) -> None:
        """Writes an event, or nothing where there is nothing to say."""
        match event:
            case Ready():
                self._ready = event
                self.speakers.own_name = event.name
                self.write(
                    f"p2pchat: you are {event.name}, key {wording.key(event.peer)}. Room {event.conversation}. "
                    "Type /help for the commands."
                )
            case ServerChanged():
                self._server(event)
            case PeerChanged():
                self._peer(event)
            case MessageSent() if self._echo:
                self._speak("you", event.text)
            case MessageDelivered():
                self.write(f"{self.speakers.called(event.peer)} has your message.")
            case MessageReceived():
                self._speak(self.speakers.called(event.peer, event.name), event.text)
            case LiveTextChanged():
                self.live.changed(event, now)
            case Alerted():
                self.live.alerted(event)
            case LiveTextAsked():
                self.live.asked(event)
            case GuestAsks():
                self.live.guest(event)
            case TransferOffered():
                self._offer(event.info)
            case TransferChanged():
                self._transfer(event.info)
            case TransferProgressed():
                self._progress(event)
            case Problem():
                self._problem = event.message
                if event.code == "changed-key":
                    self.write("Warning. Somebody with the name of a contact was not let in.")
                self.write_problem(event.message, event.hint)
            case MessageSent() | PeerMeasured() | LiveTextSent() | LiveTextShown():
                pass

    def _speak(self, speaker: str, text: str) -> None:
        """Names the speaker on each line, so that no line of a message can pass for something else."""
        for line in safe_text(text).split("\n"):
            self.write(f"{speaker}: {line}")

    def _server(self, event: ServerChanged) -> None:
        if event.online is not self._online:
            self._online = event.online
            gone = "The signaling server is gone. Connections that exist go on." + wording.because(event.reason)
            self.write("The signaling server is back." if event.online else gone)

    def _peer(self, event: PeerChanged) -> None:
        info = event.info
        before = self.speakers.update(info, event.was)
        was = before.state if before else None
        lost = self._was_lost(event, was)
        who = self.speakers.called(info.peer, info.name)
        self.live.peer_changed(info, before)
        match info.state:
            case PeerState.CONNECTED if was is not PeerState.CONNECTED:
                verb = "is back" if lost else "joined"
                self.write(f"{who} {verb}. {wording.trust(info)}. {wording.path(info)}.{self.live.arrived(info)}")
                self._compare_languages(info, who)
            case PeerState.CONNECTED if before and before.trust is not info.trust:
                self.write(f"The key of {who} is {info.trust.value} now.")
            case PeerState.CONNECTED if before and before.path != info.path and info.path:
                self.write(f"{who}: {wording.path(info).lower()} now.")
            case PeerState.LOST if was is not PeerState.LOST:
                again = "" if link_report.TRYING in info.reason else " Trying again."
                self.write(f"The connection to {who} is lost.{wording.because(info.reason)}{again}")
            case PeerState.LEFT if lost and not info.reason.startswith("left"):
                self.write(f"{who} did not come back.")
            case PeerState.LEFT if lost or was is PeerState.CONNECTED:
                self.write(f"{who} left.")
            case PeerState.FAILED if was is not PeerState.FAILED:
                known = info.reason == self._problem
                self.write(f"No connection to {who}.{'' if known else wording.because(info.reason)}")

    def _was_lost(self, event: PeerChanged, was: PeerState | None) -> bool:
        """Whether a peer was lost and has not been connected since; while it is tried again, it is connecting."""
        lost = was is PeerState.LOST or bool(self._lost & {event.info.peer, event.was})
        self._lost -= {event.info.peer, event.was}
        if lost and event.info.state is PeerState.CONNECTING:
            self._lost.add(event.info.peer)
        return lost

    def _compare_languages(self, info: PeerInfo, who: str) -> None:
        line = wording.no_common_language(info, self._languages, who)
        if line and info.peer not in self._foreign:
            self._foreign.add(info.peer)
            self.write(line)

    def _offer(self, info: TransferInfo) -> None:
        number = self.transfers.update(info).number
        who = self.speakers.called(info.peer, info.name)
        what = "File" if info.files == 1 else wording.number(info.files, "file")
        several = len(self.transfers.offers()) > 1
        title, which = (f"Offer {number}. {what}", f" {number}") if several else (what, "")
        answer = "It is accepted by itself." if info.automatic else f"Type /accept{which} or /decline{which}."
        here = ""
        if info.resumable:
            here = f" {wording.size(info.resumable)} of it are here already: it goes on from there."
        self.write(f"{title} from {who}: {wording.contents(info)}.{here} {answer}")

    def _transfer(self, info: TransferInfo) -> None:
        known = self.transfers.find(info.transfer)
        before = None if known is None else (known.info.state, known.info.reason)
        number = self.transfers.update(info).number
        who = self.speakers.called(info.peer, info.name)
        if before == (info.state, info.reason):
            return
        if info.state is not TransferState.WAITING:
            halted = before is not None and before[0] is TransferState.ACTIVE and before[1]
            goes_on = halted and info.state is TransferState.ACTIVE and not info.reason
            self.write(f"{wording.files(info)} goes on." if goes_on else wording.transfer(info, who))
        elif info.direction is Direction.SEND:
            self.write(f"Offered {wording.files(info)}, {wording.size(info.total)}, to {who}. It is number {number}.")

    def _progress(self, event: TransferProgressed) -> None:
        reached = self.transfers.reached(event.transfer, event.confirmed, event.total)
        if reached is not None:
            known, percent = reached
            towards = "to" if event.direction is Direction.SEND else "from"
            who = self.speakers.called(known.info.peer, known.info.name)
            self.write(f"{wording.files(known.info)} {towards} {who}: {percent} percent.")
