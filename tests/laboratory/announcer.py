"""Somebody on the local network who announces what is not so: `-m tests.laboratory.announcer ADDRESS [--only-thefts]`.

It announces thousands of services on its own address and on addresses elsewhere, garbage, and everybody whom it hears
of with its own address in place of theirs; or that alone. It writes a line when it has begun, and goes on until its
input ends.
"""

from __future__ import annotations

import itertools
import os
import random
import socket
import struct
import sys
import threading
from collections.abc import Iterator

from zeroconf import (  # type: ignore[attr-defined]  # they are there for programs like this one
    DNSAddress,
    DNSIncoming,
    DNSOutgoing,
    DNSPointer,
    DNSService,
    DNSText,
)

from p2pchat.signaling.services import SERVICE_TYPE, peer_of, service_name

GROUP = ("224.0.0.251", 5353)
RESPONSE, POINTER, ADDRESS, TEXT, SERVICE, INTERNET, UNIQUE = 0x8400, 12, 1, 16, 33, 1, 0x8001
TTL = 120
AT_ONCE = 5
"""Announcements in a burst, with a short pause behind it: some 1,000 a second. Three programs on two cores read them
all; with more of them the test would be one of the scheduler."""

BEGUN = 100
"""Bursts until everybody has heard of it."""


def announcement(peer: str, address: str, port: int, txt: bytes) -> list[bytes]:
    """Returns the packets that announce a service."""
    name, host = service_name(peer), f"{peer}.local."
    out = DNSOutgoing(RESPONSE)
    out.add_answer_at_time(DNSPointer(SERVICE_TYPE, POINTER, INTERNET, TTL, name), 0)
    out.add_answer_at_time(DNSService(name, SERVICE, UNIQUE, TTL, 0, 0, port, host), 0)
    out.add_answer_at_time(DNSText(name, TEXT, UNIQUE, TTL, txt), 0)
    out.add_answer_at_time(DNSAddress(host, ADDRESS, UNIQUE, TTL, socket.inet_aton(address)), 0)
    return out.packets()


def described(peer: str) -> bytes:
    return b"\x03v=1" + bytes([3 + len(peer)]) + b"id=" + peer.encode()


def inventions(own: str, chance: random.Random) -> Iterator[list[bytes]]:
    for number in itertools.count():
        peer = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz234567", k=8))
        match number % 4:
            case 0:
                yield announcement(peer, own, chance.randrange(1, 65536), described(peer))
            case 1:
                yield announcement(peer, "198.51.100.1", 4000, described(peer))
            case 2:
                yield announcement(peer, own, 4000, chance.randbytes(60))
            case _:
                yield [chance.randbytes(200)]


def main(own: str, only: str = "") -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mdns:
        mdns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        mdns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        mdns.bind(("", 5353))
        mdns.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
        member = struct.pack("4s4s", socket.inet_aton(GROUP[0]), socket.inet_aton(own))
        mdns.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        mdns.setblocking(False)
        # Nothing of the block below may keep the process alive once the test is over.
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
        chance = random.Random(1)
        made = inventions(own, chance)
        stolen: set[str] = set()
        bursts = 0
        while True:
            packets = [packet for _ in range(0 if only else AT_ONCE) for packet in next(made)]
            stolen |= heard(mdns, own)
            for peer in stolen:
                packets += announcement(peer, own, 4000, described(peer))
            for packet in packets:
                mdns.sendto(packet, GROUP)
            bursts += 1 if packets else 0
            if bursts == BEGUN:
                print("begun", flush=True)
            threading.Event().wait(0.005)


def heard(mdns: socket.socket, own: str) -> set[str]:
    """Returns the peers whose announcements have come since the last time, from elsewhere."""
    found: set[str] = set()
    while True:
        try:
            data, source = mdns.recvfrom(9000)
        except BlockingIOError:
            return found
        packet = DNSIncoming(data)
        # Questions list whom the asker knows of, which are the inventions above.
        if source[0] != own and packet.is_response():
            for record in packet.answers():
                peer = peer_of(record.alias) if isinstance(record, DNSPointer) else None
                if peer is not None:
                    found.add(peer)


if __name__ == "__main__":
    main(*sys.argv[1:])
