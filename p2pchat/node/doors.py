"""Doors for contacts: where `p2pchat send FILE --to NAME` finds a chat of NAME that is open on the local network.

    ana's `send`  ── sits in the room of the two contacts at every hub, ours too ──> somebody is there
    our chat      ── that is ana's room: takes a seat there, at our own hub ──────> link, handshake, offer

The sender goes to every hub that it finds, so a door costs nobody a connection; and one that nobody has come to costs
nothing but its name. Files alone are taken there: what is written is refused (`Session.only_files`), and nothing of the
link reaches the front end except its transfers, which are told as those of the chat.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from msgspec import structs

from p2pchat.errors import IdentityError, NoConnection, P2PChatError
from p2pchat.node.events import Event, Problem
from p2pchat.node.meeting import ContactMeeting
from p2pchat.node.peer import Peer
from p2pchat.node.seats import KEY_BYTES
from p2pchat.node.surroundings import Surroundings
from p2pchat.protocol.contact_room import contact_room
from p2pchat.signaling.hub_rooms import hub_room
from p2pchat.signaling.local_network import LocalNetwork
from p2pchat.signaling.seat import Seat
from p2pchat.store.contacts import State

logger = logging.getLogger(__name__)

DOORS: Final = 1000
"""Contacts who find a door, verified ones first and then those met last. So many strangers would have to be met before
one of them takes the place of a friend."""

KEPT: Final = 8
"""Doors that stay open when nobody is at them any more; each is a connection of this program to itself. How many are
open with somebody at them our hub limits, to what it gives one source."""

TOLD: Final = frozenset({"storage", "not-the-contact"})
"""Codes of those problems at a door that our user has to know about: what is wrong here, and a key that was stolen."""


class Door(ContactMeeting):
    """Our place in the room of a contact, at our own hub.

    Args:
        key: the contact's public key.
        us: our peer id.
        our_name: what we call ourselves.
        chat: the conversation that the transfers are told to belong to.
        network: where our hub is.
        surroundings: what the conversations of this node share.

    Raises:
        IdentityError: the key is our own, or damaged.
    """

    def __init__(
        self, key: bytes, us: str, our_name: str, chat: str, network: LocalNetwork, surroundings: Surroundings
    ) -> None:
        self._network = network
        told = partial(_pass_on, surroundings.tell)
        super().__init__(key, us, our_name, "", replace(surroundings, tell=told))
        self.name = chat
        self._hello = structs.replace(self._hello, live_text=None)
        self._live.share(False, ())

    def _new_client(self) -> Seat:
        return self._network.client_of_own_hub(secrets.token_urlsafe(KEY_BYTES))

    async def join(self) -> None:
        """See `Conversation.join`."""
        self._joined(await self._client.connect(hub_room(self._room, self._us)))

    def _peer(self, peer_id: str) -> Peer:
        peer = super()._peer(peer_id)
        peer.session.only_files = True
        return peer

    @property
    def idle(self) -> bool:
        """Whether nobody is at it."""
        return not any(peer.present or peer.connected for peer in self.peers.values())


def _pass_on(tell: Callable[[Event], None], event: Event) -> None:
    if isinstance(event, Problem) and event.code in TOLD:
        tell(event)


class Doors:
    """The doors of one node, while it has a chat.

    Args:
        us: our peer id.
        our_name: what we call ourselves.
        network: where our hub is; None without a local network, and then there are no doors.
        surroundings: returns what conversations share, with the `on_admitted` that is for doors.
    """

    def __init__(
        self, us: str, our_name: str, network: LocalNetwork | None, surroundings: Callable[[], Surroundings]
    ) -> None:
        self._us = us
        self._our_name = our_name
        self._network = network
        self._surroundings = surroundings
        self._chats: list[str] = []
        self._names: dict[bytes, str] = {}
        """The name, at our hub, of the room with each contact."""
        self._open: dict[bytes, Door] = {}
        self._news = asyncio.Event()
        self._read = False
        """Whether `_names` are those of the contacts as they are now."""
        self._attending: asyncio.Task[None] | None = None

    def joined(self, chat: str) -> None:
        """A chat was joined: from now on contacts find a door. Its transfers are told as those of the first chat."""
        self._chats.append(chat)
        if self._attending is None and self._network is not None:
            self._network.watch_rooms(self._news.set)
            self._attending = asyncio.create_task(self._attend(self._network))

    async def left(self, chat: str) -> None:
        """A chat was left; with the last one the doors close."""
        if chat in self._chats:
            self._chats.remove(chat)
        if not self._chats:
            await self.close()

    def contacts_changed(self) -> None:
        """Somebody may have become a contact."""
        self._read = False
        self._news.set()

    def look_again(self) -> None:
        """The user has decided something about contacts."""
        self.contacts_changed()
        for door in self._open.values():
            door.look_again()

    def look_around(self, gone: frozenset[str]) -> None:
        """See `Conversation.look_around`."""
        for door in self._open.values():
            door.look_around(gone)

    async def close(self) -> None:
        """Says goodbye at every door; bounded by a few seconds."""
        if self._attending is not None and self._network is not None:
            self._network.unwatch_rooms(self._news.set)
            self._attending.cancel()
            await asyncio.wait({self._attending})
            self._attending, self._read = None, False
        doors = list(self._open.values())
        self._open.clear()
        await asyncio.gather(*(door.leave() for door in doors))

    async def _attend(self, network: LocalNetwork) -> None:
        while True:
            self._news.clear()
            if not self._read:
                await self._look_up()
            for key, name in self._names.items():
                if name in network.rooms and key not in self._open:
                    await self._let_in(key, network)
            for key, door in list(self._open.items()):
                if key not in self._names or (len(self._open) > KEPT and door.idle):
                    await self._open.pop(key).leave()
            await self._news.wait()

    async def _look_up(self) -> None:
        """Works out the rooms of the contacts."""
        self._read = True
        try:
            self._names = await asyncio.to_thread(self._rooms, self._names)
        except P2PChatError as error:
            logger.info("no doors: the contacts cannot be read: %s", error.message)

    def _rooms(self, known: dict[bytes, str]) -> dict[bytes, str]:
        gatekeeper = self._surroundings().gatekeeper
        contacts = [contact for contact in gatekeeper.contacts.list() if contact.state is not State.BLOCKED]
        contacts.sort(key=lambda contact: contact.state is not State.VERIFIED)
        rooms = {}
        for contact in contacts[:DOORS]:
            try:
                rooms[contact.key] = known.get(contact.key) or hub_room(
                    contact_room(gatekeeper.identity, contact.key).name, self._us
                )
            except IdentityError:
                logger.info("no door for a contact whose key is damaged")
        return rooms

    async def _let_in(self, key: bytes, network: LocalNetwork) -> None:
        """Somebody is in the room of a contact at our hub: takes a seat there."""
        door = Door(key, self._us, self._our_name, self._chats[0], network, self._surroundings())
        try:
            await door.join()
        except NoConnection as error:
            logger.info("a door stays closed: %s", error.message)
            await door.leave()
        except BaseException:
            await door.leave()
            raise
        else:
            self._open[key] = door
