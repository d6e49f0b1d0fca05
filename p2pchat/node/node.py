"""The running peer: conversations, their peers, and the transfers with them."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from p2pchat.errors import PeerUnreachable, UsageError
from p2pchat.node.api import PeerStats
from p2pchat.node.conversation import Conversation
from p2pchat.node.events import Event, PeerInfo, PeerState, TransferInfo
from p2pchat.node.settings import Settings
from p2pchat.node.stream import EventStream
from p2pchat.node.transfers import Transfers
from p2pchat.protocol.limits import ROOM_CHARACTERS
from p2pchat.protocol.untrusted import safe_line
from p2pchat.rtc import ice


class Node:
    """Implements `p2pchat.node.api.NodeApi` on the running event loop; see there for what each call does.

    Raises:
        ConfigurationError: an ICE server's URL cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._configuration = ice.configuration(settings.ice, settings.relay_only)
        self._id = base64.b32encode(secrets.token_bytes(5)).decode().lower()
        self._conversations: dict[str, Conversation] = {}
        self._stream = EventStream()
        self._activity = asyncio.Event()
        self._transfers = Transfers(settings.downloads, self._tell)

    def _tell(self, event: Event) -> None:
        self._stream.tell(event)
        self._activity.set()

    def events(self) -> AsyncIterator[Event]:
        """See `NodeApi.events`."""
        return self._stream.__aiter__()

    async def start(self) -> None:
        """See `NodeApi.start`."""

    async def stop(self) -> None:
        """See `NodeApi.stop`."""
        await asyncio.gather(*(conversation.leave() for conversation in self._conversations.values()))
        await self._transfers.close()
        self._stream.end()

    async def join(self, conversation: str) -> None:
        """See `NodeApi.join`."""
        if conversation in self._conversations:
            raise UsageError(f"{conversation} is joined already")
        if not conversation or conversation != safe_line(conversation, ROOM_CHARACTERS):
            raise UsageError("the room's name cannot be used", f"1 to {ROOM_CHARACTERS} printable characters, please")
        joining = Conversation(
            conversation,
            self._id,
            our_name=self._settings.name,
            server=self._settings.server,
            configuration=self._configuration,
            tell=self._tell,
            on_transfer=self._transfers.handle,
        )
        self._conversations[conversation] = joining
        try:
            await joining.join()
        except BaseException:
            del self._conversations[conversation]
            await joining.leave()
            raise

    async def leave(self, conversation: str) -> None:
        """See `NodeApi.leave`."""
        await self._joined(conversation).leave()
        del self._conversations[conversation]

    async def say(self, conversation: str, text: str) -> str:
        """See `NodeApi.say`."""
        return self._joined(conversation).say(text)

    async def set_live_text(self, conversation: str, text: str) -> None:
        """See `NodeApi.set_live_text`."""
        self._joined(conversation).set_live_text(text)

    async def commit_live_text(self, conversation: str) -> str:
        """See `NodeApi.commit_live_text`."""
        return self._joined(conversation).commit_live_text()

    async def offer(self, conversation: str, paths: Sequence[Path], peer: str | None = None) -> list[str]:
        """See `NodeApi.offer`."""
        room = self._joined(conversation)
        receivers = [room.find(peer)] if peer is not None else room.connected()
        if not receivers:
            raise PeerUnreachable("nobody is connected to send files to", "wait until somebody is")
        return [await self._transfers.offer(receiver, conversation, paths) for receiver in receivers]

    async def accept(self, transfer: str, output: Path | None = None) -> None:
        """See `NodeApi.accept`."""
        await self._transfers.accept(transfer, output)

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

    async def peers(self, conversation: str) -> list[PeerInfo]:
        """See `NodeApi.peers`."""
        return [peer.info for peer in self._joined(conversation).peers.values()]

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

    def _settled(self) -> bool:
        return self._transfers.settled and all(room.settled for room in self._conversations.values())

    def _joined(self, conversation: str) -> Conversation:
        try:
            return self._conversations[conversation]
        except KeyError:
            raise UsageError(f"{safe_line(conversation)} is not joined") from None
