"""People, events and a stage for the tests of the TUI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from p2pchat.errors import P2PChatError
from p2pchat.node.answers import ContactInfo
from p2pchat.node.events import (
    Direction,
    Item,
    LineState,
    LiveTextChanged,
    MessageReceived,
    MessageSent,
    PeerChanged,
    PeerInfo,
    PeerState,
    Problem,
    TransferChanged,
    TransferInfo,
    TransferOffered,
    TransferState,
    Trust,
)
from p2pchat.tui.app import ChatApp
from p2pchat.tui.preferences import Presentation
from tests.fake_node import FakeNode

ROOM = "lab"
AT = 1_795_183_320.0
"""Friday 20 November 2026, 14:02 UTC."""

BEN = PeerInfo(
    "m2xdq7ra",
    "ben",
    PeerState.CONNECTED,
    Trust.VERIFIED,
    "direct",
    12.0,
    live_text=True,
    sees_keys=True,
    words=("marble", "tundra", "oyster", "tunnel", "violin"),
)
CYD = PeerInfo(
    "p0awz3ke",
    "cyd",
    PeerState.CONNECTED,
    Trust.NEW,
    "relay",
    48.0,
    words=("acid", "bacon", "cabin", "daring", "eager"),
)
BENS_KEY, CYDS_KEY, EVES_KEY = "be" * 32, "cd" * 32, "e1" * 32
DOWNLOADS = Path("/srv/downloads")


class RefusingNode(FakeNode):
    """A node whose conversation cannot be joined."""

    def __init__(self, error: P2PChatError) -> None:
        super().__init__()
        self.error = error

    async def join(self, conversation: str, secret: bytes = b"") -> None:
        raise self.error


CONTACTS = [
    ContactInfo(BEN.peer, BENS_KEY, "", "ben", "verified", AT - 40 * 86_400, AT),
    ContactInfo(CYD.peer, CYDS_KEY, "cyd from work", "cyd", "known", AT - 86_400, AT - 7200),
    ContactInfo("9tq3mmno", EVES_KEY, "", "eve", "blocked", AT - 86_400, AT - 17 * 86_400),
]

CHANGED_KEY = Problem(
    "changed-key",
    "this is not the ben you know: the key is 4wjxr2ep, and was m2xdq7ra",
    f"ask over another channel; if it is the same person with a new key, say so with "
    f"p2pchat contacts replace m2xdq7ra {'4f' * 32}",
    AT,
)


def here(*peers: PeerInfo) -> list[PeerChanged]:
    """These peers are as they are."""
    return [PeerChanged(ROOM, peer, AT) for peer in peers]


def proved(info: PeerInfo, was: str) -> PeerChanged:
    """A peer has proved its key: it is called by its tag from now on."""
    return PeerChanged(ROOM, info, AT, was)


def said(peer: PeerInfo, text: str, id: str = "1", at: float = AT) -> MessageReceived:
    """A peer said something."""
    return MessageReceived(ROOM, id, peer.peer, peer.name, text, at, at)


def sent(text: str, id: str = "1", at: float = AT) -> MessageSent:
    """We said something."""
    return MessageSent(ROOM, id, text, at)


def typing(peer: PeerInfo, text: str, state: LineState = LineState.LIVE, line: int = 0) -> LiveTextChanged:
    """A peer's line of real-time text."""
    return LiveTextChanged(ROOM, peer.peer, peer.name, line, text, state, AT)


def transfer(
    id: str,
    state: TransferState,
    direction: Direction = Direction.RECEIVE,
    peer: PeerInfo = BEN,
    items: tuple[Item, ...] = (Item("draft.pdf", 4_200_000),),
    **rest: Any,
) -> TransferInfo:
    """A transfer with a peer."""
    total = sum(item.size for item in items)
    conversation = rest.pop("conversation", ROOM)
    rest = {"wanted": total, "wanted_files": len(items)} | rest
    return TransferInfo(id, conversation, peer.peer, peer.name, direction, state, len(items), total, items, **rest)


def offered(id: str = "t1", peer: PeerInfo = BEN, **rest: Any) -> TransferOffered:
    """A peer offers files."""
    return TransferOffered(transfer(id, TransferState.WAITING, peer=peer, **rest), AT)


def changed(info: TransferInfo) -> TransferChanged:
    """A transfer is as it is."""
    return TransferChanged(info, AT)


def shown(app: App[Any]) -> str:
    """What is on the screen, line by line."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Waits until something has come true; fails after a few seconds with what is on the screen."""
    for _ in range(1000):
        if condition():
            return
        # Pilot.pause would wait for every widget to answer, also for one that is being removed.
        await asyncio.sleep(0.01)
    raise AssertionError(f"never came true; on the screen is:\n{shown(pilot.app)}")


async def until_shown(pilot: Pilot[Any], *texts: str) -> None:
    """Waits until all of this is on the screen."""
    await until(pilot, lambda: all(text in shown(pilot.app) for text in texts))


async def until_called(pilot: Pilot[Any], node: FakeNode, *call: object) -> None:
    """Waits until the app has asked the node for this."""
    await until(pilot, lambda: call in node.calls)


def chat(
    node: FakeNode,
    *,
    live: bool = False,
    clock: Callable[[], float] = lambda: 0.0,
    presentation: Presentation | None = None,
) -> ChatApp:
    """The app, with clocks that stand still."""
    return ChatApp(node, ROOM, live=live, downloads=DOWNLOADS, presentation=presentation, clock=clock, wall=lambda: AT)


@asynccontextmanager
async def stage(
    node: FakeNode,
    *,
    live: bool = False,
    size: tuple[int, int] = (80, 24),
    clock: Callable[[], float] = lambda: 0.0,
    presentation: Presentation | None = None,
) -> AsyncIterator[Pilot[Any]]:
    """The app on a screen, with the conversation joined."""
    app = chat(node, live=live, clock=clock, presentation=presentation)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until_called(pilot, node, "join", ROOM)
        yield pilot


async def write(pilot: Pilot[Any], text: str) -> None:
    """Types a text, key by key."""
    await pilot.press(*("space" if key == " " else "slash" if key == "/" else key for key in text))
