"""`p2pchat send`: offers files to whoever comes with the right one-time code, and ends when they are verified there."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path

from p2pchat.cli import wording
from p2pchat.cli.one_shot import Part, carry_out, ending
from p2pchat.cli.qr import qr_code
from p2pchat.cli.telling import Teller
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
    TransferState,
)
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.store.outgoing import Source
from p2pchat.tui import measures


async def send(
    node: NodeApi, paths: Sequence[Path], teller: Teller, *, server: str, with_qr: bool, seconds: float | None
) -> None:
    """Sends files with a one-time code.

    Args:
        node: a node that is not started; it is stopped at the end.
        paths: files and folders of this machine.
        teller: takes what there is to tell.
        server: what the other side has to give as `--server`; empty when it has that anyway.
        with_qr: whether the code is also shown as a QR code, with the server in it.
        seconds: how long to wait for the other person; None for as long as it takes.

    Raises:
        NotSendable: a path is missing, unreadable, or neither file nor folder. Nothing was contacted.
        TimedOut: nobody came in time.
        PeerUnreachable: the other side could not be connected, or went away.
        TurnedDown: the other side declined or cancelled.
        IdentityError: the other side is not who its name says.
        P2PChatError: the server could not be reached, or the transfer failed.
    """
    try:
        what = await asyncio.to_thread(_summary, paths)
        await carry_out(node, Sending(node, paths, teller, what, server, with_qr), seconds=seconds)
    except P2PChatError as error:
        teller.failed(error)
        raise


class Sending(Part):
    """The sending part. `what` says what is sent; for the others see `send`."""

    def __init__(
        self, node: NodeApi, paths: Sequence[Path], teller: Teller, what: str, server: str, with_qr: bool
    ) -> None:
        super().__init__(node, teller)
        self._paths = paths
        self._what = what
        self._server = server
        self._with_qr = with_qr
        self._conversation = ""

    async def begin(self) -> None:
        """Opens the meeting; its code is told as an event."""
        self._conversation = await self._node.host_code()

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
                if self._connected_or_lost(event):
                    self.met = True
                    # Gone again already: the event that says why is on its way.
                    with contextlib.suppress(PeerUnreachable):
                        await self._node.offer(self._conversation, self._paths)
            case TransferChanged() if event.info.direction is Direction.SEND:
                self._transfer_changed(event)

    def _show(self, event: CodeChanged) -> None:
        server = f" --server {shlex.quote(self._server)}" if self._server else ""
        begin = "The old code is of no use any more. On the other machine" if event.reason else self._what
        self._teller.say(f"{begin}:\n\n    p2pchat receive {event.code}{server}\n")
        if self._with_qr:
            self._teller.say(qr_code(event.link))

    def _transfer_changed(self, event: TransferChanged) -> None:
        info = event.info
        who = info.name
        self._transfer = "" if info.state.final else info.transfer
        match info.state:
            case TransferState.WAITING:
                self._teller.say(f"Waiting for {who} to accept.")
            case TransferState.DONE:
                took = measures.duration(info.seconds)
                self._teller.say(f"Done: {measures.size(info.total)} in {took}, verified by {who}.")
                self.done = True
            case _:
                self._ended(info)


def _summary(paths: Sequence[Path]) -> str:
    """Looks at all paths, and returns the beginning of what is said of them: `Sending film.mov, 1.4 GB`."""
    source = Source.scan(paths)
    source.close()
    manifest = source.manifest
    return f"Sending {_names(manifest)}, {measures.size(manifest.total)}. On the other machine"


def _names(manifest: Manifest) -> str:
    roots = list(dict.fromkeys(entry.path.partition("/")[0] for entry in manifest.entries))
    files = wording.number(len(manifest.files), "file")
    if len(roots) > 1:
        return files
    name = wording.file_name(roots[0])
    return name if manifest.entries[0].path == roots[0] and not manifest.entries[0].folder else f"{name}, {files}"
