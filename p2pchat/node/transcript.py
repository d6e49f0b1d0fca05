"""What was said in a conversation, with its times, its edits and what was lost: to be looked back on, and saved.

T.140 asks for a presentation in which earlier text can be read again with its relative timing, and RFC 5194 §6.2.4.4
for one that can be saved. It is kept in memory, and saved when the user says so (`p2pchat.node.exporting`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from p2pchat.node.events import (
    Alerted,
    Event,
    LineState,
    LiveTextChanged,
    MessageDelivered,
    MessageReceived,
    MessageSent,
    PeerChanged,
    PeerState,
    Ready,
)
from p2pchat.protocol.rtt.graphemes import shared, split
from p2pchat.protocol.rtt.parser import LOSS_MARK
from p2pchat.protocol.untrusted import safe_line, safe_text

Kind: TypeAlias = Literal["live", "message", "alert", "status"]
"""A line that was typed live; one that came whole; somebody asked for attention; somebody came or went."""

ENTRIES: Final = 20_000
"""Entries kept: a month of busy talk. The oldest go first, and the transcript says how many."""

CHARACTERS: Final = 8_000_000
"""Characters kept, of texts and edits together: at most 32 MB of memory."""

EDITS: Final = 100
"""Edits of one line that are kept in words; all are counted."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Something of a line was replaced."""

    at: float
    erased: str
    written: str
    """What stands there instead; empty when it was only erased, and for what was typed later."""


@dataclass(slots=True)
class Entry:
    """One line of the transcript. All times are unix seconds of this machine but `sent_at`."""

    kind: Kind
    at: float
    """When it began: the first character of a line that was typed live, and otherwise when it came."""
    speaker: str
    """What the author is called; safe to show."""
    peer: str
    """The author's key tag."""
    sent: bool
    """Whether it is ours."""
    text: str = ""
    last_at: float = 0.0
    """When it was changed last before it was finished."""
    committed_at: float | None = None
    state: LineState = LineState.FINAL
    edits: list[Edit] = field(default_factory=list)
    edited: int = 0
    """All edits, kept or not."""
    losses: int = 0
    """Places where text may be missing."""
    restored: bool = False
    """Something was missing, and came later."""
    corrected: bool = False
    """Its end was shown otherwise than its author wrote it."""
    sent_at: float | None = None
    """When its author sent it, by the author's clock."""
    delivered: dict[str, float] = field(default_factory=dict)
    """Who had it when; of what is ours."""

    @property
    def size(self) -> int:
        """Characters that it takes to keep."""
        return len(self.text) + sum(len(edit.erased) + len(edit.written) for edit in self.edits)


