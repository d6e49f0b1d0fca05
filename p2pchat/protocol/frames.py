"""The frames of the control channel (`ctl`), one class each.

A frame is a msgpack map; the key `t` names it. Every field is checked for type and range when it arrives
(`p2pchat.protocol.codec`), unknown keys are ignored, and a frame with an unknown `t` is skipped, so that a later
version may add both. Text in a frame is untrusted: see `p2pchat.protocol.untrusted`.

    handshake         commit · reveal · proof
    life of a link    hello · ping · pong · bye
    messages          message · receipt
    transfers         offer · accept · decline · block · progress · again · file-end · done · pause · resume · cancel

`docs/protocol/control.md` says the same for somebody who writes another client.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from p2pchat.protocol import limits

Name = Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARACTERS)]
Text = Annotated[str, Meta(max_length=limits.MESSAGE_CHARACTERS)]
Reason = Annotated[str, Meta(max_length=limits.REASON_CHARACTERS)]
MessageId = Annotated[str, Meta(pattern=rf"^[0-9a-f]{{8,{limits.MESSAGE_ID_CHARACTERS}}}$")]
UnixSeconds = Annotated[float, Meta(ge=0, le=1e11)]
Number = Annotated[int, Meta(ge=0, lt=2**32)]
Size = Annotated[int, Meta(ge=0, le=limits.FILE_BYTES)]
Hash = Annotated[bytes, Meta(min_length=32, max_length=32)]
Key = Annotated[bytes, Meta(min_length=limits.KEY_BYTES, max_length=limits.KEY_BYTES)]
Nonce = Annotated[bytes, Meta(min_length=limits.NONCE_BYTES, max_length=limits.NONCE_BYTES)]
Signature = Annotated[bytes, Meta(min_length=limits.SIGNATURE_BYTES, max_length=limits.SIGNATURE_BYTES)]
EntryPath = Annotated[str, Meta(min_length=1, max_length=limits.PATH_BYTES)]


class Frame(Struct, frozen=True, tag_field="t"):
    """What all frames share: nothing but being one."""


# --- the handshake: see `p2pchat.protocol.handshake`


class Commit(Frame, frozen=True, tag="commit"):
    """First flight: who I am, and a nonce that I cannot change any more, still hidden."""

    version: Annotated[int, Meta(ge=1, lt=2**32)]
    """The version of the handshake."""

    key: Key
    """The long-term Ed25519 public key (RFC 8032 §5.1.5)."""

    commitment: Hash
    """A hash over role, key and nonce."""


class Reveal(Frame, frozen=True, tag="reveal"):
    """Second flight, once the peer has committed: the nonce."""

    nonce: Nonce


class Proof(Frame, frozen=True, tag="proof"):
    """Third flight, once the peer has revealed: I hold the key, and the secret if there is one."""

    signature: Signature
    mac: Hash


# --- the life of a link


class LiveTextFeatures(Struct, frozen=True):
    """How this side takes part in real-time text."""

    cps: Annotated[int, Meta(ge=1, le=10_000)] = limits.CPS_DEFAULT
    """Characters per second that it accepts, as mean over ten seconds (RFC 8865 §4.2.1)."""

    unit: str = "g"
    """What one backspace erases: `g` a grapheme cluster (UAX #29), `c` a code point."""


class Hello(Frame, frozen=True, tag="hello"):
    """First frame in each direction; nothing else is accepted before it."""

    versions: Annotated[list[int], Meta(min_length=1, max_length=16)]
    """Versions of this protocol that the side speaks. The highest common one is used."""

    name: Name
    agent: Annotated[str, Meta(max_length=100)] = ""
    """Program and version, for diagnosis only."""

    live_text: LiveTextFeatures | None = None
    """None when the side takes no real-time text."""

    throwaway: bool = False
    """The side keeps its key for this run only: there is no use in remembering it."""


class Ping(Frame, frozen=True, tag="ping"):
    """Answer at once with `pong` and the same number."""

    n: Number


class Pong(Frame, frozen=True, tag="pong"):
    """The answer to `ping`."""

    n: Number


class Bye(Frame, frozen=True, tag="bye"):
    """Last frame: the side closes the link now."""

    code: Annotated[str, Meta(max_length=40)]
    """A stable word: `quit`, `version`, `protocol`, `flood`, `identity`, `timed-out`."""

    reason: Reason = ""


# --- messages


class Message(Frame, frozen=True, tag="message"):
    """A finished line. Answered with `receipt`; one with a known id is answered again and not shown again."""

    id: MessageId
    text: Text
    sent_at: UnixSeconds
    """When its author finished it, by the author's clock."""

    line: Number | None = None
    """The live line that it finishes, counted from 0 in its `t140` channel: shown once, as that line's final text."""


class Receipt(Frame, frozen=True, tag="receipt"):
    """The message arrived and is kept."""

    id: MessageId


# --- transfers. `transfer` is a number that the sender of the files chose; it is unique among its offers on this link.


class Entry(Struct, frozen=True):
    """One file or folder of an offer."""

    path: EntryPath
    """Relative, `/` between components. Untrusted: see `p2pchat.protocol.transfer.paths`."""

    size: Size = 0
    folder: bool = False
    """True for a folder that has to exist; folders of files need no entry of their own."""


class Offer(Frame, frozen=True, tag="offer"):
    """I have these files for you."""

    transfer: Number
    entries: Annotated[list[Entry], Meta(min_length=1, max_length=limits.OFFER_ENTRIES)]
    block: Annotated[int, Meta(ge=64 * 1024, le=16 * 1024 * 1024)] = limits.BLOCK_BYTES
    """Bytes in each block of a file but its last."""

    chunk: Annotated[int, Meta(ge=1024, le=limits.CHUNK_BYTES_MAX)] = limits.CHUNK_BYTES
    """Bytes of file data in each bulk message but the last of a block."""


class Accept(Frame, frozen=True, tag="accept"):
    """Send them. `limit` is the first credit; see `progress`."""

    transfer: Number
    limit: Size


class Decline(Frame, frozen=True, tag="decline"):
    """I do not want them."""

    transfer: Number
    reason: Reason = ""


class Block(Frame, frozen=True, tag="block"):
    """The hash of a block, sent along with its data: SHA-256 of the block's bytes."""

    transfer: Number
    file: Number
    """Index into the offer's entries."""

    index: Number
    hash: Hash


class Progress(Frame, frozen=True, tag="progress"):
    """From the receiver: what is verified and written, and how far the sender may go."""

    transfer: Number
    stored: Size
    """File bytes verified and written so far."""

    limit: Size
    """File bytes that the sender may have sent in all, counting a block that is sent again again."""


class Again(Frame, frozen=True, tag="again"):
    """This block did not match its hash: send it once more."""

    transfer: Number
    file: Number
    index: Number


class FileEnd(Frame, frozen=True, tag="file-end"):
    """All blocks of a file were sent. `root` is SHA-256 over the file's size (8 bytes, big-endian) and block hashes."""

    transfer: Number
    file: Number
    root: Hash


class Done(Frame, frozen=True, tag="done"):
    """From the receiver: everything is verified, on disk and under its final name."""

    transfer: Number


class Pause(Frame, frozen=True, tag="pause"):
    """Send no more file data until `resume`."""

    transfer: Number
    by_sender: bool
    """Which end of the transfer says so: the numbers of the two directions are independent."""


class Resume(Frame, frozen=True, tag="resume"):
    """Go on."""

    transfer: Number
    by_sender: bool


class Cancel(Frame, frozen=True, tag="cancel"):
    """The transfer ends without success."""

    transfer: Number
    by_sender: bool
    code: Annotated[str, Meta(max_length=40)]
    """A stable word: `user`, `disk`, `permission`, `source-changed`, `hash`, `policy`, `protocol`."""

    reason: Reason = ""


HandshakeFrame: TypeAlias = Commit | Reveal | Proof
LinkFrame: TypeAlias = Hello | Ping | Pong | Bye
MessageFrame: TypeAlias = Message | Receipt
TransferFrame: TypeAlias = (
    Offer | Accept | Decline | Block | Progress | Again | FileEnd | Done | Pause | Resume | Cancel
)
AnyFrame: TypeAlias = HandshakeFrame | LinkFrame | MessageFrame | TransferFrame
