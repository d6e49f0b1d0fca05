"""Who may come in, and how often: tokens, and what is counted for each source.

Rules
    1. Time is an argument: seconds of a monotonic clock.
    2. Each answer is None, or a refusal to pass on. What was refused has cost nothing but its place in the count.
    3. A source without a key is not counted; it still has to show a token where one is needed.
    4. Whoever has shown too many wrong tokens waits, also with the right one: waiting tells nothing about a token.
    5. What is remembered is bounded: rates by `ServerLimits.sources`, counts of sockets by the sockets there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from p2pchat.protocol.signaling import ErrorCode, IceServers
from signaling_server.buckets import Buckets
from signaling_server.limits import ServerLimits
from signaling_server.sources import Source


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, as it is told to the client."""

    code: ErrorCode
    message: str
    retry_after: float | None = None


NO_ICE_SERVERS: Final = IceServers([], 0.0)


class Gate:
    """What stands before the rooms of one server.

    Args:
        limits: what a source may do; see `ServerLimits`.
        is_token: whether a text is a token that opens this server; everybody may come in when left out.
        ice: names the ICE servers for a peer id, with credentials of its own; there are none when left out.
    """

    def __init__(
        self,
        limits: ServerLimits,
        is_token: Callable[[str], bool] = lambda _token: True,
        ice: Callable[[str], IceServers] = lambda _peer: NO_ICE_SERVERS,
    ) -> None:
        self._limits = limits
        self._is_token = is_token
        self.ice_servers = ice
        self._sockets: Counter[str] = Counter()
        self._pending: set[int] = set()
        self._joins = Buckets(limits.joins_per_minute, limits.sources)
        self._room_joins = Buckets(limits.room_joins_per_minute, limits.sources)
        self._mailboxes = Buckets(limits.source_mailbox_requests_per_minute, limits.sources)
        self._wrong_tokens = Buckets(limits.wrong_tokens_per_minute, limits.sources)
        self.limited: Counter[str] = Counter()
        """How often each limit was met, by its name."""

    @property
    def pending(self) -> int:
        """Sockets that have not been welcomed yet."""
        return len(self._pending)

    # Sockets

    def has_room_for(self, source: Source) -> Refusal | None:
        """Whether another socket may be opened at all. Ask before `opened`; a refusal here is for the HTTP request.

        A source may open twice what it may use: the second half is told why over its sockets, as clients expect it.
        """
        full = self._limits.full_retry_seconds
        if len(self._pending) >= self._limits.pending_sockets:
            return self._limit("pending-sockets", ErrorCode.RATE_LIMITED, "too many sockets are being opened", 1.0)
        if source.key and self._sockets[source.key] >= 2 * self._limits.sockets_per_source:
            return self._limit("sockets", ErrorCode.TOO_MANY_SOCKETS, "too many sockets of this address", full)
        return None

    def opened(self, socket: int, source: Source) -> Refusal | None:
        """A socket was opened. It counts until `closed`, also when it is refused, which is for the socket to say."""
        self._pending.add(socket)
        if not source.key:
            return None
        self._sockets[source.key] += 1
        if self._sockets[source.key] <= self._limits.sockets_per_source:
            return None
        allowed = f"{self._limits.sockets_per_source} sockets of one address"
        full = self._limits.full_retry_seconds
        return self._limit("sockets", ErrorCode.TOO_MANY_SOCKETS, f"this server allows {allowed}", full)

    def welcomed(self, socket: int) -> None:
        """The socket is no longer a pending one."""
        self._pending.discard(socket)

    def closed(self, socket: int, source: Source) -> None:
        """The socket is gone."""
        self._pending.discard(socket)
        if source.key:
            self._sockets[source.key] -= 1
            if not self._sockets[source.key]:
                del self._sockets[source.key]

    # What they do

    def greeted(self, source: Source, token: str, now: float) -> Refusal | None:
        """Somebody shows a token, in its message or before, with the request."""
        if self._is_token(source.token or token) and not self._wrong_tokens.wait(source.key, now):
            return None
        wait = self._wrong_tokens.take(source.key, now) if source.key else 0.0
        if wait:
            return self._limit("tokens", ErrorCode.RATE_LIMITED, "too many wrong tokens", wait)
        told = "this token is not valid here" if source.token or token else "this server wants a token"
        return Refusal(ErrorCode.UNAUTHORIZED, told)

    def joins(self, source: Source, room: str, now: float) -> Refusal | None:
        """Somebody wants to join a room."""
        wait = self._joins.take(source.key, now) if source.key else 0.0
        if wait:
            return self._limit("joins", ErrorCode.RATE_LIMITED, "too many joins of this address", wait)
        wait = self._room_joins.take(room, now)
        if wait:
            return self._limit("room-joins", ErrorCode.RATE_LIMITED, "this room is joined too often", wait)
        return None

    def uses_mailboxes(self, source: Source, now: float) -> Refusal | None:
        """Somebody wants to allocate or claim a mailbox."""
        wait = self._mailboxes.take(source.key, now) if source.key else 0.0
        return self._limit("mailboxes", ErrorCode.RATE_LIMITED, "too many mailboxes", wait) if wait else None

    def _limit(self, limit: str, code: ErrorCode, message: str, retry_after: float) -> Refusal:
        self.limited[limit] += 1
        return Refusal(code, message, retry_after)
