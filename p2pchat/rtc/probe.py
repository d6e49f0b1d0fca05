"""Trying STUN and TURN servers one by one, for `p2pchat doctor`; no peer and no link is needed.

Each call is bounded, may be cancelled at any time, and leaves nothing behind. It raises for no answer of a server.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final, cast

from aioice import Connection, stun
from aioice.ice import StunProtocol

from p2pchat.rtc import relays
from p2pchat.rtc.candidates import family
from p2pchat.rtc.reflexive import resolve
from p2pchat.rtc.servers import SERVERS_MOST, Failure, Server, ServerFailed, failure_of, parse, plausible

STUN_SECONDS: Final = 3.0
"""Time for one answer: the request is repeated after 0.5 and 1.5 s."""

GIVE_BACK_SECONDS: Final = 1.0
"""Time for a TURN server to take back what it has given."""

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Mapped:
    """How we look to a STUN server."""

    address: Address
    seconds: float
    """How long the answer took."""
    other: Address | None = None
    """Another address of the server, if it names one (RFC 5780 §7.4)."""


@dataclass(frozen=True, slots=True)
class Allocated:
    """A relay was given; it has been given back."""

    address: Address
    """Where the relay was."""
    seconds: float
    """How long it took, with connection and TLS."""


class Nat(Enum):
    """What happens to the address of a socket on the way out (RFC 4787 §4.1)."""

    NONE = "none"
    """Nothing: it is seen as it is."""
    INDEPENDENT = "endpoint-independent"
    """It has one outer address for everybody, so that others can be told of it."""
    SYMMETRIC = "symmetric"
    """It has another outer port for each destination."""
    UNKNOWN = "unknown"
    """There were not two answers of different addresses to compare."""


async def stun_server(uri: str) -> Mapped | Failure:
    """Asks a STUN server how we look; takes at most twice `STUN_SECONDS`.

    Raises:
        ValueError: the URI is none of a STUN server.
    """
    server = _of_kind(uri, relay=False)
    try:
        addresses = await resolve(server, STUN_SECONDS)
    except (OSError, UnicodeError) as error:
        return failure_of(error) or Failure.UNREACHABLE
    outcome: Mapped | Failure = Failure.UNREACHABLE
    for address in addresses:
        async with _asking(family(address[0])) as asking:
            outcome = await asking.mapped(address)
        if isinstance(outcome, Mapped):
            break
    return outcome


async def turn_server(uri: str, user: str, credential: str) -> Allocated | Failure:
    """Gets a relay from a TURN server and gives it back; takes at most a second longer than `ALLOCATE_SECONDS`.

    Raises:
        ValueError: the URI is none of a TURN server.
    """
    server = _of_kind(uri, relay=True, user=user, credential=credential)
    receiver = Connection(ice_controlling=False)
    begun = time.monotonic()
    try:
        relay = await relays.allocate(server, lambda: StunProtocol(receiver), hidden=True)
    except ServerFailed as error:
        return error.failure
    seconds = time.monotonic() - begun
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(relay.protocol.close(), GIVE_BACK_SECONDS)
    return Allocated((relay.candidate.host, relay.candidate.port), seconds)


async def nat_kind(uris: Sequence[str]) -> Nat:
    """Says what the NAT on the way does, by asking several STUN servers, and their other addresses, from one socket.

    IPv4 only: what stands on the way of IPv6 filters, but does not translate. Takes at most three times `STUN_SECONDS`.

    Raises:
        ValueError: a URI is none of a STUN server.
    """
    servers = [_of_kind(uri, relay=False) for uri in uris[:SERVERS_MOST]]
    found = await asyncio.gather(*(resolve(server, STUN_SECONDS) for server in servers), return_exceptions=True)
    known = [each for addresses in found if not isinstance(addresses, BaseException) for each in addresses]
    addresses = [address for address in dict.fromkeys(known) if family(address[0]) == 4]
    if not addresses:
        return Nat.UNKNOWN
    async with _asking(4) as asking:
        answers = dict(zip(addresses, await asyncio.gather(*map(asking.mapped, addresses)), strict=True))
        others = {one.other for one in answers.values() if isinstance(one, Mapped) and one.other is not None}
        further = [other for other in others - set(answers) if plausible(*other) and family(other[0]) == 4]
        answers |= zip(further, await asyncio.gather(*map(asking.mapped, further)), strict=True)
        port = asking.port
    seen = {asked: answer.address for asked, answer in answers.items() if isinstance(answer, Mapped)}
    outer = set(seen.values())
    if len(outer) > 1:
        return Nat.SYMMETRIC
    if any(address == (_source(asked), port) for asked, address in seen.items()):
        return Nat.NONE
    return Nat.INDEPENDENT if len({host for host, _ in seen}) > 1 else Nat.UNKNOWN


def _of_kind(uri: str, relay: bool, user: str = "", credential: str = "") -> Server:
    server = parse(uri, user, credential)
    if server.relay is not relay:
        raise ValueError("not the kind of server that is tested")
    return server


def _source(address: Address) -> str:
    """Returns the address of ours from which packets to somebody go out; empty when there is no way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(address)
        return str(probe.getsockname()[0])
    return ""


class _Asking(asyncio.DatagramProtocol):
    """A socket that asks."""

    transport: asyncio.DatagramTransport

    def __init__(self) -> None:
        self._transactions: dict[bytes, stun.Transaction] = {}

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # what asyncio has is none by class before 3.13

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        try:
            message = stun.parse_message(data)
        except (ValueError, struct.error):
            return
        transaction = self._transactions.get(message.transaction_id)
        if transaction is not None and message.message_class in (stun.Class.RESPONSE, stun.Class.ERROR):
            transaction.response_received(message, (str(addr[0]), int(addr[1])))

    def send_stun(self, message: stun.Message, addr: Address) -> None:
        """For `Transaction`."""
        self.transport.sendto(bytes(message), addr)

    async def mapped(self, server: Address) -> Mapped | Failure:
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        transaction = self._transactions[request.transaction_id] = stun.Transaction(request, server, self)
        begun = time.monotonic()
        try:
            async with asyncio.timeout(STUN_SECONDS):
                response, source = await transaction.run()
        except Exception as error:
            if (failure := failure_of(error)) is None:
                raise
            return failure
        finally:
            del self._transactions[request.transaction_id]
        address = response.attributes.get("XOR-MAPPED-ADDRESS")
        if address is None or source != server or not plausible(*address):
            return Failure.NONSENSE
        return Mapped(address, time.monotonic() - begun, response.attributes.get("OTHER-ADDRESS"))


@asynccontextmanager
async def _asking(version: int) -> AsyncIterator[_Asking]:
    any_address = "0.0.0.0" if version == 4 else "::"
    loop = asyncio.get_running_loop()
    transport, asking = await loop.create_datagram_endpoint(_Asking, local_addr=(any_address, 0))
    try:
        yield asking
    finally:
        transport.close()
