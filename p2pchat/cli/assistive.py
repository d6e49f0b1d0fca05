"""`--events`: what is said, as JSON Lines for assistive technology, beside any mode.

A program that speaks, shows braille or flashes a lamp should not have to read it off a screen. Each object has:

    t, dir, from, peer    when (unix seconds); `recv` or `sent`; who, by name and by key tag
    kind                  live: `text` was added to a line      erase: `text` was taken off its end
                          final: a line or message is finished  alert, loss, status: `text` says what happened
    line                  with live, erase and final: how the whole line reads now
    number                of a live line: which one of theirs; two may change by turns

Whoever appends what is `live` and takes off what is `erase` has the text of `final` when it comes, or has nothing of
that line. A final text that is not what was live is told as erase and live first.

Whoever reads slowly, or not at all, stops nothing: what it does not take in time is left out, and counted.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, TypeAlias, cast

from p2pchat.node.api import NodeApi
from p2pchat.node.events import (
    Alerted,
    Event,
    GuestAsks,
    LineState,
    LiveTextAsked,
    LiveTextChanged,
    MessageReceived,
    MessageSent,
    PeerChanged,
    PeerInfo,
    PeerState,
    Problem,
    Ready,
    ServerChanged,
)
from p2pchat.node.said import encodable
from p2pchat.protocol.limits import LIVE_LINE_CHARACTERS
from p2pchat.protocol.rtt.graphemes import shared, split
from p2pchat.protocol.rtt.parser import LOSS_MARK
from p2pchat.protocol.untrusted import safe_text

WAITING_LINES: Final = 1000
"""Lines that wait for their reader: minutes of talk, and some 300 kB."""

REMEMBERED_LINES: Final = 200
"""Live lines whose text is known; of others the next change is told whole."""

LAST_SECONDS: Final = 0.5
"""How long the end of the program waits for what is still to be written."""

_MODES: Final = {"hold": "composes in private", "off": "has live text off"}
_MODES_OVER: Final = {"hold": "no longer composes in private", "off": "has live text on again"}

Object: TypeAlias = dict[str, Any]


class LineSink:
    """Writes lines to a file descriptor or path from a thread of its own, and never keeps its caller waiting.

    Args:
        where: the number of a file descriptor that is open for writing, or a path: what exists is appended to.
    """

    def __init__(self, where: str) -> None:
        self.dropped = 0
        """Lines that were left out since the last one that was taken."""
        self._lines: queue.Queue[bytes | None] = queue.Queue(WAITING_LINES)
        self._thread = threading.Thread(target=self._write, args=(where,), name="events", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> bool:
        """Takes a line without its end; returns whether there was room for it."""
        try:
            self._lines.put_nowait(line + b"\n")
        except queue.Full:
            self.dropped += 1
            return False
        return True

    def close(self) -> None:
        """Ends, after what waits was written, as far as its reader takes it in `LAST_SECONDS`."""
        try:
            self._lines.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(LAST_SECONDS)

    def _write(self, where: str) -> None:
        try:
            # Opening a named pipe waits for its reader.
            fd = int(where) if where.isdecimal() else os.open(where, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(fd, "wb", buffering=0, closefd=not where.isdecimal()) as stream:
                while (line := self._lines.get()) is not None:
                    rest = memoryview(line)
                    while rest:
                        rest = rest[stream.write(rest) or 0 :]
        except (OSError, ValueError):  # nobody reads, or there is no such place: the conversation goes on without
            while self._lines.get() is not None:
                pass


class AssistiveEvents:
    """Turns events into objects.

    Hand it every event with `event`; our own line with `typed`, and with `finishing` before it is finished.
    """

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int], str] = {}
        self._own = ""
        self._own_number = 0
        self._finishing: dict[int, str] = {}
        """Lines of ours that are being finished: the next one may begin before their message is told."""
        self._us = ("", "")
        self._online = True
        self._peers: dict[str, PeerInfo] = {}

    def typed(self, text: str, at: float) -> Iterator[Object]:
        """Our own live line reads `text` now."""
        before, self._own = self._own, safe_text(encodable(text)[:LIVE_LINE_CHARACTERS])
        yield from _difference(before, self._own, self._object("sent", *self._us, at, number=self._own_number))

    def finishing(self) -> int:
        """Our live line is being finished; returns its number. If no message comes of it, call `taken_back`."""
        number = self._own_number
        self._finishing[number] = self._own
        self._own, self._own_number = "", number + 1
        return number

    def taken_back(self, number: int, at: float) -> Iterator[Object]:
        """A line of ours did not become a message: nobody sees it any more."""
        yield from _difference(self._finishing.pop(number), "", self._object("sent", *self._us, at, number=number))

    def event(self, event: Event) -> Iterator[Object]:
        """Yields what an event is told as; nothing for those that say nothing."""
        match event:
            case Ready():
                self._us = (event.name, event.peer)
                yield self._object("sent", *self._us, event.at, "status", f"joined {event.conversation}")
            case LiveTextChanged():
                yield from self._live(event)
            case MessageReceived():
                yield self._object("recv", event.name, event.peer, event.at, "final", event.text, line=event.text)
            case MessageSent():
                yield self._sent(event)
            case Alerted():
                yield self._object("recv", event.name, event.peer, event.at, "alert", "asks for attention")
            case LiveTextAsked():
                yield self._object("recv", event.name, event.peer, event.at, "status", "does not see your keys yet")
            case GuestAsks():
                yield self._object("recv", event.name, event.peer, event.at, "status", "asks to talk, without a key")
            case PeerChanged():
                yield from self._peer(event)
            case ServerChanged():
                yield from self._server(event)
            case Problem():
                yield self._object("recv", "", "", event.at, "status", event.message)

    def _server(self, event: ServerChanged) -> Iterator[Object]:
        """Once for each time: while it is gone, the reason may change again and again."""
        if event.online is not self._online:
            self._online = event.online
            back = "the signaling server is back" if event.online else "the signaling server is gone"
            yield self._object("recv", "", "", event.at, "status", back)

    def _sent(self, event: MessageSent) -> Object:
        final = self._object("sent", *self._us, event.at, "final", event.text, line=event.text)
        for number, text in self._finishing.items():
            if text == event.text:
                del self._finishing[number]
                return {**final, "number": number}
        return final

    def _live(self, event: LiveTextChanged) -> Iterator[Object]:
        key = (event.peer, event.line)
        before = self._lines.pop(key, "")
        self._lines[key] = event.text
        if len(self._lines) > REMEMBERED_LINES:
            del self._lines[next(iter(self._lines))]
        told = self._object("recv", event.name, event.peer, event.at, number=event.line)
        if before or event.state is not LineState.FINAL:
            yield from _difference(before, event.text, told)
        if event.state is LineState.FINAL:
            yield {**told, "kind": "final", "text": event.text, "line": event.text}
        if event.restored:
            yield {**told, "kind": "status", "text": "what was missing of the line is back"}
        elif event.state is LineState.INTERRUPTED:
            yield {**told, "kind": "loss", "text": "the line was interrupted, and some of its end may be missing"}
        elif event.text.count(LOSS_MARK) > before.count(LOSS_MARK):
            yield {**told, "kind": "loss", "text": "some text is missing"}

    def _peer(self, event: PeerChanged) -> Iterator[Object]:
        info = event.info
        before = self._peers.pop(event.was or info.peer, None)
        self._peers[info.peer] = info
        if len(self._peers) > REMEMBERED_LINES:
            del self._peers[next(iter(self._peers))]
        told = self._object("recv", info.name, info.peer, event.at, "status")
        if before is None or before.state is not info.state:
            yield {**told, "text": f"{info.state.value}{f': {info.reason}' if info.reason else ''}"}
        if info.state is not PeerState.CONNECTED:
            return
        if (before.sees_keys if before else False) is not info.sees_keys:
            yield {**told, "text": "sees each key that you type" if info.sees_keys else "does not see your keys"}
        mode_before = before.live_mode if before else ""
        if mode_before != info.live_mode:
            yield {**told, "text": _MODES[info.live_mode] if info.live_mode else _MODES_OVER[mode_before]}

    @staticmethod
    def _object(direction: str, name: str, peer: str, at: float, kind: str = "", text: str = "", **more: Any) -> Object:
        return {"t": at, "dir": direction, "from": name, "peer": peer, "kind": kind, "text": text, **more}


def _difference(before: str, after: str, told: Object) -> Iterator[Object]:
    """What was taken off the end of a line, and what was added, by whole grapheme clusters."""
    old, new = split(before), split(after)
    same = shared(old, new)
    erased, added = "".join(old[same:]), "".join(new[same:])
    if erased:
        yield {**told, "kind": "erase", "text": erased, "line": "".join(new[:same])}
    if added:
        yield {**told, "kind": "live", "text": added, "line": after}


class _Observed:
    """A node whose events, and whose live line, somebody else reads too. Everything else is the node's own."""

    def __init__(self, node: NodeApi, where: str) -> None:
        self._node = node
        self._sink = LineSink(where)
        self._told = AssistiveEvents()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    async def events(self) -> AsyncIterator[Event]:
        async for event in self._node.events():
            self._write(self._told.event(event))
            yield event

    async def set_live_text(self, conversation: str, text: str, typed_at: float | None = None) -> None:
        await self._node.set_live_text(conversation, text, typed_at)
        self._write(self._told.typed(text, time.time()))

    async def commit_live_text(self, conversation: str) -> str:
        number, message = self._told.finishing(), ""
        try:
            message = await self._node.commit_live_text(conversation)
        finally:
            if not message:
                self._write(self._told.taken_back(number, time.time()))
        return message

    async def stop(self) -> None:
        await self._node.stop()
        self._sink.close()

    def _write(self, objects: Iterator[Object]) -> None:
        for each in objects:
            missed = self._sink.dropped
            if missed:
                note = {"t": time.time(), "dir": "recv", "from": "", "peer": "", "kind": "status"}
                self._sink.dropped = 0
                if not self._sink.put(json.dumps({**note, "text": f"{missed} events were left out"}).encode()):
                    self._sink.dropped += missed
                    continue
            self._sink.put(json.dumps(each).encode())


def observed(node: NodeApi, where: str) -> NodeApi:
    """Returns the node, and has what it tells written for assistive technology.

    Args:
        node: one that is not started.
        where: as for `LineSink`; empty for nowhere.
    """
    return cast(NodeApi, _Observed(node, where)) if where else node
