"""The running peer: conversations, their peers, and the transfers with them."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from p2pchat.errors import PeerUnreachable, UsageError
from p2pchat.node.answers import ContactInfo, Landing, Leftover, LiveTextStats, PeerStats
from p2pchat.node.conversation import Conversation
from p2pchat.node.doors import Doors
from p2pchat.node.events import Event, Item, LiveTextChanged, PeerInfo, PeerState, TransferInfo
from p2pchat.node.gatekeeper import Gatekeeper
from p2pchat.node.meeting import ContactMeeting, Meeting
from p2pchat.node.network_watch import NetworkWatch
from p2pchat.node.peer import Peer
from p2pchat.node.seats import Seats
from p2pchat.node.settings import Settings
from p2pchat.node.stream import EventStream
from p2pchat.node.surroundings import Surroundings
from p2pchat.node.transfers import Transfers
from p2pchat.protocol.codes import Code
from p2pchat.protocol.invite import CodeLink, is_link
from p2pchat.protocol.limits import KEY_BYTES, ROOM_CHARACTERS, WORD_CHARACTERS
from p2pchat.protocol.rtt.direction import our_features
from p2pchat.protocol.untrusted import safe_line
from p2pchat.rtc import ice
from p2pchat.store.contacts import Contacts, LiveTextPolicy, State
from p2pchat.store.interrupted import InterruptedTransfers
from p2pchat.store.profile import Profile, fresh_identity


class Node:
    """Implements `p2pchat.node.api.NodeApi` on the running event loop; see there for what each call does.

    Args:
        settings: of this node.
        on_its_own: whether taking an event from `events` means that the front end has it. Else call `taken`.

    Raises:
        ConfigurationError: an ICE server's URL cannot be used.
    """

    def __init__(self, settings: Settings, on_its_own: bool = True) -> None:
        self._settings = settings
        self._features = our_features(settings.languages, settings.languages)
        described = self._features if settings.sdp_t140 else None
        self._configuration = ice.configuration(settings.ice, settings.relay_only, described)
        self._id = base64.b32encode(secrets.token_bytes(5)).decode().lower()
        hidden = settings.ephemeral or settings.relay_only
        self._seats = Seats(self._id, settings.lan and not hidden, settings.server, settings.token)
        self._conversations: dict[str, Conversation] = {}
        self._stream = EventStream(self.taken) if on_its_own else EventStream()
        self._activity = asyncio.Event()
        self._watch: NetworkWatch | None = None
        self._gatekeeper: Gatekeeper | None = None
        register = InterruptedTransfers() if settings.ephemeral else Profile(settings.home).interrupted()
        self._transfers = Transfers(settings.downloads, register, settings.patience, self._auto_accept, self._tell)
        self._doors = Doors(self._id, settings.name, self._seats.local, self._surroundings_of_doors)

    def _auto_accept(self, key: bytes) -> int:
        return self._opened.auto_accept(key) if self._settings.auto_accept else 0

    def _tell(self, event: Event) -> None:
        self._stream.tell(event)
        self._activity.set()

    def events(self) -> AsyncIterator[Event]:
        """See `NodeApi.events`."""
        return self._stream.__aiter__()

    def taken(self, event: Event) -> None:
        """The front end has taken an event: whoever wrote what it tells is told that it was shown."""
        if isinstance(event, LiveTextChanged) and event.conversation in self._conversations:
            self._conversations[event.conversation].taken(event)

    async def start(self) -> None:
        """See `NodeApi.start`."""
        self._gatekeeper = await asyncio.to_thread(_open_profile, self._settings)
        self._watch = NetworkWatch(self._look_around)
        self._watch.start()

    async def stop(self) -> None:
        """See `NodeApi.stop`."""
        if self._watch is not None:
            self._watch.stop()
        await self._doors.close()
        await asyncio.gather(*(conversation.leave() for conversation in self._conversations.values()))
        await self._seats.close()
        await self._transfers.close()
        if self._gatekeeper is not None:
            self._gatekeeper.close()
        self._stream.end()

    async def join(self, conversation: str, secret: bytes = b"") -> None:
        """See `NodeApi.join`."""
        if conversation in self._conversations:
            raise UsageError(f"{conversation} is joined already")
        if not conversation or conversation != safe_line(conversation, ROOM_CHARACTERS):
            raise UsageError("the room's name cannot be used", f"1 to {ROOM_CHARACTERS} printable characters, please")
        joining = Conversation(
            conversation, self._id, self._settings.name, self._settings.server, self._surroundings(), secret
        )
        self._conversations[conversation] = joining
        await self._enter(joining)
        self._doors.joined(conversation)

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            self._seats,
            self._opened,
            self._configuration,
            self._features,
            self._tell,
            self._transfers.handle,
            self._admitted,
        )

    def _surroundings_of_doors(self) -> Surroundings:
        return replace(self._surroundings(), on_admitted=self._transfers.visited)

    def _admitted(self, peer: Peer) -> None:
        self._transfers.admitted(peer)
        self._doors.contacts_changed()

    async def _enter(self, conversation: Conversation) -> None:
        try:
            await conversation.join()
        except BaseException:
            del self._conversations[conversation.name]
            await conversation.leave()
            raise

    async def host_code(self) -> str:
        """See `NodeApi.host_code`."""
        return await self._meet(None, self._settings.server)

    async def use_code(self, code: str, server: str = "") -> str:
        """See `NodeApi.use_code`."""
        if is_link(code):
            link = CodeLink.parse(code)
            return await self._meet(link.code, link.server)
        return await self._meet(Code.parse(code), server or self._settings.server)

    async def _meet(self, code: Code | None, server: str) -> str:
        meeting = Meeting(code, self._id, self._settings.name, server, self._surroundings())
        self._conversations[meeting.name] = meeting
        await self._enter(meeting)
        return meeting.name

    async def meet(self, contact: str) -> str:
        """See `NodeApi.meet`."""
        found = await asyncio.to_thread(self._opened.contacts.find, contact)
        if found.state is State.BLOCKED:
            raise UsageError(f"{found.shown} is blocked", "unblock the contact to meet")
        server, name = self._settings.server, self._settings.name
        meeting = ContactMeeting(found.key, self._id, name, server, self._surroundings())
        if meeting.name not in self._conversations:
            self._conversations[meeting.name] = meeting
            await self._enter(meeting)
        return meeting.name

    async def invite(self, conversation: str) -> str:
        """See `NodeApi.invite`."""
        return self._joined(conversation).invite()

    async def leave(self, conversation: str) -> None:
        """See `NodeApi.leave`."""
        await self._joined(conversation).leave()
        del self._conversations[conversation]
        await self._doors.left(conversation)

    async def say(self, conversation: str, text: str) -> str:
        """See `NodeApi.say`."""
        return self._joined(conversation).say(text)

    async def set_live_text(self, conversation: str, text: str, typed_at: float | None = None) -> None:
        """See `NodeApi.set_live_text`."""
        self._joined(conversation).set_live_text(text, typed_at)

    async def share_live_text(self, conversation: str, shared: bool, peer: str | None = None) -> None:
        """See `NodeApi.share_live_text`."""
        self._joined(conversation).share_live_text(shared, peer)

    async def live_text_mode(self, conversation: str, mode: str) -> None:
        """See `NodeApi.live_text_mode`."""
        self._joined(conversation).live_text_mode(mode)

    async def alert(self, conversation: str) -> bool:
        """See `NodeApi.alert`."""
        return self._joined(conversation).alert()

    async def live_text_policy(self, contact: str, policy: str) -> None:
        """See `NodeApi.live_text_policy`."""
        try:
            wanted = LiveTextPolicy(policy)
        except ValueError:
            raise UsageError(f"{safe_line(policy)} is no policy", "off, ask or on, please") from None
        await self._decide(contact, lambda contacts, key: contacts.set_live_text(key, wanted))

    async def live_text_stats(self, conversation: str) -> list[LiveTextStats]:
        """See `NodeApi.live_text_stats`."""
        found = []
        for peer in self._joined(conversation).peers.values():
            measured, features = peer.text.statistics(), peer.session.their_features
            if measured.messages_sent or measured.messages_received:
                unicode = safe_line(features.ucd, WORD_CHARACTERS) if features is not None else ""
                found.append(LiveTextStats(peer.info.peer, peer.info.name, measured, unicode))
        return found

    async def commit_live_text(self, conversation: str) -> str:
        """See `NodeApi.commit_live_text`."""
        return self._joined(conversation).commit_live_text()

    async def offer(
        self, conversation: str, paths: Sequence[Path], peer: str | None = None, *, follow_links: bool = False
    ) -> list[str]:
        """See `NodeApi.offer`."""
        room = self._joined(conversation)
        receivers = [room.find(peer)] if peer is not None else room.connected()
        if not receivers:
            raise PeerUnreachable("nobody is connected to send files to", "wait until somebody is")
        source = await self._transfers.scan(paths, follow_links)
        if len(receivers) > 1:
            source.share()
        return [self._transfers.offer(receiver, source) for receiver in receivers]

    async def items(self, transfer: str, start: int, count: int) -> list[Item]:
        """See `NodeApi.items`."""
        return await self._transfers.items(transfer, start, count)

    async def inspect(self, transfer: str, output: Path | None = None) -> Landing:
        """See `NodeApi.inspect`."""
        return await self._transfers.inspect(transfer, output)

    async def accept(
        self,
        transfer: str,
        output: Path | None = None,
        if_exists: str = "rename",
        *,
        only: Sequence[str] | None = None,
        preserve: bool = False,
    ) -> None:
        """See `NodeApi.accept`."""
        await self._transfers.accept(transfer, output, if_exists, only, preserve)

    async def decline(self, transfer: str, reason: str = "") -> None:
        """See `NodeApi.decline`."""
        self._transfers.decline(transfer, reason)

    async def pause(self, transfer: str) -> None:
        """See `NodeApi.pause`."""
        self._transfers.pause(transfer)

    async def resume(self, transfer: str) -> None:
        """See `NodeApi.resume`."""
        self._transfers.resume(transfer)

    async def cancel(self, transfer: str) -> None:
        """See `NodeApi.cancel`."""
        self._transfers.cancel(transfer)

    async def discard(self, transfer: str) -> None:
        """See `NodeApi.discard`."""
        await self._transfers.discard(transfer)

    async def leftovers(self) -> list[Leftover]:
        """See `NodeApi.leftovers`."""
        return await self._transfers.leftovers()

    async def peers(self, conversation: str) -> list[PeerInfo]:
        """See `NodeApi.peers`."""
        present = self._joined(conversation).peers.values()
        return [info for peer in present for info in (peer.info, *peer.guest.participants)]

    async def transfers(self) -> list[TransferInfo]:
        """See `NodeApi.transfers`."""
        return self._transfers.infos()

    async def stats(self) -> list[PeerStats]:
        """See `NodeApi.stats`."""
        return [
            peer.stats()
            for conversation in self._conversations.values()
            for peer in conversation.peers.values()
            if peer.info.state is PeerState.CONNECTED
        ]

    async def verify(self, conversation: str, peer: str) -> None:
        """See `NodeApi.verify`."""
        found = self._joined(conversation).find(peer)
        if found.key is not None:
            await asyncio.to_thread(self._opened.verify_key, found.key, found.info.name)
            self._look_again()

    async def admit_guest(self, conversation: str, peer: str, admitted: bool) -> None:
        """See `NodeApi.admit_guest`."""
        self._joined(conversation).admit_guest(peer, admitted)

    async def contacts(self) -> list[ContactInfo]:
        """See `NodeApi.contacts`."""
        return await asyncio.to_thread(self._opened.list)

    async def rename_contact(self, contact: str, petname: str) -> None:
        """See `NodeApi.rename_contact`."""
        await self._decide(contact, lambda contacts, key: contacts.rename(key, petname))

    async def verify_contact(self, contact: str) -> None:
        """See `NodeApi.verify_contact`."""
        await self._decide(contact, Contacts.verify)

    async def forget_contact(self, contact: str) -> None:
        """See `NodeApi.forget_contact`."""
        await self._decide(contact, Contacts.forget)

    async def block_contact(self, contact: str, blocked: bool = True) -> None:
        """See `NodeApi.block_contact`."""
        await self._decide(contact, Contacts.block if blocked else Contacts.unblock)

    async def replace_contact(self, contact: str, key: str) -> None:
        """See `NodeApi.replace_contact`."""
        try:
            new_key = bytes.fromhex(key)
        except ValueError:
            new_key = b""
        if len(new_key) != KEY_BYTES:
            raise UsageError("that is no public key", f"a key has {2 * KEY_BYTES} hexadecimal digits")
        await self._decide(contact, lambda contacts, old_key: contacts.replace(old_key, new_key))

    async def auto_accept(self, contact: str, most: int) -> None:
        """See `NodeApi.auto_accept`."""
        await self._decide(contact, lambda contacts, key: contacts.set_auto_accept(key, most))

    async def _decide(self, contact: str, decision: Callable[[Contacts, bytes], None]) -> None:
        contacts = self._opened.contacts

        def carry_out() -> None:
            decision(contacts, contacts.find(contact).key)

        await asyncio.to_thread(carry_out)
        self._look_again()

    def _look_around(self, gone: frozenset[str]) -> None:
        """This machine has lost or got addresses, or has slept."""
        for conversation in self._conversations.values():
            conversation.look_around(gone)
        self._doors.look_around(gone)

    def _look_again(self) -> None:
        """Contacts have changed: so may what the connected peers are to us."""
        for conversation in self._conversations.values():
            conversation.look_again()
        self._doors.look_again()

    async def settle(self, seconds: float) -> bool:
        """See `NodeApi.settle`."""
        try:
            async with asyncio.timeout(seconds):
                while not self._settled():
                    self._activity.clear()
                    await self._activity.wait()
        except TimeoutError:
            return False
        return True

    @property
    def _opened(self) -> Gatekeeper:
        if self._gatekeeper is None:
            raise RuntimeError("start() comes first")
        return self._gatekeeper

    def _settled(self) -> bool:
        return self._transfers.settled and all(room.settled for room in self._conversations.values())

    def _joined(self, conversation: str) -> Conversation:
        try:
            return self._conversations[conversation]
        except KeyError:
            raise UsageError(f"{safe_line(conversation)} is not joined") from None


def _open_profile(settings: Settings) -> Gatekeeper:
    if settings.ephemeral:
        return Gatekeeper(fresh_identity(), Contacts(None), throwaway=True)
    profile = Profile(settings.home)
    return Gatekeeper(profile.identity(), profile.contacts(), throwaway=False)
