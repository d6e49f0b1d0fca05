"""Who is at the other end of this link? Mutual authentication, first on `ctl`, before any other frame. Sans-I/O.

    us                                         peer
      │  commit {version, key, commitment}  <──>  │   who I am; my nonce is fixed, and hidden
      │  reveal {nonce}                     <──>  │   each once it has the other's commit
      │  proof {signature, mac}             <──>  │   each once it has the other's reveal
      └── Authenticated(key, words)               └── Authenticated(key, words)

Rules
    1. Both sides do the same; they differ by role only: who made the WebRTC offer, and who answered.
    2. The transcript holds everything that matters: the version, the room, and of each role its key, commitment, nonce
       and DTLS fingerprint. Whoever sits in between has other fingerprints, so what was signed for one link is worth
       nothing on another; and fresh nonces make a recorded flight worth nothing later.
    3. What a side commits to and what it signs name its role: nothing of ours can be sent back to us. So the peer may
       have our own key, as another terminal of this profile has.
    4. A nonce shows itself only when both are fixed, and a commitment holds for one key. So nobody can search for
       nonces or keys that give two links the same safety words: each handshake is one guess.
    5. Another version, or a frame that is malformed, missing, repeated or out of order, ends it. Nothing raises.

States
    FRESH ── start ──> COMMITTED ── commit ──> REVEALED ── reveal ──> PROVED ── proof ──> DONE
                           └──────── whatever else, also in DONE ────────┴──> FAILED, for good

The exact bytes are in `docs/security.md`. Use: `start`, then `receive` each frame; drain `poll` after both. The caller
bounds the time, and closes the link on `Failed`. The mac proves a secret only when there is one: with the empty secret
anybody can compute it. Somebody in between gets a mac to try guesses on, so a secret has 128 bits or comes from a PAKE.
"""

from __future__ import annotations

import hmac
from collections import deque
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Final, Literal, TypeAlias

from p2pchat.protocol import frames
from p2pchat.protocol.derivation import derive, framed
from p2pchat.protocol.identity import Identity, is_usable_key, verify
from p2pchat.protocol.limits import FINGERPRINT_BYTES, HANDSHAKE_VERSION, NONCE_BYTES
from p2pchat.protocol.safety_words import safety_words

Role: TypeAlias = Literal["offer", "answer"]
"""Which side of the WebRTC negotiation: who offered, or who answered."""

_VERSION: Final = str(HANDSHAKE_VERSION)
_TRANSCRIPT: Final = ("p2pchat handshake transcript", _VERSION)
_COMMITMENT: Final = ("p2pchat handshake commitment", _VERSION)
_SIGNATURE: Final = ("p2pchat handshake signature", _VERSION)
_SECRET: Final = ("p2pchat handshake secret", _VERSION)


class State(Enum):
    FRESH = "fresh"
    COMMITTED = "committed"
    REVEALED = "revealed"
    PROVED = "proved"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Send:
    """Send this frame on `ctl`."""

    frame: frames.HandshakeFrame


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The peer at the other end of this very link holds this key, and the secret if there is one."""

    key: bytes
    """Its public key. Whether it is the one that it should be, the contacts know, or people who compare `words`."""

    words: tuple[str, ...]
    """The safety words. Both ends see the same ones unless somebody sits in between."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Close the link. `reason` may be shown to both users: it holds nothing of what was received but a number."""

    code: str
    """`identity`: not who or where it says it is, or another secret. `version`. `protocol`: broken rules."""

    reason: str


Output: TypeAlias = Send | Authenticated | Failed


