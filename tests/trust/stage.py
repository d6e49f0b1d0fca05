"""Ana and Ben, who know each other, and the three ways in which they meet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Self

from p2pchat.node.events import CodeChanged, PeerChanged, PeerInfo, PeerState, Problem, Trust
from p2pchat.node.node import Node
from p2pchat.store.profile import Profile
from tests.node.player import ROOM, Player

SECRET = b"only members know"[:16]


class Meeting(Enum):
    """A way to meet."""

    OPEN = "open room"
    SECRET = "room with a secret"
    CODE = "one-time code"


class Party(Player):
    """A node that enters by itself, when the test says so. Use it as an asynchronous context manager.

    Args:
        name: what it calls itself.
        server: where.
        folder: its profile and its downloads are in a folder of its name there, so the same name has the same key.
        enter: how it gets to the others; returns the conversation's name.
        profile: the folder's name, when it is another than `name`.
    """

    def __init__(
        self,
        name: str,
        server: str,
        folder: Path,
        enter: Callable[[Node], Awaitable[str]],
        profile: str = "",
    ) -> None:
        super().__init__(name, server, folder / profile if profile else folder)
        self._enter = enter
        self.conversation = ""

    async def __aenter__(self) -> Self:
        await self.node.start()
        self._listening = asyncio.create_task(self._listen())
        self.conversation = await self._enter(self.node)
        return self

    @property
    def peer_id(self) -> str:
        """Its address at the server."""
        return self.node._id

    def connections(self) -> list[PeerInfo]:
        """Every time that a peer was told as connected."""
        return [event.info for event in self.all(PeerChanged) if event.info.state is PeerState.CONNECTED]

    def reasons(self) -> list[str]:
        """What the user was told of why something did not work."""
        unsuccessful = (PeerState.FAILED, PeerState.LEFT, PeerState.LOST)
        peers = [event.info.reason for event in self.all(PeerChanged) if event.info.state in unsuccessful]
        return [reason for reason in peers if reason] + [problem.message for problem in self.all(Problem)]

    async def until_settled(self) -> None:
        """Waits until the user is told that somebody is connected, or why nobody is."""
        async with asyncio.timeout(30):
            while not (self.connections() or self.reasons()):
                self._news.clear()
                await self._news.wait()


def into_room(secret: bytes = b"") -> Callable[[Node], Awaitable[str]]:
    """Enters the room `lab`."""

    async def enter(node: Node) -> str:
        await node.join(ROOM, secret)
        return ROOM

    return enter


def with_new_code(node: Node) -> Awaitable[str]:
    """Hosts a meeting."""
    return node.host_code()


def with_code(code: str) -> Callable[[Node], Awaitable[str]]:
    """Goes to a meeting."""
    return lambda node: node.use_code(code)


def first(meeting: Meeting, server: str, folder: Path, name: str = "ana") -> Party:
    """Whoever comes first: waits in the room, or hosts the meeting."""
    match meeting:
        case Meeting.OPEN:
            return Party(name, server, folder, into_room())
        case Meeting.SECRET:
            return Party(name, server, folder, into_room(SECRET))
        case Meeting.CODE:
            return Party(name, server, folder, with_new_code)


async def second(meeting: Meeting, host: Party, server: str, folder: Path, name: str = "ben") -> Party:
    """Whoever comes second, with what the first has told over a channel that both trust."""
    match meeting:
        case Meeting.OPEN:
            return Party(name, server, folder, into_room())
        case Meeting.SECRET:
            return Party(name, server, folder, into_room(SECRET))
        case Meeting.CODE:
            return Party(name, server, folder, with_code((await host.until(CodeChanged)).code))


def acquaint(folder: Path, *names: str) -> None:
    """Lets each verify the keys of the others, as people do who met before."""
    profiles = {name: Profile(folder / name) for name in names}
    keys = {name: profile.identity().public for name, profile in profiles.items()}
    for name, profile in profiles.items():
        contacts = profile.contacts()
        for other, key in keys.items():
            if other != name:
                contacts.met(key, other, 1.0)
                contacts.verify(key)
        contacts.close()


def tag(folder: Path, name: str) -> str:
    """The key tag of somebody who has a profile."""
    return Profile(folder / name).identity().tag


def nobody_is_fooled(folder: Path, parties: Iterable[Party]) -> None:
    """Whoever is shown as known or verified is who it should be; and who is alone was told why."""
    parties = list(parties)
    tags = {tag(folder, party.name): party.name for party in parties}
    for party in parties:
        for info in party.connections():
            if info.trust is not Trust.NEW:
                assert tags.get(info.peer.partition("-")[0]) == info.name != party.name, info
        assert party.connections() or party.reasons(), party.told
