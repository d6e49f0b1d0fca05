"""Whether others on the same network can be found without a server: multicast DNS (RFC 6762)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Sequence
from typing import Final

from p2pchat.cli.doctor.findings import Finding, ok, warning
from p2pchat.cli.doctor.network import Address

GROUP: Final = "224.0.0.251"
PORT: Final = 5353
"""RFC 6762 §3."""

LISTEN_SECONDS: Final = 1.5
"""Time for answers: responders wait up to 120 ms (RFC 6762 §6), and radios that sleep up to a second."""

HEARD_MOST: Final = 1000
"""Messages that are listened to; a busy network sends some dozens in this time."""

SERVICE: Final = "_p2pchat._tcp.local"
_EVERY_SERVICE: Final = "_services._dns-sd._udp.local"
"""Asks for the kinds of services there are (RFC 6763 §9): nearly every network has one."""

_DATAGRAM_BYTES: Final = 9000
"""Longest message of multicast DNS (RFC 6762 §17)."""

_POINTER: Final = 12
_INTERNET: Final = 1
_ANSWER_BIT: Final = 0x80

_ALLOW: Final = "allow UDP port 5353 in the firewall, and multicast between devices in the access point"


def question(*names: str) -> bytes:
    """Returns a query for these names (RFC 1035 §4.1)."""
    asked = b""
    for name in names:
        labels = b"".join(bytes([len(label)]) + label for label in name.encode().split(b"."))
        asked += labels + b"\0" + struct.pack("!HH", _POINTER, _INTERNET)
    return struct.pack("!6H", 0, 0, len(names), 0, 0, 0) + asked


async def mdns(addresses: Sequence[Address], port: int = PORT) -> Finding:
    """Asks the local network who offers what, and listens for a moment. Only questions are sent.

    Args:
        addresses: of this machine.
        port: where to ask and listen.
    """
    ours = {each.address for each in addresses}
    local = [each.address for each in addresses if ":" not in each.address and each.role != "loopback"]
    try:
        listener = _listening(local, port)
    except OSError as error:
        words = f"Port {port} for multicast DNS cannot be used: {(error.strerror or str(error)).lower()}"
        return warning("mdns", words, "stop the program that keeps the port for itself", answers=0)
    with listener:
        sent = [_ask(address, port) for address in local]
        heard = await _listen(listener)
    came_back = any(not _is_answer(data) for data, _ in heard)
    others = {sender for data, sender in heard if _is_answer(data) and sender not in ours}
    chatting = {sender for data, sender in heard if sender in others and b"\x08_p2pchat\x04_tcp" in data}
    facts = {"answers": len(others), "p2pchat": len(chatting)}
    if not local:
        words = "No network to send multicast to: others are not found"
        return warning("mdns", words, "connect to a network first", **facts)
    if not any(sent):
        words = "Multicast cannot be sent from here: others are not found without a server"
        return warning("mdns", words, _ALLOW, **facts)
    if not came_back:
        words = "Multicast does not get through: others are not found without a server"
        return warning("mdns", words, _ALLOW, **facts)
    if not others:
        return ok("mdns", f"Multicast can be sent; nobody else answered within {LISTEN_SECONDS:g} s", **facts)
    shown = f"Multicast works: {len(others)} other {'device' if len(others) == 1 else 'devices'} answered"
    return ok("mdns", f"{shown}, {len(chatting)} with p2pchat" if chatting else shown, **facts)


async def switched_off() -> Finding:
    """Says that the local network is not asked."""
    return ok("mdns", "Not used: --no-lan, --ephemeral or --relay-only keeps you from being announced here")


def _listening(local: Sequence[str], port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("", port))
        for address in local:
            with contextlib.suppress(OSError):  # one interface without multicast does not spoil the others
                membership = socket.inet_aton(GROUP) + socket.inet_aton(address)
                listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    except OSError:
        listener.close()
        raise
    return listener


def _ask(address: str, port: int) -> bool:
    """Sends the questions from one address; returns whether the system took them."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "SO_REUSEPORT"):
                asking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            # From the port itself: a query from another one is answered to that port alone (RFC 6762 §6.7).
            asking.bind((address, port))
            asking.sendto(question(SERVICE, _EVERY_SERVICE), (GROUP, port))
            return True
    except OSError:
        return False


async def _listen(listener: socket.socket) -> list[tuple[bytes, str]]:
    heard: list[tuple[bytes, str]] = []
    loop = asyncio.get_running_loop()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LISTEN_SECONDS):
            while len(heard) < HEARD_MOST:
                data, sender = await loop.sock_recvfrom(listener, _DATAGRAM_BYTES)
                heard.append((data, sender[0]))
    return heard


def _is_answer(data: bytes) -> bool:
    return len(data) > 12 and bool(data[2] & _ANSWER_BIT)
