"""Two people with a one-time code: a mailbox on the server, and no more than the two of them.

    host                                        guest
      allocate a mailbox, tell the code  ...      claim it
      pairing  <──────── through the server ────────>  pairing
      answers  <──────── sealed ─────────────────────  offers

Nothing that tells an address is made before the pairing has succeeded. A wrong guess ends the code at both sides: the
guest is told, and the host gets another mailbox and another code.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence
from typing import Any

from p2pchat.errors import NoConnection
from p2pchat.node.conversation import Conversation, Surroundings
from p2pchat.node.events import CodeChanged, Problem
from p2pchat.protocol.codes import ENTROPY_BYTES, Code
from p2pchat.protocol.invite import CodeLink
from p2pchat.protocol.pairing import Failed, Paired, Pairing, Send

FAREWELL_SECONDS = 3.0
"""Time for a guest to hear that the code was wrong, before the mailbox closes."""

_HINTS = {
    "wrong-code": "ask for a new code and try again: each can be used once",
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
        self._pairings: dict[str, Pairing] = {}
        self._guest_left = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None

    async def join(self) -> None:
        """Opens a mailbox and tells its code, or goes to the one of the code that was given."""
        if self._code is None:
            await self._open("")
        else:
            self._enter(self._code)
            self._joined(await self._client.claim(self._code.mailbox))

    async def leave(self) -> None:
        """See `Conversation.leave`."""
        if self._renewing is not None:
            self._renewing.cancel()
        await super().leave()

    async def _open(self, reason: str) -> None:
        mailbox = await self._client.allocate()
        code = Code.make(mailbox, secrets.token_bytes(ENTROPY_BYTES))
        self._enter(code)
        self._joined([])
        link = str(CodeLink(self._server, code))
        self._tell(CodeChanged(self.name, str(code), link, reason, time.time()))

    def _enter(self, code: Code) -> None:
        self._code = code
        self._room = f"mailbox {code.mailbox}"

    # --- before anything else, the pairing

    def _offer_to(self, there: Sequence[str]) -> None:
        for peer_id in there:
            self._pairing(peer_id)

    def _appeared(self, peer_id: str) -> None:
        self._pairing(peer_id)

    def _gone(self, peer_id: str, reason: str) -> None:
        super()._gone(peer_id, reason)
        if not self._secret:
            self._guest_left.set()
            pairing = self._pairings.pop(peer_id, None)
            if self._hosting and pairing is not None and pairing.spent:
                self._burnt("wrong-code", "somebody used the code and left in the middle")

    def _signalled(self, sender: str, body: Any) -> None:
        if self._secret:
            super()._signalled(sender, body)
        else:
            self._pairing(sender).receive(body)
            self._advance(sender)

    def _pairing(self, peer_id: str) -> Pairing:
        pairing = self._pairings.get(peer_id)
        if pairing is None:
            assert self._code is not None
            role = "sender" if self._hosting else "receiver"
            pairing = Pairing(self._code, role, self._us, peer_id, secrets.token_bytes)  # type: ignore[arg-type]
            self._pairings[peer_id] = pairing
            pairing.start()
            self._advance(peer_id)
        return pairing

    def _advance(self, peer_id: str) -> None:
        pairing = self._pairings[peer_id]
        while (output := pairing.poll()) is not None:
            match output:
                case Send(body):
                    self._client.relay(peer_id, body)
                case Paired(secret):
                    self._secret = secret
                    if not self._hosting:
                        super()._offer_to([peer_id])
                case Failed(code, reason):
                    self._burnt(code, reason)

    def _burnt(self, code: str, reason: str) -> None:
        self._tell(Problem(code, reason, "" if self._hosting else _HINTS[code], time.time()))
        if self._hosting and self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(reason))

    async def _renew(self, reason: str) -> None:
        """Gives the mailbox up, once the guest has heard why or has left, and opens another one."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._guest_left.wait(), FAREWELL_SECONDS)
        await self._hang_up()
        self._client = self._new_client()
        self._pairings.clear()
        self._guest_left.clear()
        try:
            await self._open(reason)
        except NoConnection as error:
            self._tell(Problem(error.code, f"no new code: {error.message}", error.hint, time.time()))
        self._renewing = None
