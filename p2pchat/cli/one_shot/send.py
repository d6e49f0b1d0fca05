"""`p2pchat send`: offers files to a contact, or to whoever comes with the right one-time code."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from p2pchat.cli import wording
from p2pchat.cli.one_shot.exchange import carry_out
from p2pchat.cli.one_shot.failures import ending
from p2pchat.cli.one_shot.part import Comeback, Part
from p2pchat.cli.one_shot.qr import qr_code
from p2pchat.cli.one_shot.standard_input import InputRead
from p2pchat.cli.one_shot.telling import Teller
from p2pchat.errors import P2PChatError, PeerUnreachable
from p2pchat.node.api import NodeApi
from p2pchat.node.events import (
    CODE_SPENT,
    CodeChanged,
    Direction,
    Event,
    PeerChanged,
    Problem,
    TransferChanged,
    TransferInfo,
    TransferState,
)
from p2pchat.store.outgoing import Survey, survey
from p2pchat.tui import measures


@dataclass(frozen=True, slots=True)
class Sent:
    """What is sent, and to whom."""

    paths: Sequence[Path]
    """Files and folders of this machine; the one that standard input is read into is last."""
    input_name: str = ""
    """What standard input is called at the receiver; empty when it is not sent."""
    to: str = ""
    """The contact who gets it; empty for whoever has the code."""
    follow_links: bool = False
    """Whether what links inside folders point to is sent too."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is told about how to receive it."""

    our_name: str = ""
    """What the other side knows us as."""
    server: str = ""
    """What it has to give as `--server`; empty when it has that anyway."""
    with_qr: bool = False
    """Whether the code is also shown as a QR code, with the server in it."""
    on_lan: bool = False
    """Whether we are on the local network, where an open chat of a contact takes files."""


async def send(
    node: NodeApi,
    sent: Sent,
    teller: Teller,
    *,
    shown: Shown,
    comeback: Comeback,
    seconds: float | None,
    spooling: AsyncIterator[InputRead] | None = None,
) -> None:
    """Sends files, and ends when the receiver has verified them.

    Args:
        node: a node that is not started; it is stopped at the end.
        sent: what, and to whom.
        teller: takes what there is to tell.
        shown: what is told about how to receive it.
        comeback: how it goes on after an interruption.
        seconds: how long to wait for the other person; None for as long as it takes.
        spooling: reads standard input into the last of the paths; None when it is not sent.

    Raises:
        NotSendable: a path is missing, unreadable, or neither file nor folder. Nothing was contacted.
        UsageError: there is no such contact.
        TimedOut: nobody came in time.
        PeerUnreachable: the other side could not be connected, or went away and did not come back.
        TurnedDown: the other side declined or cancelled.
        IdentityError: the other side is not who its name says.
        P2PChatError: the server could not be reached, or the transfer failed.
    """
    try:
        what = await asyncio.to_thread(_summary, sent)
        part = Sending(node, sent, teller, what, shown, comeback, reading=spooling is not None)
        await carry_out(node, part, seconds=seconds, spooling=spooling)
    except P2PChatError as error:
        teller.failed(error)
        raise


