"""Hands the node what the user asks for, and the user what the node refuses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from p2pchat.errors import P2PChatError
from p2pchat.node.api import NodeApi
from p2pchat.tui.drafting import Commit, Hold, Say, Share, ShowLive, Written


class User(Protocol):
    """Who asks: hears what went wrong, and gets text back that could not be sent."""

    def told(self, error: P2PChatError) -> None:
        """Something that the user asked for failed."""

    def note(self, text: str) -> None:
        """What the user wanted to know."""

    def give_back(self, text: str) -> None:
        """This text was not sent."""

    def typed(self, text: str, at: float) -> None:
        """The node has our live line as it reads now.

        Args:
            text: the whole line.
            at: when its last key was pressed, in seconds of the clock that requests are timed by.
        """


class Asking:
    """The user's requests to the node.

    What concerns the text goes one by one, in the order in which it was written (`write`, done by `keep_writing`);
    everything else runs beside it (`do`), so that a slow disk never holds up a message.

    Args:
        node: the node.
        conversation: the room.
        user: who asks.
        spawn: starts a coroutine in the background.
        clock: the monotonic clock that keys are timed by, in seconds; the node's own is `time.monotonic`.
    """

    def __init__(
        self,
        node: NodeApi,
        conversation: str,
        user: User,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.node = node
        self.conversation = conversation
        self._user = user
        self._spawn = spawn
        self._clock = clock
        self._steps: asyncio.Queue[tuple[Written, float]] = asyncio.Queue()
        self._joined = asyncio.Event()

    def write(self, step: Written) -> None:
        """Says or shows something, after everything that was written before."""
        self._steps.put_nowait((step, self._clock()))

    def joined(self) -> None:
        """The conversation is joined: what was written meanwhile can be carried out."""
        self._joined.set()

    async def keep_writing(self) -> None:
        """Carries out what was written, from `joined` on and until it is cancelled."""
        await self._joined.wait()
        while True:
            step, at = await self._steps.get()
            try:
                await self._carry_out(step, at)
            except P2PChatError as error:
                self._user.told(error)
                if isinstance(step, Say | Commit):
                    self._user.give_back(step.text)

    def do(self, request: Coroutine[Any, Any, object], text: str = "", done: str = "") -> None:
        """Asks for something that has no order; `text` is given back if it fails, `done` is told if it does not."""
        self._spawn(self._report(request, text, done))

    def tell(self, error: P2PChatError) -> None:
        """Tells the user what cannot be done."""
        self._user.told(error)

    def note(self, text: str) -> None:
        """Tells the user something that was asked for."""
        self._user.note(text)

    async def _carry_out(self, step: Written, at: float) -> None:
        match step:
            case Say(text):
                await self.node.say(self.conversation, text)
            case ShowLive(text):
                await self.node.set_live_text(self.conversation, text, at)
                self._user.typed(text, at)
            case Commit():
                await self.node.commit_live_text(self.conversation)
            case Share(shared):
                await self.node.share_live_text(self.conversation, shared)
            case Hold(private):
                await self.node.live_text_mode(self.conversation, "hold" if private else "live")

    async def _report(self, request: Coroutine[Any, Any, object], text: str, done: str) -> None:
        try:
            await request
        except P2PChatError as error:
            self._user.told(error)
            if text:
                self._user.give_back(text)
        else:
            if done:
                self._user.note(done)
