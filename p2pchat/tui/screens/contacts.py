"""Everybody whose key was seen, and what the user decides about each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from rich.cells import cell_len
from textual import work
from textual.content import Content

from p2pchat.errors import P2PChatError
from p2pchat.node.answers import ContactInfo
from p2pchat.tui import measures
from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.asking import Asking
from p2pchat.tui.contact_book import SEES_KEYS, ContactBook
from p2pchat.tui.content import crop, one_line
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import VERIFIED, contact_name
from p2pchat.tui.screens.overview import Overview
from p2pchat.tui.widgets.keys import key_words

SIGNS: Final = {"verified": (VERIFIED, "$success"), "blocked": ("×", "$error")}
"""The sign of a state; the word stands at the end of the line."""


class ContactsScreen(Overview):
    """Lists the contacts, the one met last first.

    Args:
        conversation: who of them is here.
        asking: the user's requests to the node.
        book: the user's decisions about contacts.
        wall: the time of day, in unix seconds.
    """

    BINDINGS = bindings(Where.CONTACTS)

    def __init__(
        self, conversation: Conversation, asking: Asking, book: ContactBook, wall: Callable[[], float]
    ) -> None:
        super().__init__(key_words(Where.CONTACTS))
        self._conversation = conversation
        self._asking = asking
        self._book = book
        self._wall = wall
        self._contacts: dict[str, ContactInfo] | None = None
        """By key, in hexadecimal; None until they are there."""

    def on_mount(self) -> None:
        """Fetches the contacts."""
        super().on_mount()
        self.fetch()

    def fetch(self) -> None:
        """Asks the node for the contacts as they are now, and draws them."""
        self._fetch()

    @work(exclusive=True, group="contacts")
    async def _fetch(self) -> None:
        try:
            self._contacts = {contact.key: contact for contact in await self._asking.node.contacts()}
        except P2PChatError as error:
            self._asking.tell(error)
        else:
            self.redraw()

    def heading(self, width: int) -> Content:
        """How many there are; how one gets there where there is none."""
        title = Content.styled(" Contacts", "bold")
        if self._contacts is None:
            return title
        if not self._contacts:
            hint = " Nobody yet. Whoever you are connected with for the first time is a contact from then on."
            return Content("\n").join([title, *Content.styled(hint, "$muted").wrap(width)])
        return Content.assemble(title, (f"  {len(self._contacts)}", "$muted"))

    def ids(self) -> list[str]:
        """Their keys."""
        return list(self._contacts or ())

    def entry(self, id: str, width: int, selected: bool) -> Content:
        """A contact in two lines."""
        contact = (self._contacts or {})[id]
        here = any(info.peer.partition("-")[0] == contact.tag for info in self._conversation.connected)
        return contact_entry(
            contact, width, selected, "here now" if here else f"last met {self._day(contact.last_seen)}"
        )

    def action_rename(self) -> None:
        """Asks for a name."""
        self._decide(self._book.ask_name)

    def action_auto_accept(self) -> None:
        """Asks for a size."""
        self._decide(self._book.ask_auto_accept)

    def action_verified(self) -> None:
        """Asks whether the key was compared."""
        self._decide(self._book.ask_verified)

    def action_forget(self) -> None:
        """Asks whether to forget it."""
        self._decide(self._book.ask_forget)

    def action_block(self) -> None:
        """Blocks, or takes it back."""
        self._decide(self._book.block)

    def action_sees_keys(self) -> None:
        """Decides whether it sees what is typed live."""
        self._decide(self._book.cycle_live_text)

    def _decide(self, decision: Callable[[ContactInfo], None]) -> None:
        contact = (self._contacts or {}).get(self.selected or "")
        if contact is not None:
            decision(contact)

    def _day(self, at: float) -> str:
        day, today = datetime.fromtimestamp(at), datetime.fromtimestamp(self._wall())
        if day.date() == today.date():
            return f"today {day:%H:%M}"
        return f"{day.day} {day:%B %Y}"


def contact_entry(contact: ContactInfo, width: int, selected: bool, seen: str) -> Content:
    """A contact in two lines: who, and what is known of the key; how it calls itself, and when it was seen."""
    sign, style = SIGNS.get(contact.state, (" ", ""))
    name = crop(one_line(contact_name(contact)), max(8, width - 4 - len(contact.tag) - 2 - len(contact.state) - 2))
    gap = width - 4 - cell_len(name) - 2 - len(contact.tag) - len(contact.state)
    first = Content.assemble(
        "▸" if selected else " ",
        (sign, style),
        " ",
        (name, "bold"),
        "  ",
        contact.tag,
        " " * max(2, gap),
        (contact.state, style),
    )
    own = one_line(contact.name, 30)
    calls = f"calls itself {own}, " if contact.petname and contact.petname != contact.name else ""
    by_itself = f", files up to {measures.size(contact.auto_accept)} without asking" if contact.auto_accept else ""
    keys = f", sees keys: {SEES_KEYS[contact.live_text]}"
    second = Content.styled(crop(f"   {calls}{seen}{keys}{by_itself}", width), "$muted")
    return Content("\n").join([first.truncate(width), second])
