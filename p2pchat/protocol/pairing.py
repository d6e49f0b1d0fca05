"""Two people have the same code: their programs agree on a key, and learn that they did.

Rules
    1. SPAKE2 (RFC 9382) with the words as password: what is sent says nothing about the words, and whoever takes part
       without knowing them can try one guess, here and now. There is nothing to try later, at leisure.
    2. The keys depend on everything both sides saw: purpose, version, mailbox, roles, both peer ids, both SPAKE2
       messages. Whoever changes one of them gets another key.
    3. Each side proves that it has the key before any address or session description is made. The receiver proves it
       first: somebody who takes the receiver's seat without the words has to show the guess before hearing anything.
    4. One wrong proof ends the code, at both sides. Whatever is malformed, repeated, sent back or out of turn does too.
    5. A machine is for one other peer and one attempt, and a code has one machine at a time: a server that names many
       peers would get a guess from each. Once a machine is `spent`, its code gets no other one.

    sender                                 receiver
      │  <── pake ──────────── pake ──>      │    in any order
      │  <──────────────────── confirm       │    "I have the key"; from now on the receiver's code is spent
      │  confirm ────────────────────>       │    "so do I"
    PAIRED                                PAIRED

States
    NEW ── start ──> GREETING ── pake ──> CONFIRMING ── confirm ──> PAIRED
                        └── anything else ───┴──> FAILED, and the other side is told

`docs/protocol/pairing.md` says the same for somebody who writes another client. The arithmetic of `spake2` is pure
Python: it takes about 10 ms for each message, and how long exactly depends on the words. That would help somebody who
could measure it often with the same words, and a code is used once.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct
from spake2 import SPAKE2_A, SPAKE2_B

from p2pchat.protocol.codes import Code
from p2pchat.protocol.derivation import derive, framed

VERSION: Final = 1
"""The version of this exchange, in every message and in every key."""

PURPOSE: Final = "p2pchat pairing"

Role: TypeAlias = Literal["sender", "receiver"]
"""Who has the files and made the code, and who was told it."""

FailureCode: TypeAlias = Literal["wrong-code", "protocol", "version"]


class State(Enum):
    NEW = "new"
    GREETING = "greeting"
    CONFIRMING = "confirming"
    PAIRED = "paired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Send:
    """Relay this to the other peer: JSON values."""

    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Paired:
    """Both have the key. Seal everything that is signaled from now on with it (`p2pchat.protocol.sealing`)."""

    secret: bytes = field(repr=False)
    """32 bytes that only the two programs know."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It is over, and the code with it: the sender needs a new one."""

    code: FailureCode
    reason: str
    """One sentence for the user; holds nothing of what was received."""


Output = Send | Paired | Failed

_REASONS: Final[dict[FailureCode, str]] = {
    "wrong-code": "the words of the code were wrong: a typing error, or somebody who guessed",
    "protocol": "the other side sent what the exchange of a code does not allow",
    "version": "the other side speaks another version of the exchange of codes",
}


class _Header(Struct, frozen=True):
    pairing: int


class _Body(Struct, frozen=True, tag_field="kind"):
    pairing: Annotated[int, Meta(ge=VERSION, le=VERSION)] = VERSION


class _Pake(_Body, frozen=True, kw_only=True, tag="pake"):
    message: Annotated[bytes, Meta(min_length=33, max_length=33)]
    """One byte for the side (`A` or `B`), and a point of Ed25519 in 32."""


class _Confirm(_Body, frozen=True, kw_only=True, tag="confirm"):
    proof: Annotated[bytes, Meta(min_length=32, max_length=32)]


class _Wrong(_Body, frozen=True, tag="wrong"):
    """The proof did not match."""


class _Protocol(_Body, frozen=True, tag="protocol"):
    """A message was not what the exchange allows."""


class _Version(_Body, frozen=True, tag="version"):
    """A message was of another version."""


_Message: TypeAlias = _Pake | _Confirm | _Wrong | _Protocol | _Version

_FAREWELLS: Final[dict[FailureCode, _Message]] = {
    "wrong-code": _Wrong(),
    "protocol": _Protocol(),
    "version": _Version(),
}


