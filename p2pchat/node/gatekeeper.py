"""Who is admitted: what a proved key is to us, by the contacts of this profile.

    key unknown, name free          admitted, trust `new`, and pinned for the next time
    key of a contact                admitted, trust `known` or `verified`, under its petname if it has one
    our own key                     admitted: another terminal of this profile
    name of a contact, other key    stopped: the user is told what that can mean and what to do
    key of a blocked contact        stopped, and told nothing

A peer that keeps no key (`--ephemeral`) is never pinned. All this is decided before the peer sees anything of ours but
our key and name, and before anything of it is shown.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from p2pchat.errors import P2PChatError
from p2pchat.node.answers import ContactInfo
from p2pchat.node.events import Trust
from p2pchat.protocol.identity import Identity, key_tag
from p2pchat.protocol.introduction import Greeted
from p2pchat.protocol.limits import NAME_CHARACTERS
from p2pchat.protocol.untrusted import safe_line
from p2pchat.store.contacts import Contacts, Judgement, LiveTextPolicy, Standing, State


@dataclass(frozen=True, slots=True)
class Admitted:
    """Talk to the peer."""

    trust: Trust
    name: str
    """What to call it: its petname, or what it calls itself; safe to show."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Close the link."""

    code: str
    """A stable word: `changed-key`, `blocked`, `storage`, `not-the-contact`."""
    reason: str
    """For our user."""
    hint: str
    told: str
    """For the peer."""
    quiet: bool = False
    """Whether it is as if the peer had not come: that is no problem to tell our user."""


class Gatekeeper:
    """The identity of this node and the keys it knows.

    Args:
        identity: ours.
        contacts: of this profile; closed with `close`.
        throwaway: whether our key lasts for this run only.
    """

    def __init__(self, identity: Identity, contacts: Contacts, throwaway: bool) -> None:
        self.identity = identity
        self.contacts = contacts
        self.throwaway = throwaway

    def judge(self, greeted: Greeted) -> Admitted | Stopped:
        """Decides about a peer whose handshake is done, and pins its key if it is to be pinned."""
        name = safe_line(greeted.hello.name, NAME_CHARACTERS)
        if greeted.key == self.identity.public:
            return Admitted(Trust.VERIFIED, name)
        try:
            if greeted.hello.throwaway:
                judgement = self.contacts.judge(greeted.key, greeted.hello.name)
            else:
                judgement = self.contacts.met(greeted.key, greeted.hello.name, time.time())
        except P2PChatError as error:
            return Stopped("storage", f"the contacts cannot be read: {error.message}", error.hint, "not now")
        return self._verdict(judgement, greeted.key, name)

    @staticmethod
    def _verdict(judgement: Judgement, key: bytes, name: str) -> Admitted | Stopped:
        contact = judgement.contact
        match judgement.standing:
            case Standing.BLOCKED:
                return Stopped("blocked", f"{name} is blocked", "unblock the contact to talk again", "not admitted")
            case Standing.CHANGED if contact is not None:
                return Stopped(
                    "changed-key",
                    f"this is not the {contact.shown} you know: the key is {key_tag(key)}, and was {contact.tag}",
                    "ask over another channel; if it is the same person with a new key, say so with "
                    f"p2pchat contacts replace {contact.tag} {key.hex()}",
                    "your key is not the one that is known under your name",
                )
            case standing:
                return Admitted(Trust(standing.value), contact.shown if contact is not None else name)

    def knows_name(self, name: str) -> bool:
        """Whether a name looks like that of a contact, so that nobody without a key may have it. True in doubt."""
        try:
            return self.contacts.judge(b"", name).contact is not None
        except P2PChatError:
            return True

    # --- what the user decides about contacts; these block for milliseconds

    def standing(self, key: bytes, name: str) -> Admitted | Stopped:
        """What a key that was admitted before is to us now."""
        if key == self.identity.public:
            return Admitted(Trust.VERIFIED, name)
        return self._verdict(self.contacts.judge(key, name), key, name)

    def list(self) -> list[ContactInfo]:
        """Returns all contacts, the one met last first."""
        return [
            ContactInfo(
                contact.tag,
                contact.key.hex(),
                contact.petname,
                contact.name,
                contact.state.value,
                contact.first_seen,
                contact.last_seen,
                contact.auto_accept,
                contact.live_text.value,
            )
            for contact in self.contacts.list()
        ]

    def auto_accept(self, key: bytes) -> int:
        """Returns the bytes of the largest offer that is accepted without a question from a key that was proved."""
        contact = self.contacts.get(key)
        return contact.auto_accept if contact is not None and contact.state is not State.BLOCKED else 0

    def live_text(self, key: bytes) -> LiveTextPolicy:
        """Returns whether the owner of a key sees what our user types; never, while the contacts cannot be read."""
        try:
            contact = self.contacts.get(key)
        except P2PChatError:
            return LiveTextPolicy.OFF
        return contact.live_text if contact is not None else LiveTextPolicy.ASK

    def verify_key(self, key: bytes, name: str) -> None:
        """The owner of this key was verified; a key that is no contact yet becomes one."""
        if key != self.identity.public:
            self.contacts.met(key, name, time.time())
            self.contacts.verify(key)

    def close(self) -> None:
        """Closes the contacts."""
        self.contacts.close()
