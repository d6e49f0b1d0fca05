"""Rooms that several servers share through Redis.

Rules
    1. Requests are carried out one after the other, in their order. A hub hears of a room's states in their order, each
       at most once, from the reply to its own change or from another server, whichever comes first.
    2. A server says every second that it is alive. One that has not said so for a few seconds is gone: those who see it
       first make its members away. When it is there after all, it takes their seats back.
    3. While Redis does not answer, seats are refused with `unavailable`, and who gives one up does so for the members
       of this server only; the rest is made up for afterwards. Messages between members of this server pass on.
    4. When Redis is there again, this server says again who sits here, whatever Redis has forgotten meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from p2pchat.protocol.signaling import ErrorCode
from signaling_server import seats
from signaling_server.gate import Refusal
from signaling_server.limits import ServerLimits
from signaling_server.mailboxes import NUMBERS, draw, room_name
from signaling_server.redis_presence import BEAT_SECONDS, Presence
from signaling_server.redis_rooms import (
    ABSENT,
    KEEP_SECONDS,
    MessageNotice,
    NumberTaken,
    RedisRooms,
    RoomNotice,
    channel,
    read_notice,
)
from signaling_server.redis_views import Views
from signaling_server.requests import (
    Answer,
    ClaimMailbox,
    Forward,
    Forwarded,
    OpenMailbox,
    Refused,
    Request,
    Return,
    SeatRequest,
    TakeSeat,
    Vacate,
)
from signaling_server.seats import NOBODY, Outcome, Room, Seat
from signaling_server.tasks import end, run_together

logger = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 2.0
"""Time for Redis to answer before it counts as away; it answers within a millisecond."""

RETRY_SECONDS: Final = 0.5
"""Time between attempts to reach a Redis that is away."""

WAITING_REQUESTS: Final = 10_000
"""Requests that may wait for Redis; further ones are treated as if it were away, but for seats that are given up."""

_TOUCH_BEATS: Final = int(KEEP_SECONDS / BEAT_SECONDS / 4)
_FORWARDS: Final = 100
"""Messages that are published in one go."""

_Rule = Callable[[Room], Outcome]


class RedisBackplane:
    """See `signaling_server.backplane.Backplane`.

    Args:
        url: such as `redis://:password@host:6379/0`, or `rediss:` for TLS; never logged.
        limits: see `ServerLimits`.
        pick: returns a random number from 0 up to, but not including, its argument.
        tell: called with each answer.
        held: the rooms of members here as the hub knows them, with all who are here in their seats.

    Raises:
        ValueError: `url` is none of Redis.
    """

    def __init__(
        self,
        url: str,
        limits: ServerLimits,
        pick: Callable[[int], int],
        tell: Callable[[Answer], None],
        held: Callable[[], Mapping[str, Room]],
    ) -> None:
        self.instance = secrets.token_hex(8)
        self.is_ready = False
        self._limits = limits
        self._pick = pick
        self._tell = tell
        self._held = held
        self._redis = Redis.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),  # what is tried again, and when, is decided here
        )
        self._rooms = RedisRooms(self._redis, self.instance, limits)
        self._presence = Presence(self._redis, self.instance)
        self._requests: deque[Request] = deque()
        self._requested = asyncio.Event()
        self._owed: deque[Vacate] = deque()
        """Seats that were given up while Redis was away."""
        self._views = Views(self.instance, self._rooms, tell)
        self._doubtful: Vacate | None = None
        """How to give the seat up that was asked for when Redis went away: it may have been taken or not."""
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to reach Redis, and returns when the first attempt has succeeded or failed."""
        self._task = asyncio.create_task(self._run())
        await self._tried.wait()

    async def close(self) -> None:
        """Lets go of Redis; the others will see that this server is gone, and make its members away."""
        if self._task is None:
            return
        await end(self._task)
        if self.is_ready:
            with contextlib.suppress(RedisError, OSError):
                await self._presence.end()
        self.is_ready = False
        await self._redis.aclose()

    def submit(self, request: Request, now: float) -> None:
        """See `Backplane`; the answers come later."""
        if self.is_ready and (isinstance(request, Vacate) or len(self._requests) < WAITING_REQUESTS):
            self._requests.append(request)
            self._requested.set()
        else:
            self._decline(request)

    def deadline(self) -> None:
        """See `Backplane`: nothing here needs the hub's timer."""
        return

    def tick(self, now: float) -> None:
        """See `Backplane`."""

    # Redis comes and goes

    async def _run(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as told:
                    await told.subscribe(channel(self.instance))
                    await self._presence.say()
                    await run_together(self._presence.keep(), self._restore())
                    logger.info("Redis is there")
                    self._tried.set()
                    await run_together(
                        self._presence.keep(), self._listen(told), self._work(), self._look_after_rooms()
                    )
            except (RedisError, OSError) as problem:
                if self.is_ready or not self._tried.is_set():  # once, however long it takes
                    logger.warning("Redis is away: %s", type(problem).__name__)
            except Exception:
                logger.exception("what is in Redis cannot be used")
            self._cut_off()
            self._tried.set()
            await asyncio.sleep(RETRY_SECONDS)

    def _cut_off(self) -> None:
        """Redis is away: whoever waits for it is answered without it."""
        self.is_ready = False
        if self._doubtful is not None:
            self._owed.append(self._doubtful)
            self._doubtful = None
        requests, self._requests = self._requests, deque()
        for request in requests:
            self._decline(request)

    def _decline(self, request: Request) -> None:
        """Answers a request without Redis."""
        match request:
            case Vacate(name, peer, socket, reason):
                self._owed.append(request)
                holder, before = (self.instance, socket), self._views[name].room
                after = seats.vacate(before, peer, holder, reason, self._limits, self._now())
                if after is not before:
                    self._views.pretend(name, after)
            case Forward():
                logger.info("a message for another server is lost")
            case Return():
                pass  # `_restore` sees to it
            case _:
                text = "this server cannot reach the place where rooms are kept"
                wait = self._limits.shutdown_retry_seconds + self._pick(self._limits.shutdown_spread_ms) / 1000
                self._tell(Refused(request.socket, Refusal(ErrorCode.UNAVAILABLE, text, wait)))

    async def _restore(self) -> None:
        """Makes up for what was missed while Redis was away; then this server is ready."""
        await self._pay()
        held = self._held()
        for (name, known), stored in zip(held.items(), await self._rooms.read(list(held)), strict=True):
            restored = seats.restore(stored.room, known, self.instance, self._limits, self._now())
            if restored is not stored.room or stored.version != self._views[name].version:
                await self._restore_room(name)
        # Others may have given their seats up in between. Nothing may be waited for after this.
        await self._pay()
        self.is_ready = True

    async def _restore_room(self, name: str) -> None:
        def rule(room: Room) -> Outcome:
            known = self._held().get(name, NOBODY)
            return seats.restore(room, known, self.instance, self._limits, self._now())

        def without_number(room: Room) -> Outcome:
            restored = rule(room)
            return msgspec.structs.replace(restored, mailbox=None) if isinstance(restored, Room) else restored

        try:
            await self._views.change(name, rule)
        except NumberTaken:
            await self._views.change(name, without_number)

    async def _pay(self) -> None:
        """Tells Redis of the seats that were given up without it."""
        while self._owed:
            await self._vacate(self._owed[0])
            self._owed.popleft()

    # Requests

    async def _work(self) -> None:
        while True:
            self._requested.clear()
            while self._requests:
                if isinstance(self._requests[0], Forward):
                    done = await self._publish()
                else:
                    await self._carry_out(self._requests[0])
                    done = 1
                for _ in range(done):
                    self._requests.popleft()
            await self._requested.wait()

    async def _publish(self) -> int:
        """Publishes the messages at the head of the queue; returns how many."""
        count = 0
        async with self._redis.pipeline(transaction=False) as pipeline:
            for request in self._requests:
                if not isinstance(request, Forward) or count == _FORWARDS:
                    break
                notice = MessageNotice(request.room, request.to, request.message)
                pipeline.publish(channel(request.instance), msgspec.json.encode(notice))
                count += 1
            await pipeline.execute()
        return count

    async def _carry_out(self, request: Request) -> None:
        match request:
            case TakeSeat(socket, peer, key, name):
                seat = Seat(key, self.instance, socket)
                await self._seat(request, name, lambda room: seats.join(room, peer, seat, self._limits))
            case ClaimMailbox(socket, peer, key, number, wait):
                seat = Seat(key, self.instance, socket)
                name = await self._rooms.behind(number)
                if name:
                    await self._seat(request, name, lambda room: seats.claim(room, peer, seat, wait))
                else:
                    refusal = seats.claim(NOBODY, peer, seat, wait)
                    assert isinstance(refusal, Refusal)
                    self._tell(Refused(socket, refusal))
            case OpenMailbox():
                await self._open(request)
            case Vacate():
                await self._vacate(request)
            case Return(socket, peer, key, name):
                seat = Seat(key, self.instance, socket)
                await self._views.change(name, lambda room: seats.reclaim(room, peer, seat))

    async def _seat(self, request: SeatRequest, name: str, rule: _Rule) -> None:
        self._doubtful = Vacate(name, request.peer, request.socket, seats.LOST)
        before, outcome = await self._views.change(name, rule, self._limits.rooms)
        self._doubtful = None
        if isinstance(outcome, Refusal):
            crowd = before.room if outcome.code is ErrorCode.CROWDED else NOBODY
            self._tell(Refused(request.socket, outcome, name, crowd))
            return
        seat = self._views[name].room.seats.get(request.peer)
        if seat is None or (seat.instance, seat.socket) != (self.instance, request.socket):
            text = "the seat was taken over by its owner on another socket"
            self._tell(Refused(request.socket, Refusal(ErrorCode.REPLACED, text)))

    async def _open(self, request: OpenMailbox) -> None:
        seat = Seat(request.key, self.instance, request.socket)

        def rule(_room: Room) -> Outcome:
            return room

        for numbers in NUMBERS:
            while (number := draw(numbers, await self._rooms.taken(numbers), self._pick)) is not None:
                room = seats.opened(number, request.peer, seat, self._limits, self._now())
                try:
                    await self._seat(request, room_name(number, secrets.token_hex(8)), rule)
                except NumberTaken:
                    continue
                return
        refusal = seats.full(ErrorCode.TOO_MANY_ROOMS, "all mailboxes are in use", self._limits)
        self._tell(Refused(request.socket, refusal))

    async def _vacate(self, request: Vacate) -> None:
        holder = (self.instance, request.socket)
        await self._views.change(
            request.room,
            lambda room: seats.vacate(room, request.peer, holder, request.reason, self._limits, self._now()),
        )

    # What other servers say

    async def _listen(self, told: PubSub) -> None:
        """Hears what other servers say.

        A connection that is only listened to may be dead without a word, as when a firewall has forgotten it: so
        something has to be heard at least every few seconds, be it the answer to a ping.
        """
        loop = asyncio.get_running_loop()
        heard_at = loop.time()
        while loop.time() - heard_at < BEAT_SECONDS + ANSWER_SECONDS:
            notice = await told.get_message(ignore_subscribe_messages=True, timeout=BEAT_SECONDS)
            if notice is None:
                await told.ping()
                continue
            heard_at = loop.time()
            if notice["type"] == "message":
                self._heard(notice["data"])
        raise TimeoutError

    def _heard(self, data: bytes) -> None:
        match read_notice(data):
            case RoomNotice(version, name, room):
                self._views.heard(name, version, room)
            case MessageNotice(name, to, message):
                self._tell(Forwarded(name, to, message))

    # Upkeep

    async def _look_after_rooms(self) -> None:
        """Looks after the members of servers that are gone, and after what is due; has rooms live on."""
        beats = 0
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if gone := await self._presence.gone():
                await self._bury(gone)
            for name in await self._rooms.due(self._now()):
                before, _ = await self._views.change(name, lambda room: seats.expire(room, self._now()))
                if before is ABSENT:
                    await self._rooms.forget(name)
            beats += 1
            if beats % _TOUCH_BEATS == 0:
                await self._rooms.touch(self._views)

    async def _bury(self, gone: set[str]) -> None:
        """Servers are gone: their members are away."""
        logger.warning("%d servers are gone", len(gone))
        async for names in self._rooms.with_seats_of(gone):
            gone &= await self._presence.gone()  # with many rooms, one may be there again before all is done
            for name in names:
                await self._abandon(name, gone)
        if gone:
            await self._presence.forget(gone)

    async def _abandon(self, name: str, gone: set[str]) -> None:
        await self._views.change(name, lambda room: seats.abandon(room, gone, self._limits, self._now()))

    def _now(self) -> float:
        """Seconds of Redis' clock."""
        return self._presence.now()
