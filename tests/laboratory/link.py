"""A poor network between two places on one machine: delay, jitter, loss, a rate, a queue; and loss that is aimed.

    place 0 (10.77.0.1) ── TUN ── this process ── TUN ── (10.77.0.2) place 1

It takes what `places` takes, and /dev/net/tun.

The forwarding is done by a process of its own, `python -m tests.laboratory.link`, so that the test's work does not add
to the delay. It is told what the network is like in lines of JSON on its standard input.
"""

from __future__ import annotations

import asyncio
import fcntl
import heapq
import itertools
import json
import os
import random
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

from tests.laboratory import places
from tests.laboratory.places import Place

_IFF_TUN, _IFF_NO_PI, _TUNSETIFF = 0x0001, 0x1000, 0x400454CA
"""From linux/if_tun.h: packets without link headers, on the device that this call makes."""

PACKETS_AT_ONCE = 64
MTU = 1500
ADDRESSES = ("10.77.0.1", "10.77.0.2")

_DTLS_DATA = 23
"""First byte of a DTLS record with application data (RFC 6347 §4.1): what SCTP sends."""

LONE_ACKNOWLEDGEMENT = 65
"""Bytes of such a record that holds an SCTP acknowledgement and nothing else: 28, and 37 for DTLS 1.2 with AES-GCM."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What a network is like, the same in both directions."""

    delay: float = 0.0
    """Seconds one way."""
    jitter: float = 0.0
    """Up to so many seconds more, at random; packets overtake one another."""
    loss: float = 0.0
    """Part of the packets that are lost, 0 to 1."""
    rate: float = 0.0
    """Bits per second; 0 for no limit."""
    queue: int = 256 * 1024
    """Bytes that wait for a limited rate; what comes on top is dropped."""
    seed: int = 1


def missing() -> str:
    """Why there can be no such network on this machine; empty when there can."""
    return places.missing() or ("" if os.access("/dev/net/tun", os.R_OK | os.W_OK) else "there is no /dev/net/tun")


class Network:
    """Two places and what is between them; see `network`."""

    def __init__(self, ends: list[Place], forwarder: subprocess.Popen[bytes]) -> None:
        self._ends = ends
        self._forwarder = forwarder

    def at(self, place: int) -> tuple[str, ...]:
        """What to put before a command that is to run at a place, 0 or 1."""
        return self._ends[place].inside

    def leads_nowhere(self, place: int) -> None:
        """From this place on, packets to all other addresses are lost without a word."""
        self._ends[place].ip("route", "add", "default", "via", ADDRESSES[1 - place])

    def change(self, quality: Quality) -> None:
        """The network is like this from now on."""
        self._say({"quality": asdict(quality)})

    def lose_next(self, place: int) -> None:
        """The next packet with data that leaves a place is lost. Returns when that is sure to be seen."""
        self._say({"lose_next": place})

    def _say(self, message: dict[str, object]) -> None:
        assert self._forwarder.stdin is not None
        assert self._forwarder.stdout is not None
        self._forwarder.stdin.write(json.dumps(message).encode() + b"\n")
        self._forwarder.stdin.flush()
        assert self._forwarder.stdout.readline() == b"done\n"


@contextmanager
def network(quality: Quality) -> Iterator[Network]:
    """Makes a network, and takes it away afterwards."""
    with ExitStack() as stack:
        ends = [stack.enter_context(places.place()) for _ in ADDRESSES]
        names = (f"lab0p{os.getpid()}", f"lab1p{os.getpid()}")
        forwarder = stack.enter_context(joined((ends[0], names[0]), (ends[1], names[1])))
        for end, name, address in zip(ends, names, ADDRESSES, strict=True):
            end.ip("addr", "add", f"{address}/24", "dev", name)
        made = Network(ends, forwarder)
        made.change(quality)
        yield made


@contextmanager
def joined(*ends: tuple[Place, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Joins two places by a device in each, of the name given, and yields the process that forwards between them."""
    with ExitStack() as stack:
        tunnels = []
        for end, name in ends:
            tunnel = _open_tunnel(name)
            stack.callback(os.close, tunnel)
            tunnels.append(tunnel)
            subprocess.run(["ip", "link", "set", name, "netns", str(end.holder)], check=True, capture_output=True)
            end.ip("link", "set", name, "mtu", str(MTU), "txqueuelen", "1000", "up")
        command = (sys.executable, "-m", "tests.laboratory.link", *map(str, tunnels))
        yield stack.enter_context(places.process(*command, pass_fds=tunnels))


def _open_tunnel(name: str) -> int:
    tunnel = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tunnel, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return tunnel


class Direction:
    """One direction, in the forwarding process: reads packets at one end and writes them at the other, later."""

    def __init__(self, loop: asyncio.AbstractEventLoop, source: int, target: int) -> None:
        self.quality = Quality()
        self.lose_next = False
        self._loop = loop
        self._source = source
        self._target = target
        self._random = random.Random(1)
        self._idle_at = 0.0
        """When everything that has been taken has left, at the rate."""
        self._waiting: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        loop.add_reader(source, self._readable)

    def change(self, quality: Quality, seed: int) -> None:
        self.quality = quality
        self._random.seed(seed)

    def _readable(self) -> None:
        now = time.monotonic()
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = os.read(self._source, 65536)
            except BlockingIOError:
                break
            at = self._arrival(packet, now)
            if at is not None:
                heapq.heappush(self._waiting, (at, next(self._order), packet))
        self._deliver()

    def _arrival(self, packet: bytes, now: float) -> float | None:
        """When a packet arrives; None when it never does."""
        if self._random.random() < self.quality.loss or self._is_aimed_at(packet):
            return None
        leaves = now
        if self.quality.rate:
            start = max(now, self._idle_at)
            if (start - now) * self.quality.rate / 8 + len(packet) > self.quality.queue:
                return None
            leaves = self._idle_at = start + len(packet) * 8 / self.quality.rate
        return leaves + self.quality.delay + self._random.uniform(0, self.quality.jitter)

    def _is_aimed_at(self, packet: bytes) -> bool:
        if not self.lose_next or not carries_data(packet):
            return False
        self.lose_next = False
        return True

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            try:
                os.write(self._target, heapq.heappop(self._waiting)[2])
            except OSError:  # the other end's queue is full, or the end is gone: a packet is lost
                continue
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._waiting[0][0] - now, self._deliver) if self._waiting else None


def carries_data(packet: bytes) -> bool:
    """Whether an IPv4 packet is DTLS application data that is more than an acknowledgement."""
    payload = (packet[0] & 15) * 4 + 8
    is_udp = packet[0] >> 4 == 4 and packet[9] == 17
    return is_udp and len(packet) > payload + LONE_ACKNOWLEDGEMENT and packet[payload] == _DTLS_DATA


def forward(first: int, second: int) -> None:
    """The forwarding process: runs until its standard input ends."""
    loop = asyncio.new_event_loop()
    directions = [Direction(loop, first, second), Direction(loop, second, first)]

    def told() -> None:
        line = sys.stdin.buffer.readline()
        if not line:
            loop.stop()
            return
        message = json.loads(line)
        if "quality" in message:
            quality = Quality(**message["quality"])
            for number, direction in enumerate(directions):
                direction.change(quality, quality.seed + number)
        if "lose_next" in message:
            directions[message["lose_next"]].lose_next = True
        print("done", flush=True)

    loop.add_reader(sys.stdin.fileno(), told)
    loop.run_forever()


if __name__ == "__main__":
    forward(int(sys.argv[1]), int(sys.argv[2]))