class Handshake:
    """The handshake on one link.

    Args:
        identity: ours.
        role: ours in the WebRTC negotiation that made the link; the peer has the other one.
        room: the room's name, as the server knows it; the same at both ends.
        our_fingerprint: SHA-256 of the DTLS certificate that we use on this link.
        their_fingerprint: SHA-256 of the certificate that the peer showed on it: the one actually in use, not the one
            that some SDP promised.
        nonce: 32 fresh random bytes, never used before.
        secret: what only the members of the room know; empty when there is none.

    Raises:
        ValueError: a fingerprint or the nonce has another length, or the room's name is no text that can be encoded.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        role: Role,
        room: str,
        our_fingerprint: bytes,
        their_fingerprint: bytes,
        nonce: bytes,
        secret: bytes = b"",
    ) -> None:
        if len(our_fingerprint) != FINGERPRINT_BYTES or len(their_fingerprint) != FINGERPRINT_BYTES:
            raise ValueError(f"a fingerprint has {FINGERPRINT_BYTES} bytes")
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
        self.state = State.FRESH
        self._identity = identity
        self._role: Role = role
        self._their_role: Role = "answer" if role == "offer" else "offer"
        self._room = room.encode()  # here, so that a name that cannot be encoded raises while nothing is said yet
        self._our_fingerprint = our_fingerprint
        self._their_fingerprint = their_fingerprint
        self._nonce = nonce
        self._secret = secret
        self._commitment = _commitment(role, identity.public, nonce)
        self._their_key = b""
        self._their_commitment = b""
        self._transcript = b""
        self._outputs: deque[Output] = deque()

    def start(self) -> None:
        """Begins. Call once, when the channels are open."""
        self.state = State.COMMITTED
        self._send(frames.Commit(HANDSHAKE_VERSION, self._identity.public, self._commitment))

    def receive(self, frame: frames.AnyFrame) -> None:
        """A frame came. Any but the one that is due ends the handshake, so keep those for others (`bye`) away."""
        match self.state, frame:
            case State.FAILED, _:
                pass
            case State.COMMITTED, frames.Commit():
                self._take_commit(frame)
            case State.REVEALED, frames.Reveal(nonce):
                self._take_reveal(nonce)
            case State.PROVED, frames.Proof():
                self._take_proof(frame)
            case _:
                self._fail("protocol", "a frame was missing, repeated or out of order in the handshake")

    def poll(self) -> Output | None:
        """The next thing to do or to tell, or None when there is nothing left."""
        return self._outputs.popleft() if self._outputs else None

    def _take_commit(self, commit: frames.Commit) -> None:
        if commit.version != HANDSHAKE_VERSION:
            self._fail(
                "version", f"the peer speaks version {commit.version} of the handshake, we speak {HANDSHAKE_VERSION}"
            )
        elif not is_usable_key(commit.key):
            self._fail("identity", "the peer's key cannot be used")
        else:
            self._their_key, self._their_commitment = commit.key, commit.commitment
            self.state = State.REVEALED
            self._send(frames.Reveal(self._nonce))

    def _take_reveal(self, nonce: bytes) -> None:
        if _commitment(self._their_role, self._their_key, nonce) != self._their_commitment:
            self._fail("identity", "the peer's nonce is not the one that it committed to")
            return
        sides = {
            self._role: (self._identity.public, self._commitment, self._nonce, self._our_fingerprint),
            self._their_role: (self._their_key, self._their_commitment, nonce, self._their_fingerprint),
        }
        fields = (*_TRANSCRIPT, self._room, "offer", *sides["offer"], "answer", *sides["answer"])
        self._transcript = sha256(framed(*fields)).digest()
        self.state = State.PROVED
        self._send(frames.Proof(self._identity.sign(self._signed(self._role)), self._mac(self._role)))

    def _take_proof(self, proof: frames.Proof) -> None:
        if not verify(self._their_key, proof.signature, self._signed(self._their_role)):
            self._fail("identity", "the peer's signature is not for this link and room: somebody may sit in between")
        elif not hmac.compare_digest(proof.mac, self._mac(self._their_role)):
            self._fail("identity", "the peer does not know the same secret")
        else:
            self.state = State.DONE
            self._outputs.append(Authenticated(self._their_key, safety_words(self._transcript)))

    def _signed(self, role: Role) -> bytes:
        return framed(*_SIGNATURE, role, self._transcript)

    def _mac(self, role: Role) -> bytes:
        key = derive(self._secret, *_SECRET, role, self._transcript)
        return hmac.digest(key, self._transcript, "sha256")

    def _send(self, frame: frames.HandshakeFrame) -> None:
        self._outputs.append(Send(frame))

    def _fail(self, code: str, reason: str) -> None:
        self.state = State.FAILED
        self._outputs.append(Failed(code, reason))


def _commitment(role: Role, key: bytes, nonce: bytes) -> bytes:
    return sha256(framed(*_COMMITMENT, role, key, nonce)).digest()
