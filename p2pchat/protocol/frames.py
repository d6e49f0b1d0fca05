"""The frames of the control channel (`ctl`), one class each.

A frame is a msgpack map; the key `t` names it. Every field is checked for type and range when it arrives
(`p2pchat.protocol.codec`), unknown keys are ignored, and a frame with an unknown `t` is skipped, so that a later
version may add both. Text in a frame is untrusted: see `p2pchat.protocol.untrusted`.

    handshake         commit · reveal · proof
    life of a link    hello · ping · pong · signal · bye
    messages          message · receipt
    real-time text    rtt-direction · rtt-snapshot · rtt-shown · rtt-nudge
    transfers         offer · more · manifest · have · without · accept · decline
                      hashes · progress · again · file-end · done · pause · resume · cancel

`docs/protocol/control.md` says the same for somebody who writes another client.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from p2pchat.protocol import limits

Name = Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARACTERS)]
Text = Annotated[str, Meta(max_length=limits.MESSAGE_CHARACTERS)]
Reason = Annotated[str, Meta(max_length=limits.REASON_CHARACTERS)]
MessageId = Annotated[str, Meta(pattern=rf"^[0-9a-f]{{8,{limits.MESSAGE_ID_CHARACTERS}}}$")]
Seconds = Annotated[float, Meta(ge=0, le=1e11)]
Number = Annotated[int, Meta(ge=0, lt=2**32)]
Size = Annotated[int, Meta(ge=0, le=limits.FILE_BYTES)]
Hash = Annotated[bytes, Meta(min_length=32, max_length=32)]
Key = Annotated[bytes, Meta(min_length=limits.KEY_BYTES, max_length=limits.KEY_BYTES)]
Nonce = Annotated[bytes, Meta(min_length=limits.NONCE_BYTES, max_length=limits.NONCE_BYTES)]
Signature = Annotated[bytes, Meta(min_length=limits.SIGNATURE_BYTES, max_length=limits.SIGNATURE_BYTES)]
Word = Annotated[str, Meta(max_length=limits.WORD_CHARACTERS)]
Language = Annotated[str, Meta(max_length=limits.LANGUAGE_CHARACTERS, pattern=r"^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*\Z")]
Languages = Annotated[tuple[Language, ...], Meta(max_length=limits.LANGUAGES)]
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

    ucd: Word = ""
    """The version of the Unicode character database by which clusters are cut, such as `17.0.0`; for diagnosis."""

    direction: Word = "sendrecv"
    """`sendrecv`, `sendonly`, `recvonly` or `inactive`, seen from this side (RFC 8865 §4.2.3)."""

    hlang_send: Languages = ()
    """Languages that the side writes, as BCP 47 tags, the preferred one first (RFC 8865 §4.2.2)."""

    hlang_recv: Languages = ()
    """Languages that the side reads, likewise."""

    extensions: Annotated[tuple[Word, ...], Meta(max_length=limits.EXTENSIONS)] = ()
    """What else the side can do: `direction`, `snapshot`, `shown`. Other words are ignored."""

    why: Word = ""
    """Why its direction is not `sendrecv`, as in `rtt-direction`. Untrusted."""


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
    at: Seconds | None = None
    """When it was answered: seconds of a clock of the answering side, which it keeps to for the whole link."""


class Signal(Frame, frozen=True, tag="signal"):
    """A signal for another link between the two, as the server would relay it: the server may be away."""

    body: Any
    """See `p2pchat.protocol.negotiation.Signal`; checked there."""


class Bye(Frame, frozen=True, tag="bye"):
    """Last frame: the side closes the link now."""

    code: Annotated[str, Meta(max_length=40)]
    """A stable word: `quit`, `version`, `protocol`, `flood`, `identity`, `only-files`, `timed-out`."""

    reason: Reason = ""


# --- messages


class Message(Frame, frozen=True, tag="message"):
    """A finished line. Answered with `receipt`; one with a known id is answered again and not shown again."""

    id: MessageId
    text: Text
    sent_at: Seconds
    """When its author finished it, by the author's clock."""

    line: Number | None = None
    """The live line that it finishes, counted from 0 in its `t140` channel: shown once, as that line's final text."""

    number: Number | None = None
    """The same line, counted over all channels as in `rtt-snapshot`: the same when the message is sent again."""

    withheld: bool = False
    """The author kept the line, or the rest of it, from the `t140` channel until it was sent: only here it is whole."""


class Receipt(Frame, frozen=True, tag="receipt"):
    """The message arrived and is kept."""

    id: MessageId


# --- real-time text: see `docs/protocol/live-text.md`


class RttDirection(Frame, frozen=True, tag="rtt-direction"):
    """What the side does on its `t140` channel from now on. It is never an answer to another `rtt-direction`."""

    direction: Word
    why: Word = ""
    """`hold`: its user composes in private by choice. `off`: it wants no real-time text. Empty: not said. Untrusted."""


class RttSnapshot(Frame, frozen=True, tag="rtt-snapshot"):
    """How the line begins that the new `t140` channel goes on with: what left on earlier channels and still stands."""

    line: Number
    """Counted from 0 over all channels: as many lines as its author has ended on them."""

    text: Annotated[str, Meta(max_length=limits.LIVE_LINE_CHARACTERS)]


class RttShown(Frame, frozen=True, tag="rtt-shown"):
    """The user was handed what came on the `t140` channel of this link, so far, and when."""

    seen: Annotated[list[tuple[Number, Seconds]], Meta(min_length=1, max_length=limits.SHOWN_MESSAGES)]
    """For each message: characters that had come on the channel, control codes included; the time as in `pong`."""


