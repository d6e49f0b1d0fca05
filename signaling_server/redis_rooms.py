"""How rooms lie in Redis, and how one is changed by several servers at the same time without losing anything.

    p2pchat:1:room:NAME       hash: `version`, and `room` as JSON (`signaling_server.seats.Room`)
    p2pchat:1:rooms           sorted set: the name of each room, by when something has to be done about it
    p2pchat:1:mailbox:NUMBER  the name of the room behind a number, or nothing while the number rests
    p2pchat:1:instance:ID     there while that server is alive
    p2pchat:1:instances       set: the servers that were alive of late
    p2pchat:1:to:ID           channel: what that server is told

Every key has a time to live, so that nothing stays when all servers are gone for good. A change reads a room, applies
the rules, and writes the result if the version is still the same; one script does that, counts the rooms, takes the
number and tells the other servers. It does so only for a server that is known to be alive. Versions are the
microseconds of Redis' clock: they grow even when all is lost.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from p2pchat.protocol.signaling import Error, ErrorCode, Relayed
from signaling_server import seats
from signaling_server.gate import Refusal
from signaling_server.limits import ServerLimits
from signaling_server.seats import NOBODY, Outcome, Room

logger = logging.getLogger(__name__)

PREFIX: Final = "p2pchat:1:"
"""Before the name of every key and channel: other programs may use the same Redis. The number is the format's."""

KEEP_SECONDS: Final = 3600
"""Time to live of what no server has touched: long enough for any outage after which somebody still waits."""

_BATCH: Final = 200
"""Rooms that are read at once: a few milliseconds of work in between which sockets are served."""

_ATTEMPTS: Final = 50
"""Changes of one room at the same time that are waited for: more than a room has members, and all retry at once."""

_SCRIPT: Final = """
-- KEYS: room, rooms, the sign that this server is alive, and the number's when it is a mailbox
-- ARGV: version, room, 1 to keep it or 0, name, name as JSON, when it is due, milliseconds to live, most rooms or 0,
--       milliseconds that the number rests or 0 while it is held, channels...
if redis.call('EXISTS', KEYS[3]) == 0 then return {'forgotten'} end
local kept = redis.call('HMGET', KEYS[1], 'version', 'room')
if (kept[1] or '0') ~= ARGV[1] then return {'conflict', kept[1] or '0', kept[2] or ''} end
local most = tonumber(ARGV[8])
if not kept[1] and most > 0 and redis.call('ZCARD', KEYS[2]) >= most then return {'full'} end
if KEYS[4] and ARGV[9] == '0' then
  local holder = redis.call('GET', KEYS[4])
  if holder and holder ~= ARGV[4] then return {'taken'} end
  redis.call('SET', KEYS[4], ARGV[4], 'PX', ARGV[7])
elseif KEYS[4] then
  redis.call('SET', KEYS[4], '', 'PX', ARGV[9])
end
local time = redis.call('TIME')
local version = string.format('%.0f', math.max(time[1] * 1000000 + time[2], tonumber(ARGV[1]) + 1))
if ARGV[3] == '1' then
  redis.call('HSET', KEYS[1], 'version', version, 'room', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[7])
  redis.call('ZADD', KEYS[2], ARGV[6], ARGV[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[7])
else
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[4])
end
local told = '{"type":"room","version":' .. version .. ',"name":' .. ARGV[5] .. ',"room":' .. ARGV[2] .. '}'
for i = 10, #ARGV do redis.call('PUBLISH', ARGV[i], told) end
return {'done', version}
"""


class RoomNotice(Struct, frozen=True, tag="room"):
    """Another server has changed a room."""

    version: int
    name: str
    room: Room


class MessageNotice(Struct, frozen=True, tag="message"):
    """A message from another server for a member that should be here."""

    room: str
    to: str
    message: Relayed | Error


@dataclass(frozen=True, slots=True)
class Stored:
    """A room as it is in Redis."""

    version: int
    """0 when there is none."""
    room: Room


ABSENT: Final = Stored(0, NOBODY)


class NumberTaken(Exception):
    """Somebody else has the number of a mailbox by now."""


class Forgotten(RedisError):
    """Redis does not know this server any more: it has lost what it knew, or has not heard of the server for too long.

    What is there may be of others who came later. Say again who sits here before anything else is changed.
    """


_room: msgspec.json.Decoder[Room] = msgspec.json.Decoder(Room)
_notice: msgspec.json.Decoder[RoomNotice | MessageNotice] = msgspec.json.Decoder(RoomNotice | MessageNotice)


def channel(instance: str) -> str:
    """Where a server is told things."""
    return f"{PREFIX}to:{instance}"


def alive_key(instance: str) -> str:
    """What is there while a server is alive."""
    return f"{PREFIX}instance:{instance}"


INSTANCES: Final = f"{PREFIX}instances"
ROOMS: Final = f"{PREFIX}rooms"


def read_notice(data: bytes) -> RoomNotice | MessageNotice | None:
    """What came over a channel; None for what no server of this version writes."""
    try:
        return _notice.decode(data)
    except (msgspec.DecodeError, RecursionError):
        logger.warning("a notice in Redis makes no sense")
        return None


