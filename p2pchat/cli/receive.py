"""`p2pchat receive`: takes the files of whoever made a one-time code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from p2pchat.cli import wording
from p2pchat.cli.lines import Line
from p2pchat.cli.one_shot import Part, carry_out, ending
from p2pchat.cli.telling import Teller
from p2pchat.errors import P2PChatError, UsageError
from p2pchat.node.api import NodeApi
from p2pchat.node.events import (
    Event,
    PeerChanged,
    Problem,
    TransferChanged,
    TransferInfo,
    TransferOffered,
    TransferState,
)
from p2pchat.protocol.codes import Code
from p2pchat.protocol.invite import CodeLink, is_link
from p2pchat.tui import measures

NAMED: Final = 12
"""Files of an offer that are listed: with what is around them they fit a small terminal."""

YES: Final = ("y", "yes")
NO: Final = ("n", "no")

DECLINED: Final = "declined"
NOT_STORED: Final = "it cannot be stored there"


class Declined(P2PChatError):
    """The user of this machine did not want the files."""

    code = DECLINED


def check_code(text: str) -> str:
    """Returns what a person gave as a code, or as the link to one, tidied up. Contacts nobody.

    Raises:
        UsageError: it is neither; the message names the first wrong word, and the nearest right one.
    """
    return str(CodeLink.parse(text) if is_link(text) else Code.parse(text))


async def receive(
    node: NodeApi,
    code: str,
    teller: Teller,
    *,
    output: Path | None,
    folder: Path,
    yes: bool,
    answers: AsyncIterator[Line] | None,
    seconds: float | None,
) -> None:
    """Receives files with a one-time code.

    Args:
        node: a node that is not started; it is stopped at the end.
        code: the code, or the link to it, as `check_code` returns it.
        teller: takes what there is to tell.
        output: the folder for the files; None for the node's own.
        folder: how to call that folder.
        yes: whether to accept without asking.
        answers: lines of somebody who can be asked; None where there is nobody.
        seconds: how long to wait for the offer; None for as long as it takes.

    Raises:
        IdentityError: the code is wrong, or the other side is not who its name says.
        UsageError: nobody could be asked.
        Declined: the user did not want the files.
        TurnedDown: the other side cancelled.
        TimedOut: no offer came in time.
        NoConnection: nobody waits with this code, or the other side went away.
        P2PChatError: the transfer failed.
    """
    part = Receiving(node, code, teller, output=output, folder=folder, yes=yes, asking=answers is not None)
    try:
        await carry_out(node, part, seconds=seconds, lines=answers, farewell=True)
    except P2PChatError as error:
        teller.failed(error)
        raise


class Receiving(Part):
    """The receiving part; see `receive`."""

    def __init__(
        self,
        node: NodeApi,
        code: str,
        teller: Teller,
        *,
        output: Path | None,
        folder: Path,
        yes: bool,
        asking: bool,
    ) -> None:
        super().__init__(node, teller)
        self._code = code
        self._output = output
        self._folder = folder
        self._yes = yes
        self._asking = asking
        self._question = ""
        """What was asked and is not answered yet."""

    async def begin(self) -> None:
        """Goes to the meeting."""
        await self._node.use_code(self._code)

    async def told(self, event: Event) -> None:
        """The node told an event."""
        if isinstance(event, Problem) and (error := ending(event)) is not None:
            raise error
        self._teller.event(event)
        match event:
            case PeerChanged():
                self._connected_or_lost(event)
            case TransferOffered() if not self._transfer:
                await self._offered(event.info)
            case TransferChanged() if event.info.transfer == self._transfer:
                self._transfer_changed(event.info)

    async def entered(self, line: Line) -> None:
        """An answer. What was typed before the question does not count."""
        if not self._question:
            return
        answer = "n" if line is None else line.decode("utf-8", "replace").strip().lower()
        if answer in YES:
            self._question = ""
            await self._accept()
        elif answer in NO:
            await self._node.decline(self._transfer)
            self._transfer = ""
            raise Declined("you declined, and nothing was received")
        else:
            self._teller.ask(self._question)

    async def _offered(self, info: TransferInfo) -> None:
        self.met = True
        self._transfer = info.transfer
        self._teller.say(_offer(info))
        if self._yes:
            await self._accept()
        elif self._asking:
            self._question = f"Receive into {wording.file_name(str(self._folder))}? (y/n)"
            self._teller.ask(self._question)
        else:
            await self._node.decline(info.transfer, "nobody is there to accept it")
            self._transfer = ""
            raise UsageError("the offer was declined, because there is no terminal to ask on", "accept it with --yes")

    async def _accept(self) -> None:
        try:
            await self._node.accept(self._transfer, self._output)
        except P2PChatError:
            await self._node.decline(self._transfer, NOT_STORED)
            self._transfer = ""
            raise

    def _transfer_changed(self, info: TransferInfo) -> None:
        if info.state.final:
            self._transfer = ""
        if info.state is TransferState.DONE:
            took = measures.duration(info.seconds)
            self._teller.say(f"Done: {measures.size(info.total)} in {took}, verified.")
            self._teller.saved(info.saved)
            self.done = True
        else:
            self._ended(info)


def _offer(info: TransferInfo) -> str:
    """Says who offers what: `ben·m2xd sends 3 files, 1.4 GB:` and a line for each."""
    count = wording.number(info.files, "file")
    lines = [f"{wording.tagged_name(info.name, info.peer)} sends {count}, {measures.size(info.total)}:"]
    files = [item for item in info.items if not item.folder]
    lines += [f"    {wording.file_name(item.path)}  {measures.size(item.size)}" for item in files[:NAMED]]
    more = info.files - min(len(files), NAMED)
    if more > 0:
        lines.append(f"    and {wording.number(more, 'more file')}")
    return "\n".join(lines)