class RttNudge(Frame, frozen=True, tag="rtt-nudge"):
    """Nothing to do. It makes the transport notice that a packet before it was lost."""


# --- transfers. `transfer` is a number that the sender of the files chose; it is unique among its offers on this link.


class Entry(Struct, frozen=True, array_like=True):
    """One file or folder of an offer: on the wire an array of these values in this order."""

    path: EntryPath
    """Relative, `/` between components. Untrusted: see `p2pchat.protocol.transfer.paths`."""

    size: Size = 0
    folder: bool = False
    """True for a folder that has to exist; folders of files need no entry of their own."""

    modified: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    """When its content last changed, in nanoseconds of unix time; 0 for folders, and when it is not known."""

    executable: bool = False
    """Whether it may be run where it lies."""


Page = Annotated[list[Entry], Meta(min_length=1, max_length=limits.PAGE_ENTRIES)]


class Offer(Frame, frozen=True, tag="offer"):
    """I have these files for you."""

    transfer: Number
    root: Hash
    """What the whole manifest is known by; see `p2pchat.protocol.transfer.manifest`."""

    count: Annotated[int, Meta(ge=1, le=limits.MANIFEST_ENTRIES)]
    """Files and folders in all."""

    files: Annotated[int, Meta(ge=0, le=limits.MANIFEST_ENTRIES)]
    """How many of them are files."""

    total: Size
    """Bytes of all files."""

    entries: Page
    """The first page."""

    block: Annotated[int, Meta(ge=64 * 1024, le=limits.BLOCK_BYTES_MAX)] = limits.BLOCK_BYTES
    """Bytes in the smallest blocks; those of large files are larger."""

    chunk: Annotated[int, Meta(ge=1024, le=limits.CHUNK_BYTES_MAX)] = limits.CHUNK_BYTES
    """Bytes of file data in each bulk message but the last of a block."""

    again: bool = False
    """Whether the same was offered on an earlier link, and that was lost before the end."""


class More(Frame, frozen=True, tag="more"):
    """From the receiver: send further pages of the manifest, until so many entries were sent."""

    transfer: Number
    entries: Annotated[int, Meta(ge=1, lt=2**32)]


class ManifestPage(Frame, frozen=True, tag="manifest"):
    """The next page of the manifest."""

    transfer: Number
    entries: Page


class Have(Frame, frozen=True, tag="have"):
    """From the receiver, before it accepts: these blocks are here already. See `docs/protocol/bulk.md`, Going on."""

    transfer: Number
    check: bool
    """False: they belong to complete files, send nothing of them. True: send their hashes, but not their data."""

    ranges: Annotated[list[tuple[Number, Number]], Meta(min_length=1, max_length=limits.RANGES)]
    """The first block of each range, and how many there are in it."""


class Without(Frame, frozen=True, tag="without"):
    """From the receiver, before it accepts: these entries are not wanted; send nothing of them."""

    transfer: Number
    ranges: Annotated[list[tuple[Number, Number]], Meta(min_length=1, max_length=limits.RANGES)]
    """The first entry of each range, and how many there are in it."""


class Accept(Frame, frozen=True, tag="accept"):
    """Send them. `limit` is the first credit; see `progress`."""

    transfer: Number
    limit: Size


class Decline(Frame, frozen=True, tag="decline"):
    """I do not want them."""

    transfer: Number
    reason: Reason = ""


class Hashes(Frame, frozen=True, tag="hashes"):
    """The hashes of blocks that follow each other, sent along with their data: SHA-256 of each block's bytes."""

    transfer: Number
    first: Number
    """The number of the first of these blocks. Blocks are counted through all files, from 0."""

    hashes: Annotated[list[Hash], Meta(min_length=1, max_length=limits.HASHES)]


class Progress(Frame, frozen=True, tag="progress"):
    """From the receiver: what is verified and written, and how far the sender may go."""

    transfer: Number
    stored: Size
    """File bytes verified and written so far."""

    limit: Size
    """Messages that the sender may have sent on `bulk` for this transfer in all."""


class Again(Frame, frozen=True, tag="again"):
    """This block did not match its hash: send its data (once more)."""

    transfer: Number
    block: Number


class FileEnd(Frame, frozen=True, tag="file-end"):
    """All blocks of a file of several were sent."""

    transfer: Number
    file: Number
    """Index into the manifest's entries."""

    root: Hash
    """SHA-256 over the file's size (8 bytes, big-endian) and the hashes of its blocks, in order."""


class Done(Frame, frozen=True, tag="done"):
    """From the receiver: everything is verified, on disk and under its final name."""

    transfer: Number


class Pause(Frame, frozen=True, tag="pause"):
    """Send no more file data until `resume`."""

    transfer: Number
    by_sender: bool
    """Which end of the transfer says so: the numbers of the two directions are independent."""

    code: Annotated[str, Meta(max_length=40)] = ""
    """`disk` when the disk is full; empty when the user wants it."""

    reason: Reason = ""


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
LinkFrame: TypeAlias = Hello | Ping | Pong | Signal | Bye
MessageFrame: TypeAlias = Message | Receipt
RttFrame: TypeAlias = RttDirection | RttSnapshot | RttShown | RttNudge
OfferFrame: TypeAlias = Offer | More | ManifestPage | Have | Without | Accept | Decline
DataFrame: TypeAlias = Hashes | Progress | Again | FileEnd | Done
TransferFrame: TypeAlias = OfferFrame | DataFrame | Pause | Resume | Cancel
AnyFrame: TypeAlias = HandshakeFrame | LinkFrame | MessageFrame | RttFrame | TransferFrame
