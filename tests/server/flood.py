"""Floods: what somebody does who wants to keep a server from serving others, as a process of its own.

    python -m tests.server.flood KIND PORT SECONDS

It comes from many addresses of 127.0.0.0/8, as limits per address would end it otherwise. At the end it prints a line
of JSON: how often it did it, and how often the server let it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import socket
import struct
import sys
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from typing import ClassVar, Final

from p2pchat.protocol.signaling import FromClient, Hello, Join, Leave, Ping, Relay, encode

WORKERS: Final = 12
"""How many do it at the same time."""

HELD: Final = 150
"""Sockets that are kept open where the flood is one of sockets that do nothing."""

ATTEMPT_SECONDS: Final = 0.5
"""How long one attempt lasts at most; some sockets are only closed by the server after a while."""

done: Counter[str] = Counter()
"""`tried` and `served`: how often it was done, and how often the server took it."""

_numbers = itertools.count()


def sources() -> Iterator[str]:
    """Addresses of this machine, one after the other, for ever."""
    return (f"127.2.{number // 250 % 250}.{number % 250 + 1}" for number in itertools.count())


_sources = sources()


class Intruder:
    """One connection; it reads only what it is told to read."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int, source: str = "", buffer: int = 0) -> Intruder:
        """Opens a TCP connection, from the next address unless one is given."""
        made = socket.socket()
        made.setblocking(False)
        if buffer:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        made.bind((source or next(_sources), 0))
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", port))
        return cls(*await asyncio.open_connection(sock=made, limit=2**20))

    async def upgrade(self, headers: str = "") -> bool:
        """Asks for the WebSocket; returns whether it was granted."""
        await self.write(
            (
                "GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
            ).encode()
        )
        return (await self._reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")

    async def say(self, *messages: FromClient | str) -> None:
        """Sends messages, each in a frame whose mask is zero."""
        for message in messages:
            await self.write(frame(0x1, (message if isinstance(message, str) else encode(message)).encode()))

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def sit_down(self, room: str) -> str:
        """Takes a seat; returns our peer id."""
        peer = name(next(_numbers))
        await self.say(Hello(1, peer, peer * 4), Join(room))
        await self._reader.readuntil(b'"joined"')
        return peer

    async def hear_all(self) -> None:
        """Reads until the server ends it."""
        while await self._reader.read(2**16):
            pass

    def drop(self) -> None:
        """Cuts the connection."""
        self._writer.transport.abort()


class Attempt:
    """What one attempt opens; all of it is cut at its end, unless it is kept."""

    held: ClassVar[deque[Intruder]] = deque()
    """Connections of all attempts that stay open; the oldest make place for new ones."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._opened: list[Intruder] = []

    async def connect(self, source: str = "", buffer: int = 0) -> Intruder:
        """Opens a TCP connection; see `Intruder.connect`."""
        intruder = await Intruder.connect(self._port, source, buffer)
        self._opened.append(intruder)
        return intruder

    def keep(self, intruder: Intruder) -> None:
        """Lets it stay open."""
        self._opened.remove(intruder)
        self.held.append(intruder)
        if len(self.held) > HELD:
            self.held.popleft().drop()

    def end(self) -> None:
        """Cuts what is not kept."""
        for intruder in self._opened:
            intruder.drop()


def frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return struct.pack("!BBI", 0x80 | opcode, 0x80 | size, 0) + payload
    if size < 65536:
        return struct.pack("!BBHI", 0x80 | opcode, 0x80 | 126, size, 0) + payload
    return struct.pack("!BBQI", 0x80 | opcode, 0x80 | 127, size, 0) + payload


def name(number: int) -> str:
    return "".join("abcdefghijklmnopqrstuvwxyz234567"[number >> shift & 31] for shift in range(0, 40, 5))


async def drop_sockets(attempt: Attempt) -> None:
    """Opens a WebSocket and cuts it."""
    intruder = await attempt.connect()
    await intruder.upgrade()


async def stay_half_open(attempt: Attempt) -> None:
    """Opens a connection and says nothing, or no more than the upgrade."""
    intruder = await attempt.connect()
    if next(_numbers) % 2:
        await intruder.upgrade()
    attempt.keep(intruder)


async def join_rooms(attempt: Attempt) -> None:
    """Joins one room after the other, as long as the server lets it."""
    intruder = await attempt.connect()
    await intruder.upgrade()
    await intruder.sit_down(f"flood {next(_numbers)}")
    await intruder.say(*(each for _ in range(100) for each in (Leave(), Join(f"flood {next(_numbers)}"))))
    await intruder.hear_all()


async def send_too_much(attempt: Attempt) -> None:
    """Sends far more messages than it may."""
    intruder = await attempt.connect()
    await intruder.upgrade()
    await intruder.sit_down("flood")
    await intruder.write(frame(0x1, encode(Relay("aaaaaaaa", "x" * 1000)).encode()) * 1000)
    await intruder.hear_all()


async def read_slowly(attempt: Attempt) -> None:
    """Fills the way to somebody who does not read."""
    room = f"slow {next(_numbers)}"
    reader, writer = await attempt.connect(buffer=4096), await attempt.connect()
    await reader.upgrade()
    await writer.upgrade()
    deaf = await reader.sit_down(room)
    await writer.sit_down(room)
    await writer.write(frame(0x1, encode(Relay(deaf, "x" * 60_000)).encode()) * 55)
    attempt.keep(reader)


async def send_oversized(attempt: Attempt) -> None:
    """Sends messages that are too long, and announces one that has no end."""
    intruder = await attempt.connect()
    await intruder.upgrade()
    await intruder.sit_down("flood")
    if next(_numbers) % 2:
        await intruder.write(struct.pack("!BBQI", 0x81, 0x80 | 127, 2**60, 0) + b"x" * 500_000)
    await intruder.say("x" * 1_000_000)
    await intruder.hear_all()


async def send_oversized_headers(attempt: Attempt) -> None:
    """Asks for the WebSocket with a megabyte of headers."""
    intruder = await attempt.connect()
    served = await intruder.upgrade("".join(f"X-{number}: {'x' * 1000}\r\n" for number in range(1000)))
    done["served"] += served


async def forge_addresses(attempt: Attempt) -> None:
    """Opens ever more sockets from one address, and claims that they come from others."""
    other = f"203.0.113.{next(_numbers) % 250}"
    headers = f"X-Forwarded-For: {other}\r\nForwarded: for={other}\r\nX-Real-IP: {other}\r\n"
    intruder = await attempt.connect(source="127.3.0.1")
    if await intruder.upgrade(headers):
        await intruder.sit_down(f"forged {next(_numbers)}")
        done["served"] += 1
        attempt.keep(intruder)


async def send_deep_json(attempt: Attempt) -> None:
    """Sends JSON that is nested deeply, where it can be parsed and where it cannot."""
    intruder = await attempt.connect()
    await intruder.upgrade()
    await intruder.sit_down("flood")
    for depth in (20, 500, 30_000):
        await intruder.say('{"type":"relay","to":"aaaaaaaa","body":' + "[" * depth + "]" * depth + "}")
    await intruder.say("[" * 60_000, '{"a":' * 10_000)
    await intruder.hear_all()


async def ping(attempt: Attempt) -> None:
    """Pings, with the frames of WebSocket and with messages, and does not wait for answers."""
    intruder = await attempt.connect()
    await intruder.upgrade()
    await intruder.sit_down("flood")
    await intruder.write(frame(0x9, b"x" * 125) * 2000)
    await intruder.say(*[Ping(number) for number in range(200)])
    await intruder.hear_all()


KINDS: Final[dict[str, Callable[[Attempt], Awaitable[None]]]] = {
    "sockets": drop_sockets,
    "half-open": stay_half_open,
    "joins": join_rooms,
    "messages": send_too_much,
    "slow readers": read_slowly,
    "oversized": send_oversized,
    "oversized headers": send_oversized_headers,
    "forged addresses": forge_addresses,
    "deep JSON": send_deep_json,
    "pings": ping,
}


async def main(kind: str, port: int, seconds: float) -> None:
    async def again_and_again() -> None:
        while True:
            done["tried"] += 1
            attempt = Attempt(port)
            with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError, TimeoutError):
                await asyncio.wait_for(KINDS[kind](attempt), ATTEMPT_SECONDS)
            attempt.end()

    workers = [asyncio.create_task(again_and_again()) for _ in range(WORKERS)]
    await asyncio.wait(workers, timeout=seconds)
    print(json.dumps({"tried": done["tried"], "served": done["served"]}), flush=True)
    os._exit(0)  # as rudely as it came


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
