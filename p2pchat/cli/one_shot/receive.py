"""`p2pchat receive`: takes the files of a contact, or of whoever made a one-time code."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from p2pchat.cli import wording
from p2pchat.cli.lines import Line
from p2pchat.cli.one_shot import offer_text
from p2pchat.cli.one_shot.exchange import carry_out
from p2pchat.cli.one_shot.failures import Declined, ending
from p2pchat.cli.one_shot.part import Comeback, Part
from p2pchat.cli.one_shot.telling import Teller
from p2pchat.errors import DiskFull, P2PChatError, StorageFailed, UsageError
from p2pchat.node.answers import Landing
from p2pchat.node.api import NodeApi
from p2pchat.node.events import (
    Direction,
    Event,
    PeerChanged,
    Problem,
    TransferChanged,
    TransferInfo,
    TransferOffered,
    TransferProgressed,
    TransferState,
)
from p2pchat.protocol.codes import Code
from p2pchat.protocol.invite import CodeLink, is_link
from p2pchat.store.disk import no_space
from p2pchat.tui import measures

YES: Final = ("y", "yes")
NO: Final = ("n", "no")
DISCARD: Final = ("d", "discard")

ASK: Final = "ask"
POLICIES: Final = ("rename", "skip", "overwrite")
"""What can be done with names that are taken; the first is what happens where nobody can be asked."""

NOT_STORED: Final = "it cannot be stored there"
BUSY: Final = "another offer is being received"
ONE_FILE: Final = "only one file can be written to standard output"


def check_code(text: str) -> str:
    """Returns what a person gave as a code, or as the link to one, tidied up. Contacts nobody.

    Raises:
        UsageError: it is neither; the message names the first wrong word, and the nearest right one.
    """
    return str(CodeLink.parse(text) if is_link(text) else Code.parse(text))


@dataclass(frozen=True, slots=True)
class Wanted:
    """From whom to receive, what, and how."""

    code: str = ""
    """The code, or the link to it, as `check_code` returns it; empty to wait for contacts."""
    contacts: Sequence[str] = field(default=())
    """The contacts to wait for."""
    output: Path | None = None
    """The folder for the files; None for the node's own."""
    yes: bool = False
    """Whether to accept without asking."""
    if_exists: str = ASK
    """One of `POLICIES`, or `ASK`."""
    only: Sequence[str] = field(default=())
    """Paths and patterns of what is wanted; none for everything."""
    preserve: bool = False
    """Whether modification times and executable bits are taken over."""
    to_stdout: bool = False
    """Whether it has to be one file, because it is for standard output."""


async def receive(
    node: NodeApi,
    wanted: Wanted,
    teller: Teller,
    *,
    comeback: Comeback,
    answers: AsyncIterator[Line] | None,
    seconds: float | None,
) -> tuple[str, ...]:
    """Receives files, and ends when they are verified and on the disk.

    Args:
        node: a node that is not started; it is stopped at the end.
        wanted: from whom, what and how.
        teller: takes what there is to tell.
        comeback: how it goes on after an interruption.
        answers: lines of somebody who can be asked; None where there is nobody.
        seconds: how long to wait for the other side; None for as long as it takes.

    Returns:
        Where the files are.

    Raises:
        IdentityError: the code is wrong, or the other side is not who its name says.
        UsageError: nobody could be asked, there is no such contact, or what is offered cannot be received like this.
        Declined: the user did not want the files.
        TurnedDown: the other side cancelled.
        TimedOut: nobody came, or nothing was offered, in time.
        NoConnection: nobody waits with this code, or the other side went away and did not come back.
        StorageFailed: there is not enough space, or the folder cannot be written.
        P2PChatError: the transfer failed.
    """
    part = Receiving(node, wanted, teller, comeback, asking=answers is not None)
    try:
        await carry_out(node, part, seconds=seconds, lines=answers, farewell=True)
    except P2PChatError as error:
        teller.failed(error)
        raise
    return part.saved


