"""How our sockets look from outside, as STUN servers see them (RFC 8489), over IPv4 and IPv6."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from aioice import Candidate
from aioice.ice import StunProtocol

from p2pchat.rtc import candidates
from p2pchat.rtc.agent import Agent
from p2pchat.rtc.servers import Failure, Server, failure_of, plausible

STUN_SECONDS: Final = 5.0
"""Time for one answer: aioice repeats a request after 0.5, 1.5 and 3.5 s."""

Address = tuple[str, int]


async def ask(agent: Agent, server: Server, found: Callable[[Candidate], None]) -> Failure | None:
    """Asks a server from each of our sockets at once; takes at most twice `STUN_SECONDS`.

    Args:
        agent: has the sockets.
        server: whom to ask.
        found: told each candidate as soon as it is there; the same one may come from several servers.

    Returns:
        Why the server is of no use; None when it has answered one socket.
    """
    try:
        addresses = await resolve(server, STUN_SECONDS)
    except (OSError, UnicodeError) as error:
        return failure_of(error)
    outcomes = await asyncio.gather(
        *(
            _ask_from(agent, protocol, address, found)
            for protocol in agent.host_protocols()
            for address in addresses
            if candidates.family(protocol.local_candidate.host) == candidates.family(address[0])
        )
    )
    if not outcomes:
        return Failure.UNREACHABLE
    return None if None in outcomes else outcomes[0]


async def resolve(server: Server, seconds: float) -> list[Address]:
    """Returns the addresses of a server, at most one of each family.

    Raises:
        OSError: the name cannot be resolved, or not in this time.
        UnicodeError: it cannot be a name.
    """
    async with asyncio.timeout(seconds):
        found = await asyncio.get_running_loop().getaddrinfo(server.host, server.port, type=socket.SOCK_DGRAM)
    by_family = {family: (str(address[0]), int(address[1])) for family, _, _, _, address in reversed(found)}
    return list(by_family.values())


async def _ask_from(
    agent: Agent, protocol: StunProtocol, server: Address, found: Callable[[Candidate], None]
) -> Failure | None:
    base = (protocol.local_candidate.host, protocol.local_candidate.port)

    async def asked(address: Address) -> Address | None:
        async with asyncio.timeout(STUN_SECONDS):
            mapped, other = await agent.mapped(protocol, address)
        if not plausible(*mapped):
            raise ValueError("not an address")
        if mapped != base:
            found(candidates.found("srflx", mapped, base[0], base))
        return other

    try:
        other = await asked(server)
    except Exception as error:
        if (failure := failure_of(error)) is None:
            raise
        return failure
    # Seen from another address too, it shows whether the NAT gives each connection another port (RFC 5780 §4.3).
    if other is not None and plausible(*other) and candidates.family(other[0]) == candidates.family(base[0]):
        try:
            await asked(other)
        except Exception as error:
            if failure_of(error) is None:
                raise
    return None
