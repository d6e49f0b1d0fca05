"""aioice's agent as p2pchat uses it: candidates may be added while it checks, and what it chose can be read.

This is the only module that reads private names of aioice 1.16-era releases and of aiortc's way to them; `PRIVATE` and
`MANGLED` list them, `adopt` refuses to go on when one is missing, and a test does before anybody gets there.

What differs from aioice
    1. The side in control nominates one pair that has succeeded (RFC 8445 §8.1.1) instead of asking with each check
       to use that very pair. So both sides use the same one, and a relay that is not used can be given back.
    2. A check of the peer for a pair that we are checking ourselves repeats our own check at once (RFC 8445 §7.3.1.4).
       aioice waits for its timer, half a second and more: the first check of one side is always eaten by the other
       side's NAT, and that would often let a relay win.
    3. Checks that come from the peer's relay wait, too, while relays are held back.
    4. What others send has bounds: addresses learned from checks, and datagrams before there is a pair.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, cast

from aioice import Candidate, Connection, stun
from aioice.ice import CandidatePair, StunProtocol
from aiortc import RTCPeerConnection

logger = logging.getLogger(__name__)

PRIVATE: Final = (
    "_check_list",
    "_closing",
    "_local_candidates",
    "_nominated",
    "_pair_remote_candidate",
    "_protocols",
    "_queue",
    "_remote_candidates",
)
"""Of `aioice.Connection`."""

MANGLED: Final = "_RTCPeerConnection__connect"
"""Of `RTCPeerConnection`: begins ICE when a description of each side and a local candidate are there."""

EARLY_REPEATS: Final = 10
"""Most checks of one pair that are repeated because the peer checks it: a peer cannot make us send without end."""

LEARNED_MOST: Final = 64
"""Most addresses that are learned from checks of the peer: eight interfaces of ours times eight of its own. It can send
from any number of ports, and each costs us a check and a place in the list."""

EARLY_DATAGRAMS: Final = 64
"""Most datagrams that are kept while there is no pair, and so nobody who reads them: a few flights of DTLS."""

HELD_CHECKS: Final = 32
"""Most checks of a held peer's relay that are kept; it repeats them anyway."""

Address = tuple[str, int]
Check = tuple[stun.Message, Address, StunProtocol]


