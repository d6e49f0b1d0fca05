"""A link that is to take the place of one that is in use, while it proves that the same peer is at its other end.

The session goes on over the old link until this one's introduction is done. Whoever cannot prove to be the same peer
changes nothing: the server may make anybody offer a link, and the one in use stays.

    Opened ── begin ──> introducing ── Greeted by the same key ──> ready: move
                            └── a fault, another key, silence ──> failed: close it, nothing has happened
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from p2pchat.protocol.codec import FrameError, decode, encode
from p2pchat.protocol.introduction import Fault, Greeted, Introduction, SendFrame
from p2pchat.protocol.limits import EARLY_TEXTS, HELLO_SECONDS
from p2pchat.rtc.channels import Channel
from p2pchat.rtc.link_events import Opened, Received


class Successor:
    """The introduction on one new link.

    Args:
        opened: what the link told.
        introduction: for this link, from `Session.introduction`; not begun yet.
        key: of the peer that is talked to.
        send: sends a control frame on the link.
        ready: called once the same peer has said hello there.
        failed: called with the reason when that will not happen.
    """

    def __init__(
        self,
        opened: Opened,
        introduction: Introduction,
        key: bytes,
        send: Callable[[bytes], None],
        ready: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        self.opened = opened
        self.introduction = introduction
        self.greeted: Greeted | None = None
        """How the introduction ended, once it has."""
        self.early: list[bytes | str] = []
        """Real-time text that came on the link so far: the peer may have moved to it already."""
        self._key = key
        self._send = send
        self._ready = ready
        self._failed = failed
        self._timer = asyncio.get_running_loop().call_later(HELLO_SECONDS, failed, "no handshake came in time")

    def begin(self) -> None:
        """Starts the introduction; call once."""
        self.introduction.start()
        self._drain()

    def receive(self, received: Received) -> None:
        """Something came on the link."""
        if received.channel is Channel.TEXT and len(self.early) < EARLY_TEXTS:
            self.early.append(received.data)
        elif received.channel is Channel.CONTROL and isinstance(received.data, bytes):
            try:
                frame = decode(received.data)
            except FrameError as error:
                self._failed(str(error))
                return
            self.introduction.receive(frame)
            self._drain()
        else:
            self._failed("something came before the introduction")

    def cancel(self) -> None:
        """Nothing more is waited for."""
        self._timer.cancel()

    def _drain(self) -> None:
        while (step := self.introduction.poll()) is not None:
            match step:
                case SendFrame(frame):
                    self._send(encode(frame))
                case Greeted(key=key) if key == self._key:
                    self.greeted = step
                    self._ready()
                case Greeted():
                    self._failed("it is somebody else")
                case Fault(_, reason):
                    self._failed(reason)
