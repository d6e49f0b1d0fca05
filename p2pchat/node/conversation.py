"""A room that was joined: the seat on the server, the peers in it, and what is said to all of them.

Established links do not care whether the server is there. While it is away, nobody new can come; when it is back, the
seat is taken again and everybody who is not connected is offered a link.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence, Set
from typing import Any

from p2pchat.errors import PeerUnreachable, UsageError
from p2pchat.node.events import LiveTextChanged, MessageSent, PeerState, Problem, Ready, ServerChanged
from p2pchat.node.gatekeeper import Admitted, Stopped
from p2pchat.node.live_sharing import LiveSharing
from p2pchat.node.naming import free_tag, one_of
from p2pchat.node.peer import Peer
from p2pchat.node.peers import earlier_self, is_ourselves, to_forget
from p2pchat.node.said import encodable, new_message
from p2pchat.node.seals import Seals
from p2pchat.node.seats import AGENT
from p2pchat.node.surroundings import Surroundings
from p2pchat.protocol import frames, limits
from p2pchat.protocol.handshake import Handshake
from p2pchat.protocol.identity import key_tag
from p2pchat.protocol.introduction import Greeted
from p2pchat.protocol.invite import Invite
from p2pchat.protocol.room_secret import room_id
from p2pchat.protocol.rtt.direction import Mode
from p2pchat.protocol.sealing import SealError
from p2pchat.protocol.untrusted import safe_line, safe_text
from p2pchat.rtc.ice import Configuration, with_servers
from p2pchat.rtc.link_events import Opened
from p2pchat.signaling.events import (
    Offline,
    Online,
    PeerAway,
    PeerBack,
    PeerFound,
    PeerJoined,
    PeerLeft,
    Refused,
    Relayed,
)
from p2pchat.signaling.seat import Seat

logger = logging.getLogger(__name__)

FORGED = "somebody without the secret, or the server, tried to reach you in the name of a member"
FORGED_HINT = "nothing was answered; if a member cannot get in, pass the invite on again"


class Conversation:
    """One room.

    Args:
        name: the room's name, at this server.
        us: our peer id.
        our_name: what we call ourselves.
        server: the server's URL; empty for the local network alone.
        surroundings: what the conversations of this node share.
        secret: what only the members of the room know; empty when there is none.

    Raises:
        ConfigurationError: `server` is no address of a server.
    """

    def __init__(
        self, name: str, us: str, our_name: str, server: str, surroundings: Surroundings, secret: bytes = b""
    ) -> None:
        self.name = name
        self.peers: dict[str, Peer] = {}
        """Everybody who is or was here, by seat."""
        self._us = us
        self._our_name = our_name
        self._server = server
        self._secret = secret
        self._room = room_id(name, secret) if secret else name
        """The room's name as the server sees it."""
        self._surroundings = surroundings
        self._gatekeeper = surroundings.gatekeeper
        self._tell = surroundings.tell
        self._seals = Seals(secret, self._room, us)
        self._hello = frames.Hello(
            [limits.PROTOCOL_VERSION],
            our_name,
            AGENT,
            surroundings.features,
            throwaway=self._gatekeeper.throwaway,
        )
        self._client = self._new_client()
        self._listening: asyncio.Task[None] | None = None
        self._live = LiveSharing(name, self._gatekeeper.live_text, self._tell)
        self._held: list[frames.Message] = []
        """Said while nobody was there: for the first who comes."""

    def _new_client(self) -> Seat:
        return self._surroundings.seats.in_room(self._server)

    async def join(self) -> None:
        """Takes the seat and offers a link to everybody who is there; see `NodeApi.join` for what is raised."""
        self._joined(await self._client.connect(self._room))

    def _joined(self, there: Sequence[str]) -> None:
        self._tell(Ready(self.name, self._our_name, self._gatekeeper.identity.tag, self._server, time.time()))
        self._offer_to(there)
        self._listening = asyncio.create_task(self._listen())

    async def leave(self) -> None:
        """Says goodbye to every peer and gives the seat up; bounded by a few seconds."""
        await asyncio.gather(*(peer.close() for peer in self.peers.values()))
        await self._hang_up()

    async def _hang_up(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
        await self._client.close()

    def invite(self) -> str:
        """Returns the link that lets somebody in.

        Raises:
            UsageError: the room has no secret.
        """
        if not self._secret:
            raise UsageError("this room has no secret", "join it with --new-secret, and everybody else by its invite")
        return str(Invite(self._server, self.name, self._secret))

    # --- what is said

    def say(self, text: str) -> str:
        """Sends a message to everybody who is present, or holds it for the first who comes; returns its id."""
        message = self._message(text)
        present = self._present()
        for peer in present:
            peer.text.say(message)
        if not present:
            self._held.append(message)
        self._tell(MessageSent(self.name, message.id, safe_text(message.text), time.time()))
        return message.id

    def set_live_text(self, text: str, typed_at: float | None = None) -> None:
        """Our live line reads this now, for everybody; see `NodeApi.set_live_text`."""
        self._live.set_line(encodable(text)[: limits.LIVE_LINE_CHARACTERS], typed_at, self.peers.values())

    def commit_live_text(self) -> str:
        """Finishes our live line; returns the id of the message that it became, empty when there was no text."""
        text = self._live.line
        if not text.strip():
            self.set_live_text("")
            return ""
        message = self._message(text)
        self._live.line = ""
        present = self._present()
        for peer in present:
            peer.text.commit_live_text(message)
        if not present:
            self._held.append(message)
        self._tell(MessageSent(self.name, message.id, safe_text(text), time.time()))
        return message.id

    def share_live_text(self, shared: bool, wanted: str | None) -> None:
        """See `NodeApi.share_live_text`.

        Raises:
            PeerUnreachable: nobody, or more than one, is `wanted`.
        """
        if wanted is None:
            self._live.share(shared, self.peers.values())
        else:
            self._live.share_with(one_of([peer for peer in self.peers.values() if peer.known_here], wanted), shared)

    def live_text_mode(self, mode: str) -> None:
        """See `NodeApi.live_text_mode`."""
        try:
            self._live.set_mode(Mode(mode), self.peers.values())
        except ValueError:
            raise UsageError(f"{safe_line(mode)} is no mode of live text", "live, hold or off, please") from None

    def alert(self) -> bool:
        """See `NodeApi.alert`."""
        return self._live.alert(self.peers.values())

    def admit_guest(self, wanted: str, admitted: bool) -> None:
        """See `NodeApi.admit_guest`."""
        for peer in self.peers.values():
            if peer.guest.asking and peer.info.peer == wanted:
                if admitted:
                    self._live.admitted_guest(peer)
                peer.answer_guest(admitted)
                return
        raise PeerUnreachable("nobody asks to be admitted under this name", "see who is there")

    def taken(self, event: LiveTextChanged) -> None:
        """The front end has taken an event of this conversation."""
        for peer in self.peers.values():
            if peer.text.taken(event):
                peer.drain()

    @property
    def settled(self) -> bool:
        """Whether everything that was said has been confirmed by those who still can."""
        return not self._held and all(peer.settled for peer in self.peers.values())

    def find(self, wanted: str) -> Peer:
        """Returns the peer that can be sent files now and is meant; see `naming.one_of` for what is raised."""
        return one_of(self.connected(), wanted)

    def connected(self) -> list[Peer]:
        """Returns the peers that can be sent files now."""
        return [peer for peer in self.peers.values() if peer.connected and not peer.guest.here]

    def _present(self) -> list[Peer]:
        return [
            peer
            for peer in self.peers.values()
            if peer.info.state not in (PeerState.LEFT, PeerState.FAILED)
            and (peer.present or peer.connected)
            and not peer.guest.asking
        ]

    def _message(self, text: str) -> frames.Message:
        message = new_message(text)
        if all(peer.session.outbox_full for peer in self._present()) and self._present():
            raise PeerUnreachable("too many messages wait to be delivered", "wait until the peer is back")
        return message

    # --- who is there

    async def _listen(self) -> None:
        async for event in self._client.events():
            match event:
                case PeerJoined(peer_id):
                    self._appeared(peer_id)
                case PeerFound(peer_id):
                    self._offer_to([peer_id])
                case PeerLeft(peer_id, "lost"):
                    self._gone(peer_id, "it was lost, and did not come back in time")
                case PeerLeft(peer_id):
                    self._gone(peer_id, "left the room")
                case Relayed(sender, body):
                    self._signalled(sender, body)
                case Offline(reason):
                    self._tell(ServerChanged(self.name, False, reason, time.time()))
                case PeerAway(peer_id) | PeerBack(peer_id) if peer_id in self.peers:
                    self.peers[peer_id].heard_by_server(isinstance(event, PeerBack))
                case Online(peers, away):
                    self._tell(ServerChanged(self.name, True, "", time.time()))
                    self._server_is_back(peers, away)
                case Refused(code, message):
                    self._refused(code, message)

    def _appeared(self, peer_id: str) -> None:
        """Somebody took a seat, and will offer us a link."""
        self._peer(peer_id).joined()

    def _gone(self, peer_id: str, reason: str) -> None:
        """Somebody's seat is free."""
        if peer_id in self.peers and self.peers[peer_id].gone(reason):
            del self.peers[peer_id]
            self._seals.forget(peer_id)

    def _refused(self, code: str, message: str) -> None:
        # A peer that has just left can no longer be signalled to; its seat's end is told on its own.
        if code != "no-such-peer":
            self._tell(Problem(f"server-{code}", message, "", time.time()))

    def _server_is_back(self, there: Sequence[str], away: Sequence[str]) -> None:
        for peer_id, peer in list(self.peers.items()):
            peer.away = peer_id in away
            if peer_id not in there and peer.present:
                self._gone(peer_id, "left the room")
        self._offer_to(there)

    def _offer_to(self, there: Sequence[str]) -> None:
        for peer_id in there:
            peer = self._peer(peer_id)
            peer.present = True
            peer.connect()

    def _peer(self, peer_id: str) -> Peer:
        peer = self.peers.get(peer_id)
        if peer is None:
            for seat in to_forget(self.peers):
                del self.peers[seat]
                self._seals.forget(seat)
            peer = Peer(
                self.name,
                self._us,
                peer_id,
                hello=self._hello,
                configuration=self._link_configuration,
                relay=lambda body: self._client.relay(peer_id, self._seals.seal(peer_id, body)),
                report=lambda outcome, seconds: self._client.report(outcome, seconds),
                unreached=lambda: self._client.unreached(peer_id),
                handshake=self._handshake,
                judge=self._judge,
                tell=self._tell,
                on_transfer=self._surroundings.on_transfer,
                on_admitted=self._admitted,
                guests=None if self._secret else self._gatekeeper.knows_name,
            )
            self.peers[peer_id] = peer
            self._live.apply([peer])
        return peer

    def _link_configuration(self) -> Configuration:
        return with_servers(self._surroundings.configuration, self._client.ice_servers)

    def look_around(self, gone: Set[str]) -> None:
        """This machine has lost or got addresses, or has slept: are the server and the peers still there?"""
        self._client.hurry(gone)
        for peer in self.peers.values():
            peer.way.look(bool(gone))

    def _signalled(self, sender: str, body: Any) -> None:
        try:
            body = self._seals.open(sender, body)
        except SealError as error:
            logger.debug("%s", error)
            self._tell(Problem("forged-signal", FORGED, FORGED_HINT, time.time()))
        else:
            self._peer(sender).signal(body)

    # --- who they are

    def _handshake(self, link: Opened) -> Handshake:
        return Handshake(
            self._gatekeeper.identity,
            role="offer" if link.offered else "answer",
            room=self._room,
            our_fingerprint=link.our_fingerprint,
            their_fingerprint=link.their_fingerprint,
            nonce=secrets.token_bytes(limits.NONCE_BYTES),
            secret=self._secret,
        )

    def _judge(self, peer: Peer, greeted: Greeted) -> Admitted | Stopped:
        if peer.key not in (None, greeted.key):
            return Stopped(
                "changed-key",
                f"{peer.info.name} came back with another key, {key_tag(greeted.key)}",
                "somebody may have taken the place; ask over another channel",
                "your key is another one than before",
            )
        if is_ourselves(self.peers, peer):
            return Stopped(
                "reflected",
                "the server connected this program to itself",
                "nobody else was reached; use another server",
                "this is the same program",
            )
        verdict = self._gatekeeper.judge(greeted)
        if isinstance(verdict, Admitted):
            peer.key = greeted.key
            earlier = earlier_self(self.peers, peer)
            if earlier is not None:
                del self.peers[earlier.seat]
                peer.session.continue_from(earlier.session)
            peer.is_now(earlier.info.peer if earlier is not None else self._free_tag(peer, greeted.key))
            self._live.apply([peer])
        return verdict

    def look_again(self) -> None:
        """The contacts have changed: what is each connected peer to us now? Who was refused may be welcome."""
        for peer in list(self.peers.values()):
            if peer.refused and peer.present:
                peer.connect()
            elif peer.connected and peer.key is not None:
                match self._gatekeeper.standing(peer.key, peer.info.name):
                    case Admitted(trust, name):
                        peer.trusted(trust, name)
                        self._live.apply([peer])
                    case Stopped() as stopped:
                        peer.stop_talking(stopped)
                        peer.drain()

    def _free_tag(self, peer: Peer, key: bytes) -> str:
        others = [other.info.peer for other in self.peers.values() if other is not peer]
        return free_tag(key_tag(key), peer.info.peer, {self._gatekeeper.identity.tag, *others})

    def _admitted(self, peer: Peer) -> None:
        if not peer.guest.here:
            self._surroundings.on_admitted(peer)
        held, self._held = self._held, []
        for message in held:
            peer.text.say(message)
        self._live.admitted(peer)
