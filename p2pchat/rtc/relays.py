"""Getting a relay from a TURN server (RFC 8656), over UDP, TCP or TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aioice import Candidate, turn
from aioice.ice import StunProtocol

from p2pchat.rtc import candidates
from p2pchat.rtc.servers import Failure, Server, ServerFailed, failure_of, plausible

ALLOCATE_SECONDS: Final = 6.0
"""Time for one server: a name, a connection, TLS, two requests, and three losses of the first one on the way."""

NEXT_SECONDS: Final = 0.7
"""Time after which the next server is tried beside one that has not answered: one loss, and a slow path. Most lists
name one server three times, over UDP, TCP and TLS, and where UDP is blocked nothing says so."""

ProtocolFactory = Callable[[], StunProtocol]


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay of ours. `protocol.close()` gives it back."""

    server: Server
    protocol: StunProtocol

    @property
    def candidate(self) -> Candidate:
        """What the peer is told of it."""
        return self.protocol.local_candidate


async def allocate(server: Server, protocol_factory: ProtocolFactory, hidden: bool) -> Relay:
    """Asks a TURN server for a relay; takes at most `ALLOCATE_SECONDS`. TLS checks the certificate, as Python does.

    Args:
        server: whom to ask.
        protocol_factory: what takes the relayed packets.
        hidden: leave out how we look from outside.

    Raises:
        ServerFailed: why there is none.
    """
    try:
        async with asyncio.timeout(ALLOCATE_SECONDS):
            _, protocol = await turn.create_turn_endpoint(
                protocol_factory,
                server_addr=(server.host, server.port),
                username=server.username or None,
                password=server.credential or None,
                ssl=ssl.create_default_context() if server.transport == "tls" else None,
                transport="udp" if server.transport == "udp" else "tcp",
            )
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        raise ServerFailed(failure) from error
    host, port = protocol.transport.get_extra_info("sockname")[:2]
    if not plausible(host, port):
        protocol.transport.close()
        raise ServerFailed(Failure.NONSENSE)
    mapped = None if hidden else protocol.transport.get_extra_info("related_address")
    protocol.local_candidate = candidates.found("relay", (host, port), host, mapped)
    return Relay(server, protocol)


async def first(
    servers: Sequence[Server],
    protocol_factory: ProtocolFactory,
    hidden: bool,
    failed: Callable[[Server, Failure], None],
) -> Relay | None:
    """Asks one server after the other, the next one also when one takes long; the first relay is used.

    Args:
        servers: in the order in which they are wanted.
        protocol_factory: see `allocate`.
        hidden: see `allocate`.
        failed: told each server that is of no use.

    Returns:
        A relay, or None when no server gives one.
    """
    waiting = list(servers)
    trying: dict[asyncio.Task[Relay], Server] = {}
    try:
        while waiting or trying:
            if waiting:
                server = waiting.pop(0)
                trying[asyncio.ensure_future(allocate(server, protocol_factory, hidden))] = server
            done, _ = await asyncio.wait(
                trying, timeout=NEXT_SECONDS if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                server = trying.pop(task)
                try:
                    return task.result()
                except ServerFailed as error:
                    failed(server, error.failure)
        return None
    finally:
        await _give_up(trying)


async def _give_up(trying: dict[asyncio.Task[Relay], Server]) -> None:
    """Ends what is not needed any more; a relay that came at the same moment is given back."""
    for task in trying:
        task.cancel()
    if trying:
        await asyncio.wait(trying)
    for task in trying:
        if not task.cancelled() and task.exception() is None:
            task.result().protocol.transport.close()
