"""The commands of plain mode that are about keys: safety words, contacts and invites."""

from __future__ import annotations

import shlex
import time

from p2pchat.cli import wording
from p2pchat.cli.line_commands import Command, LineCommands
from p2pchat.cli.speakers import whom
from p2pchat.errors import UsageError
from p2pchat.node.answers import ContactInfo


class TrustCommands(LineCommands):
    """Carries the commands out."""

    @property
    def commands(self) -> dict[str, Command]:
        """The commands by name."""
        return {
            "safety": self._safety,
            "verify": self._verify,
            "invite": self._invite,
            "contacts": self._contacts,
            "rename": self._rename,
            "forget": self._forget,
            "block": self._block,
            "unblock": self._unblock,
        }

    async def _safety(self, argument: str) -> None:
        peers = whom(await self._node.peers(self._conversation), argument.strip('"') or None)
        for info in peers:
            who = self._shown.speakers.called(info.peer, info.name)
            self._shown.write(
                f"The words with {who}: {', '.join(info.words)}. Compare them over another channel, such as a call. "
                f"If {who} has the same ones, type /verify {wording.key(info.peer)}."
            )
        if not peers:
            self._shown.write("Nobody is connected.")

    async def _verify(self, argument: str) -> None:
        (info,) = whom(await self._node.peers(self._conversation), _name(argument, "verify"))
        await self._node.verify(self._conversation, info.peer)

    async def _invite(self, argument: str) -> None:
        self._shown.write(await self._node.invite(self._conversation))

    async def _contacts(self, argument: str) -> None:
        contacts = await self._node.contacts()
        for contact in contacts:
            self._shown.write(described(contact, time.time()))
        if not contacts:
            self._shown.write("There are no contacts.")

    async def _rename(self, argument: str) -> None:
        try:
            words = shlex.split(argument)
        except ValueError:
            words = []
        if len(words) != 2:
            raise UsageError("that is not one name and another one", 'write /rename NAME "NEW NAME"')
        await self._node.rename_contact(*words)
        self._shown.write(f"{words[0]} is called {words[1]} now.")

    async def _forget(self, argument: str) -> None:
        name = _name(argument, "forget")
        await self._node.forget_contact(name)
        self._shown.write(f"{name} is forgotten.")

    async def _block(self, argument: str) -> None:
        name = _name(argument, "block")
        await self._node.block_contact(name)
        self._shown.write(f"{name} is blocked.")

    async def _unblock(self, argument: str) -> None:
        name = _name(argument, "unblock")
        await self._node.block_contact(name, blocked=False)
        self._shown.write(f"{name} is not blocked any more.")


def described(contact: ContactInfo, now: float) -> str:
    """Returns a contact as a sentence: `ben, key m2xd, verified, last seen 2 hours ago.`"""
    seen = wording.since(now - contact.last_seen)
    return f"{contact_name(contact)}, key {wording.key(contact.tag)}, {contact.state}, last seen {seen}."


def contact_name(contact: ContactInfo) -> str:
    """Returns what the user calls a contact, and in brackets what it calls itself where that is another name."""
    own = wording.peer_name(contact.name)
    if not contact.petname:
        return own
    petname = wording.peer_name(contact.petname)
    return petname if petname == own else f"{petname} (calls itself {own})"


def _name(argument: str, command: str) -> str:
    """Reads one name, with or without quotes around it."""
    name = argument.strip('"')
    if not name:
        raise UsageError(f"/{command} needs a name", f"write /{command} NAME")
    return name
