"""A room that was joined: the seat on the server, the peers in it, and what is said to all of them.

Established links do not care whether the server is there. While it is away, nobody new can come; when it is back, the
seat is taken again and everybody who is not connected is offered a link.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from p2pchat import __version__
from p2pchat.errors import PeerUnreachable, UsageError
from p2pchat.node.events import Event, MessageSent, PeerState, Problem, Ready, ServerChanged
from p2pchat.node.peer import Peer
from p2pchat.protocol import frames, limits
from p2pchat.protocol.transfer.exchange import TransferOutput
from p2pchat.protocol.untrusted import safe_text
from p2pchat.rtc.ice import Configuration
from p2pchat.signaling.client import SignalingClient
from p2pchat.signaling.events import Offline, Online, PeerJoined, PeerLeft, Refused, Relayed

AGENT = f"p2pchat/{__version__}"

MESSAGE_ID_BYTES = 8
"""Random bytes of a message id: alike once in 2**64 pairs, and only within one peer's memory does it matter."""


class Conversation:
    """One room.

    Args:
        name: the room's name, at this server.
        us: our peer id.
        our_name: what we call ourselves.
        server: the server's URL.
        configuration: how links are made.
        tell: takes events for the front end.
        on_transfer: takes what the transfers with a peer ask for and tell.
    """

    def __init__(
        self,
        name: str,
        us: str,
        *,
        our_name: str,
        server: str,
        configuration: Configuration,
        tell: Callable[[Event], None],
        on_transfer: Callable[[Peer, TransferOutput], None],
    ) -> None:
        self.name = name
        self.peers: dict[str, Peer] = {}
        """Everybody who is or was here, by id."""
        self._us = us
        self._our_name = our_name
        self._server = server
        self._configuration = configuration
        self._tell = tell
        self._on_transfer = on_transfer
        self._hello = frames.Hello(
            [limits.PROTOCOL_VERSION], our_name, AGENT, frames.LiveTextFeatures(cps=limits.CPS_ADVERTISED)
        )
        self._client = SignalingClient(server, us, secrets.token_urlsafe(24), AGENT)
        self._listening: asyncio.Task[None] | None = None
        self._live_text = ""
        self._held: list[frames.Message] = []
        """Said while nobody was there: for the first who comes."""

    async def join(self) -> None:
        """Takes the seat and offers a link to everybody who is there; see `NodeApi.join` for what is raised."""
        peers = await self._client.connect(self.name)
        self._tell(Ready(self.name, self._our_name, self._us, self._server, time.time()))
        self._offer_to(peers)
        self._listening = asyncio.create_task(self._listen())

    async def leave(self) -> None:
        """Says goodbye to every peer and gives the seat up; bounded by a few seconds."""
        await asyncio.gather(*(peer.close() for peer in self.peers.values()))
        if self._listening is not None:
            self._listening.cancel()
        await self._client.close()

    # --- what is said

    def say(self, text: str) -> str:
        """Sends a message to everybody who is present, or holds it for the first who comes; returns its id."""
        message = self._message(text)
        present = self._present()
        for peer in present:
            peer.say(message)
        if not present:
            self._held.append(message)
        self._tell(MessageSent(self.name, message.id, safe_text(message.text), time.time()))
        return message.id

    def set_live_text(self, text: str) -> None:
        """Our live line reads this now, for everybody."""
        self._live_text = _encodable(text)[: limits.LIVE_LINE_CHARACTERS]
        for peer in self.peers.values():
            peer.set_live_text(self._live_text)

    def commit_live_text(self) -> str:
        """Finishes our live line; returns the id of the message that it became, empty when there was no text."""
        text, self._live_text = self._live_text, ""
        if not text.strip():
            self.set_live_text("")
            return ""
        message = self._message(text)
        present = self._present()
        for peer in present:
            peer.commit_live_text(message)
        if not present:
            self._held.append(message)
        self._tell(MessageSent(self.name, message.id, safe_text(text), time.time()))
        return message.id

    @property
    def settled(self) -> bool:
        """Whether everything that was said has been confirmed by those who still can."""
        return not self._held and all(peer.settled for peer in self.peers.values())

    def find(self, wanted: str) -> Peer:
        """Returns the connected peer with this tag, unique beginning of a tag, or unique name.

        Raises:
            PeerUnreachable: nobody, or more than one, is meant.
        """
        connected = [peer for peer in self.peers.values() if peer.info.state is PeerState.CONNECTED]
        found = [peer for peer in connected if peer.id.startswith(wanted) or peer.info.name == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise PeerUnreachable("several peers are meant", "name one by its key tag")
        raise PeerUnreachable("no such peer is connected", "see who is there, and name one by name or key tag")

    def connected(self) -> list[Peer]:
        """Returns the peers that can be sent files now."""
        return [peer for peer in self.peers.values() if peer.info.state is PeerState.CONNECTED]

    def _present(self) -> list[Peer]:
        return [
            peer
            for peer in self.peers.values()
            if peer.info.state not in (PeerState.LEFT, PeerState.FAILED)
            and (peer.present or peer.info.state is PeerState.CONNECTED)
        ]

    def _message(self, text: str) -> frames.Message:
        text = _encodable(text)
        if not text.strip():
            raise UsageError("an empty message was not sent")
        if len(text) > limits.MESSAGE_CHARACTERS:
            raise UsageError(
                f"the message has {len(text)} characters, and {limits.MESSAGE_CHARACTERS} are the most",
                "send the text as a file",
            )
        if all(peer.session.outbox_full for peer in self._present()) and self._present():
            raise PeerUnreachable("too many messages wait to be delivered", "wait until the peer is back")
        return frames.Message(secrets.token_hex(MESSAGE_ID_BYTES), text, time.time())

    # --- who is there

    async def _listen(self) -> None:
        async for event in self._client.events():
            match event:
                case PeerJoined(peer_id):
                    self._peer(peer_id).joined()
                case PeerLeft(peer_id) if peer_id in self.peers:
                    self.peers[peer_id].gone("left the room")
                case Relayed(sender, body):
                    self._peer(sender).signal(body)
                case Offline(reason):
                    self._tell(ServerChanged(self.name, False, reason, time.time()))
                case Online(peers):
                    self._tell(ServerChanged(self.name, True, "", time.time()))
                    self._server_is_back(peers)
                case Refused(code, message):
                    self._refused(code, message)

    def _refused(self, code: str, message: str) -> None:
        # A peer that has just left can no longer be signalled to; its seat's end is told on its own.
        if code != "no-such-peer":
            self._tell(Problem(f"server-{code}", message, "", time.time()))

    def _server_is_back(self, there: Sequence[str]) -> None:
        for peer_id, peer in self.peers.items():
            if peer_id not in there and peer.present:
                peer.gone("left the room")
        self._offer_to(there)

    def _offer_to(self, there: Sequence[str]) -> None:
        for peer_id in there:
            peer = self._peer(peer_id)
            peer.present = True
            if peer.info.state is not PeerState.CONNECTED:
                peer.connect()

    def _peer(self, peer_id: str) -> Peer:
        peer = self.peers.get(peer_id)
        if peer is None:
            peer = Peer(
                self.name,
                self._us,
                peer_id,
                hello=self._hello,
                configuration=self._configuration,
                relay=lambda body: self._relay(peer_id, body),
                tell=self._tell,
                on_transfer=self._on_transfer,
                on_greeted=self._greeted,
            )
            self.peers[peer_id] = peer
        return peer

    def _relay(self, peer_id: str, body: Any) -> None:
        self._client.relay(peer_id, body)

    def _greeted(self, peer: Peer) -> None:
        held, self._held = self._held, []
        for message in held:
            peer.say(message)
        if self._live_text:
            peer.set_live_text(self._live_text)


def _encodable(text: str) -> str:
    """Replaces lone surrogates (bytes of a terminal or a file name that were no UTF-8), which no peer can be sent."""
    return text.encode("utf-8", "replace").decode("utf-8")
