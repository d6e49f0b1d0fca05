"""Live text in words: what others type, who sees what we type, alerts, losses and guests."""

from __future__ import annotations

from collections.abc import Sequence

from p2pchat.cli import wording
from p2pchat.cli.speakers import Speakers
from p2pchat.cli.voice import Voice
from p2pchat.node.answers import LiveTextStats
from p2pchat.node.events import (
    Alerted,
    GuestAsks,
    LineState,
    LiveTextAsked,
    LiveTextChanged,
    PeerInfo,
    PeerState,
)
from p2pchat.node.live_text_report import delays, facts, milliseconds, other_unicode
from p2pchat.protocol.rtt.announce import Announce, Announcer, Size
from p2pchat.protocol.rtt.parser import LOSS_MARK
from p2pchat.protocol.rtt.statistics import Spread
from p2pchat.protocol.untrusted import safe_text


class LiveWords:
    """Says what live text brings.

    Args:
        voice: takes each line.
        speakers: who is called what.
        now: the time, in seconds of a monotonic clock.
        size: how much of a line is said at once.
    """

    def __init__(self, voice: Voice, speakers: Speakers, now: float, size: Size) -> None:
        self.announcer = Announcer(now, size)
        self.typing_live = False
        """Whether our own keys leave before Enter; who sees them is said only then."""
        self._seeing: set[str] = set()
        """Who sees our keys, as far as it was said."""
        self.muted: set[str] = set()
        """Peers whose alerts wait like any other line, and start nothing."""
        self.guests: dict[str, str] = {}
        """Guests that wait for an answer, and what they would be called."""
        self._voice = voice
        self._speakers = speakers
        self._last_typist = ""
        """Whose character was the last line, when it was one."""

    def changed(self, event: LiveTextChanged, now: float) -> None:
        """A line of a peer reads differently."""
        who = self._speakers.called(event.peer, event.name)
        final = event.state is not LineState.LIVE
        self.announcer.changed(event.peer, event.line, safe_text(event.text), final, now)
        self.announce()
        if event.state is LineState.INTERRUPTED:
            self._urgent(f"The last line of {who} was interrupted. Some of its end may be missing.")
        elif event.restored:
            self._say(f"Nothing of the line of {who} is missing any more.")
        elif event.state is LineState.LIVE and event.text.endswith(LOSS_MARK):
            self._urgent(f"Some text of {who} is missing.")

    def announce(self) -> None:
        """Says what has waited long enough."""
        while (announced := self.announcer.poll()) is not None:
            self._announced(announced)

    def peer_changed(self, info: PeerInfo, before: PeerInfo | None) -> None:
        """Says what is new about live text with a connected peer."""
        if info.state in (PeerState.LEFT, PeerState.FAILED):
            self.announcer.forget(info.peer)
            self.guests.pop(info.peer, None)
        if info.state is not PeerState.CONNECTED or before is None or before.state is not PeerState.CONNECTED:
            return
        who = self._speakers.called(info.peer, info.name)
        if self.typing_live and info.sees_keys is not (info.peer in self._seeing):
            self._seeing ^= {info.peer}
            self._urgent(f"{who} sees each key that you type." if info.sees_keys else f"{who} does not see your keys.")
        if info.live_mode != before.live_mode:
            self._say(_mode(who, info.live_mode) if info.live_mode else _ended(who, before.live_mode))

    def arrived(self, info: PeerInfo) -> str:
        """Returns what there is to say of live text with a peer that has just been connected, as sentences."""
        who = self._speakers.called(info.peer, info.name)
        self._seeing.discard(info.peer)
        if self.typing_live and info.sees_keys:
            self._seeing.add(info.peer)
            return f" {who} sees each key that you type."
        if info.live_mode:
            return f" {_mode(who, info.live_mode)}"
        return f" {who} takes live text." if info.live_text else ""

    def who_sees(self, peers: Sequence[PeerInfo]) -> str:
        """Returns who sees our keys, as one sentence; what changes of it later is said by itself."""
        seeing = [info for info in peers if info.state is PeerState.CONNECTED and info.sees_keys]
        self._seeing = {info.peer for info in seeing}
        names = [self._speakers.called(info.peer, info.name) for info in seeing]
        if not names:
            return "Nobody sees your keys."
        if len(names) == 1:
            return f"{names[0]} sees each key that you type."
        return f"{', '.join(names[:-1])} and {names[-1]} see each key that you type."

    def in_private(self) -> str:
        """Returns that nobody sees our keys any more, until something else is said."""
        self._seeing = set()
        return "Private. Nobody sees what you type before you press Enter."

    def alerted(self, event: Alerted) -> None:
        """Somebody rang. Whoever is muted interrupts nobody."""
        who = self._speakers.called(event.peer, event.name)
        if event.peer in self.muted:
            self._say(f"{who}, who is muted, asks for your attention.")
        else:
            self._urgent(f"Alert: {who} asks for your attention.")

    def asked(self, event: LiveTextAsked) -> None:
        """Somebody came who does not see our keys yet."""
        who = self._speakers.called(event.peer, event.name)
        if self.typing_live:
            tag = wording.key(event.peer)
            self._urgent(f"{who} does not see your keys. Type /share {tag} to let {who} see them.")

    def guest(self, event: GuestAsks) -> None:
        """Somebody without a key wants to talk."""
        self.guests[event.peer] = wording.peer_name(event.name)
        which = f" {event.peer}" if len(self.guests) > 1 else ""
        self._urgent(
            f"Somebody asks to talk, and would be called {self.guests[event.peer]}. It has live text only and cannot "
            f"prove who it is. Type /admit{which} or /refuse{which}."
        )

    def _announced(self, announced: Announce) -> None:
        who = self._speakers.called(announced.peer)
        single = self.announcer.size == "char" and announced.kind == "typing"
        same, self._last_typist = self._last_typist == announced.peer, announced.peer if single else ""
        match announced.kind:
            case "typing" if single and same:
                self._voice.say(announced.text)
            case "typing":
                self._voice.say(f"{who} is typing: {announced.text}")
            case "corrected" if not announced.text:
                self._voice.say(f"{who} took back what was typed.")
            case "corrected":
                self._voice.say(f"{who} corrected: {announced.text}")
            case "final":
                self._voice.say(f"{who}: {announced.text}")

    def said_otherwise(self) -> None:
        """A line of something else was written: the next character is said with its speaker again."""
        self._last_typist = ""

    def _say(self, line: str) -> None:
        self.said_otherwise()
        self._voice.say(line)

    def _urgent(self, line: str) -> None:
        self.said_otherwise()
        self._voice.interrupt(line)


def statistics(stats: LiveTextStats, who: str) -> list[str]:
    """Returns how well live text with a peer works, a sentence for each thing."""
    lines = [f"Live text with {who}."]
    for delay in delays(stats, who):
        lines.append(f"{delay.label}: {_spread(delay.spread)}")
        if delay.spread.count:
            lines[-1] += f" That is {delay.verdict}; {delay.aim}."
    if remark := other_unicode(stats, who):
        lines.append(f"{remark}.")
    return lines + [f"{label}: {value}." for label, value in facts(stats, who)]


def _spread(spread: Spread) -> str:
    if not spread.count:
        return "nothing measured yet."
    return (
        f"half within {milliseconds(spread.p50)}, 95 percent within {milliseconds(spread.p95)}, "
        f"99 percent within {milliseconds(spread.p99)}, at most {milliseconds(spread.max)}."
    )


def _mode(who: str, mode: str) -> str:
    return f"{who} composes in private." if mode == "hold" else f"{who} has live text off."


def _ended(who: str, mode: str) -> str:
    """Returns that a mode is over. Whether its keys are shown to us then is not known before they come."""
    return f"{who} no longer composes in private." if mode == "hold" else f"{who} has live text on again."
