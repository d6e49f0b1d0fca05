"""A node on a thread of its own, so that drawing never delays packets and packets never delay drawing."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from p2pchat.node.answers import ContactInfo, Landing, Leftover, LiveTextStats, PeerStats
from p2pchat.node.events import Event, Item, LiveTextChanged, PeerInfo, TransferInfo
from p2pchat.node.loop import new_event_loop
from p2pchat.node.node import Node
from p2pchat.node.settings import Settings
from p2pchat.node.stream import EventStream

Result = TypeVar("Result")


class NodeThread:
    """The API of a node (`p2pchat.node.api.NodeApi`), usable from the event loop of a front end.

    Every call runs on the node's thread; awaiting it leaves the front end's loop free. Cancelling a call cancels it
    there too.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = new_event_loop()
        self._thread = threading.Thread(target=self._run, name="p2pchat-node", daemon=True)
        self._node: Node | None = None
        self._stream: EventStream | None = None

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    async def _there(self, call: Coroutine[Any, Any, Result]) -> Result:
        if not self._thread.is_alive():
            call.close()
            raise RuntimeError("the node is not running")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._loop))

    def _started(self) -> Node:
        if self._node is None:
            raise RuntimeError("start() comes first")
        return self._node

    async def start(self) -> None:
        """Starts the thread and the node on it."""
        self._stream = EventStream(self._taken)
        self._thread.start()
        await self._there(self._start(asyncio.get_running_loop(), self._stream))

    async def _start(self, front: asyncio.AbstractEventLoop, stream: EventStream) -> None:
        self._node = Node(self._settings, on_its_own=False)
        await self._node.start()
        self._forwarding = asyncio.create_task(self._forward(self._node, front, stream))

    @staticmethod
    async def _forward(node: Node, front: asyncio.AbstractEventLoop, stream: EventStream) -> None:
        with contextlib.suppress(RuntimeError):  # the front end's loop is closed: nobody is listening any more
            async for event in node.events():
                front.call_soon_threadsafe(stream.tell, event)
            front.call_soon_threadsafe(stream.end)

    def _taken(self, event: Event) -> None:
        """On the front end's thread: it has taken an event."""
        if isinstance(event, LiveTextChanged) and self._node is not None:
            with contextlib.suppress(RuntimeError):  # the node has stopped: nobody can be told any more
                self._loop.call_soon_threadsafe(self._node.taken, event)

    async def stop(self) -> None:
        """Stops the node and its thread. Calling it again does nothing."""
        if self._node is None or not self._thread.is_alive():
            return
        await self._there(self._stop(self._node))
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)

    async def _stop(self, node: Node) -> None:
        await node.stop()
        await self._forwarding
        await self._loop.shutdown_default_executor()

    async def events(self) -> AsyncIterator[Event]:
        """The stream of events; call `start` first."""
        if self._stream is None:
            raise RuntimeError("start() comes first")
        async for event in self._stream:
            yield event

    async def join(self, conversation: str, secret: bytes = b"") -> None:
        """See `NodeApi.join`."""
        await self._there(self._started().join(conversation, secret))

    async def host_code(self) -> str:
        """See `NodeApi.host_code`."""
        return await self._there(self._started().host_code())

    async def use_code(self, code: str, server: str = "") -> str:
        """See `NodeApi.use_code`."""
        return await self._there(self._started().use_code(code, server))

    async def invite(self, conversation: str) -> str:
        """See `NodeApi.invite`."""
        return await self._there(self._started().invite(conversation))

    async def leave(self, conversation: str) -> None:
        """See `NodeApi.leave`."""
        await self._there(self._started().leave(conversation))

    async def say(self, conversation: str, text: str) -> str:
        """See `NodeApi.say`."""
        return await self._there(self._started().say(conversation, text))

    async def set_live_text(self, conversation: str, text: str, typed_at: float | None = None) -> None:
        """See `NodeApi.set_live_text`."""
        await self._there(self._started().set_live_text(conversation, text, typed_at))

    async def share_live_text(self, conversation: str, shared: bool, peer: str | None = None) -> None:
        """See `NodeApi.share_live_text`."""
        await self._there(self._started().share_live_text(conversation, shared, peer))

    async def live_text_mode(self, conversation: str, mode: str) -> None:
        """See `NodeApi.live_text_mode`."""
        await self._there(self._started().live_text_mode(conversation, mode))

    async def alert(self, conversation: str) -> bool:
        """See `NodeApi.alert`."""
        return await self._there(self._started().alert(conversation))

    async def live_text_policy(self, contact: str, policy: str) -> None:
        """See `NodeApi.live_text_policy`."""
        await self._there(self._started().live_text_policy(contact, policy))

    async def live_text_stats(self, conversation: str) -> list[LiveTextStats]:
        """See `NodeApi.live_text_stats`."""
        return await self._there(self._started().live_text_stats(conversation))

    async def commit_live_text(self, conversation: str) -> str:
        """See `NodeApi.commit_live_text`."""
        return await self._there(self._started().commit_live_text(conversation))

    async def meet(self, contact: str) -> str:
        """See `NodeApi.meet`."""
        return await self._there(self._started().meet(contact))

    async def offer(
        self, conversation: str, paths: Sequence[Path], peer: str | None = None, *, follow_links: bool = False
    ) -> list[str]:
        """See `NodeApi.offer`."""
        return await self._there(self._started().offer(conversation, paths, peer, follow_links=follow_links))

    async def items(self, transfer: str, start: int, count: int) -> list[Item]:
        """See `NodeApi.items`."""
        return await self._there(self._started().items(transfer, start, count))

    async def inspect(self, transfer: str, output: Path | None = None) -> Landing:
        """See `NodeApi.inspect`."""
        return await self._there(self._started().inspect(transfer, output))

    async def accept(
        self,
        transfer: str,
        output: Path | None = None,
        if_exists: str = "rename",
        *,
        only: Sequence[str] | None = None,
        preserve: bool = False,
    ) -> None:
        """See `NodeApi.accept`."""
        await self._there(self._started().accept(transfer, output, if_exists, only=only, preserve=preserve))

    async def decline(self, transfer: str, reason: str = "") -> None:
        """See `NodeApi.decline`."""
        await self._there(self._started().decline(transfer, reason))

    async def pause(self, transfer: str) -> None:
        """See `NodeApi.pause`."""
        await self._there(self._started().pause(transfer))

    async def resume(self, transfer: str) -> None:
        """See `NodeApi.resume`."""
        await self._there(self._started().resume(transfer))

    async def cancel(self, transfer: str) -> None:
        """See `NodeApi.cancel`."""
        await self._there(self._started().cancel(transfer))

    async def discard(self, transfer: str) -> None:
        """See `NodeApi.discard`."""
        await self._there(self._started().discard(transfer))

    async def leftovers(self) -> list[Leftover]:
        """See `NodeApi.leftovers`."""
        return await self._there(self._started().leftovers())

    async def peers(self, conversation: str) -> list[PeerInfo]:
        """See `NodeApi.peers`."""
        return await self._there(self._started().peers(conversation))

    async def transfers(self) -> list[TransferInfo]:
        """See `NodeApi.transfers`."""
        return await self._there(self._started().transfers())

    async def stats(self) -> list[PeerStats]:
        """See `NodeApi.stats`."""
        return await self._there(self._started().stats())

    async def verify(self, conversation: str, peer: str) -> None:
        """See `NodeApi.verify`."""
        await self._there(self._started().verify(conversation, peer))

    async def admit_guest(self, conversation: str, peer: str, admitted: bool) -> None:
        """See `NodeApi.admit_guest`."""
        await self._there(self._started().admit_guest(conversation, peer, admitted))

    async def contacts(self) -> list[ContactInfo]:
        """See `NodeApi.contacts`."""
        return await self._there(self._started().contacts())

    async def rename_contact(self, contact: str, petname: str) -> None:
        """See `NodeApi.rename_contact`."""
        await self._there(self._started().rename_contact(contact, petname))

    async def verify_contact(self, contact: str) -> None:
        """See `NodeApi.verify_contact`."""
        await self._there(self._started().verify_contact(contact))

    async def forget_contact(self, contact: str) -> None:
        """See `NodeApi.forget_contact`."""
        await self._there(self._started().forget_contact(contact))

    async def block_contact(self, contact: str, blocked: bool = True) -> None:
        """See `NodeApi.block_contact`."""
        await self._there(self._started().block_contact(contact, blocked))

    async def replace_contact(self, contact: str, key: str) -> None:
        """See `NodeApi.replace_contact`."""
        await self._there(self._started().replace_contact(contact, key))

    async def auto_accept(self, contact: str, most: int) -> None:
        """See `NodeApi.auto_accept`."""
        await self._there(self._started().auto_accept(contact, most))

    async def settle(self, seconds: float) -> bool:
        """See `NodeApi.settle`."""
        return await self._there(self._started().settle(seconds))