class Sending(Part):
    """The sending part. `what` says what is sent, `reading` whether it is still being read; for the rest see `send`."""

    def __init__(
        self,
        node: NodeApi,
        sent: Sent,
        teller: Teller,
        what: str,
        shown: Shown,
        comeback: Comeback,
        *,
        reading: bool,
    ) -> None:
        super().__init__(node, teller, comeback)
        self._sent = sent
        self._what = what
        self._shown = shown
        self._reading = reading
        self._conversation = ""
        """Where the other side was met."""
        self._accepted = False

    async def begin(self) -> None:
        """Goes to the contact, or opens a meeting whose code is told as an event."""
        server = _server(self._shown)
        if self._sent.to:
            await self._go_to(self._sent.to)
            who = wording.peer_name(self._sent.to)
            receive = f"p2pchat receive --from {shlex.quote(self._shown.our_name)}{server}"
            chat = f"a chat of {who} on this network, or for " if self._shown.on_lan else ""
            self._teller.say(
                f"{self._what}, to {who}. Waiting for {chat}this on the machine of {who}:\n\n    {receive}\n"
            )
            return
        if await self._where_it_was_interrupted():
            self._teller.say("This was interrupted before: whoever got it then can go on without a code.")
        self._conversations.add(await self._node.host_code())

    async def told(self, event: Event) -> None:
        """The node told an event."""
        if isinstance(event, Problem) and event.code not in CODE_SPENT:
            # Those end the other side's attempt only: a new code follows.
            error = ending(event)
            if error is not None:
                raise error
        self._teller.event(event)
        match event:
            case CodeChanged():
                self._show(event)
            case PeerChanged():
                if await self._peer_changed(event):
                    self.met = True
                    self._conversation = event.conversation
                    await self._stay_only(event.conversation)
                    await self._offer()
            case TransferChanged() if event.info.direction is Direction.SEND:
                await self._transfer_changed(event.info)

    async def read(self, item: InputRead) -> None:
        """More of standard input has been read; at its end it can be offered."""
        if item.ended:
            self._reading = False
            self._teller.say(f"Standard input has ended after {measures.size(item.count)}.")
            await self._offer()
        else:
            self._teller.reading(item.count)

    async def _offer(self) -> None:
        """Offers everything, once it is there and somebody is."""
        if self._conversation and not self._reading:
            # Gone again already: the event that says why is on its way.
            with contextlib.suppress(PeerUnreachable):
                # To one: a chat and `receive` of the same contact may both be there.
                whom = self.peer.peer if self.peer is not None else None
                links = self._sent.follow_links
                await self._node.offer(self._conversation, self._sent.paths, whom, follow_links=links)
        elif self._conversation:
            self._teller.say("Waiting for the end of standard input.")

    def _show(self, event: CodeChanged) -> None:
        begin = "The old code is of no use any more" if event.reason else self._what
        receive = f"p2pchat receive {event.code}{_server(self._shown)}"
        self._teller.say(f"{begin}. On the other machine:\n\n    {receive}\n")
        if self._shown.with_qr:
            self._teller.say(qr_code(event.link))

    async def _transfer_changed(self, info: TransferInfo) -> None:
        who = wording.peer_name(info.name)
        self._transfer = "" if info.state.final else info.transfer
        match info.state:
            case TransferState.WAITING:
                self._teller.say(f"Waiting for {who} to accept.")
            case TransferState.ACTIVE if not self._accepted:
                self._accepted = True
                if 0 < info.wanted_files < info.files:
                    files = f"{wording.number(info.wanted_files, 'file')} of {info.files:,}"
                    self._teller.say(f"{who} takes a part of it: {files}, {measures.size(info.wanted)}.")
            case TransferState.DONE:
                took = measures.duration(info.seconds)
                self._teller.say(f"Done: {measures.size(info.confirmed)} in {took}, verified by {who}.")
                self.done = True
                await self._over()
            case _:
                await self._ended(info)

    def _how_to_go_on(self, info: TransferInfo) -> str:
        if self._sent.input_name or not self._key or self._comeback.ephemeral:
            return "send it again"
        return "send the same again, and what has arrived is not sent twice"


def _server(shown: Shown) -> str:
    return f" --server {shlex.quote(shown.server)}" if shown.server else ""


def _summary(sent: Sent) -> str:
    """Looks at all paths, and returns the beginning of what is said of them: `Sending film.mov, 1.4 GB`."""
    paths = sent.paths[:-1] if sent.input_name else sent.paths
    named = []
    if paths:
        found = survey(paths, sent.follow_links)
        named.append(f"{_names(found)}, {measures.size(found.total)}")
    if sent.input_name:
        name = "" if sent.input_name == "stdin" else f" as {wording.file_name(sent.input_name)}"
        named.append(f"standard input{name}")
    return f"Sending {', and '.join(named)}"


def _names(found: Survey) -> str:
    files = wording.number(found.files, "file")
    if len(found.names) > 1:
        return files
    name = wording.file_name(found.names[0])
    return f"{name}, {files}" if found.folder else name


def absolute(paths: Sequence[Path]) -> list[str]:
    """Returns paths as they are remembered for the case that sending them is interrupted."""
    return [os.path.abspath(path) for path in paths]
