"""A signaling server that lies. It speaks the protocol of the real one, and does with each message as it likes."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypeAlias

from aiohttp import WSMsgType, web

from p2pchat.protocol import signaling as wire

MAILBOX = 7
"""The only mailbox, however often one is allocated."""

Delivery: TypeAlias = tuple[str, str, Any]
"""From whom the server says it is, to whom, and a body."""

Trick: TypeAlias = Callable[[str, str, Any], Iterable[Delivery]]
"""What becomes of a message from one peer to another. It stays in force as long as the server runs."""

_LIMITS = wire.Limits(wire.MESSAGE_BYTES, 1000.0, 1000, 16, 60.0)
_FINGERPRINT = re.compile(r"(?<=a=fingerprint:sha-256 )[0-9A-F:]+")


class MaliciousServer:
    """A server on loopback, on the running event loop. Use it as an asynchronous context manager.

    Args:
        trick: what it does with the messages that peers send to each other.
        apart: the first who comes and the second never meet: each sits in a compartment of its own, and whoever takes
            the address `inside(0)` or `inside(1)` sits there with them.
        one_room: everybody lands in the same room, whatever room was asked for.
        ghosts: peer ids of members that do not exist.
        forgetful: nobody is told that somebody has left.
    """

    def __init__(
        self,
        trick: Trick | None = None,
        *,
        apart: bool = False,
        one_room: bool = False,
        ghosts: tuple[str, ...] = (),
        forgetful: bool = False,
    ) -> None:
        self.url = ""
        self.seen: list[tuple[str, str, Any]] = []
        """Every body that was to be relayed: from whom, to whom, and what."""
        self.members: list[str] = []
        """The peer ids of those who took a seat, in order."""
        self._trick = trick or (lambda sender, to, body: [(sender, to, body)])
        self._apart = apart
        self._one_room = one_room
        self._ghosts = ghosts
        self._forgetful = forgetful
        self._victims = 0
        self._arrived = asyncio.Event()
        self._rooms: dict[tuple[int, str], dict[str, web.WebSocketResponse]] = defaultdict(dict)

    def inside(self, victim: int) -> str:
        """The address at which one joins the compartment of a victim: 0 for who came first."""
        return f"{self.url}/with/{victim}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/v1/ws", self._victim)
        app.router.add_get("/with/{compartment}/v1/ws", self._accomplice)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for room in self._rooms.values():
            for websocket in room.values():
                await websocket.close()
        await self._runner.cleanup()

    async def until_seated(self, members: int) -> None:
        """Waits until so many have taken a seat."""
        async with asyncio.timeout(60):
            while len(self.members) < members:
                self._arrived.clear()
                await self._arrived.wait()

    async def say(self, to: str, message: wire.FromServer | str | bytes) -> None:
        """Writes something to a member: a message of the protocol, or whatever else."""
        for room in self._rooms.values():
            if (websocket := room.get(to)) is not None and not websocket.closed:
                with contextlib.suppress(ConnectionError):  # the victim has hung up, and is right
                    await _write(websocket, message)

    async def deliver(self, sender: str, to: str, body: Any) -> None:
        """Tells one member that another, or nobody at all, has sent it this."""
        await self.say(to, wire.Relayed(sender, body))

    async def _victim(self, request: web.Request) -> web.StreamResponse:
        compartment = self._victims if self._apart else 0
        self._victims += 1
        return await self._serve(request, compartment)

    async def _accomplice(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, int(request.match_info["compartment"]))

    async def _serve(self, request: web.Request, compartment: int) -> web.StreamResponse:
        websocket = web.WebSocketResponse(max_msg_size=0)
        await websocket.prepare(request)
        peer, room = "", ""
        async for message in websocket:
            if message.type is not WSMsgType.TEXT:
                continue
            match wire.decode_from_client(message.data):
                case wire.Hello(peer=named):
                    peer = named
                    await websocket.send_str(wire.encode(wire.Welcome(wire.VERSION, _LIMITS)))
                case wire.Join(room=room):
                    room = "the room" if self._one_room else room
                    await self._sit_down(websocket, compartment, room, peer)
                case wire.Allocate():
                    room = "the mailbox"
                    self._rooms[compartment, room][peer] = websocket
                    self.members.append(peer)
                    self._arrived.set()
                    await websocket.send_str(wire.encode(wire.Allocated(MAILBOX)))
                case wire.Claim():
                    room = "the mailbox"
                    await self._sit_down(websocket, compartment, room, peer)
                case wire.Relay(to=to, body=body):
                    self.seen.append((peer, to, body))
                    for delivery in self._trick(peer, to, body):
                        await self.deliver(*delivery)
                case wire.Leave():
                    await self._stand_up(compartment, room, peer)
        await self._stand_up(compartment, room, peer)
        return websocket

    async def _sit_down(self, websocket: web.WebSocketResponse, compartment: int, room: str, peer: str) -> None:
        members = self._rooms[compartment, room]
        others = [other for other in members if other != peer]
        members[peer] = websocket
        self.members.append(peer)
        self._arrived.set()
        await websocket.send_str(wire.encode(wire.Joined(room, [*others, *self._ghosts])))
        for other in others:
            await self.say(other, wire.PeerJoined(peer))

    async def _stand_up(self, compartment: int, room: str, peer: str) -> None:
        members = self._rooms[compartment, room]
        if members.pop(peer, None) is not None and not self._forgetful:
            for other in list(members):
                await self.say(other, wire.PeerLeft(peer, "left"))


async def _write(websocket: web.WebSocketResponse, message: wire.FromServer | str | bytes) -> None:
    match message:
        case bytes():
            await websocket.send_bytes(message)
        case str():
            await websocket.send_str(message)
        case _:
            await websocket.send_str(wire.encode(message))


# --- tricks


def swap_fingerprints(sender: str, to: str, body: Any) -> list[Delivery]:
    """Puts another certificate's fingerprint into each description. What is sealed is changed in one character."""
    if "sdp" in body:
        other = ":".join(["AB"] * 32)
        body = {**body, "sdp": _FINGERPRINT.sub(other, body["sdp"])}
    elif "sealed" in body:
        sealed = body["sealed"]
        middle = len(sealed) // 2
        body = {**body, "sealed": sealed[:middle] + ("A" if sealed[middle] != "A" else "B") + sealed[middle + 1 :]}
    return [(sender, to, body)]


