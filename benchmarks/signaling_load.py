"""The load on a signaling server, as a process of its own: sockets in pairs, whose two members write to each other.

    python -m benchmarks.signaling_load KIND HOST PORT SOCKETS     KIND is p2pchat or peerjs

It does as little as it can for a message, so that the server is what is measured: frames are made once, what arrives
is counted and not read, and the clock is one, as both ends of a pair are here.
"""

from __future__ import annotations

import asyncio
import gc
import json
import struct
import sys
import time
from array import array
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

import uvloop

from benchmarks.processes import cpu_seconds, say, told

BODY_CHARACTERS: Final = 1500
"""What is relayed: a session description has about so many."""

CONNECTING: Final = 50
"""Sockets that are opened at the same time."""

SOURCE_SOCKETS: Final = 8
"""Sockets from one address: fewer than a server allows. All of 127.0.0.0/8 is this machine."""

TICK_SECONDS: Final = 0.01
"""How often the steady load is topped up."""

_TEXT: Final = 0x81
_CLOSE: Final = 0x88
_PING: Final = 0x89
_PONG: Final = 0x8A


def masked(opcode: int, payload: bytes) -> bytes:
    """Returns a frame of a client. Its mask is zero, which leaves the payload as it is (RFC 6455 §5.3)."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BBI", opcode, 0x80 | size, 0) + payload
    return struct.pack("!BBHI", opcode, 0x80 | 126, size, 0) + payload


@dataclass(frozen=True, slots=True)
class Script:
    """What one member says, and how it knows what it hears."""

    upgrade: bytes
    greeting: tuple[bytes, ...]
    seated: bytes
    """The beginning of the message that says that it can be written to."""
    relayed: bytes
    """The beginning of a message of the other member."""
    message: bytes
    """A frame for the other member."""


def script(kind: str, number: int, run: int) -> Script:
    """Returns what a member says to a server of this kind. Two that follow each other are a pair."""
    me, other = (_name(each, run) for each in (number, number ^ 1))
    greeting: tuple[dict[str, object], ...] = ()
    body = {"generation": 1, "kind": "offer", "sdp": "a=x" * (BODY_CHARACTERS // 3)}
    if kind == "p2pchat":
        path = "/v1/ws"
        greeting = (
            {"type": "hello", "version": 1, "peer": me, "key": me * 4},
            {"type": "join", "room": f"room {run} {number // 2}"},
        )
        seated, relayed = b'{"type":"joined"', b'{"type":"relay"'
        message = {"type": "relay", "to": other, "body": body}
    else:
        path = f"/peerjs?key=peerjs&id={me}&token={me}&version=1.5.0"
        seated, relayed = b'{"type":"OPEN"', b'{"type":"OFFER"'
        message = {"type": "OFFER", "dst": other, "payload": body}
    upgrade = (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    texts = [masked(_TEXT, json.dumps(each).encode()) for each in (*greeting, message)]
    return Script(upgrade.encode(), tuple(texts[:-1]), seated, relayed, texts[-1])


def _name(number: int, run: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    value = run * 100_000 + number
    return "".join(letters[value >> shift & 31] for shift in range(0, 40, 5))


class Member(asyncio.Protocol):
    """One socket."""

    def __init__(self, load: Load, says: Script) -> None:
        self._load = load
        self._says = says
        self._buffer = bytearray()
        self._upgraded = False
        self._transport: asyncio.Transport | None = None
        self.partner: Member | None = None
        self.sent: deque[float] = deque()
        """When each message that has not arrived was sent."""
        self.seated = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._says.upgrade)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost += 1
        if not self.seated.done():
            self.seated.set_exception(ConnectionError("the server closed a socket"))

    def send(self) -> None:
        """Writes a message to the other member."""
        assert self._transport is not None
        self.sent.append(time.monotonic())
        self._transport.write(self._says.message)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._upgraded:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                self.seated.set_exception(ConnectionError(bytes(buffer[:80]).decode(errors="replace")))
                return
            del buffer[: end + 4]
            self._upgraded = True
            assert self._transport is not None
            self._transport.writelines(self._says.greeting)
        at = 0
        while (frame := _frame(buffer, at)) is not None:
            opcode, begin, at = frame
            self._heard(opcode, buffer, begin, at)
        del buffer[:at]

    def _heard(self, opcode: int, buffer: bytearray, begin: int, end: int) -> None:
        if opcode == _PING:
            assert self._transport is not None
            self._transport.write(masked(_PONG, bytes(buffer[begin:end])))
        elif buffer.startswith(self._says.relayed, begin):
            assert self.partner is not None
            self._load.arrived(time.monotonic() - self.partner.sent.popleft())
            if self._load.saturating:
                self.send()
        elif buffer.startswith(self._says.seated, begin) and not self.seated.done():
            self.seated.set_result(None)
        elif buffer.startswith(b'{"type":"error"', begin) or opcode == _CLOSE:
            self._load.refused += 1


def _frame(buffer: bytearray, at: int) -> tuple[int, int, int] | None:
    """Returns opcode, begin and end of the payload of a server's frame; None when it is not there yet."""
    if len(buffer) < at + 4:
        return None
    size = buffer[at + 1]
    begin = at + 2
    if size == 126:
        size = int.from_bytes(buffer[begin : begin + 2], "big")
        begin += 2
    return (buffer[at], begin, begin + size) if len(buffer) >= begin + size else None


