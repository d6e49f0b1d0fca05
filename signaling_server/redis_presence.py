"""How servers that share a Redis know which of them are alive, and what time it is for all of them.

A server that is busy, be it with burying another one, goes on saying that it is alive: otherwise one that is gone would
take the others with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from redis.asyncio import Redis

from signaling_server.redis_rooms import INSTANCES, KEEP_SECONDS, Forgotten, alive_key

BEAT_SECONDS: Final = 1.0
"""How often a server says that it is alive, and looks after the others and after what is due."""

ALIVE_SECONDS: Final = 4.0
"""How long that holds: a few beats may be late on a busy machine."""


class Presence:
    """One server among those that share a Redis. Every method that waits raises `RedisError` when it is away.

    Args:
        redis: the connection; replies are bytes.
        instance: the name of this server.
    """

    def __init__(self, redis: Redis, instance: str) -> None:
        self._redis = redis
        self._instance = instance
        self._clock_offset = 0.0
        """What is to be added to the loop's time for Redis' clock."""

    def now(self) -> float:
        """Seconds of Redis' clock, as it was said last."""
        return asyncio.get_running_loop().time() + self._clock_offset

    async def say(self) -> bool:
        """Says that this server is alive; returns whether that was still known from before."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.time()
            pipeline.set(alive_key(self._instance), "", px=int(ALIVE_SECONDS * 1000), get=True)
            pipeline.sadd(INSTANCES, self._instance)
            pipeline.expire(INSTANCES, KEEP_SECONDS)
            (seconds, microseconds), earlier, _, _ = await pipeline.execute()
        self._clock_offset = seconds + microseconds / 1e6 - asyncio.get_running_loop().time()
        return earlier is not None

    async def keep(self) -> None:
        """Goes on saying so, after the first time.

        Raises:
            Forgotten: it was not known any more.
        """
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if not await self.say():
                raise Forgotten

    async def gone(self) -> set[str]:
        """The servers that were alive of late, and are no more."""
        members = [name.decode() for name in await self._redis.smembers(INSTANCES) if isinstance(name, bytes)]
        signs = await self._redis.mget([alive_key(member) for member in members]) if members else []
        return {member for member, sign in zip(members, signs, strict=True) if sign is None}

    async def forget(self, gone: Collection[str]) -> None:
        """Servers that are gone have been buried."""
        await self._redis.srem(INSTANCES, *gone)

    async def end(self) -> None:
        """This server stops: the others need not wait until its sign is too old."""
        await self._redis.delete(alive_key(self._instance))
