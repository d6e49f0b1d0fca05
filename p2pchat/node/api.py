"""The API that every front end uses, whether the node runs on its own loop or on a thread of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from p2pchat.node.events import Event, PeerInfo, TransferInfo


@dataclass(frozen=True, slots=True)
class PeerStats:
    """What is measured of the link to one peer."""

    peer: str
    path: str
    """`direct` or `relay`; empty while not connected."""
    rtt_ms: float | None
    sent: int
    """Bytes of user data handed to the link, over all links to this peer."""
    received: int
    rate: float
    """Bytes per second sent and received together, over the last seconds."""


@dataclass(frozen=True, slots=True)
class ContactInfo:
    """A peer whose key was seen before."""

    tag: str
    """Its key tag: eight characters."""
    key: str
    """Its public key in hexadecimal."""
    petname: str
    """What the user calls it; empty until there is one."""
    name: str
    """What it called itself last; safe to show."""
    state: str
    """`known`, `verified` or `blocked`."""
    first_seen: float
    """Unix seconds."""
    last_seen: float


class NodeApi(Protocol):
    """A running peer.

    `conversation` is the name of a room that was joined. Calls raise the errors of `p2pchat.errors`; what goes wrong
    later, while nobody waits, comes as a `Problem` event.
    """

    async def start(self) -> None:
        """Gets ready. Nothing is contacted before `join`."""

    async def stop(self) -> None:
        """Says goodbye to every peer and frees everything; bounded by a few seconds. Ends the stream of events."""

    def events(self) -> AsyncIterator[Event]:
        """The stream of events, from `start` to `stop`. There is one stream: ask for it once."""

    async def join(self, conversation: str, secret: bytes = b"") -> None:
        """Takes a seat in a room; `Ready` has been told when it returns.

        Args:
            conversation: the room's name.
            secret: what only its members know, `ROOM_SECRET_BYTES` long; empty for a room that anybody may enter.

        Raises:
            ServerUnreachable: nothing that speaks our protocol answers at the server's address.
            ServerRefused: the server said no: the room is full, the version is another.
            UsageError: the room's name cannot be used, or the room is joined already.
        """

    async def host_code(self) -> str:
        """Opens a meeting for one other person, who is told a one-time code.

        `CodeChanged` tells the code, and again a new one whenever somebody has guessed wrongly.

        Returns:
            The name of the conversation that the two will have.

        Raises:
            ServerUnreachable, ServerRefused: as `join` does.
        """

    async def use_code(self, code: str, server: str = "") -> str:
        """Goes to the meeting that a one-time code, or its link, is for.

        A wrong code is told later: a `Problem` with the code `wrong-code`, and nobody ever connects.

        Returns:
            The name of the conversation that the two will have.

        Raises:
            UsageError: it is no code.
            ServerUnreachable, ServerRefused: as `join` does; also when nobody waits with this code.
        """

    async def invite(self, conversation: str) -> str:
        """Returns the link that lets somebody into a room with a secret.

        Raises:
            UsageError: the room has no secret.
        """

    async def leave(self, conversation: str) -> None:
        """Says goodbye to the room's peers and gives the seat up."""

    async def say(self, conversation: str, text: str) -> str:
        """Sends a message to everybody in the conversation; returns its id.

        While nobody is there it waits for the first who comes.

        Raises:
            UsageError: the text is empty or longer than a message may be.
        """

    async def set_live_text(self, conversation: str, text: str) -> None:
        """States what our live line reads now; the edits are worked out. The empty text retracts the line."""

    async def commit_live_text(self, conversation: str) -> str:
        """Finishes our live line: it becomes a message, whose id is returned (empty when the line was empty)."""

    async def offer(self, conversation: str, paths: Sequence[Path], peer: str | None = None) -> list[str]:
        """Offers files and folders to one peer, or to each that is connected.

        Args:
            conversation: where.
            paths: files and folders of this machine.
            peer: key tag, a unique beginning of one, or a unique name.

        Returns:
            The id of each transfer: one for each peer.

        Raises:
            NotSendable: a path is missing, unreadable, or neither file nor folder.
            PeerUnreachable: no such peer, or nobody is connected.
        """

    async def accept(self, transfer: str, output: Path | None = None, if_exists: str = "rename") -> None:
        """Accepts an offer.

        What an interrupted transfer of the same left in that folder is not fetched again (`TransferInfo.resumable`).

        Args:
            transfer: its id.
            output: where the files go; None for the download folder.
            if_exists: what to do when something of a file's name is there. `rename` gives the new one a number.
                `skip` compares files of the same size with the sender's, and fetches what differs under a name with a
                number. `overwrite` replaces, once the new file is complete. With `skip` and `overwrite`, folders that
                are there are filled; with `rename`, they get a number.

        Raises:
            UsageError: it does not wait for an answer, or `if_exists` is none of these words.
            StorageFailed: the files do not fit, or may not be written there. The offer still waits.
        """

    async def decline(self, transfer: str, reason: str = "") -> None:
        """Declines an offer."""

    async def pause(self, transfer: str) -> None:
        """Stops a running transfer of either direction until `resume`."""

    async def resume(self, transfer: str) -> None:
        """Goes on with a transfer that this side paused."""

    async def cancel(self, transfer: str) -> None:
        """Ends a transfer of either direction without success."""

    async def peers(self, conversation: str) -> list[PeerInfo]:
        """Everybody who is or was in the conversation."""

    async def transfers(self) -> list[TransferInfo]:
        """All transfers of this node, oldest first."""

    async def stats(self) -> list[PeerStats]:
        """What is measured of each connected peer."""

    async def verify(self, conversation: str, peer: str) -> None:
        """The user has compared the safety words with this peer, and they are the same.

        Raises:
            PeerUnreachable: no such peer is connected.
        """

    async def contacts(self) -> list[ContactInfo]:
        """Everybody whose key was seen, the one met last first. Needs `start`, as the calls below do, and no server."""

    async def rename_contact(self, contact: str, petname: str) -> None:
        """Gives a contact a petname; the empty one takes it away.

        Args:
            contact: a petname, a name, at least four characters of a key tag, or the whole key in hexadecimal, which
                wins over every name.
            petname: what to call it.

        Raises:
            UsageError: nobody or more than one is meant, or another contact has a name that looks like it.
        """

    async def verify_contact(self, contact: str) -> None:
        """The key of this contact was compared with its owner's."""

    async def forget_contact(self, contact: str) -> None:
        """Forgets a contact: its key will be new again."""

    async def block_contact(self, contact: str, blocked: bool = True) -> None:
        """Has nothing to do with this contact any more; `blocked=False` takes it back. Links to it are closed."""

    async def replace_contact(self, contact: str, key: str) -> None:
        """Accepts that a contact has another key (in hexadecimal) now."""

    async def settle(self, seconds: float) -> bool:
        """Waits until every message is delivered and every accepted transfer has ended, but not longer than `seconds`.

        Returns:
            Whether all of it was done in time.
        """
