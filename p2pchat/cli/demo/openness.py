"""Live text of the demo is on from the beginning: each node is told so, as if its user had said it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

from p2pchat.errors import PeerUnreachable
from p2pchat.node.api import NodeApi
from p2pchat.node.events import Event, PeerChanged, PeerState


class _Open:
    """A node that lets each peer see our keys when it is there for the first time. Everything else is the node's own.

    It says yes to each one, and not to everybody: after that it would ask about those who come later, and the partner
    of the demo always does.
    """

    def __init__(self, node: NodeApi) -> None:
        self._node = node
        self._met: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    async def events(self) -> AsyncIterator[Event]:
        async for event in self._node.events():
            if isinstance(event, PeerChanged) and event.info.state is PeerState.CONNECTED:
                await self._meet(event.conversation, event.info.peer)
            yield event

    async def _meet(self, conversation: str, peer: str) -> None:
        if peer not in self._met:
            self._met.add(peer)
            with contextlib.suppress(PeerUnreachable):  # it has left already
                await self._node.share_live_text(conversation, True, peer)


def open_to_all(node: NodeApi) -> NodeApi:
    """Returns the node, with live text on for everybody who comes, until its user says no."""
    return cast(NodeApi, _Open(node))
