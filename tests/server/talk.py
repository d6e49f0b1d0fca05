"""A conversation between sockets and a hub, in which time passes as the test says."""

from __future__ import annotations

from typing import Any, Self

from p2pchat.protocol.signaling import (
    Error,
    ErrorCode,
    FromServer,
    Hello,
    Join,
    Welcome,
    decode_from_server,
    encode,
)
from signaling_server.backplane import MemoryBackplane
from signaling_server.limits import ServerLimits
from signaling_server.rooms import AGENT, Ask, Close, Hub, Send

ANA, BEN, EVA = "anaanaaa", "benbenbb", "evaevaee"
LIMITS = ServerLimits()
WELCOME = Welcome(1, LIMITS.told(), AGENT, away_seconds=LIMITS.away_seconds)


class Talk:
    """Drives a hub through time; every output must be expected, or the conversation fails."""

    def __init__(self, limits: ServerLimits = LIMITS) -> None:
        self.hub = Hub(limits, pick=lambda count: count // 2)
        self.backplane = MemoryBackplane(limits, lambda count: count // 2, self.hub.told)
        self.limits = limits
        self.now = 0.0
        self.inbox: dict[int, list[FromServer | ErrorCode]] = {}
        """What each socket was sent and not yet expected; a close is the code."""

    def carry_out(self) -> None:
        while (output := self.hub.poll()) is not None:
            match output:
                case Send(socket=socket, message=message, data=data):
                    assert decode_from_server(data) == message
                    self.inbox.setdefault(socket, []).append(message)
                case Close(socket=socket, code=code):
                    self.inbox.setdefault(socket, []).append(code)
                case Ask(request=request):
                    self.backplane.submit(request, self.now)

    def opens(self, socket: int) -> Self:
        self.hub.connected(socket, self.now)
        self.carry_out()
        return self

    def says(self, socket: int, message: Any) -> Self:
        data = message if isinstance(message, str | bytes) else encode(message)
        self.hub.received(socket, data, self.now)
        self.carry_out()
        return self

    def goes(self, socket: int) -> Self:
        self.hub.disconnected(socket)
        self.carry_out()
        return self

    def passes(self, seconds: float) -> Self:
        """Lets time pass, waking the hub exactly when it asks to be woken."""
        end = self.now + seconds
        while (due := self.deadline()) is not None and due <= end:
            self.now = due
            self.hub.tick(due)
            self.backplane.tick(due)
            self.carry_out()
        self.now = end
        return self

    def deadline(self) -> float | None:
        times = (self.hub.deadline(), self.backplane.deadline())
        return min((time for time in times if time is not None), default=None)

    def hears(self, socket: int, *expected: FromServer | ErrorCode) -> Self:
        assert self.inbox.pop(socket, []) == list(expected)
        return self

    def refused(self, socket: int, code: ErrorCode, closed: bool = False) -> Error:
        """The socket hears one error with this code, and whether the socket is closed for it."""
        first, *rest = self.inbox.pop(socket)
        assert isinstance(first, Error)
        assert (first.code, rest) == (code, [code] if closed else [])
        return first

    def silence(self) -> None:
        """Nobody hears anything."""
        assert self.inbox == {}

    def seated(self, socket: int, peer: str, room: str = "lobby", key: str = "") -> Self:
        """Opens a socket, greets and joins, and forgets what was said about it."""
        self.opens(socket).says(socket, Hello(1, peer, key or peer * 2)).says(socket, Join(room))
        self.inbox.clear()
        return self
