"""The API that every front end uses, whether the node runs on its own loop or on a thread of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from p2pchat.node.answers import ContactInfo, Landing, Leftover, LiveTextStats, PeerStats
from p2pchat.node.events import Event, Item, PeerInfo, TransferInfo


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

        The room is on the local network, if that is used, and at the server, if there is one. With both, a server that
        cannot be reached is told as `ServerChanged` and tried again.

        Args:
            conversation: the room's name.
            secret: what only its members know, `ROOM_SECRET_BYTES` long; empty for a room that anybody may enter.

        Raises:
            ServerUnreachable: nothing that speaks our protocol answers at the server's address, or, without a server,
                the local network cannot be used.
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

    async def set_live_text(self, conversation: str, text: str, typed_at: float | None = None) -> None:
        """States what our live line reads now; the edits are worked out. The empty text retracts the line.

        Args:
            conversation: where.
            text: the whole line.
            typed_at: when its last key was pressed, by `time.monotonic`; None for now.
        """

    async def share_live_text(self, conversation: str, shared: bool, peer: str | None = None) -> None:
        """Decides who sees each key that we type; `PeerInfo.sees_keys` says who does.

        Until it is called for the first time everybody in the conversation does, so that scripts have no need to.

        Args:
            conversation: where.
            shared: whether our keys are to be seen. If not, the line as it stands is taken back there.
            peer: only this one, for the whole conversation; None for everybody who is here now. Of those who come
                later, contacts with the policy `on` see our keys too; of others a `LiveTextAsked` tells. One with `off`
                never does. A no to everybody is one to those who were allowed, too. Nobody: PeerUnreachable.
        """

    async def live_text_mode(self, conversation: str, mode: str) -> None:
        """Lets our live text rest, or go on; those who see our keys are told.

        Args:
            conversation: where.
            mode: `live`; `hold` to compose in private: what was sent of the line stays as it is there, and the rest
                is sent when it is `live` again or finished; `off` to take the line back and send no more.

        Raises:
            UsageError: it is none of these words.
        """

    async def alert(self, conversation: str) -> bool:
        """Asks those who see our keys for attention (T.140 BEL); returns whether it was sent, at most every 3 s."""

    async def live_text_policy(self, contact: str, policy: str) -> None:
        """Sets whether a contact sees what we type.

        Args:
            contact: as for `rename_contact`.
            policy: `off` never, `ask` when we say so in each conversation, `on` as soon as others do.

        Raises:
            UsageError: nobody or more than one is meant, or it is none of these words.
        """

    async def live_text_stats(self, conversation: str) -> list[LiveTextStats]:
        """How well real-time text works with each peer with whom there is or was some."""

    async def commit_live_text(self, conversation: str) -> str:
        """Finishes our live line: it becomes a message, whose id is returned (empty when the line was empty)."""

    async def admit_guest(self, conversation: str, peer: str, admitted: bool) -> None:
        """Answers `GuestAsks`. One that is admitted sees our live text from now on; one that is not is disconnected.

        Args:
            conversation: where.
            peer: `GuestAsks.peer`.
            admitted: whether the user wants to talk with somebody who cannot prove who it is.

        Raises:
            PeerUnreachable: nobody of that name asks, or no longer.
        """

    async def meet(self, contact: str) -> str:
        """Goes to the place where nobody but one contact and we can meet; no code is needed.

        Both have to go there. The server learns a name that says nothing, and that two were there.

        Args:
            contact: as for `rename_contact`.

        Returns:
            The name of the conversation that the two will have. Going there twice returns the same.

        Raises:
            UsageError: nobody or more than one is meant, or the contact is blocked.
            ServerUnreachable, ServerRefused: as `join` does.
        """

    async def offer(
        self, conversation: str, paths: Sequence[Path], peer: str | None = None, *, follow_links: bool = False
    ) -> list[str]:
        """Offers files and folders to one peer, or to each that is connected.

        A name that other systems could not store is offered with other characters in it, and a `Problem` with the code
        `renamed` says so.

        Args:
            conversation: where.
            paths: files and folders of this machine.
            peer: key tag, a unique beginning of one, or a unique name.
            follow_links: whether what links inside folders point to is offered too.

        Returns:
            The id of each transfer: one for each peer.

        Raises:
            NotSendable: a path is missing, unreadable, or neither file nor folder.
            PeerUnreachable: no such peer, or nobody is connected.
        """

    async def items(self, transfer: str, start: int, count: int) -> list[Item]:
        """Returns what a transfer consists of, from the `start`-th entry on; fewer than `count` at the end."""

    async def inspect(self, transfer: str, output: Path | None = None) -> Landing:
        """Looks what an offer would meet in a folder. Changes nothing.

        Args:
            transfer: its id.
            output: the folder, which need not exist; None for where `accept` would put it.
        """

    async def accept(
        self,
        transfer: str,
        output: Path | None = None,
        if_exists: str = "rename",
        *,
        only: Sequence[str] | None = None,
        preserve: bool = False,
    ) -> None:
        """Accepts an offer.

        What an interrupted transfer of the same left in that folder is not fetched again (`TransferInfo.resumable`).

        Args:
            transfer: its id.
            output: where the files go; None for where an interrupted transfer of the same began, and the download
                folder when there is none.
            if_exists: what to do when something of a file's name is there. `rename` gives the new one a number.
                `skip` compares files of the same size with the sender's, and fetches what differs under a name with a
                number. `overwrite` replaces, once the new file is complete. With `skip` and `overwrite`, folders that
                are there are filled; with `rename`, they get a number.
            only: what is wanted of the offer, None for all of it: paths of the offer, and patterns as in a shell (`*`
                stands for slashes too). A folder stands for all that is in it. What is a path of the offer is no
                pattern, whatever characters it has.
            preserve: whether files get the modification time and the executable bit that they have at the sender.

        Raises:
            UsageError: it does not wait for an answer, `if_exists` is none of these words, or `only` fits nothing.
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

    async def discard(self, transfer: str) -> None:
        """Removes what an interrupted transfer left on the disk; finished files stay.

        Args:
            transfer: an offer with something `resumable`, which still waits and begins anew when it is accepted; a
                transfer to us that has failed; or the id of a `Leftover`.

        Raises:
            UsageError: nothing of it is left, or it is running.
        """

    async def leftovers(self) -> list[Leftover]:
        """The transfers to us that were interrupted, the last one first. Needs `start`, and no server."""

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

    async def auto_accept(self, contact: str, most: int) -> None:
        """Has the offers of a contact accepted by themselves, into the download folder and under free names.

        Args:
            contact: as for `rename_contact`.
            most: bytes of the largest offer for which it holds; 0 to be asked again.
        """

    async def settle(self, seconds: float) -> bool:
        """Waits until every message is delivered and every accepted transfer has ended, but not longer than `seconds`.

        Returns:
            Whether all of it was done in time.
        """