class Load:
    """All sockets of this process."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.saturating = False
        self.lost = 0
        self.refused = 0
        self._times = array("d")

    def arrived(self, seconds: float) -> None:
        """A message arrived, so long after it was sent."""
        self._times.append(seconds)

    async def connect(self, kind: str, host: str, port: int, count: int) -> None:
        """Opens all sockets and waits until each has its seat."""
        loop = asyncio.get_running_loop()
        run = time.time_ns() // 1000 % 1_000_000
        for start in range(0, count, CONNECTING):
            fresh = []
            for number in range(start, min(start + CONNECTING, count)):
                says = script(kind, number, run)
                source = f"127.1.{number // SOURCE_SOCKETS // 250}.{number // SOURCE_SOCKETS % 250 + 1}"
                _, member = await loop.create_connection(
                    partial(Member, self, says), host, port, local_addr=(source, 0)
                )
                fresh.append(member)
            async with asyncio.timeout(30):
                await asyncio.gather(*(member.seated for member in fresh))
            self.members += fresh
        for number, member in enumerate(self.members):
            member.partner = self.members[number ^ 1]

    async def steady(self, rate: float, seconds: float) -> None:
        """Sends so many messages a second, from all sockets in turn."""
        loop = asyncio.get_running_loop()
        began, sent = loop.time(), 0
        while (elapsed := loop.time() - began) < seconds:
            while sent < elapsed * rate:
                self.members[sent % len(self.members)].send()
                sent += 1
            await asyncio.sleep(TICK_SECONDS)
        await self._settled()

    async def saturate(self, seconds: float) -> None:
        """Keeps a message on its way from each socket, all the time."""
        self.saturating = True
        for member in self.members:
            member.send()
        await asyncio.sleep(seconds)
        self.saturating = False

    async def _settled(self) -> None:
        """Waits until everything has arrived."""
        async with asyncio.timeout(30):
            for member in self.members:
                while member.sent:  # noqa: ASYNC110  an event would have to be set for each message
                    await asyncio.sleep(TICK_SECONDS)

    async def measured(self, phase: str, rate: float, seconds: float) -> dict[str, float]:
        """Runs one phase; returns messages per second, latencies in milliseconds, and our share of a processor."""
        del self._times[:]
        self.lost = self.refused = 0
        began, used = time.monotonic(), cpu_seconds()
        await (self.steady(rate, seconds) if phase == "steady" else self.saturate(seconds))
        took = time.monotonic() - began
        cpu = (cpu_seconds() - used) / took
        times = sorted(self._times)
        await self._settled()
        return {
            "rate": len(times) / took,
            "p50": times[len(times) // 2] * 1000,
            "p99": times[len(times) * 99 // 100] * 1000,
            "cpu": cpu,
            "lost": self.lost,
            "refused": self.refused,
        }


async def main(kind: str, host: str, port: int, count: int) -> None:
    load = Load()
    await load.connect(kind, host, port, count)
    gc.collect()
    gc.disable()
    say(event="connected")
    async for command in told():
        if command["do"] == "quit":
            return
        say(event="measured", **await load.measured(command["do"], command["rate"], command["seconds"]))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
