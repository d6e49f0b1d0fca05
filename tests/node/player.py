"""A real node that a test plays, and whose events it waits for."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from p2pchat.node.events import Event, PeerChanged, PeerState
from p2pchat.node.loop import run
from p2pchat.node.node import Node
from p2pchat.node.settings import Settings

ROOM = "lab"
PATIENCE = 60.0
"""Seconds until a test that waits has failed: hundreds of times what it takes on an idle machine."""

P = ParamSpec("P")
E = TypeVar("E")


def on_guarded_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs an asynchronous test on the event loop that nodes run on."""

    @functools.wraps(test)
    def synchronous(*args: P.args, **kwargs: P.kwargs) -> None:
        run(test(*args, **kwargs))

    return synchronous


class Player:
    """One node in the room `lab`. Use it as an asynchronous context manager."""

    def __init__(self, name: str, server: str, folder: Path, patience: float = 600.0, **more: Any) -> None:
        home = folder / name
        self.downloads = home / "downloads"
        self.node = Node(Settings(name, server, home, self.downloads, patience=patience, **more))
        self.name = name
        self.told: list[Event] = []
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.node.start()
        self._listening = asyncio.create_task(self._listen())
        await self.enter()
        return self

    async def enter(self) -> None:
        """Joins the room."""
        await self.node.join(ROOM)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await asyncio.wait_for(self.node.stop(), PATIENCE)
        await self._listening

    async def _listen(self) -> None:
        async for event in self.node.events():
            self.told.append(event)
            self._news.set()

    def all(self, kind: type[E]) -> list[E]:
        """Everything of one kind that was told so far."""
        return [event for event in self.told if isinstance(event, kind)]

    async def until(self, kind: type[E], matches: Callable[[E], bool] = lambda event: True) -> E:
        """Waits for the first event of a kind that matches, told before or later."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    self._news.clear()
                    for event in self.all(kind):
                        if matches(event):
                            return event
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{self.name} waits for {kind.__name__}; told: {self.told[-10:]}") from None

    async def until_peer(self, state: PeerState, name: str | None = None) -> PeerChanged:
        """Waits until a peer (of this name) is in a state."""
        return await self.until(
            PeerChanged, lambda event: event.info.state is state and name in (None, event.info.name)
        )


async def connected(*players: Player) -> None:
    """Waits until all of them see all others."""
    for player in players:
        for other in players:
            if other is not player:
                await player.until_peer(PeerState.CONNECTED, other.name)
