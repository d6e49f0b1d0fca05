"""Whether a signaling server can be used, asked step by step: its name, TCP, TLS, and what it answers.

Each step raises what a user can read, and needs the ones before it. No room is joined: nobody notices.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import os
import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar
from urllib.parse import urlsplit

import aiohttp

from p2pchat.errors import ServerUnreachable
from p2pchat.protocol import signaling as wire
from p2pchat.protocol.limits import PEER_ID_CHARACTERS
from p2pchat.protocol.untrusted import safe_line
from p2pchat.signaling.address import PATH, server_url
from p2pchat.signaling.connection import Connection, Lost, unreachable
from p2pchat.signaling.refusals import refusal

RESOLVE_SECONDS: Final = 4.0
"""Time for a name server; a resolver asks a second one after 5 s, which is too slow to work with anyway."""

REACH_SECONDS: Final = 4.0
"""Time for TCP, and again for TLS: one lost packet costs 1 s, the next one 2 s (RFC 6298 §2)."""

GREET_SECONDS: Final = 5.0
"""Time for the WebSocket, `welcome` and the pings together."""

PINGS: Final = 3
"""Pings that are timed; the quickest counts, as the others may have waited for something else."""

AGENT_CHARACTERS: Final = 60
"""Most that is shown of what a server calls itself."""

_READ_BYTES: Final = 2 * wire.MESSAGE_BYTES

Result = TypeVar("Result")

_HINT: Final = "check the address and that p2pchat-server runs there"


@dataclass(frozen=True, slots=True)
class Target:
    """The server that is tested."""

    url: str
    """Of the WebSocket."""
    host: str
    port: int
    secure: bool
    """Whether TLS is used."""

    @classmethod
    def of(cls, server: str) -> Target:
        """Returns the target that a person named.

        Raises:
            ConfigurationError: it is no address of a server.
        """
        url = server_url(server)
        parts = urlsplit(url)
        secure = parts.scheme == "wss"
        return cls(url, parts.hostname or "", parts.port or (443 if secure else 80), secure)

    @property
    def shown(self) -> str:
        """Host and port, for people."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Secured:
    """A TLS connection whose certificate is good."""

    version: str
    """Such as `TLSv1.3`."""
    days: float
    """How long the certificate is still good."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a server said."""

    agent: str
    """What it calls itself; safe to show."""
    seconds: float
    """Time from a ping to its answer."""
    ahead: float | None
    """How many seconds its clock is ahead of ours; None when it tells no time. HTTP tells whole seconds."""
    your_address: str
    """Where we seem to come from; safe to show, and empty when it does not say."""
    ice_servers: tuple[wire.IceServer, ...]
    """Untrusted: STUN and TURN servers that it names."""


async def resolve(host: str, seconds: float = RESOLVE_SECONDS) -> list[str]:
    """Returns the addresses of a host, in the order in which the system would try them.

    Raises:
        ServerUnreachable: the name is unknown, or no name server answered.
    """
    try:
        found = await asyncio.wait_for(
            on_daemon_thread(lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)), seconds
        )
    except TimeoutError:
        raise ServerUnreachable(
            f"no name server answered within {seconds:.0f} s", "check the network and its name servers (DNS)"
        ) from None
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise ServerUnreachable(
                f"the host {host} could not be looked up: no name server answers",
                "check the network and its name servers (DNS)",
            ) from None
        raise ServerUnreachable(f"the host {host} is unknown", "check the server's name and the network") from None
    except (OSError, UnicodeError):
        raise ServerUnreachable(f"the host {host} is unknown", "check the server's name and the network") from None
    return list(dict.fromkeys(str(each[4][0]) for each in found))


async def reach(target: Target) -> float:
    """Opens a TCP connection; returns the seconds that it took.

    Raises:
        ServerUnreachable: it was refused, nothing answered, or there is no route.
    """
    began = time.monotonic()
    try:
        async with asyncio.timeout(REACH_SECONDS):
            _, writer = await asyncio.open_connection(target.host, target.port, happy_eyeballs_delay=0.25)
    except TimeoutError:
        raise ServerUnreachable(
            f"{target.shown} did not answer within {REACH_SECONDS:.0f} s",
            "check the port, and whether a firewall on the way drops the packets",
        ) from None
    except OSError as error:
        # With several addresses, asyncio joins what happened to each of them in one text.
        numbers = dict.fromkeys(int(number) for number in re.findall(r"\[Errno (-?\d+)\]", str(error)))
        if list(numbers) == [errno.ECONNREFUSED]:
            raise ServerUnreachable(f"{target.shown} refused the connection: nothing listens there", _HINT) from None
        words = " and ".join(os.strerror(number).lower() for number in numbers) or type(error).__name__
        raise ServerUnreachable(f"{target.shown} cannot be reached: {words}", _HINT) from None
    took = time.monotonic() - began
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return took


