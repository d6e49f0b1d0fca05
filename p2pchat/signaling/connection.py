"""One WebSocket to a signaling server, from the first byte to the last. The only importer of the aiohttp client."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import aiohttp

from p2pchat.errors import ServerUnreachable
from p2pchat.protocol.signaling import (
    MESSAGE_BYTES,
    Allocate,
    Allocated,
    Claim,
    Error,
    ErrorCode,
    FromClient,
    FromServer,
    Hello,
    Join,
    Joined,
    Leave,
    Malformed,
    Ping,
    Pong,
    Welcome,
    decode_from_server,
    encode,
)
from p2pchat.signaling.refusals import closing_reason, refusal

OPEN_SECONDS: Final = 8.0
"""Time from the first packet to the seat. Two lost SYN packets cost 3 s (RFC 6298 §2); longer is no server."""

CLOSE_SECONDS: Final = 1.5
"""Time for saying goodbye; a server that does not answer is left without."""

HEARTBEAT_SECONDS: Final = 10.0
"""Silence after which the server is pinged; without an answer within half of it, it is lost."""

BAD_MESSAGES: Final = 10
"""Messages that break the protocol before the server is given up as something else, or as lying."""

_READ_BYTES: Final = 2 * MESSAGE_BYTES
"""Longest message that is read to its end; one beyond `MESSAGE_BYTES` counts as bad, a longer one ends it."""

_HINT: Final = "check the address and that p2pchat-server runs there"


SeatRequest: TypeAlias = Join | Allocate | Claim
"""What asks a server for a seat."""


class Lost(Exception):
    """The connection is over.

    Args:
        reason: a few words for people.
        code: why the server ended it, when it did and said so.
        retry_after: seconds the server asked to wait, or None.
    """

    def __init__(self, reason: str, code: ErrorCode | None = None, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.retry_after = retry_after


class Connection:
    """A WebSocket. `open_seat` makes one."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket
        name = websocket.get_extra_info("sockname")
        self.local_address: str = name[0].partition("%")[0] if name else ""
        """The address of this machine that it goes out from."""
        self.abandoned = False
        """Whether it was given up as dead."""
        self._over = False
        self._bad = 0
        self._last_error: Error | None = None

    async def receive(self) -> FromServer:
        """Returns the next message of the server; its pings are answered here.

        Raises:
            Lost: there will be no further one.
        """
        while True:
            received = await self._websocket.receive()
            if received.type is aiohttp.WSMsgType.TEXT:
                try:
                    message = decode_from_server(received.data)
                except Malformed:
                    self.complain()
                    continue
                if not isinstance(message, Ping):
                    if isinstance(message, Error):
                        self._last_error = message
                    return message
                with contextlib.suppress(ConnectionError):  # the next receive tells
                    await self.send(Pong(message.n))
            elif received.type is aiohttp.WSMsgType.BINARY:
                self.complain()
            else:
                self._over = True
                # Not the close_code of aiohttp: that is 1006 once the answer to the close frame could not be written.
                raise self._lost(received.data if received.type is aiohttp.WSMsgType.CLOSE else None)

    def complain(self) -> None:
        """Counts a message that the protocol does not allow at this point.

        Raises:
            Lost: it was one too many.
        """
        self._bad += 1
        if self._bad >= BAD_MESSAGES:
            raise Lost("the server sent too much that makes no sense")

    async def send(self, message: FromClient) -> None:
        """Writes a message.

        Raises:
            ConnectionError: the connection is over; `receive` tells why.
        """
        await self._websocket.send_str(encode(message))

    def abandon(self) -> None:
        """It seems to be dead: `close` does not give the seat up, so that another connection can have it."""
        self._over = self.abandoned = True

    async def close(self) -> None:
        """Gives the seat up and closes; takes `CLOSE_SECONDS` at most."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_SECONDS):
                if not self._over:
                    await self.send(Leave())
                await self._websocket.close()

    def _lost(self, close_code: int | None) -> Lost:
        code, reason = closing_reason(close_code)
        error = self._last_error
        return Lost(reason, code, error.retry_after if error is not None and error.code == code else None)


async def open_seat(
    session: aiohttp.ClientSession, url: str, hello: Hello, request: SeatRequest
) -> tuple[Connection, Welcome, Joined | Allocated]:
    """Connects, greets and takes a seat.

    Args:
        session: whose connections it uses.
        url: of the WebSocket; see `p2pchat.signaling.address.server_url`.
        hello: who we are.
        request: which seat; a room has a name that `RoomName` allows.

    Returns:
        The connection, and the server's answers to `hello` and to the request: `Allocated` to `Allocate`, and `Joined`
        to the others.

    Raises:
        ServerUnreachable: nothing that speaks our protocol answered within `OPEN_SECONDS`; the message says what did.
        ServerRefused: the server said no.
    """
    connection: Connection | None = None
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            websocket = await session.ws_connect(
                url,
                autoclose=False,
                heartbeat=HEARTBEAT_SECONDS,
                max_msg_size=_READ_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
            )
            connection = Connection(websocket)
            seat = await _take_seat(connection, hello, request)
    except BaseException as error:
        if connection is not None:
            await connection.close()
        if isinstance(error, TimeoutError | aiohttp.ClientError | OSError | ValueError | Lost):
            raise unreachable(error, url) from error
        raise
    return connection, *seat


async def _take_seat(connection: Connection, hello: Hello, request: SeatRequest) -> tuple[Welcome, Joined | Allocated]:
    await connection.send(hello)
    welcome = await connection.receive()
    if isinstance(welcome, Error):
        raise refusal(welcome)
    if not isinstance(welcome, Welcome):
        raise Lost("it did not greet as one")
    await connection.send(request)
    answer = await connection.receive()
    if isinstance(answer, Error):
        raise refusal(answer)
    if not isinstance(answer, Allocated if isinstance(request, Allocate) else Joined):
        raise Lost("it did not let us into the room")
    return welcome, answer


def unreachable(error: BaseException, url: str) -> ServerUnreachable:
    """Says in words for a person why there is no server at a URL."""
    parts = urlsplit(url)
    where = parts.netloc
    match error:
        case TimeoutError():
            return ServerUnreachable(f"{where} did not answer within {OPEN_SECONDS:.0f} s", _HINT)
        case aiohttp.WSServerHandshakeError(status=status) if status >= 500:
            return ServerUnreachable(f"{where} cannot serve now: HTTP status {status}", "try again in a moment")
        case aiohttp.WSServerHandshakeError(status=status):
            return ServerUnreachable(f"{where} is not a p2pchat server: it answered with HTTP status {status}", _HINT)
        case aiohttp.ClientConnectorDNSError() | UnicodeError():
            return ServerUnreachable(f"the host {parts.hostname} is unknown", "check the server's name and the network")
        case aiohttp.ClientSSLError():
            hint = "check the server's certificate and this machine's clock; without TLS the address begins with ws://"
            return ServerUnreachable(f"no secure connection to {where}: TLS failed", hint)
        case aiohttp.ClientConnectorError(os_error=OSError(errno=errno.ECONNREFUSED)):
            return ServerUnreachable(f"{where} refused the connection: nothing listens there", _HINT)
        case aiohttp.ClientConnectorError(os_error=reason):
            # What asyncio writes into the exception itself is the address once more.
            words = (
                os.strerror(reason.errno)
                if reason.errno and reason.errno > 0
                else reason.strerror or type(reason).__name__
            )
            return ServerUnreachable(f"{where} cannot be reached: {words.lower()}", _HINT)
        case Lost(reason=reason):
            return ServerUnreachable(f"{where} is not a p2pchat server: {reason}", _HINT)
    return ServerUnreachable(f"{where} is not a p2pchat server: it does not speak WebSocket", _HINT)
