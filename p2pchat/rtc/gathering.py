"""Finding candidates while nobody waits: host candidates at once, the others as each is there (RFC 8838).

Life
    [use_description] ──> describe (our own description is set) ──> [use_description] ──> checks_begin ──> close

    The description has the host candidates and leaves at once. What STUN and TURN servers say follows as `Gathered`.
    A server that is silent costs nothing: it is waited for beside everything else, for a bounded time.

Relays come last
    A relay costs somebody bandwidth, and time to every packet. So for `HEAD_START` from the beginning of the checks no
    relayed candidate is paired or told, neither ours nor the peer's. The relay itself is asked for a little earlier,
    and only when there is no connection by then: two machines in one network never trouble a TURN server. The head
    start ends early when the peer has nothing but relays. With `relay_only` there is none.

Peers that take no later candidates (they do not say `trickle`) get an answer that has them all; it waits for them, for
`COMPLETE_SECONDS` at most.

All candidates of the peer go through here, those of its description too, so that its relays can be held and its last
candidate is not announced to aioice before ours is known: with neither side expecting more, aioice gives up at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Literal

from aioice import Candidate
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import SessionDescription

from p2pchat.errors import PeerUnreachable
from p2pchat.protocol.limits import CANDIDATES
from p2pchat.protocol.untrusted import safe_line
from p2pchat.rtc import candidates, reflexive, relays, trickle
from p2pchat.rtc.agent import Agent, RelayedProtocol, adopt, begin_checks
from p2pchat.rtc.diagnosis import Asked, Facts, Named
from p2pchat.rtc.ice import Configuration
from p2pchat.rtc.link_events import Gathered
from p2pchat.rtc.path import PathInfo, is_inner
from p2pchat.rtc.servers import Server

logger = logging.getLogger(__name__)

HEAD_START: Final = 1.5
"""Seconds in which only direct pairs are tried: STUN's answer, its way to the peer, and a check that is repeated after
0.5 and 1.5 s because the first one only opened a NAT or was lost."""

ALLOCATE_AFTER: Final = 0.5
"""Seconds after which a relay is asked for: those in one network are connected by then, and what is left of the head
start is enough for a name, a connection and the two requests."""

COMPLETE_SECONDS: Final = 2.0
"""Time for which an answer waits that is the only chance to name candidates."""

CANDIDATES_MOST: Final = 64
"""Candidates that are taken from the peer: twice what a machine with eight interfaces has."""


class Gathering:
    """The candidates of one link, ours and the peer's, in its descriptions and after them.

    Args:
        connection: has its data channel, and no local description yet.
        configuration: whom to ask.
        tell: called on the event loop with what is for the peer.
    """

    def __init__(
        self, connection: RTCPeerConnection, configuration: Configuration, tell: Callable[[Gathered], None]
    ) -> None:
        self._connection = connection
        self._configuration = configuration
        self._tell = tell
        self._agent: Agent | None = None
        self._work: set[asyncio.Task[None]] = set()
        self._checks: asyncio.Task[None] | None = None
        self._found: list[str] = []
        self._flush: asyncio.Handle | None = None
        self._described = False
        self._peer_described = False
        self._peer_trickles = True
        self._both_described = False
        self._head_start_over = configuration.relay_only
        self._relays_now = asyncio.Event()
        self._relay: relays.Relay | None = None
        self._open_work = 0
        self._complete = asyncio.Event()
        self._held: list[Candidate] = []
        self._early: list[Candidate] = []
        self._remote_count = 0
        self._remote_complete = False
        self._ended = False
        self._closed = False
        self._way_found = False
        self._ours: list[Named] = []
        self._theirs: list[Named] = []
        self._asked: list[Asked] = []
        self._seen: tuple[str, int] | None = None
        connection.add_listener("iceconnectionstatechange", self._ice_changed)

    # --- our own candidates

    async def describe(self) -> str:
        """Returns the local description, and begins to ask the servers. Call once, after it was set."""
        agent = self._agent = adopt(self._connection)
        if self._closed:
            # The sockets that aioice has bound since it was closed are known to it only now.
            await agent.close()
            return self._connection.localDescription.sdp
        for candidate in agent.local_candidates:
            self._ours.append(candidates.named(candidate))
        at_once = self._head_start_over = self._configuration.relay_only or not self._peer_trickles
        self._open_work = bool(self._configuration.stun) + bool(self._configuration.turn)
        if self._configuration.stun:
            self._spawn(self._ask_stun(agent))
        if self._configuration.turn and at_once:
            self._spawn(self._use_relay(agent, 0.0))
        if self._early:
            early, self._early = self._early, []
            self._add(agent, early)
        self._settle()
        if not self._peer_trickles:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._complete.wait(), COMPLETE_SECONDS)
        self._described = True
        found, self._found = self._found, []
        return trickle.described(self._connection.localDescription.sdp, bool(self._open_work), found)

    def checks_begin(self) -> None:
        """Both descriptions are set: the head start begins."""
        assert self._agent is not None
        self._both_described = True
        if self._head_start_over:
            self._settle()
            return
        self._spawn(self._end_head_start(self._agent))
        if self._configuration.turn:
            self._spawn(self._use_relay(self._agent, HEAD_START))

    async def _ask_stun(self, agent: Agent) -> None:
        await asyncio.gather(*(self._ask(agent, server) for server in self._configuration.stun))
        self._finished()

    async def _ask(self, agent: Agent, server: Server) -> None:
        failure = await reflexive.ask(agent, server, self._tell_candidate)
        self._asked.append(Asked(server, failure))

    async def _use_relay(self, agent: Agent, head_start: float) -> None:
        """Gets a relay, and uses it when the head start is over and has led to nothing."""
        begun = asyncio.get_running_loop().time()
        await self._wait(min(head_start, ALLOCATE_AFTER))
        relay = await relays.first(
            self._configuration.turn,
            lambda: RelayedProtocol(agent),
            self._configuration.relay_only,
            lambda server, failure: self._asked.append(Asked(server, failure)),
        )
        if relay is not None:
            self._asked.append(Asked(relay.server, None))
            try:
                await self._wait(begun + head_start - asyncio.get_running_loop().time())
            except asyncio.CancelledError:
                relay.protocol.transport.close()
                raise
            self._relay = relay
            agent.add_relay(relay.protocol)
            self._tell_candidate(relay.candidate)
            if self._checks is None:
                self._checks = asyncio.create_task(begin_checks(self._connection))
        self._finished()

    async def _wait(self, seconds: float) -> None:
        """Waits, unless only relays are left."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._relays_now.wait(), seconds)

    async def _end_head_start(self, agent: Agent) -> None:
        await self._wait(HEAD_START)
        self._head_start_over = True
        held, self._held = self._held, []
        await agent.release(held)
        self._settle()

    def _tell_candidate(self, candidate: Candidate) -> None:
        if (named := candidates.named(candidate)) not in self._ours:
            self._ours.append(named)
            self._found.append(candidates.text_of(candidate))
            self._schedule_flush()

    def _finished(self) -> None:
        """One kind of server has said all it will say."""
        self._open_work -= 1
        self._settle()
        if not self._open_work:
            self._schedule_flush()

    def _schedule_flush(self) -> None:
        if self._described and self._flush is None:
            self._flush = asyncio.get_running_loop().call_soon(self._tell_found)

    def _tell_found(self) -> None:
        self._flush = None
        found, self._found = self._found, []
        while len(found) > CANDIDATES:
            self._tell(Gathered(tuple(found[:CANDIDATES]), last=False))
            found = found[CANDIDATES:]
        self._tell(Gathered(tuple(found), last=not self._open_work))

    # --- the peer's

    async def use_description(self, kind: Literal["offer", "answer"], sdp: str) -> None:
        """Uses the peer's description, and the candidates in it.

        Raises:
            PeerUnreachable: it cannot be used.
        """
        theirs = trickle.received(sdp)
        if not theirs.credentials_fit:
            raise PeerUnreachable(f"the peer's {kind} has no user name and password that fit into a check")
        if "m=application" not in theirs.sdp or "m=audio" in theirs.sdp or "m=video" in theirs.sdp:
            raise PeerUnreachable(f"the peer's {kind} is not for data channels")
        try:
            # Without one aiortc begins DTLS, and stumbles: the link would wait for its deadline.
            media = SessionDescription.parse(theirs.sdp).media
            if not all(each.dtls is not None and each.dtls.fingerprints for each in media):
                raise ValueError("no certificate is named")
            await self._connection.setRemoteDescription(RTCSessionDescription(theirs.sdp, kind))
        except Exception as error:  # aiortc raises whatever its parser stumbles over
            logger.debug("unusable %s: %r", kind, error)
            raise PeerUnreachable(f"the peer's {kind} cannot be used") from error
        self._peer_described = True
        if kind == "offer":
            self._peer_trickles = theirs.trickles
        self.use(theirs.candidates)
        if theirs.complete:
            self.no_more()

    def use(self, texts: Sequence[str]) -> None:
        """Tries candidates of the peer; bad ones are left out. They may come before anything is described."""
        usable = []
        for text in texts:
            self._remote_count += 1
            candidate = candidates.parse(text) if self._remote_count <= CANDIDATES_MOST else None
            if candidate is not None:
                self._theirs.append(candidates.named(candidate))
                usable.append(candidate)
        if self._agent is None:
            self._early += usable
        else:
            self._add(self._agent, usable)

    def no_more(self) -> None:
        """The peer has named its last candidate."""
        self._remote_complete = True
        if not any(named.kind != "relay" for named in self._theirs):
            self._relays_now.set()
        self._settle()

    def _add(self, agent: Agent, usable: Sequence[Candidate]) -> None:
        for candidate in usable:
            if candidate.type == "relay" and not self._head_start_over:
                self._held.append(candidate)
                agent.held.add((candidate.host, candidate.port))
            elif not self._ended:
                # A name of mDNS takes a second to resolve; nothing else has to wait for it.
                self._spawn(agent.add_remote_candidate(candidate))

    def _settle(self) -> None:
        """Tells aioice that no candidate will come any more, once that is true of both sides."""
        if self._agent is None or self._open_work:
            return
        self._complete.set()
        head_start_over = self._both_described and self._head_start_over and not self._held
        if self._remote_complete and head_start_over and not self._ended:
            self._ended = True
            self._spawn(self._agent.add_remote_candidate(None))

    # --- afterwards

    def facts(self) -> Facts:
        """What this attempt has seen so far."""
        return Facts(
            self._peer_described,
            tuple(self._ours),
            tuple(self._theirs),
            tuple(self._asked),
            self._configuration.relay_only,
            self._way_found,
        )

    @property
    def path(self) -> PathInfo | None:
        """The pair that carries the link; None until there is one."""
        pair = self._agent.selected if self._agent is not None else None
        if pair is None:
            return None
        here, there = pair.local_candidate, pair.remote_addr[0]
        relay = self._relay if here.type == "relay" else None
        return PathInfo(
            local=self._local_kind(here),
            remote=pair.remote_candidate.type,
            family=candidates.family(there),
            inner=is_inner(here.host) and is_inner(there),
            relay=safe_line(relay.server.host) if relay else "",
            transport=relay.server.transport if relay else "",
        )

    @property
    def lost_relay(self) -> Server | None:
        """Whose relay of ours carried the link and is gone; None when it is none of ours, or still there."""
        pair = self._agent.selected if self._agent is not None else None
        gone = pair is not None and isinstance(pair.protocol, RelayedProtocol) and pair.protocol.lost
        return self._relay.server if gone and self._relay is not None else None

    def _local_kind(self, base: Candidate) -> str:
        if base.type == "relay" or self._seen is None or self._seen == (base.host, base.port):
            return base.type
        mapped = any(named.kind == "srflx" and named.address == self._seen for named in self._ours)
        return "srflx" if mapped else "prflx"

    async def close(self) -> None:
        """Stops asking, and gives back a relay that was not used. Call before the connection is closed.

        Whoever is describing or reading a description at this moment goes on, but nothing is begun any more.
        """
        self._closed = True
        if self._flush is not None:
            self._flush.cancel()
        for task in self._work:
            task.cancel()
        if self._work:
            await asyncio.wait(self._work)

    def _ice_changed(self) -> None:
        if self._connection.iceConnectionState == "completed" and self._agent is not None:
            self._way_found = True
            for task in self._work:
                task.cancel()
            self._spawn(self._connected(self._agent))

    async def _connected(self, agent: Agent) -> None:
        pair = agent.selected
        if pair is None:
            return
        # The side in control has nominated this pair and no other, so nothing will come through the relay.
        if self._relay is not None and pair.protocol is not self._relay.protocol and agent.ice_controlling:
            self._relay.protocol.transport.close()
        if pair.local_candidate.type != "relay":
            self._seen = await agent.seen_by_peer(pair)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._closed:
            work.close()
            return
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("gathering candidates failed: %r", error)