class Pairing:
    """One attempt to pair with one peer. After each call, drain `poll()` until it returns None.

    While it lives, ignore every other peer in the mailbox. When the other side leaves before the end, drop it; the code
    may then be tried once more, with a new machine, unless `spent` or a `Failed` says otherwise.

    Args:
        code: what both people have.
        role: ours; the other side has the other one.
        us: our peer id.
        them: the other side's.
        entropy: returns so many random bytes of the system, such as `secrets.token_bytes`.
    """

    def __init__(self, code: Code, role: Role, us: str, them: str, entropy: Callable[[int], bytes]) -> None:
        self.state = State.NEW
        self._role: Role = role
        self._context = (PURPOSE, str(VERSION), str(code.mailbox))
        self._peers = ("sender", us, "receiver", them) if role == "sender" else ("sender", them, "receiver", us)
        side = SPAKE2_A if role == "sender" else SPAKE2_B
        self._spake = side(
            "-".join(code.words).encode(),
            idA=framed(*self._context, "sender"),
            idB=framed(*self._context, "receiver"),
            entropy_f=entropy,
        )
        self._pake = b""
        self._transcript: tuple[str | bytes, ...] = ()
        self._key = b""
        self._outputs: deque[Output] = deque()

    @property
    def spent(self) -> bool:
        """Whether the other side may have learned if its words are ours. Such a code is not used again."""
        if self.state is State.CONFIRMING:
            return self._role == "receiver"
        return self.state in (State.PAIRED, State.FAILED)

    def start(self) -> None:
        """The other side is in the mailbox: begin."""
        if self.state is State.NEW:
            self.state = State.GREETING
            self._pake = self._spake.start()
            self._send(_Pake(message=self._pake))

    def receive(self, body: Any) -> None:
        """The other side's message, as it came out of JSON. Nothing is raised; after the end, nothing happens."""
        if self.state in (State.PAIRED, State.FAILED):
            return
        try:
            if msgspec.convert(body, _Header).pairing != VERSION:
                self._fail("version")
                return
            message = msgspec.convert(body, _Message)
        except (msgspec.ValidationError, RecursionError):
            self._fail("protocol")
            return
        self._handle(message)

    def poll(self) -> Output | None:
        """The next thing to do or to tell, or None when there is nothing left."""
        return self._outputs.popleft() if self._outputs else None

    def _handle(self, message: _Message) -> None:
        match message:
            case _Pake(message=theirs) if self.state is State.GREETING:
                self._agree(theirs)
            case _Confirm(proof=proof) if self.state is State.CONFIRMING:
                self._conclude(proof)
            case _Wrong():
                self._end("wrong-code")
            case _Version():
                self._end("version")
            case _Protocol():
                self._end("protocol")
            case _:
                self._fail("protocol")

    def _agree(self, theirs: bytes) -> None:
        """Works the key out; it is the other side's only when both have the same words."""
        try:
            self._key = self._spake.finish(theirs)
        except Exception:  # spake2 has a class for each fault, ValueError for others, and bare Exception as their base
            self._fail("protocol")
            return
        pakes = (self._pake, theirs) if self._role == "sender" else (theirs, self._pake)
        self._transcript = (*self._context, *self._peers, *pakes)
        self.state = State.CONFIRMING
        if self._role == "receiver":
            self._send(_Confirm(proof=self._proof("receiver")))

    def _conclude(self, proof: bytes) -> None:
        other: Role = "receiver" if self._role == "sender" else "sender"
        if not hmac.compare_digest(proof, self._proof(other)):
            self._fail("wrong-code")
            return
        if self._role == "sender":
            self._send(_Confirm(proof=self._proof("sender")))
        self.state = State.PAIRED
        self._outputs.append(Paired(self._derive("secret")))

    def _proof(self, role: Role) -> bytes:
        """What the side with this role sends to show that it has the key (RFC 9382 §4, with keys of our own)."""
        return hmac.digest(self._derive(f"confirm {role}"), framed(*self._transcript), "sha256")

    def _derive(self, label: str) -> bytes:
        return derive(self._key, PURPOSE, label, *self._transcript)

    def _send(self, message: _Message) -> None:
        self._outputs.append(Send(msgspec.to_builtins(message)))

    def _fail(self, code: FailureCode) -> None:
        self._send(_FAREWELLS[code])
        self._end(code)

    def _end(self, code: FailureCode) -> None:
        self.state = State.FAILED
        self._key = b""
        self._outputs.append(Failed(code, _REASONS[code]))
