"""What the user decides about contacts, from the list of contacts, a slash command or the safety words.

A decision is handed to the node with the contact's whole key: the name of another contact may read like a key tag.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, Final

from textual.screen import Screen

from p2pchat.errors import UsageError
from p2pchat.node.answers import ContactInfo
from p2pchat.node.events import PeerInfo
from p2pchat.tui import measures
from p2pchat.tui.asking import Asking
from p2pchat.tui.people import contact_label, contact_name, find_contact, full_label
from p2pchat.tui.screens.question import NameQuestion, Question

SEES_KEYS: Final = {"off": "never", "ask": "ask", "on": "always"}
"""Whether a contact sees what is typed live: what the node calls it, and what line mode and the list of contacts do."""


class ContactBook:
    """Asks where a decision is hard to take back, and hands it to the node.

    Args:
        asking: the user's requests to the node.
        ask: shows a question, and hands its answer on.
    """

    def __init__(self, asking: Asking, ask: Callable[[Screen[Any], Callable[[Any], None]], object]) -> None:
        self._asking = asking
        self._node = asking.node
        self._ask = ask

    # A contact of the list

    def ask_name(self, contact: ContactInfo) -> None:
        """Asks what to call a contact."""
        text = f"It calls itself {contact.name}. The name you give is yours alone; an empty one takes it away."
        question = NameQuestion(f"What do you want to call {contact_label(contact)}?", text, contact.petname)
        self._ask(question, lambda name: self._rename(contact.key, contact_label(contact), name))

    def ask_auto_accept(self, contact: ContactInfo) -> None:
        """Asks up to which size the offers of a contact are accepted without asking."""
        question = NameQuestion(
            f"Accept files of {contact_label(contact)} without asking?",
            "Up to which size, as in 50 MB? They go into the download folder, and replace nothing. With nothing here "
            "you are asked each time.",
            measures.size(contact.auto_accept) if contact.auto_accept else "",
        )
        self._ask(question, lambda text: self._auto_accept(contact, text))

    def ask_verified(self, contact: ContactInfo) -> None:
        """Asks whether the key was really compared."""
        key = " ".join(contact.key[start : start + 8] for start in range(0, len(contact.key), 8))
        question = Question(
            f"Is this the key of {contact_name(contact)}?",
            f"Say yes only if you have compared it with its owner over another channel. While you are connected, the "
            f"safety words (F5) are the easier way.\n\n{key}",
            yes="mark as verified",
            no="leave it",
        )
        self._ask(question, lambda yes: self._verified(contact) if yes else None)

    def ask_forget(self, contact: ContactInfo) -> None:
        """Asks whether to forget a contact."""
        self._ask_forget(contact.key, contact_label(contact))

    def block(self, contact: ContactInfo) -> None:
        """Blocks a contact, or takes it back."""
        self._block(contact.key, contact_label(contact), contact.state != "blocked")

    def cycle_live_text(self, contact: ContactInfo) -> None:
        """Lets a contact see what is typed live: never, when the user says so each time, always, and round again."""
        words = list(SEES_KEYS)
        policy = words[(words.index(contact.live_text) + 1) % len(words)]
        says = {
            "off": "never sees what you type live",
            "ask": "sees what you type live when you say so",
            "on": "sees what you type live whenever others do",
        }
        done = f"{contact_label(contact)} {says[policy]}"
        self._asking.do(self._node.live_text_policy(contact.key, policy), done=done)

    # The other side of a link

    def block_peer(self, info: PeerInfo) -> None:
        """Blocks the key of a connected peer."""

        async def block() -> None:
            tag = info.peer.partition("-")[0]
            found = [contact for contact in await self._node.contacts() if contact.tag == tag]
            if len(found) != 1:
                raise UsageError(
                    f"{full_label(info.peer, info.name)} keeps no key that could be blocked",
                    "With its next link it would be new. To be safe, leave the conversation",
                )
            await self._node.block_contact(found[0].key)

        self._asking.do(block(), done=f"{full_label(info.peer, info.name)} is blocked")

    # What was typed behind a slash command. Each raises UsageError when something is missing

    def rename(self, argument: str) -> None:
        """Renames a contact: `NAME PETNAME`, quoted as in a shell."""
        words = _words(argument)
        if len(words) < 2:
            raise UsageError("/rename needs a name and a petname", 'An empty one ("") takes the petname away')
        name, petname = words[0], " ".join(words[1:])
        self._typed(name, lambda key: self._rename(key, name, petname))

    def forget(self, argument: str) -> None:
        """Forgets a contact, once the user has said yes."""
        name = _name(argument, "/forget")
        self._typed(name, lambda key: self._ask_forget(key, name))

    def set_blocked(self, argument: str, blocked: bool) -> None:
        """Blocks a contact, or takes it back."""
        name = _name(argument, "/block" if blocked else "/unblock")
        self._typed(name, lambda key: self._block(key, name, blocked))

    def _typed(self, name: str, decide: Callable[[str], None]) -> None:
        """Finds out whom the user means: the name with tag as it is shown here, or whatever the node makes of it."""

        async def find() -> None:
            contact = find_contact(await self._node.contacts(), name)
            decide(contact.key if contact is not None else name)

        self._asking.do(find())

    # To the node

    def _rename(self, contact: str, label: str, petname: str | None) -> None:
        if petname is not None:
            done = f"{label} is called {petname} now" if petname.strip() else f"{label} has no petname any more"
            self._asking.do(self._node.rename_contact(contact, petname), done=done)

    def _auto_accept(self, contact: ContactInfo, text: str | None) -> None:
        if text is None:
            return
        try:
            most = measures.read_size(text)
        except UsageError as error:
            self._asking.tell(error)
            return
        label = contact_label(contact)
        done = f"Offers of {label} up to {measures.size(most)} are accepted by themselves"
        self._asking.do(
            self._node.auto_accept(contact.key, most), done=done if most else f"You are asked for each offer of {label}"
        )

    def _verified(self, contact: ContactInfo) -> None:
        self._asking.do(self._node.verify_contact(contact.key), done=f"{contact_label(contact)} is verified")

    def _ask_forget(self, contact: str, label: str) -> None:
        question = Question(
            f"Forget {label}?",
            "Its key will be new again, and nothing warns you when somebody else comes with its name.",
            yes="forget",
            no="keep",
        )
        forget = self._node.forget_contact
        self._ask(question, lambda yes: self._asking.do(forget(contact), done=f"{label} is forgotten") if yes else None)

    def _block(self, contact: str, label: str, blocked: bool) -> None:
        done = f"{label} is blocked" if blocked else f"{label} is not blocked any more"
        self._asking.do(self._node.block_contact(contact, blocked), done=done)


def _name(argument: str, command: str) -> str:
    if not argument:
        raise UsageError(f"{command} needs a name", "/contacts lists them")
    return argument.strip('"')


def _words(argument: str) -> list[str]:
    try:
        return shlex.split(argument)
    except ValueError as error:
        raise UsageError("A quotation mark has no partner", 'Write "my friend"') from error
