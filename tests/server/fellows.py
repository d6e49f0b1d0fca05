"""Several servers that share their rooms, as their hubs see it: no sockets, but a real backplane and real time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from p2pchat.protocol.signaling import (
    Allocated,
    Error,
    ErrorCode,
    FromServer,
    Hello,
    Joined,
    Ping,
    Pong,
    Relay,
    Welcome,
    decode_from_server,
    encode,
)
from signaling_server.backplane import Backplane, MemoryBackplane
from signaling_server.limits import ServerLimits
from signaling_server.requests import Answer
from signaling_server.rooms import Ask, Close, Hub, Send

PATIENCE: Final = 30.0


class Server:
    """A hub with a backplane, and what its sockets were told."""

    def __init__(self, limits: ServerLimits, redis: str) -> None:
        self.backplane = self._backplane(limits, redis)
        self.hub = Hub(limits, secrets.randbelow, instance=self.backplane.instance)
        self.inbox: dict[int, asyncio.Queue[FromServer | ErrorCode]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def _backplane(self, limits: ServerLimits, redis: str) -> Backplane:
        if not redis:
            return MemoryBackplane(limits, secrets.randbelow, self._told)
        from signaling_server.redis_backplane import RedisBackplane

        return RedisBackplane(redis, limits, secrets.randbelow, self._told, lambda: self.hub.held())

    def _told(self, answer: Answer) -> None:
        self.hub.told(answer)
        self.carry_out()

    def carry_out(self) -> None:
        while (output := self.hub.poll()) is not None:
            match output:
                case Send(socket=socket, message=message, data=data):
                    assert decode_from_server(data) == message
                    self.inbox[socket].put_nowait(message)
                case Close(socket=socket, code=code):
                    self.inbox[socket].put_nowait(code)
                case Ask(request=request):
                    self.backplane.submit(request, asyncio.get_running_loop().time())
        if self._timer is not None:
            self._timer.cancel()
        due = self.backplane.deadline()
        self._timer = None if due is None else asyncio.get_running_loop().call_at(due, self._wake)

    def _wake(self) -> None:
        self.backplane.tick(asyncio.get_running_loop().time())
        self.carry_out()


class Person:
    """One client at one server."""

    def __init__(self, server: Server, socket: int, peer: str, key: str = "") -> None:
        self.server = server
        self.socket = socket
        self.peer = peer
        self._key = key or peer * 2
        server.inbox[socket] = asyncio.Queue()
        server.hub.connected(socket, asyncio.get_running_loop().time())

    async def comes(self) -> Person:
        """Says hello."""
        self.says(Hello(1, self.peer, self._key))
        assert isinstance(await self.next(), Welcome)
        return self

    def says(self, message: Any) -> None:
        self.server.hub.received(self.socket, encode(message), asyncio.get_running_loop().time())
        self.server.carry_out()

    def goes(self) -> None:
        """The socket is lost."""
        self.server.hub.disconnected(self.socket)
        self.server.carry_out()

    async def next(self) -> FromServer | ErrorCode:
        return await asyncio.wait_for(self.server.inbox[self.socket].get(), PATIENCE)

    async def hears(self, *expected: FromServer | ErrorCode) -> None:
        for message in expected:
            heard = await self.next()
            assert heard == message, heard

    async def sits(self, request: Any) -> Joined | Allocated:
        """Asks for a seat, and gets it."""
        self.says(request)
        answer = await self.next()
        assert isinstance(answer, Joined | Allocated), answer
        return answer

    async def refused(self, code: ErrorCode) -> Error:
        error = await self.next()
        assert isinstance(error, Error), error
        assert error.code == code
        return error

    async def has_heard_all(self, other: Person) -> None:
        """Nothing more is on its way here, as something that somebody else of the room sends last shows."""
        mark = secrets.token_hex(4)
        other.says(Relay(self.peer, mark))
        heard = await self.next()
        assert getattr(heard, "body", None) == mark, heard

    async def is_served(self) -> None:
        self.says(Ping(7))
        await self.hears(Pong(7))


class Fellows:
    """Two servers, or one that stands for both when there is no Redis; everybody comes to the other one of them."""

    def __init__(self, servers: list[Server], start: Callable[[], Server]) -> None:
        self.servers = servers
        self._start = start
        self._sockets = 0

    async def person(self, peer: str, key: str = "", at: int | None = None) -> Person:
        """Somebody comes to the next server in turn, or to a certain one."""
        self._sockets += 1
        server = self.servers[(self._sockets if at is None else at) % len(self.servers)]
        return await Person(server, self._sockets, peer, key).comes()

    async def another(self) -> Server:
        """One more server."""
        server = self._start()
        self.servers.append(server)
        await server.backplane.start()
        return server


@asynccontextmanager
async def fellows(limits: ServerLimits, redis: str = "") -> AsyncIterator[Fellows]:
    """Runs two servers with one Redis, or one server without."""
    servers = [Server(limits, redis) for _ in range(2 if redis else 1)]
    try:
        for server in servers:
            await server.backplane.start()
        yield Fellows(servers, lambda: Server(limits, redis))
    finally:
        for server in servers:
            server.hub.shut_down()
            await server.backplane.close()