class RedisRooms:
    """The rooms in one Redis, as one server reads and changes them. Every method raises `RedisError` when it is away.

    Args:
        redis: the connection; replies are bytes.
        instance: the name of this server.
        limits: see `ServerLimits`.
    """

    def __init__(self, redis: Redis, instance: str, limits: ServerLimits) -> None:
        self._redis = redis
        self._instance = instance
        self._limits = limits
        self._commit = redis.register_script(_SCRIPT)

    async def read(self, names: Sequence[str]) -> list[Stored]:
        """Returns rooms as they are."""
        rooms: list[Stored] = []
        for first in range(0, len(names), _BATCH):
            async with self._redis.pipeline(transaction=False) as pipeline:
                for name in names[first : first + _BATCH]:
                    pipeline.hmget(_room_key(name), ["version", "room"])
                rooms += [_stored(*reply) for reply in await pipeline.execute()]
        return rooms

    async def change(
        self, name: str, rule: Callable[[Room], Outcome], most_rooms: int = 0
    ) -> tuple[Stored, Stored | Refusal]:
        """Applies a rule to a room, and tells the other servers that have members in it.

        Args:
            name: of the room, which need not exist.
            rule: returns the room as it should be, the same one for no change, or a refusal; may be called again.
            most_rooms: how many rooms there may be with this one, if it is new; 0: any number.

        Returns:
            The room before, and the room after or the refusal.

        Raises:
            NumberTaken: it is to become the mailbox behind a number that leads elsewhere.
            Forgotten: see there.
        """
        before = _stored(*await self._redis.hmget(_room_key(name), ["version", "room"]))
        for _ in range(_ATTEMPTS):
            outcome = rule(before.room)
            if isinstance(outcome, Refusal):
                return before, outcome
            if outcome is before.room:
                return before, before
            status, *reply = await self._try(name, before, outcome, most_rooms)
            match status:
                case b"done":
                    return before, Stored(int(reply[0]), outcome)
                case b"full":
                    return before, seats.no_place(self._limits)
                case b"taken":
                    raise NumberTaken
                case b"forgotten":
                    raise Forgotten
            before = _stored(*reply)
        busy = Refusal(ErrorCode.UNAVAILABLE, "the room changes too often at the moment", 1.0)
        return before, busy

    async def _try(self, name: str, before: Stored, after: Room, most_rooms: int) -> list[Any]:
        keys = [_room_key(name), ROOMS, alive_key(self._instance)]
        mailbox = after.mailbox or before.room.mailbox
        if mailbox is not None:
            keys.append(mailbox_key(mailbox.number))
        due = after.due()
        rest = 0.0 if after.mailbox is not None else self._limits.mailbox_rest_seconds
        instances = {seat.instance for room in (before.room, after) for seat in room.seats.values()}
        arguments: list[str | bytes | int] = [
            str(before.version),
            msgspec.json.encode(after),
            int(not after.is_over),
            name,
            msgspec.json.encode(name),
            "+inf" if due is None else repr(due),
            KEEP_SECONDS * 1000,
            most_rooms,
            # A number that does not rest at all is given out again after the shortest time that Redis knows.
            0 if after.mailbox is not None else max(1, int(rest * 1000)),
            *(channel(instance) for instance in instances - {self._instance, ""}),
        ]
        reply: list[Any] = await self._commit(keys=keys, args=arguments)
        return reply

    # Mailboxes

    async def taken(self, numbers: Iterable[int]) -> set[int]:
        """Those numbers among some that are held or rest."""
        asked = list(numbers)
        replies = await self._redis.mget([mailbox_key(number) for number in asked])
        return {number for number, reply in zip(asked, replies, strict=True) if reply is not None}

    async def behind(self, number: int) -> str:
        """The name of the room behind a number; empty when there is none."""
        return _text(await self._redis.get(mailbox_key(number)) or b"")

    # Upkeep

    async def with_seats_of(self, instances: Collection[str]) -> AsyncIterator[list[str]]:
        """The names of all rooms in which one of these servers has a member, a batch after the other."""
        names = [_text(name) for name in await self._redis.zrange(ROOMS, 0, -1)]
        for first in range(0, len(names), _BATCH):
            batch = names[first : first + _BATCH]
            affected = []
            for name, stored in zip(batch, await self.read(batch), strict=True):
                if stored is ABSENT:
                    await self._redis.zrem(ROOMS, name)
                elif any(seat.instance in instances for seat in stored.room.seats.values()):
                    affected.append(name)
            if affected:
                yield affected

    async def due(self, now: float) -> list[str]:
        """The names of rooms about which something has to be done by a time of Redis' clock."""
        due = await self._redis.zrangebyscore(ROOMS, "-inf", now, start=0, num=_BATCH)
        return [_text(name) for name in due]

    async def touch(self, rooms: Iterable[tuple[str, Room]]) -> None:
        """Has rooms live on: they expire when nobody touches them for `KEEP_SECONDS`."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.expire(ROOMS, KEEP_SECONDS)
            for name, room in rooms:
                pipeline.expire(_room_key(name), KEEP_SECONDS)
                if room.mailbox is not None:
                    pipeline.expire(mailbox_key(room.mailbox.number), KEEP_SECONDS)
            await pipeline.execute()

    async def forget(self, name: str) -> None:
        """A room that is due is not there: takes it out of the list."""
        await self._redis.zrem(ROOMS, name)


def mailbox_key(number: int) -> str:
    """What leads from a number to a room."""
    return f"{PREFIX}mailbox:{number}"


def _room_key(name: str) -> str:
    return f"{PREFIX}room:{name}"


def _text(reply: Any) -> str:
    """A reply of Redis as text; it is bytes with the settings of ours, which its types do not know."""
    assert isinstance(reply, bytes)
    return reply.decode()


def _stored(version: Any, room: Any) -> Stored:
    """Two replies of Redis, bytes or None, as a room."""
    if not version or version == b"0":
        return ABSENT
    try:
        return Stored(int(version), _room.decode(room or b""))
    except (msgspec.DecodeError, ValueError):
        logger.warning("a room in Redis makes no sense, and begins anew")
        return Stored(int(version), NOBODY)
