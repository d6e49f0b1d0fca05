"""A node that a test plays by hand: it records what a front end asks for, and tells it what the test wants told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

from p2pchat.node.answers import ContactInfo, Landing, Leftover, LiveTextStats, PeerStats
from p2pchat.node.events import CodeChanged, Event, Item, PeerInfo, Ready, TransferInfo


class FakeNode:
    """Implements `p2pchat.node.api.NodeApi` without a network.

    `calls` holds every call as a tuple of the method's name and its arguments, in order.
    """

    def __init__(self, name: str = "ana", tag: str = "k7qfm2xd") -> None:
        self.name = name
        self.tag = tag
        self.calls: list[tuple[object, ...]] = []
        self.known_peers: list[PeerInfo] = []
        self.known_transfers: list[TransferInfo] = []
        self.known_contacts: list[ContactInfo] = []
        self.known_leftovers: list[Leftover] = []
        self.known_stats: list[PeerStats] = []
        self.known_live_text_stats: list[LiveTextStats] = []
        self.landing = Landing(Path("/home/ana/Downloads"), needed=1000, free=10**9, existing=0)
        """What `inspect` answers, for any offer."""
        self.fail_next: Exception | None = None
        """Raised by the next call, once."""
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._ids = 0

    def tell(self, *events: Event) -> None:
        """Puts events into the stream."""
        for event in events:
            self._events.put_nowait(event)

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self._events.get()) is not None:
            yield event

    def _called(self, *call: object) -> None:
        self.calls.append(call)
        if self.fail_next is not None:
            error, self.fail_next = self.fail_next, None
            raise error

    def _next_id(self) -> str:
        self._ids += 1
        return f"{self._ids:08x}"

    async def start(self) -> None:
        self._called("start")

    async def stop(self) -> None:
        self._called("stop")
        self._events.put_nowait(None)

    async def join(self, conversation: str, secret: bytes = b"") -> None:
        self._called("join", conversation, secret) if secret else self._called("join", conversation)
        self.tell(Ready(conversation, self.name, self.tag, "ws://127.0.0.1:8080", 0.0))

    async def host_code(self) -> str:
        self._called("host_code")
        self.tell(CodeChanged("code", "7-marble-tunnel-oyster", "p2pchat:server#7-marble-tunnel-oyster", "", 0.0))
        return "code"

    async def use_code(self, code: str, server: str = "") -> str:
        self._called("use_code", code, server)
        return "code"

    async def invite(self, conversation: str) -> str:
        self._called("invite", conversation)
        return "p2pchat:server?room=lab#secret"

    async def leave(self, conversation: str) -> None:
        self._called("leave", conversation)

    async def say(self, conversation: str, text: str) -> str:
        self._called("say", conversation, text)
        return self._next_id()

    async def share_live_text(self, conversation: str, shared: bool, peer: str | None = None) -> None:
        self._called("share_live_text", conversation, shared, *(() if peer is None else (peer,)))

    async def live_text_mode(self, conversation: str, mode: str) -> None:
        self._called("live_text_mode", conversation, mode)

    async def alert(self, conversation: str) -> bool:
        self._called("alert", conversation)
        return True

    async def live_text_policy(self, contact: str, policy: str) -> None:
        self._called("live_text_policy", contact, policy)

    async def live_text_stats(self, conversation: str) -> list[LiveTextStats]:
        return list(self.known_live_text_stats)

    async def set_live_text(self, conversation: str, text: str, typed_at: float | None = None) -> None:
        self._called("set_live_text", conversation, text)

    async def commit_live_text(self, conversation: str) -> str:
        self._called("commit_live_text", conversation)
        return self._next_id()

    async def meet(self, contact: str) -> str:
        self._called("meet", contact)
        return f"with-{contact}"

    async def offer(
        self, conversation: str, paths: Sequence[Path], peer: str | None = None, *, follow_links: bool = False
    ) -> list[str]:
        self._called("offer", conversation, tuple(paths), peer, *(("follow_links",) if follow_links else ()))
        return [self._next_id()]

    async def items(self, transfer: str, start: int, count: int) -> list[Item]:
        info = next((info for info in self.known_transfers if info.transfer == transfer), None)
        return list(info.items[start : start + count]) if info is not None else []

    async def inspect(self, transfer: str, output: Path | None = None) -> Landing:
        self._called("inspect", transfer, output)
        return self.landing if output is None else replace(self.landing, folder=output)

    async def accept(
        self,
        transfer: str,
        output: Path | None = None,
        if_exists: str = "rename",
        *,
        only: Sequence[str] | None = None,
        preserve: bool = False,
    ) -> None:
        policy = () if if_exists == "rename" else (if_exists,)
        choice = () if only is None else (tuple(only),)
        self._called("accept", transfer, output, *policy, *choice, *(("preserve",) if preserve else ()))

    async def discard(self, transfer: str) -> None:
        self._called("discard", transfer)

    async def leftovers(self) -> list[Leftover]:
        return list(self.known_leftovers)

    async def auto_accept(self, contact: str, most: int) -> None:
        self._called("auto_accept", contact, most)

    async def decline(self, transfer: str, reason: str = "") -> None:
        self._called("decline", transfer, reason)

    async def pause(self, transfer: str) -> None:
        self._called("pause", transfer)

    async def resume(self, transfer: str) -> None:
        self._called("resume", transfer)

    async def cancel(self, transfer: str) -> None:
        self._called("cancel", transfer)

    async def peers(self, conversation: str) -> list[PeerInfo]:
        return list(self.known_peers)

    async def transfers(self) -> list[TransferInfo]:
        return list(self.known_transfers)

    async def stats(self) -> list[PeerStats]:
        return list(self.known_stats)

    async def verify(self, conversation: str, peer: str) -> None:
        self._called("verify", conversation, peer)

    async def admit_guest(self, conversation: str, peer: str, admitted: bool) -> None:
        self._called("admit_guest", conversation, peer, admitted)

    async def contacts(self) -> list[ContactInfo]:
        return list(self.known_contacts)

    async def rename_contact(self, contact: str, petname: str) -> None:
        self._called("rename_contact", contact, petname)

    async def verify_contact(self, contact: str) -> None:
        self._called("verify_contact", contact)

    async def forget_contact(self, contact: str) -> None:
        self._called("forget_contact", contact)

    async def block_contact(self, contact: str, blocked: bool = True) -> None:
        self._called("block_contact", contact, blocked)

    async def replace_contact(self, contact: str, key: str) -> None:
        self._called("replace_contact", contact, key)

    async def settle(self, seconds: float) -> bool:
        self._called("settle", seconds)
        return True
