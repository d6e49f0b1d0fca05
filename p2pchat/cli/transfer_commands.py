"""The commands of plain mode that are about files."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from p2pchat.cli import wording
from p2pchat.cli.line_commands import Command, LineCommands
from p2pchat.errors import UsageError
from p2pchat.node.answers import Landing, Leftover
from p2pchat.node.events import TransferInfo

POLICIES: Final = ("rename", "skip", "overwrite")
"""What `/accept` takes for names that are taken."""

EXAMPLES: Final = 3
"""Names that are given as examples of several: more cannot be kept in mind while listening."""

_ACCEPT_HINT: Final = "write /accept N skip into FOLDER only PATTERN; all of it may be left out"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What `/accept` says."""

    number: str = ""
    if_exists: str = "rename"
    output: Path | None = None
    only: tuple[str, ...] = ()

    @classmethod
    def parse(cls, argument: str) -> Acceptance:
        """Reads `[N] [rename|skip|overwrite] [into FOLDER] [only PATTERN...]`.

        Raises:
            UsageError: it is something else.
        """
        words = _words(argument, _ACCEPT_HINT)
        number = words.pop(0) if words and words[0].isdecimal() else ""
        if_exists = words.pop(0) if words and words[0] in POLICIES else "rename"
        output = None
        if words[:1] == ["into"] and len(words) > 1:
            output = Path(os.path.expanduser(words[1])).absolute()
            words = words[2:]
        if words and (words[0] != "only" or len(words) == 1):
            raise UsageError("that is no way to accept an offer", _ACCEPT_HINT)
        return cls(number, if_exists, output, tuple(words[1:]))


class TransferCommands(LineCommands):
    """Carries the commands out."""

    @property
    def commands(self) -> dict[str, Command]:
        """The commands by name."""
        return {
            "accept": self._accept,
            "decline": self._decline,
            "pause": self._pause,
            "resume": self._resume,
            "cancel": self._cancel,
            "discard": self._discard,
            "send": self._send,
            "transfers": self._list,
        }

    async def describe(self, info: TransferInfo) -> None:
        """Writes what an offer would meet here, where that matters for the answer."""
        if not info.automatic:
            for line in circumstances(info, await self._node.inspect(info.transfer)):
                self._shown.write(line)

    async def _accept(self, argument: str) -> None:
        said = Acceptance.parse(argument)
        offer = self._shown.transfers.choose_offer(said.number).info
        await self._node.accept(offer.transfer, said.output, said.if_exists, only=said.only or None)

    async def _decline(self, argument: str) -> None:
        await self._node.decline(self._shown.transfers.choose_offer(argument).info.transfer)

    async def _pause(self, argument: str) -> None:
        await self._node.pause(self._shown.transfers.choose_running(argument).info.transfer)

    async def _resume(self, argument: str) -> None:
        await self._node.resume(self._shown.transfers.choose_paused(argument).info.transfer)

    async def _cancel(self, argument: str) -> None:
        await self._node.cancel(self._shown.transfers.choose_running(argument).info.transfer)

    async def _discard(self, argument: str) -> None:
        leftovers = {f"l{number}": left for number, left in enumerate(await self._node.leftovers(), 1)}
        if argument.lower() in leftovers:
            left = leftovers[argument.lower()]
            await self._node.discard(left.leftover)
            self._shown.write(f"What was left of {wording.file_name(left.title)} is removed.")
            return
        known = self._shown.transfers.choose_discardable(argument)
        await self._node.discard(known.info.transfer)
        self._shown.write(f"What was here of {wording.files(known.info)} is removed.")

    async def _send(self, argument: str) -> None:
        await self._node.offer(self._conversation, _paths(argument))

    async def _list(self, argument: str) -> None:
        for known in self._shown.transfers.all():
            who = self._shown.speakers.called(known.info.peer, known.info.name)
            self._shown.write(f"{known.number}: {wording.transfer(known.info, who)}")
        leftovers = await self._node.leftovers()
        for number, left in enumerate(leftovers, 1):
            self._shown.write(f"L{number}: {leftover(left)}")
        if not self._shown.transfers.all() and not leftovers:
            self._shown.write("There are no transfers.")


def leftover(left: Leftover) -> str:
    """Returns a transfer of which something is left as a sentence or two."""
    here = f"{wording.size(left.stored)} of {wording.size(left.total)} are in {wording.file_name(str(left.folder))}"
    who = wording.tagged_name(left.name, left.peer)
    return f"{wording.file_name(left.title)} from {who} was interrupted. {here}."


def circumstances(info: TransferInfo, landing: Landing) -> list[str]:
    """Returns what to know of an offer before it is answered, as sentences."""
    said = []
    if landing.fault:
        said.append(
            wording.sentence(f"it cannot be stored in {wording.file_name(str(landing.folder))}: {landing.fault}")
        )
    elif landing.needed > landing.free:
        need, have = wording.size(landing.needed), wording.size(landing.free)
        said.append(f"It does not fit: {need} are needed, and {have} are free.")
    if landing.existing:
        named = ", ".join(wording.file_name(old) for old, _ in landing.examples[:EXAMPLES])
        count = "1 name is" if landing.existing == 1 else f"{landing.existing:,} names are"
        said.append(
            f"{count} taken: {named}. /accept keeps both, /accept skip leaves out what is the same, "
            "/accept overwrite replaces."
        )
    programs = [item.path for item in info.items if item.executable]
    if programs:
        named = ", ".join(wording.file_name(path) for path in programs[:EXAMPLES])
        said.append(f"There are programs in it: {named}.")
    return said


def _paths(argument: str) -> list[Path]:
    words = _words(argument, 'write /send "a path with spaces"')
    if not words or "\0" in argument:
        raise UsageError("that names no file", "write /send PATH")
    return [Path(os.path.expanduser(word)) for word in words]


def _words(argument: str, hint: str) -> list[str]:
    """Reads words, in which quotes, backslashes and `~` mean what they mean to a shell."""
    try:
        return shlex.split(argument)
    except ValueError:
        raise UsageError("a quote is not closed", hint) from None