class Agent(Connection):
    """aioice's agent with the differences above. Made by `adopt` only."""

    requests: dict[CandidatePair, stun.Message]
    """The last check of each pair."""
    repeats: dict[CandidatePair, int]
    held: set[Address]
    """The peer's relayed addresses that are not to be paired yet."""
    held_checks: list[Check]

    @property
    def remote_is_lite(self) -> bool:
        """Always true: this is what makes aioice nominate as RFC 8445 has it."""
        return True

    @remote_is_lite.setter
    def remote_is_lite(self, value: bool) -> None:
        """What the description says makes no difference."""

    def build_request(self, pair: CandidatePair, nominate: bool) -> stun.Message:
        """Builds a check, and remembers it."""
        request = super().build_request(pair, nominate)
        self.requests[pair] = request
        return request

    def check_incoming(self, message: stun.Message, addr: Address, protocol: StunProtocol) -> None:
        """Handles a check of the peer that is authentic."""
        if addr in self.held:
            if len(self.held_checks) < HELD_CHECKS:
                self.held_checks.append((message, addr, protocol))
            return
        if self._is_one_too_many(addr):
            return
        super().check_incoming(message, addr, protocol)
        for pair in self._check_list:
            under_way = pair.protocol is protocol and pair.remote_addr == addr
            if under_way and pair.state is CandidatePair.State.IN_PROGRESS:
                self._repeat(pair)

    def _is_one_too_many(self, addr: Address) -> bool:
        if any(pair.remote_addr == addr for pair in self._check_list):
            return False
        return sum(candidate.type == "prflx" for candidate in self._remote_candidates) >= LEARNED_MOST

    def data_received(self, data: bytes, component: int) -> None:
        """Takes a datagram that is no check. One that is empty would end the connection (`p2pchat.rtc.loop`)."""
        if data and (self._nominated or self._queue.qsize() < EARLY_DATAGRAMS):
            super().data_received(data, component)

    async def query_consent(self) -> None:
        """Asks the peer for consent for as long as the connection lives (RFC 7675).

        aioice begins it also when it was closed in the moment in which a pair was found, and nobody would end it then.
        """
        if not self._closing:
            await super().query_consent()

    def _repeat(self, pair: CandidatePair) -> None:
        count = self.repeats.get(pair, 0)
        if count < EARLY_REPEATS and pair in self.requests:
            self.repeats[pair] = count + 1
            pair.protocol.send_stun(self.requests[pair], pair.remote_addr)

    # --- what gathering does with it

    def host_protocols(self) -> list[StunProtocol]:
        """The sockets of the host candidates."""
        return [protocol for protocol in self._protocols if protocol.local_candidate.type == "host"]

    async def mapped(self, protocol: StunProtocol, server: Address) -> tuple[Address, Address | None]:
        """Asks a STUN server how a socket looks from outside (RFC 8489 §2). The caller sets a time limit.

        Returns:
            That address, and another one of the server if it names one (RFC 5780 §7.4).

        Raises:
            TransactionError: it does not answer, or with an error.
            ValueError: somebody else answered, or without an address.
        """
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        response, source = await protocol.request(request, server)
        mapped = response.attributes.get("XOR-MAPPED-ADDRESS")
        if source != server or mapped is None:
            raise ValueError("not the answer of this server")
        return mapped, response.attributes.get("OTHER-ADDRESS")

    def add_relay(self, protocol: StunProtocol) -> None:
        """Uses a relay that was allocated: it is paired with what the peer has named, and will name."""
        self._protocols.append(protocol)
        self._local_candidates.append(protocol.local_candidate)
        for candidate in self._remote_candidates:
            self._pair_remote_candidate(candidate)
        self.sort_check_list()

    async def release(self, candidates: Iterable[Candidate]) -> None:
        """Pairs the peer's relayed candidates that were held, and handles the checks that came from them."""
        self.held.clear()
        for candidate in candidates:
            await self.add_remote_candidate(candidate)
        checks, self.held_checks = self.held_checks, []
        for check in checks:
            self.check_incoming(*check)

    @property
    def selected(self) -> CandidatePair | None:
        """The pair that carries the data; None until there is one."""
        return next(iter(self._nominated.values()), None)

    async def seen_by_peer(self, pair: CandidatePair) -> Address | None:
        """Asks the peer how we look on a pair; None when it does not say. Takes seconds at most."""
        assert self.remote_password is not None
        try:
            response, _ = await pair.protocol.request(
                super().build_request(pair, nominate=False),
                pair.remote_addr,
                integrity_key=self.remote_password.encode(),
                retransmissions=2,
            )
        except stun.TransactionError:
            return None
        mapped: Address | None = response.attributes.get("XOR-MAPPED-ADDRESS")
        return mapped


class RelayedProtocol(StunProtocol):
    """What comes through a relay: the event loop sees the server's datagrams or its stream, not what is in them."""

    lost = False
    """Whether the relay is gone: the connection to its server has ended, or it was given back or not prolonged."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The relay is gone."""
        self.lost = True
        super().connection_lost(exc)

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """Takes what somebody has sent to the relay, and drops what cannot be read: it would end a stream."""
        try:
            super().datagram_received(data, addr)
        except (struct.error, ValueError, KeyError):
            logger.debug("a relayed datagram that cannot be read")


def adopt(connection: RTCPeerConnection) -> Agent:
    """Returns the agent of a connection, made ours. Call once, after the local description was set.

    Raises:
        RuntimeError: aiortc's or aioice's internals are others than this module knows.
    """
    sctp = connection.sctp
    agent: Any = getattr(sctp.transport.transport, "_connection", None) if sctp is not None else None
    if not isinstance(agent, Connection) or missing(agent) or not hasattr(connection, MANGLED):
        raise RuntimeError("ICE cannot be steered in this version of aiortc or aioice")
    agent.__class__ = Agent
    agent.__dict__.pop("remote_is_lite", None)
    ours = cast(Agent, agent)
    ours.requests, ours.repeats, ours.held, ours.held_checks = {}, {}, set(), []
    return ours


def missing(agent: Connection) -> list[str]:
    """Names which private names an agent lacks."""
    return [name for name in PRIVATE if not hasattr(agent, name)]


async def begin_checks(connection: RTCPeerConnection) -> None:
    """Lets ICE begin if it has not: aiortc looks for a local candidate only while it sets a description.

    Returns when the connection is made, or has failed.
    """
    begin: Callable[[], Awaitable[None]] = getattr(connection, MANGLED)
    await begin()
