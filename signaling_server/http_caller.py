"""Who came over HTTP: a client of the hub inside the server.

It says what any client says, and hears what any client hears: there is no second way in which anything is relayed.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from typing import Any, Final

from aiohttp import hdrs, web

from p2pchat.protocol.signaling import (
    MESSAGE_BYTES,
    VERSION,
    Error,
    ErrorCode,
    FromClient,
    FromServer,
    Hello,
    Join,
    Joined,
    Leave,
    PeerLeft,
    Ping,
    Pong,
    Relay,
    Relayed,
    Welcome,
    decode_from_server,
    encode,
)
from signaling_server.buckets import Bucket
from signaling_server.sockets import Signaling
from signaling_server.sources import Source

LATE_SECONDS: Final = 1.0
"""How long more is waited for after an answer: what a peer needs to hear of its STUN and TURN servers."""

_AGENT: Final = "http"
_SMALLEST: Final = "2"
"""First character of the peer ids given here: the smaller id's offer wins when two offers cross."""

_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
_BUSY: Final = {"kind": "refuse", "reason": "it has come over HTTP, to talk with one peer"}

_STATUS: Final[dict[str, type[web.HTTPException]]] = {
    ErrorCode.UNAUTHORIZED: web.HTTPUnauthorized,
    ErrorCode.RATE_LIMITED: web.HTTPTooManyRequests,
    ErrorCode.TOO_MANY_SOCKETS: web.HTTPTooManyRequests,
    ErrorCode.ROOM_FULL: web.HTTPConflict,
    ErrorCode.MALFORMED: web.HTTPBadRequest,
    ErrorCode.NO_SUCH_PEER: web.HTTPNotFound,
}
"""What the server's refusals are over HTTP; all others: 503."""


class Caller:
    """A seat in a room, and what is said from it.

    Args:
        signaling: the server.
        source: where the request came from.
    """

    def __init__(self, signaling: Signaling, source: Source) -> None:
        self.peer = _SMALLEST + "".join(secrets.choice(_BASE32) for _ in range(7))
        self._signaling = signaling
        self._heard: asyncio.Queue[FromServer] = asyncio.Queue()
        self._partner: str | None = None
        """Whom it has asked something, while it waits for the answer."""
        self._on_end: Callable[[], object] = lambda: None
        self._expiry: asyncio.TimerHandle | None = None
        self._gone = False
        limits, now = signaling.limits, asyncio.get_running_loop().time()
        # Half of what a socket may say: whoever offers without end must not use up what the caller itself has to say.
        self._refusals = Bucket(limits.messages_per_second / 2, max(1.0, limits.message_burst / 2), now)
        self._socket = signaling.open(self, source)

    # What the server does with a socket

    def put(self, data: bytes) -> bool:
        """Takes a message of the server."""
        message = decode_from_server(data)
        match message:
            case Ping(n=number):
                self._soon(Pong(number))
            case Relayed(sender=sender, body=body) if sender != self._partner:
                is_offer = isinstance(body, dict) and body.get("kind") == "offer"
                if is_offer and self._refusals.take(asyncio.get_running_loop().time()):
                    self._soon(Relay(sender, _BUSY | {"generation": body.get("generation")}))
            case PeerLeft(peer=peer) if peer != self._partner:
                pass
            case Relayed() | Welcome() | Joined() | Error() | PeerLeft():
                self._heard.put_nowait(message)
        return self._heard.qsize() < self._signaling.limits.outgoing_messages

    def end(self, code: ErrorCode, reason: str) -> None:
        """The server has closed the socket."""
        self._heard.put_nowait(Error(code, reason))
        asyncio.get_running_loop().call_soon(self._on_end)

    def drop(self, code: ErrorCode, reason: str) -> None:
        """The same, at once."""
        self.end(code, reason)

    # What the caller does

    async def join(self, room: str) -> list[str]:
        """Takes a seat, and returns who is there, those who have been there longest first.

        Raises:
            HTTPException: there is no seat; the status says why.
        """
        self._say(Hello(VERSION, self.peer, secrets.token_hex(16), _AGENT))
        self._say(Join(room))
        joined = await self._next(Joined)
        return [peer for peer in joined.peers if peer not in joined.away]

    async def ask(self, peer: str, body: Any, is_last: Callable[[Any], bool]) -> list[Any]:
        """Relays something to a peer, and returns what the peer relays then.

        Args:
            peer: to whom.
            body: what.
            is_last: whether nothing more is to be expected after this answer. Otherwise what follows within
                `LATE_SECONDS` is waited for: over HTTP nothing can follow an answer.

        Raises:
            HTTPException: it cannot be relayed, the peer has left, or another answer is waited for.
        """
        if self._partner is not None:
            raise web.HTTPConflict(text="an answer is waited for already\n")
        self._partner = peer
        try:
            self._heard = asyncio.Queue()  # what was refused since is no answer to this
            self._say(Relay(peer, body))
            answers = [(await self._next(Relayed)).body]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LATE_SECONDS):
                    while not is_last(answers[-1]):
                        answers.append((await self._next(Relayed)).body)
            return answers
        finally:
            self._partner = None

    def keep(self, seconds: float, on_end: Callable[[], object]) -> None:
        """Keeps the seat for a while; `on_end` is called when the time is over, or the server has ended it."""
        self._on_end = on_end
        self._expiry = asyncio.get_running_loop().call_later(seconds, on_end)

    def leave(self) -> None:
        """Gives the seat up. Does no harm twice."""
        if self._gone:
            return
        self._gone = True
        if self._expiry is not None:
            self._expiry.cancel()
        self._say(Leave())
        self._signaling.close(self._socket)
        self._signaling.forget(self._socket)

    async def _next(self, wanted: type[Any]) -> Any:
        """Waits for a message of this kind; the partner's leaving and every refusal end it."""
        while True:
            message = await self._heard.get()
            match message:
                case Error(code=code, message=text, retry_after=wait):
                    raise _refusal(code, text, wait)
                case PeerLeft():
                    raise web.HTTPNotFound(text="the peer has left\n")
            if isinstance(message, wanted):
                return message

    def _say(self, message: FromClient) -> None:
        self._signaling.received(self._socket, encode(message))

    def _soon(self, message: FromClient) -> None:
        """Says something in a turn of its own: the server is busy telling us something."""
        asyncio.get_running_loop().call_soon(self._say, message)


def _refusal(code: str, message: str, retry_after: float | None) -> web.HTTPException:
    headers = {} if retry_after is None else {hdrs.RETRY_AFTER: f"{max(1.0, retry_after):.0f}"}
    if code == ErrorCode.UNAUTHORIZED:
        headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    if code == ErrorCode.TOO_LARGE:
        return web.HTTPRequestEntityTooLarge(MESSAGE_BYTES, text=f"{message}\n")
    return _STATUS.get(code, web.HTTPServiceUnavailable)(text=f"{message}\n", headers=headers)
