"""The commands of machine mode: one JSON object a line, told apart by `do`."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from p2pchat.cli.lines import LINE_BYTES, Line
from p2pchat.errors import UsageError

_Path = Annotated[str, Meta(min_length=1, pattern=r"^[^\x00]+\Z")]
_Paths = Annotated[list[_Path], Meta(min_length=1, max_length=256)]
_Patterns = Annotated[list[str], Meta(min_length=1, max_length=1000)]


class Command(Struct, frozen=True, tag_field="do"):
    """What all commands share: `do` says which one it is."""


class Say(Command, frozen=True, tag="say"):
    """Send a message."""

    text: str


class Rtt(Command, frozen=True, tag="rtt"):
    """State what the live line reads now, or finish it."""

    text: str | None = None
    commit: bool = False


class Live(Command, frozen=True, tag="live"):
    """Show our line key by key, or with false take it back and send no more."""

    on: bool = True


class Hold(Command, frozen=True, tag="hold"):
    """Compose in private."""


class Share(Command, frozen=True, tag="share"):
    """Decide who sees our line key by key: everybody, or one peer."""

    peer: str | None = None
    shared: bool = True


class Policy(Command, frozen=True, tag="policy"):
    """Decide whether a contact sees our keys from now on."""

    contact: str
    live_text: Literal["off", "ask", "on"]


class Alert(Command, frozen=True, tag="alert"):
    """Ask for attention."""


class Export(Command, frozen=True, tag="export"):
    """Save what was said."""

    format: Literal["txt", "md", "jsonl"]
    path: _Path


class Send(Command, frozen=True, tag="send"):
    """Offer files and folders."""

    paths: _Paths
    peer: str | None = None
    follow_links: bool = False


class Accept(Command, frozen=True, tag="accept"):
    """Accept an offer."""

    transfer: str
    output: _Path | None = None
    if_exists: Literal["rename", "skip", "overwrite"] = "rename"
    only: _Patterns | None = None
    preserve: bool = False


class Inspect(Command, frozen=True, tag="inspect"):
    """Tell what an offer would meet in a folder."""

    transfer: str
    output: _Path | None = None


class Discard(Command, frozen=True, tag="discard"):
    """Remove what an interrupted transfer left on the disk."""

    transfer: str


class Leftovers(Command, frozen=True, tag="leftovers"):
    """Tell each transfer that was interrupted and left something on the disk."""


class Decline(Command, frozen=True, tag="decline"):
    """Decline an offer."""

    transfer: str


class Pause(Command, frozen=True, tag="pause"):
    """Let a transfer rest."""

    transfer: str


class Resume(Command, frozen=True, tag="resume"):
    """Let a paused transfer go on."""

    transfer: str


class Cancel(Command, frozen=True, tag="cancel"):
    """End a transfer without success."""

    transfer: str


class Who(Command, frozen=True, tag="who"):
    """Tell each peer."""


class Stats(Command, frozen=True, tag="stats"):
    """Tell what is measured of each peer."""


class Quit(Command, frozen=True, tag="quit"):
    """Leave."""


class Safety(Command, frozen=True, tag="safety"):
    """Tell the words to compare, with one peer or with each."""

    peer: str | None = None


class Verify(Command, frozen=True, tag="verify"):
    """The words were compared with a peer, and are the same."""

    peer: str


class Admit(Command, frozen=True, tag="admit"):
    """Answer a guest, who speaks only real-time text and cannot prove who it is."""

    peer: str
    admitted: bool = True


class Invite(Command, frozen=True, tag="invite"):
    """Tell the link that lets somebody in."""


class Contacts(Command, frozen=True, tag="contacts"):
    """Tell each contact."""


class Block(Command, frozen=True, tag="block"):
    """Have nothing to do with a contact any more."""

    contact: str


class Unblock(Command, frozen=True, tag="unblock"):
    """Take `block` back."""

    contact: str


JsonCommand: TypeAlias = (
    Say
    | Rtt
    | Live
    | Hold
    | Share
    | Policy
    | Alert
    | Export
    | Send
    | Accept
    | Decline
    | Pause
    | Resume
    | Cancel
    | Inspect
    | Discard
    | Leftovers
    | Who
    | Stats
    | Safety
    | Verify
    | Admit
    | Invite
    | Contacts
    | Block
    | Unblock
    | Quit
)

_decoder: msgspec.json.Decoder[JsonCommand] = msgspec.json.Decoder(JsonCommand)


class UnusableLine(UsageError):
    """A line of input that is no command. It does not repeat the line."""

    code = "unusable-line"


def decode(line: Line) -> JsonCommand:
    """Reads one command.

    Raises:
        UnusableLine: it is no JSON object with a known `do` and keys of the right types, or it is too long.
    """
    if line is None:
        raise UnusableLine(f"a line may have {LINE_BYTES} bytes")
    try:
        command = _decoder.decode(line)
    except msgspec.ValidationError as error:
        raise UnusableLine(*_in_words(str(error))) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise UnusableLine(
            "a command is one JSON object on one line", 'such as {"do": "say", "text": "hello"}'
        ) from None
    if isinstance(command, Rtt) and (command.text is None) is not command.commit:
        raise UnusableLine("rtt has either text or commit: true")
    return command


def _in_words(detail: str) -> tuple[str, str]:
    """Says what msgspec found: the place first, and no value of the line."""
    what, _, place = detail.partition(" - at ")
    if place == "`$.do`":
        commands = ", ".join(str(kind.__struct_config__.tag) for kind in JsonCommand.__args__)
        return "there is no such command", f"commands are {commands}"
    key = re.sub(r"^\$\.?", "", place.strip("`"))
    what = what[:1].lower() + what[1:]
    return (f"{key}: {what}" if key else what), ""
