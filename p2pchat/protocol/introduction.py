"""How two sides come to know each other on a new link: the handshake, then `hello` of each.

Rules
    1. Nothing but the handshake is accepted before it is done, and nothing but `hello` right after it. Whatever else
       comes, also a frame of a kind that we do not know, is a fault.
    2. The highest version that both speak is used; without a common one that is a fault, which names both sides'.

States
    AUTHENTICATING ── proof ──> GREETING ── hello ──> DONE
           └───────── fault ───────┴───────────────> FAILED

Use: `start`, then `receive` each frame; drain `poll` after both. The caller bounds the time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from p2pchat.protocol import frames
from p2pchat.protocol.handshake import Authenticated, Failed, Handshake, Send


class State(Enum):
    AUTHENTICATING = "authenticating"
    GREETING = "greeting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send this frame on `ctl`."""

    frame: frames.AnyFrame


@dataclass(frozen=True, slots=True)
class Greeted:
    """The peer has proved its key and said hello: admit it, or close the link. Its name is untrusted text."""

    hello: frames.Hello
    key: bytes
    """Its Ed25519 public key."""
    words: tuple[str, ...]
    """The safety words of this link: the same at both ends, unless somebody sits in between."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Close the link. `code` is a stable word; `reason` may be shown to both users."""

    code: str
    reason: str


Output: TypeAlias = SendFrame | Greeted | Fault


class Introduction:
    """The beginning of one link.

    Args:
        handshake: made for this very link, and not started yet.
        hello: what we say of ourselves.
    """

    def __init__(self, handshake: Handshake, hello: frames.Hello) -> None:
        self.state = State.AUTHENTICATING
        self.hello = hello
        """What we say of ourselves."""
        self._handshake = handshake
        self._authenticated: Authenticated | None = None
        self._outputs: deque[Output] = deque()

    def start(self) -> None:
        """Begins. Call once, when the channels are open."""
        self._handshake.start()
        self._take_steps()

    def receive(self, frame: frames.AnyFrame | None) -> None:
        """A frame came; None stands for one of a kind that we do not know."""
        match self.state, frame:
            case State.AUTHENTICATING, frames.Commit() | frames.Reveal() | frames.Proof():
                self._handshake.receive(frame)
                self._take_steps()
            case State.AUTHENTICATING, _:
                self._fail("protocol", "a frame came before the handshake was done")
            case State.GREETING, frames.Hello():
                self._greet(frame)
            case State.GREETING, _:
                self._fail("protocol", "a frame came before hello")

    def poll(self) -> Output | None:
        """The next thing to do or to tell, or None when there is nothing left."""
        return self._outputs.popleft() if self._outputs else None

    def _take_steps(self) -> None:
        while (step := self._handshake.poll()) is not None:
            match step:
                case Send(frame):
                    self._outputs.append(SendFrame(frame))
                case Authenticated():
                    self.state = State.GREETING
                    self._authenticated = step
                    self._outputs.append(SendFrame(self.hello))
                case Failed(code, reason):
                    self._fail(code, reason)

    def _greet(self, hello: frames.Hello) -> None:
        if not set(hello.versions) & set(self.hello.versions):
            theirs, ours = (", ".join(map(str, sorted(set(side.versions)))) for side in (hello, self.hello))
            self._fail("version", f"the peer speaks protocol version {theirs}, we speak {ours}")
        elif self._authenticated is not None:
            self.state = State.DONE
            self._outputs.append(Greeted(hello, self._authenticated.key, self._authenticated.words))

    def _fail(self, code: str, reason: str) -> None:
        self.state = State.FAILED
        self._outputs.append(Fault(code, reason))
