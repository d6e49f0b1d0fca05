"""Two sessions, joined by a link in memory, on a virtual clock."""

from __future__ import annotations

from collections import deque
from typing import TypeVar

from p2pchat.protocol import frames, limits
from p2pchat.protocol.handshake import Handshake, Role
from p2pchat.protocol.identity import Identity
from p2pchat.protocol.introduction import Greeted
from p2pchat.protocol.session import Session
from p2pchat.protocol.session_events import Output, SendControl, SendText

T = TypeVar("T")


def hello(
    name: str,
    *,
    versions: list[int] | None = None,
    live_text: bool = True,
    extensions: tuple[str, ...] = (),
    cps: int = limits.CPS_ADVERTISED,
) -> frames.Hello:
    features = frames.LiveTextFeatures(cps=cps, extensions=extensions) if live_text else None
    return frames.Hello(versions or [limits.PROTOCOL_VERSION], name, "test", features)


def message(number: int, text: str, line: int | None = None) -> frames.Message:
    return frames.Message(f"{number:08x}", text, 1.0, line)


class Side:
    """One session. What it wants to send waits in `control` and `text`; what it tells is kept in `told`.

    It admits whoever has said hello.
    """

    def __init__(self, greeting: frames.Hello, role: Role = "offer") -> None:
        self.session = Session(greeting)
        self.role: Role = role
        self.now = 0.0
        self._links = 0
        self.told: list[Output] = []
        self.control: deque[bytes] = deque()
        self.text: deque[str] = deque()

    def link_opened(self, now: float) -> None:
        """A link whose two certificates have the fingerprints 1... (offerer's) and 2..."""
        self.now = now
        self._links += 1
        ours, theirs = (b"1" * 32, b"2" * 32) if self.role == "offer" else (b"2" * 32, b"1" * 32)
        seed = self.role.encode().ljust(32)
        self.session.link_opened(
            Handshake(
                Identity.from_seed(seed),
                role=self.role,
                room="lab",
                our_fingerprint=ours,
                their_fingerprint=theirs,
                nonce=seed[:31] + bytes([self._links]),
            ),
            now,
        )

    def drain(self) -> None:
        while (output := self.session.poll()) is not None:
            match output:
                case Greeted():
                    self.told.append(output)
                    self.session.admit(self.now)
                case SendControl(data):
                    self.control.append(data)
                case SendText(text):
                    self.text.append(text)
                case _:
                    self.told.append(output)

    def all(self, kind: type[T]) -> list[T]:
        return [output for output in self.told if isinstance(output, kind)]


class Pair:
    """Two sides and the time."""

    def __init__(self, ana: frames.Hello | None = None, ben: frames.Hello | None = None) -> None:
        self.ana = Side(ana or hello("ana"))
        self.ben = Side(ben or hello("ben"), "answer")
        self.now = 0.0

    def connect(self) -> Pair:
        for side in (self.ana, self.ben):
            side.link_opened(self.now)
        return self.exchange()

    def disconnect(self) -> Pair:
        for side in (self.ana, self.ben):
            side.control.clear()
            side.text.clear()
            side.session.link_closed(self.now, "the path was cut")
            side.drain()
        return self

    def exchange(self) -> Pair:
        """Carries everything over until both are quiet, text after control frames."""
        self.ana.drain()
        self.ben.drain()
        while self.ana.control or self.ben.control or self.ana.text or self.ben.text:
            for sender, receiver in ((self.ana, self.ben), (self.ben, self.ana)):
                if sender.control:
                    receiver.session.receive_control(sender.control.popleft(), self.now)
                elif sender.text:
                    receiver.session.receive_text(sender.text.popleft(), self.now)
                receiver.drain()
                sender.drain()
        return self

    def wait(self, seconds: float) -> Pair:
        """Lets time pass, waking both when they ask for it."""
        until = self.now + seconds
        while True:
            due = min(
                (at for side in (self.ana, self.ben) if (at := side.session.deadline()) is not None), default=until
            )
            if due >= until:
                break
            self.now = max(self.now, due)
            for side in (self.ana, self.ben):
                side.session.tick(self.now)
            self.exchange()
        self.now = until
        return self