def drop(sender: str, to: str, body: Any) -> list[Delivery]:
    """Passes nothing on."""
    return []


def duplicate(sender: str, to: str, body: Any) -> list[Delivery]:
    """Passes everything on three times."""
    return [(sender, to, body)] * 3


class Replay:
    """Passes everything on, and after it all that it has ever passed on in this direction, the oldest last."""

    def __init__(self) -> None:
        self._passed_on: list[Delivery] = []

    def __call__(self, sender: str, to: str, body: Any) -> list[Delivery]:
        again = [old for old in reversed(self._passed_on) if old[:2] == (sender, to)]
        self._passed_on.append((sender, to, body))
        return [(sender, to, body), *again]


class Reorder:
    """Keeps each message until another one comes, from whomever, and passes that one on first."""

    def __init__(self) -> None:
        self._kept: list[Delivery] = []

    def __call__(self, sender: str, to: str, body: Any) -> list[Delivery]:
        self._kept.append((sender, to, body))
        if len(self._kept) < 2:
            return []
        passed_on, self._kept = self._kept[::-1], []
        return passed_on


def reflect(sender: str, to: str, body: Any) -> list[Delivery]:
    """Sends everything back to its author, in the name of the one whom it was for."""
    return [(to, sender, body)]


class OldOffer:
    """Answers with the offer itself, in place of the answer."""

    def __init__(self) -> None:
        self._offer: Any = None

    def __call__(self, sender: str, to: str, body: Any) -> list[Delivery]:
        if "pairing" in body:
            return [(sender, to, body)]
        if self._offer is None:
            self._offer = body
            return [(sender, to, body)]
        kind = {"kind": "answer"} if "kind" in body else {}
        return [(sender, to, {**self._offer, **kind})]


class ForgeSender:
    """Passes everything on in the name of somebody else, whom it has announced."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, sender: str, to: str, body: Any) -> list[Delivery]:
        return [(self._name, to, body)]


def garbage() -> list[str | bytes]:
    """What no server sends: 10 MB, broken and deep JSON, wrong types, bytes."""
    return [
        '{"type": "relay", "from": "aaaaaaaa", "body": ' + "[" * 20_000 + "]" * 20_000 + "}",
        '{"type": "relay", "from": 7, "body": null}',
        '{"type": "peer-joined", "peer": "\\u001b[2J"}',
        '{"type": "joined", "room": "lab", "peers": null}',
        '{"type": "no-such-thing"}',
        "null",
        "",
        "\x00" * 100,
        b"\xff" * 1000,
        '"' + "x" * 10_000_000 + '"',
    ]