async def secure(target: Target) -> Secured:
    """Makes a TLS connection, and checks the certificate as every connection does.

    Raises:
        ServerUnreachable: the certificate is not good, or what answers does not speak TLS.
    """
    try:
        async with asyncio.timeout(REACH_SECONDS):
            _, writer = await asyncio.open_connection(
                target.host, target.port, ssl=ssl.create_default_context(), happy_eyeballs_delay=0.25
            )
    except ssl.SSLCertVerificationError as error:
        hint = "check the server's certificate and this machine's clock; SSL_CERT_FILE can name a certificate authority"
        words = safe_line(error.verify_message)
        raise ServerUnreachable(f"the certificate of {target.shown} is not good: {words}", hint) from None
    except ssl.SSLError:
        hint = "without TLS the address begins with ws:// or http://"
        raise ServerUnreachable(f"no secure connection to {target.shown}: TLS failed", hint) from None
    except (OSError, TimeoutError):
        raise ServerUnreachable(f"{target.shown} does not answer TLS", "check the address and the port") from None
    found = writer.get_extra_info("ssl_object")
    until = ssl.cert_time_to_seconds(found.getpeercert()["notAfter"])
    version = str(found.version())
    writer.transport.abort()
    return Secured(version, (until - time.time()) / 86_400)


async def greet(target: Target, token: str, agent: str) -> Greeting:
    """Says hello as a client does, and leaves again.

    Args:
        target: the server.
        token: what it may want from its users; empty for none.
        agent: program and version, for diagnosis only.

    Raises:
        ServerUnreachable: what answers is no p2pchat server; the message says what it did instead.
        ServerRefused: it said no, such as `unauthorized`.
    """
    connection: Connection | None = None
    try:
        async with asyncio.timeout(GREET_SECONDS), aiohttp.ClientSession() as session:
            ahead = await _clock(session, target)
            websocket = await session.ws_connect(target.url, max_msg_size=_READ_BYTES, autoclose=False)
            connection = Connection(websocket)
            try:
                await connection.send(wire.Hello(wire.VERSION, _peer_id(), secrets.token_hex(16), agent, token))
                welcome = await connection.receive()
                if isinstance(welcome, wire.Error):
                    raise refusal(welcome)
                if not isinstance(welcome, wire.Welcome):
                    raise Lost("it did not greet as one")
                quickest = min([await _ping(connection, number) for number in range(PINGS)])
            finally:
                await websocket.close()
    except TimeoutError:
        raise ServerUnreachable(f"{target.shown} did not answer within {GREET_SECONDS:.0f} s", _HINT) from None
    except (aiohttp.ClientError, OSError, ValueError, Lost) as error:
        raise unreachable(error, target.url) from error
    return Greeting(
        safe_line(welcome.agent, AGENT_CHARACTERS),
        quickest,
        ahead,
        safe_line(welcome.your_address),
        tuple(welcome.ice_servers),
    )


async def _clock(session: aiohttp.ClientSession, target: Target) -> float | None:
    """Returns how far the server's clock is ahead of ours, in seconds."""
    health = target.url.removesuffix(PATH).replace("ws", "http", 1) + "/healthz"
    began = time.time()
    try:
        async with session.get(health, allow_redirects=False) as response:
            told = parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (aiohttp.ClientError, OSError, KeyError, ValueError):
        return None
    # It tells whole seconds, rounded down, at some time between our question and its answer.
    return told + 0.5 - (began + time.time()) / 2


async def _ping(connection: Connection, number: int) -> float:
    began = time.monotonic()
    await connection.send(wire.Ping(number))
    while await connection.receive() != wire.Pong(number):
        connection.complain()
    return time.monotonic() - began


def _peer_id() -> str:
    return base64.b32encode(secrets.token_bytes(PEER_ID_CHARACTERS)).decode().lower()[:PEER_ID_CHARACTERS]


async def on_daemon_thread(work: Callable[[], Result]) -> Result:
    """Runs a blocking call on a thread that nobody waits for at the end, as `asyncio.to_thread` would.

    A name server that is silent, or a network disk that is gone, then holds up nothing.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def tell(finished: Future[Result]) -> None:
        if done.done():
            return
        if (problem := finished.exception()) is not None:
            done.set_exception(problem)
        else:
            done.set_result(finished.result())

    def run() -> None:
        finished: Future[Result] = Future()
        try:
            finished.set_result(work())
        except Exception as problem:
            finished.set_exception(problem)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants the answer any more
            loop.call_soon_threadsafe(tell, finished)

    threading.Thread(target=run, daemon=True).start()
    return await done
