"""Two people who meet: with a one-time code, or as contacts who know each other's key.

With a code they have a mailbox on the server, and no more than the two of them are in it:

    host                                        guest
      allocate a mailbox, tell the code  ...      claim it
      pairing  <──────── through the server ────────>  pairing
      answers  <──────── sealed ─────────────────────  offers

Nothing that tells an address is made before the pairing has succeeded. A wrong guess ends the code at both sides: the
guest is told, and the host gets another mailbox and another code.

Contacts need none of that: their keys give them a room with a secret (`p2pchat.protocol.contact_room`).
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence
from typing import Any

from p2pchat.errors import NoConnection, UsageError
from p2pchat.node.conversation import Conversation
from p2pchat.node.events import CodeChanged, Problem
from p2pchat.node.gatekeeper import Admitted, Stopped
from p2pchat.node.peer import Peer
from p2pchat.node.seals import Seals
from p2pchat.node.surroundings import Surroundings
from p2pchat.protocol.codes import ENTROPY_BYTES, Code
from p2pchat.protocol.contact_room import contact_room
from p2pchat.protocol.identity import key_tag
from p2pchat.protocol.introduction import Greeted
from p2pchat.protocol.invite import CodeLink
from p2pchat.protocol.pairing import Failed, Paired, Pairing, Send
from p2pchat.signaling.client import SignalingClient

FAREWELL_SECONDS = 3.0
"""Time for a guest to hear that the code was wrong, before the mailbox closes."""

PAIRING_SECONDS = 20.0
"""Time for a pairing, once both are in the mailbox: three messages through the server, and 10 ms of arithmetic."""

HINTS = {
    "wrong-code": "ask for a new code and try again: each can be used once",
    "timed-out": "ask if the other side is still there, and for a new code",
    "peer-left": "ask for a new code",
    "mailbox-expired": "ask for a new code",
    "version": "both sides need a p2pchat of the same generation",
    "protocol": "ask for a new code and try again",
}


class Meeting(Conversation):
    """A conversation of two who have the same code.

    Args:
        code: what the other person said; None to host the meeting and make a code.
        us: our peer id.
        our_name: what we call ourselves.
        server: the server's URL.
        surroundings: what the conversations of this node share.
    """

    def __init__(self, code: Code | None, us: str, our_name: str, server: str, surroundings: Surroundings) -> None:
        super().__init__(f"code-{secrets.token_hex(4)}", us, our_name, server, surroundings)
        self._code = code
        self._hosting = code is None
        self._partner = ""
        """The one other side that may try this code."""
        self._pairing: Pairing | None = None
        self._over = False
        """Whether the code has been used up without success."""
        self._silence: asyncio.TimerHandle | None = None
        self._guest_left = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None

    def _new_client(self) -> SignalingClient:
        self._mailboxes = self._surroundings.seats.at_server(self._server)
        return self._mailboxes

    async def join(self) -> None:
        """Opens a mailbox and tells its code, or goes to the one of the code that was given."""
        if self._code is None:
            await self._open("")
        else:
            self._enter(self._code)
            self._joined(await self._mailboxes.claim(self._code.mailbox))

    async def leave(self) -> None:
        """See `Conversation.leave`."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})
        if self._silence is not None:
            self._silence.cancel()
        await super().leave()

    async def _open(self, reason: str) -> None:
        mailbox = await self._mailboxes.allocate()
        code = Code.make(mailbox, secrets.token_bytes(ENTROPY_BYTES))
        self._enter(code)
        self._joined([])
        link = str(CodeLink(self._server, code))
        self._tell(CodeChanged(self.name, str(code), link, reason, time.time()))

    def _enter(self, code: Code) -> None:
        self._code = code
        self._room = f"mailbox {code.mailbox}"

    # --- before anything else, the pairing; with one other side at a time, because each gets a guess

    def _offer_to(self, there: Sequence[str]) -> None:
        if self._secret:
            super()._offer_to([peer_id for peer_id in there if peer_id == self._partner])
            return
        for peer_id in there:
            self._appeared(peer_id)

    def _appeared(self, peer_id: str) -> None:
        if self._secret:
            if peer_id == self._partner:
                super()._appeared(peer_id)
        elif self._pairing is None and self._code is not None:
            self._partner = peer_id
            self._pairing = self._new_pairing(self._code, peer_id)
            self._silence = asyncio.get_running_loop().call_later(PAIRING_SECONDS, self._silent)
            self._pairing.start()
            self._advance()

    def _new_pairing(self, code: Code, peer_id: str) -> Pairing:
        return Pairing(code, "sender" if self._hosting else "receiver", self._us, peer_id, secrets.token_bytes)

    def _signalled(self, sender: str, body: Any) -> None:
        if sender != self._partner:
            return
        if self._secret:
            super()._signalled(sender, body)
        elif self._pairing is not None:
            self._pairing.receive(body)
            self._advance()

    def _gone(self, peer_id: str, reason: str) -> None:
        super()._gone(peer_id, reason)
        if self._secret or peer_id != self._partner or self._pairing is None:
            return
        self._guest_left.set()
        if self._pairing.spent:
            self._burnt("wrong-code", "the other side left in the middle: it may have been somebody who guessed")
        elif self._hosting:
            self._forget_pairing()
        else:
            self._burnt("peer-left", "the other side left")

    def _advance(self) -> None:
        while self._pairing is not None and (output := self._pairing.poll()) is not None:
            match output:
                case Send(body):
                    self._client.relay(self._partner, body)
                case Paired(secret):
                    self._secret, self._seals = secret, Seals(secret, self._room, self._us)
                    self._forget_pairing(keep_partner=True)
                    if self._hosting:
                        super()._appeared(self._partner)
                    else:
                        super()._offer_to([self._partner])
                case Failed(code, reason):
                    self._burnt(code, reason)

    def _silent(self) -> None:
        self._burnt("timed-out", f"the other side said nothing for {PAIRING_SECONDS:.0f} s")

    def _forget_pairing(self, keep_partner: bool = False) -> None:
        if self._silence is not None:
            self._silence.cancel()
        self._pairing = None
        if not keep_partner:
            self._partner = ""

    # --- when the code is of no use any more

    def _refused(self, code: str, message: str) -> None:
        if code not in ("mailbox-expired", "no-such-mailbox"):
            super()._refused(code, message)
        elif not self._secret:
            self._burnt("mailbox-expired", message)

    def _burnt(self, code: str, reason: str) -> None:
        if self._over:
            return
        self._over = True
        if self._silence is not None:
            self._silence.cancel()
        self._tell(Problem(code, reason, "" if self._hosting else HINTS[code], time.time()))
        if self._hosting:
            self._renewing = asyncio.create_task(self._renew(reason))

    async def _renew(self, reason: str) -> None:
        """Gives the mailbox up, once the guest has heard why or has left, and opens another one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._guest_left.wait()
        await self._hang_up()
        self._client = self._new_client()
        self._forget_pairing()
        self._guest_left.clear()
        self._over = False
        try:
            await self._open(reason)
        except NoConnection as error:
            self._tell(Problem(error.code, f"no new code: {error.message}", error.hint, time.time()))


class ContactMeeting(Conversation):
    """A conversation with one contact, in the room that nobody but the two can find.

    Args:
        key: the contact's public key.
        us: our peer id.
        our_name: what we call ourselves.
        server: the server's URL.
        surroundings: what the conversations of this node share.

    Raises:
        IdentityError: the key is our own, or damaged.
    """

    def __init__(self, key: bytes, us: str, our_name: str, server: str, surroundings: Surroundings) -> None:
        room = contact_room(surroundings.gatekeeper.identity, key)
        super().__init__(f"with-{key_tag(key)}", us, our_name, server, surroundings, room.secret)
        self._room = room.name
        self._seals = Seals(room.secret, room.name, us)
        self._key = key

    def invite(self) -> str:
        """Nobody else can be invited.

        Raises:
            UsageError: always.
        """
        raise UsageError("nobody else can come to a meeting with a contact", "choose a room for more than two")

    def _judge(self, peer: Peer, greeted: Greeted) -> Admitted | Stopped:
        if greeted.key == self._key:
            return super()._judge(peer, greeted)
        told = "somebody else is waited for here"
        if greeted.key == self._gatekeeper.identity.public:  # such as our own chat, whose door this is
            return Stopped("not-the-contact", "another p2pchat of yours is there for this contact, too", "", told, True)
        return Stopped("not-the-contact", "somebody else than the contact came", "", told)