class Receiving(Part):
    """The receiving part; see `receive`. `asking` says whether somebody can be asked."""

    def __init__(self, node: NodeApi, wanted: Wanted, teller: Teller, comeback: Comeback, *, asking: bool) -> None:
        super().__init__(node, teller, comeback)
        self._wanted = wanted
        self._asking = asking
        self._question = ""
        """What was asked and is not answered yet."""
        self._about_names = False
        """Whether the question is about names that are taken."""
        self._offer: TransferInfo | None = None
        self._landing: Landing | None = None
        self.saved: tuple[str, ...] = ()
        """Where the files are."""

    async def begin(self) -> None:
        """Goes to the meeting."""
        for contact in self._wanted.contacts:
            await self._go_to(contact)
        if self._wanted.contacts:
            named = ", ".join(wording.peer_name(contact) for contact in self._wanted.contacts)
            self._teller.say(f"Waiting for {named}.")
        elif await self._where_it_was_interrupted():
            self._teller.say("This code has been used here before: going on with whoever made it.")
        else:
            self._conversations.add(await self._node.use_code(self._wanted.code))

    async def told(self, event: Event) -> None:
        """The node told an event."""
        if isinstance(event, Problem) and (error := ending(event)) is not None:
            raise error
        self._teller.event(event)
        match event:
            case PeerChanged():
                await self._peer_changed(event)
            case TransferOffered():
                await self._offered(event.info)
            case TransferProgressed() if event.transfer == self._transfer:
                self._stored = event.confirmed
            case TransferChanged() if event.info.transfer == self._transfer:
                await self._transfer_changed(event.info)

    async def entered(self, line: Line) -> None:
        """An answer. What was typed before the question does not count."""
        if not self._question:
            return
        answer = "n" if line is None else line.decode("utf-8", "replace").strip().lower()
        policy = next((word for word in POLICIES if answer and word.startswith(answer)), "")
        resumable = self._landing is not None and self._landing.resumable
        if self._about_names and policy:
            await self._accept(policy)
        elif self._about_names and line is not None:
            self._teller.ask(self._question)
        elif answer in YES:
            await self._settle_names()
        elif answer in DISCARD and resumable:
            self._question = ""
            await self._node.discard(self._transfer)
            self._landing = await self._node.inspect(self._transfer, self._wanted.output)
            await self._settle_names()
        elif answer in NO:
            await self._decline("")
            raise Declined("you declined, and nothing was received")
        else:
            self._teller.ask(self._question)

    # --- from the offer to the answer

    async def _offered(self, info: TransferInfo) -> None:
        if self._transfer and not self.away:
            await self._node.decline(info.transfer, BUSY)
            return
        self.met = True
        self._transfer, self._offer = info.transfer, info
        await self._stay_only(info.conversation)
        landing = self._landing = await self._node.inspect(info.transfer, self._wanted.output)
        self._stored = landing.resumable
        totals = await offer_text.Totals.of(self._node, info)
        self._teller.say(offer_text.offer_text(info, totals, landing, to_stdout=self._wanted.to_stdout))
        if self._wanted.to_stdout and info.files != 1:
            await self._decline(ONE_FILE)
            raise UsageError(f"{ONE_FILE}, and {info.files:,} are offered", "receive them without --stdout")
        await self._check_place(landing)
        if self._wanted.yes or info.total <= self._auto_accept:
            await self._settle_names()
        elif self._asking:
            self._ask(offer_text.accept_question(landing, info.total, to_stdout=self._wanted.to_stdout))
        else:
            await self._decline("nobody is there to accept it")
            raise UsageError("the offer was declined, because there is no terminal to ask on", "accept it with --yes")

    async def _check_place(self, landing: Landing) -> None:
        """Declines what cannot be stored, where that is known already."""
        # A part of it, or without what is here already, it may fit: `accept` will see.
        maybe = self._wanted.only or (landing.existing and self._wanted.if_exists in ("skip", ASK))
        if landing.needed > landing.free and not maybe:
            error: StorageFailed = no_space(landing.needed, landing.free, str(landing.folder))
        elif landing.fault:
            error = StorageFailed(landing.fault, "choose another folder with --output", reason="permission")
        else:
            return
        await self._decline(error.message)
        raise error

    async def _settle_names(self) -> None:
        """Asks about names that are taken, where that is wanted and there are any; accepts."""
        landing, policy = self._landing, self._wanted.if_exists
        if policy != ASK:
            await self._accept(policy)
        elif landing is not None and landing.existing and not landing.resumable and self._asking:
            self._about_names = True
            self._ask(offer_text.names_question(landing))
        else:
            await self._accept(POLICIES[0])

    def _ask(self, question: str) -> None:
        self._question = question
        self._teller.ask(question)

    async def _accept(self, policy: str) -> None:
        self._question, self._about_names = "", False
        wanted = self._wanted
        try:
            await self._node.accept(
                self._transfer, wanted.output, policy, only=wanted.only or None, preserve=wanted.preserve
            )
        except P2PChatError as error:
            await self._decline(error.message if isinstance(error, DiskFull) else NOT_STORED)
            raise

    async def _decline(self, reason: str) -> None:
        self._question, self._about_names = "", False
        await self._node.decline(self._transfer, reason)
        self._transfer = ""
        await self._over()

    # --- after the answer

    async def _transfer_changed(self, info: TransferInfo) -> None:
        self._stored = max(self._stored, info.confirmed)
        if info.state.final:
            self._transfer = ""
        if info.state is TransferState.DONE:
            took = measures.duration(info.seconds)
            self._teller.say(f"Done: {measures.size(info.confirmed)} in {took}, verified.")
            self.saved = info.saved
            if not self._wanted.to_stdout:
                self._teller.saved(info.saved)
            self.done = True
            await self._over()
        elif info.direction is Direction.RECEIVE:
            await self._ended(info)

    def _kept(self) -> str:
        if self._offer is None or not self._stored or self._comeback.ephemeral:
            return ""
        return f" {offer_text.arrived(self._stored, self._offer.total)} are here, and stay."

    def _how_to_go_on(self, info: TransferInfo) -> str:
        if self._comeback.ephemeral or not self._key:
            return ""
        total = info.wanted or info.total
        here = f"{offer_text.arrived(self._stored, total)} are here and stay; " if self._stored else ""
        return f"{here}to go on, run the same command at both sides again"