class Transcript:
    """Gathers what a conversation's events tell.

    Hand it every event with `event`, and each state of our own live line with `typed`, as the node does not tell it
    back. It can be rendered at any time, and takes bounded memory.

    Args:
        conversation: its name; events of others are ignored.
    """

    def __init__(self, conversation: str) -> None:
        self.conversation = safe_line(conversation)
        self.dropped = 0
        """Entries at the beginning that are not kept any more."""
        self._room = conversation
        self._entries: dict[int, Entry] = {}
        self._number = 0
        self._characters = 0
        self._lines: dict[tuple[str, int], int] = {}
        """The number of the entry of a peer's line."""
        self._own: Entry | None = None
        """Our line that is being typed."""
        self._messages: dict[str, int] = {}
        """The number of the entry of a message of ours."""
        self._us = ("", "")
        self._states: dict[str, PeerState] = {}

    def entries(self) -> list[Entry]:
        """Returns what is kept, in the order in which it began. They are the transcript's own: do not change them."""
        return list(self._entries.values())

    def typed(self, text: str, at: float) -> None:
        """Our own live line reads `text` since `at`, in unix seconds."""
        if self._own is None:
            if not text:
                return
            self._own = Entry("live", at, self._us[0], self._us[1], sent=True, state=LineState.LIVE)
            self._add(self._own)
        self._rewrite(self._own, safe_text(text), at)
        if not text:
            self._own.state, self._own = LineState.FINAL, None

    def event(self, event: Event) -> None:
        """Takes one event of the node; those that are no part of what was said are ignored."""
        match event:
            case Ready(conversation=self._room):
                self._us = (safe_line(event.name), event.peer)
            case MessageReceived(conversation=self._room):
                entry = Entry("message", event.at, safe_line(event.name), event.peer, sent=False)
                entry.text, entry.last_at, entry.committed_at = safe_text(event.text), event.at, event.at
                entry.sent_at = event.sent_at
                self._add(entry)
            case MessageSent(conversation=self._room):
                self._sent(event)
            case MessageDelivered(conversation=self._room):
                number = self._messages.get(event.id)
                if number in self._entries:
                    self._entries[number].delivered.setdefault(event.peer, event.at)
            case LiveTextChanged(conversation=self._room):
                self._line(event)
            case Alerted(conversation=self._room):
                entry = Entry("alert", event.at, safe_line(event.name), event.peer, sent=False)
                entry.text = "asks for attention"
                self._add(entry)
            case PeerChanged(conversation=self._room):
                self._peer(event)

    def _sent(self, event: MessageSent) -> None:
        entry, self._own = self._own, None
        if entry is None:
            entry = Entry("message", event.at, self._us[0], self._us[1], sent=True, last_at=event.at)
            self._add(entry)
        self._put(entry, safe_text(event.text))
        entry.committed_at, entry.state = event.at, LineState.FINAL
        self._messages[event.id] = self._number - 1 if entry.kind == "message" else self._find(entry)
        if len(self._messages) > ENTRIES:
            del self._messages[next(iter(self._messages))]

    def _find(self, wanted: Entry) -> int:
        return next((number for number, entry in reversed(self._entries.items()) if entry is wanted), -1)

    def _line(self, event: LiveTextChanged) -> None:
        key = (event.peer, event.line)
        entry = self._entries.get(self._lines.get(key, -1))
        text = safe_text(event.text)
        if entry is None:
            if not text:
                return
            entry = Entry("live", event.at, safe_line(event.name), event.peer, sent=False, state=LineState.LIVE)
            self._lines[key] = self._number
            self._add(entry)
        entry.speaker = safe_line(event.name)
        lost = text.count(LOSS_MARK) - entry.text.count(LOSS_MARK)
        if lost > 0 or (event.state is LineState.INTERRUPTED and entry.state is not LineState.INTERRUPTED):
            entry.losses += max(lost, 1)
        finished = event.state is LineState.FINAL
        # The message of a line brings its line breaks, which live text has as spaces: that is no edit.
        if finished and text.replace("\n", " ") == entry.text:
            self._put(entry, text)
        else:
            self._rewrite(entry, text, event.at, restored=event.restored)
        entry.restored |= event.restored
        entry.corrected |= event.corrected
        entry.state = event.state
        entry.committed_at = event.at if finished and entry.committed_at is None else entry.committed_at

    def _peer(self, event: PeerChanged) -> None:
        info, before = event.info, self._states.pop(event.was or event.info.peer, None)
        self._states[info.peer] = info.state
        if len(self._states) > ENTRIES:
            del self._states[next(iter(self._states))]
        words = {PeerState.CONNECTED: "joined", PeerState.LOST: "connection lost", PeerState.LEFT: "left"}
        met = before in (PeerState.CONNECTED, PeerState.LOST)
        if info.state is before or info.state not in words or (info.state is PeerState.LEFT and not met):
            return
        text = "is back" if before is PeerState.LOST and info.state is PeerState.CONNECTED else words[info.state]
        self._add(Entry("status", event.at, safe_line(info.name), info.peer, sent=False, text=text))

    def _rewrite(self, entry: Entry, text: str, at: float, restored: bool = False) -> None:
        """Notes that a line reads differently, and what was erased of it."""
        if text == entry.text:
            return
        if not text.startswith(entry.text) and not restored:
            old, new = split(entry.text), split(text)
            same = shared(old, new)
            entry.edited += 1
            if len(entry.edits) < EDITS:
                edit = Edit(at, "".join(old[same:]), "".join(new[same:]))
                entry.edits.append(edit)
                self._characters += len(edit.erased) + len(edit.written)
        entry.last_at = at
        self._put(entry, text)

    def _put(self, entry: Entry, text: str) -> None:
        self._characters += len(text) - len(entry.text)
        entry.text = text
        self._bound()

    def _add(self, entry: Entry) -> None:
        self._entries[self._number] = entry
        self._number += 1
        self._characters += entry.size
        self._bound()

    def _bound(self) -> None:
        while len(self._entries) > ENTRIES or (self._characters > CHARACTERS and len(self._entries) > 1):
            oldest = next(iter(self._entries))
            self._characters -= self._entries.pop(oldest).size
            self.dropped += 1
        while self._lines and (first := next(iter(self._lines.items())))[1] not in self._entries:
            del self._lines[first[0]]
