"""Machine mode: `p2pchat chat ROOM --json`. JSON Lines out, JSON Lines in; see `docs/json-lines.md`."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from p2pchat.cli import json_commands as commands
from p2pchat.cli import json_events
from p2pchat.cli.json_commands import JsonCommand
from p2pchat.cli.json_events import Object
from p2pchat.cli.lines import Line
from p2pchat.cli.room_access import Access
from p2pchat.cli.session import converse
from p2pchat.cli.speakers import whom
from p2pchat.errors import P2PChatError
from p2pchat.node.api import NodeApi
from p2pchat.node.events import Event, Ready, TransferChanged, TransferProgressed
from p2pchat.node.exporting import write
from p2pchat.node.transcript import Transcript

PROGRESS_PER_SECOND: Final = 5
"""`progress` lines of one transfer in any second: often enough for a bar, and little for a log."""


async def chat(
    node: NodeApi,
    access: Access,
    *,
    lines: AsyncIterator[Line],
    write_line: Callable[[str], None],
    linger: float,
) -> None:
    """Takes part in a conversation for a program.

    An error that ends the conversation is told as an `error` event, too.

    Args:
        node: a node that is not started; it is stopped at the end.
        access: the room, and its secret if it has one.
        lines: commands, one JSON object each.
        write_line: takes each line of output.
        linger: how long end of input waits for what is still being sent, in seconds.

    Raises:
        P2PChatError: the room could not be joined, or not everything was delivered in time.
    """
    front_end = JsonFrontEnd(node, access, write_line)
    try:
        await converse(node, access, front_end, lines, linger)
    except P2PChatError as error:
        front_end.write(json_events.failure(error, time.time()))
        raise


class JsonFrontEnd:
    """Writes events and answers, and carries out commands."""

    def __init__(self, node: NodeApi, access: Access, write_line: Callable[[str], None]) -> None:
        self._node = node
        self._conversation = access.room
        self._show_invite = access.show_invite
        self._write_line = write_line
        self._own_tag = ""
        self._transcript = Transcript(access.room)
        self._progress: dict[str, deque[float]] = {}
        """When the last `progress` lines of each transfer were written, at most `PROGRESS_PER_SECOND` of each."""

    def write(self, answer: Object) -> None:
        """Writes one object. Everything beyond ASCII is escaped: no terminal, locale or odd file name can break it."""
        self._write_line(json.dumps(answer, allow_nan=False))

    async def told(self, event: Event, now: float) -> None:
        """The node told an event."""
        self._transcript.event(event)
        match event:
            case Ready():
                self._own_tag = event.peer
            case TransferProgressed() if not self._in_time(event.transfer, now):
                return
            case TransferChanged() if event.info.state.final:
                self._progress.pop(event.info.transfer, None)
        answer = json_events.as_object(event, self._own_tag)
        if answer is not None:
            self.write(answer)
        if isinstance(event, Ready) and self._show_invite:
            await self._invite()

    async def entered(self, line: Line) -> bool:
        """A line of input; False when it says `quit`. What cannot be done is answered, and changes nothing."""
        try:
            command = commands.decode(line)
            if isinstance(command, commands.Quit):
                return False
            await self._carry_out(command)
        except P2PChatError as error:
            self.write(json_events.failure(error, time.time()))
        return True

    def deadline(self) -> float | None:
        """Nothing here depends on time."""
        return None

    def tick(self, now: float) -> None:
        """Nothing here depends on time."""

    async def _carry_out(self, command: JsonCommand) -> None:
        match command:
            case commands.Say():
                await self._node.say(self._conversation, command.text)
            case commands.Rtt(text=str() as text):
                await self._node.set_live_text(self._conversation, text)
                self._transcript.typed(text, time.time())
            case commands.Rtt():
                await self._node.commit_live_text(self._conversation)
            case commands.Live() | commands.Hold() | commands.Share() | commands.Policy() | commands.Alert():
                await self._live_text(command)
            case commands.Send():
                paths = [Path(path) for path in command.paths]
                await self._node.offer(self._conversation, paths, command.peer, follow_links=command.follow_links)
            case commands.Accept():
                await self._node.accept(
                    command.transfer,
                    _folder(command.output),
                    command.if_exists,
                    only=command.only,
                    preserve=command.preserve,
                )
            case commands.Decline():
                await self._node.decline(command.transfer)
            case commands.Pause():
                await self._node.pause(command.transfer)
            case commands.Resume():
                await self._node.resume(command.transfer)
            case commands.Cancel():
                await self._node.cancel(command.transfer)
            case commands.Discard():
                await self._node.discard(command.transfer)
            case _:
                await self._decide(command)

    async def _live_text(
        self, command: commands.Live | commands.Hold | commands.Share | commands.Policy | commands.Alert
    ) -> None:
        match command:
            case commands.Live():
                await self._node.live_text_mode(self._conversation, "live" if command.on else "off")
            case commands.Hold():
                await self._node.live_text_mode(self._conversation, "hold")
            case commands.Share(peer=str() as named):
                (info,) = whom(await self._node.peers(self._conversation), named)
                await self._node.share_live_text(self._conversation, command.shared, info.peer)
            case commands.Share():
                await self._node.share_live_text(self._conversation, command.shared)
            case commands.Policy():
                await self._node.live_text_policy(command.contact, command.live_text)
            case commands.Alert():
                self.write(json_events.alert_sent(await self._node.alert(self._conversation), time.time()))

    async def _decide(self, command: JsonCommand) -> None:
        match command:
            case commands.Verify():
                await self._node.verify(self._conversation, command.peer)
            case commands.Admit():
                await self._node.admit_guest(self._conversation, command.peer, command.admitted)
            case commands.Block():
                await self._node.block_contact(command.contact)
            case commands.Unblock():
                await self._node.block_contact(command.contact, blocked=False)
            case _:
                await self._answer(command)

    async def _answer(self, command: JsonCommand) -> None:
        match command:
            case commands.Who():
                for info in await self._node.peers(self._conversation):
                    self.write(json_events.peer(info, time.time()))
            case commands.Stats():
                live_text = {each.peer: each for each in await self._node.live_text_stats(self._conversation)}
                for measured in await self._node.stats():
                    self.write(json_events.stats(measured, live_text.get(measured.peer), time.time()))
            case commands.Export():
                saved = write(self._transcript, command.format, Path(command.path))
                self.write(json_events.exported(str(saved), time.time()))
            case commands.Safety():
                for info in whom(await self._node.peers(self._conversation), command.peer):
                    self.write(json_events.safety(info, time.time()))
            case commands.Contacts():
                for contact in await self._node.contacts():
                    self.write(json_events.contact(contact, time.time()))
            case commands.Inspect():
                landing = await self._node.inspect(command.transfer, _folder(command.output))
                self.write(json_events.landing(command.transfer, landing, time.time()))
            case commands.Leftovers():
                for left in await self._node.leftovers():
                    self.write(json_events.leftover(left, time.time()))
            case commands.Invite():
                await self._invite()

    async def _invite(self) -> None:
        self.write(json_events.invite(await self._node.invite(self._conversation), time.time()))

    def _in_time(self, transfer: str, now: float) -> bool:
        """Whether one more `progress` line of a transfer keeps within the rate."""
        written = self._progress.setdefault(transfer, deque(maxlen=PROGRESS_PER_SECOND))
        if len(written) == PROGRESS_PER_SECOND and now < written[0] + 1.0:
            return False
        written.append(now)
        return True


def _folder(path: str | None) -> Path | None:
    return None if path is None else Path(path)
