"""Plain mode: one event, one line, in words; nothing is ever written over.

It is for speech synthesisers, braille displays, pipes and dumb terminals. There is no prompt: an event that arrives
while somebody types would be read out as part of it, or would need a cursor movement to come before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from typing import Final

from p2pchat.cli import wording
from p2pchat.cli.keyboard import Keyboard
from p2pchat.cli.lines import LINE_BYTES, Line
from p2pchat.cli.live_commands import LiveCommands
from p2pchat.cli.live_typing import LiveTyping
from p2pchat.cli.plain_events import PlainEvents
from p2pchat.cli.room_access import Access
from p2pchat.cli.session import converse
from p2pchat.cli.transfer_commands import TransferCommands
from p2pchat.cli.trust_commands import TrustCommands
from p2pchat.errors import P2PChatError, UsageError
from p2pchat.node import link_report
from p2pchat.node.alert_hook import AlertHook
from p2pchat.node.api import NodeApi
from p2pchat.node.events import Alerted, Event, PeerState, Ready, TransferOffered
from p2pchat.node.transcript import Transcript
from p2pchat.protocol.rtt.announce import Size

HELP: Final = (
    "A line that you enter is a message to everybody in the room.",
    "/accept, or /accept N: take the files that are offered. /decline, or /decline N: refuse them.",
    "/accept N skip, or /accept N overwrite: what to do with names that are taken; without it, both are kept.",
    "/accept N into FOLDER only PATTERN: where to put them, and which ones to take.",
    "/send PATH: offer a file or folder, or several. Put quotes around a path with spaces.",
    "/pause, /resume, /cancel, with N if there are several: stop a transfer, go on with it, end it.",
    "/transfers: list them with their numbers. /discard N: remove what an interrupted one left.",
    "/safety, or /safety NAME: the words to compare. /verify NAME: they are the same. /invite: the link to this room.",
    "/contacts: list whom you know. /rename NAME PETNAME, /forget NAME, /block NAME, /unblock NAME: change it.",
    "/who: list the others. /stats: how the link to each works. /status: where you are. /quit: leave.",
    "/live: let others see each key that you type, or stop it. /hold: write in private, or go on showing it.",
    "/share NAME, /unshare NAME: who sees your keys. /share NAME always, ask or never: from now on, each time.",
    "/alert: ask for attention. /announce sentence, word, line or char: how much of live text is told at once.",
    "/mute NAME, /unmute NAME: whether alerts of this peer interrupt you and start your program, until you leave.",
    "/rtt on, off or hold: live text by one name. /rtt stats: how well it works.",
    "/export, and if you like txt, md or jsonl and a path: save what was said.",
    "/admit, /refuse: answer somebody who asks to talk and has no key.",
    "//: begin a message with a slash.",
)
"""What `/help` says."""


async def chat(
    node: NodeApi,
    access: Access,
    *,
    lines: AsyncIterator[Line],
    write_line: Callable[[str], None],
    linger: float,
    echo: bool,
    show_link: Callable[[str], None],
    size: Size = "sentence",
    keyboard: Keyboard | None = None,
    languages: tuple[str, ...] = (),
    on_alert: tuple[str, ...] = (),
) -> None:
    """Takes part in a conversation line by line.

    Args:
        node: a node that is not started; it is stopped at the end.
        access: the room, and its secret if it has one.
        lines: messages and commands, where there is no keyboard.
        write_line: takes each line of output.
        linger: how long end of input waits for what is still being sent, in seconds.
        echo: whether our own messages are written, too: a terminal has shown them already, a pipe has not.
        show_link: takes the invite of a room whose secret is new, which is not for the record of what was said.
        size: how much of a live line is announced at once.
        keyboard: the terminal's keys, for typing live; None where there is no terminal.
        languages: those that our user writes and reads, as BCP 47 tags.
        on_alert: a program and its arguments, started when somebody asks for attention; empty for none.

    Raises:
        P2PChatError: the room could not be joined, or not everything was delivered in time.
    """
    front_end = PlainFrontEnd(
        node,
        access.room,
        write_line,
        echo=echo,
        show_link=show_link if access.show_invite else None,
        size=size,
        keyboard=keyboard,
        languages=languages,
        on_alert=on_alert,
    )
    with keyboard or contextlib.nullcontext():
        typed = front_end.typed_lines(keyboard.chunks()) if keyboard else lines
        try:
            await converse(node, access, front_end, typed, linger)
        finally:
            await front_end.close()


class PlainFrontEnd:
    """Writes events as lines, and takes lines as messages and commands."""

    def __init__(
        self,
        node: NodeApi,
        conversation: str,
        write_line: Callable[[str], None],
        *,
        echo: bool,
        show_link: Callable[[str], None] | None,
        size: Size,
        keyboard: Keyboard | None,
        languages: tuple[str, ...] = (),
        on_alert: tuple[str, ...] = (),
    ) -> None:
        self._node = node
        self._conversation = conversation
        self._clock = asyncio.get_running_loop().time
        self._transcript = Transcript(conversation)
        write_text = keyboard.write_text if keyboard else None
        self._shown = PlainEvents(write_line, echo, self._clock(), size, write_text, languages)
        self._alert_hook = AlertHook(on_alert, self._cannot_alert)
        self._live = LiveTyping(node, conversation, self._shown, self._transcript, keyboard)
        self._show_link = show_link
        self._files = TransferCommands(node, conversation, self._shown)
        self._commands = {
            "who": self._who,
            "stats": self._stats,
            "status": self._status,
            "help": self._help,
            **self._files.commands,
            **LiveCommands(node, conversation, self._shown, self._live, self._transcript).commands,
            **TrustCommands(node, conversation, self._shown).commands,
        }

    async def told(self, event: Event, now: float) -> None:
        """The node told an event."""
        self._transcript.event(event)
        self._shown.tell(event, now)
        if isinstance(event, Alerted) and event.peer not in self._shown.live.muted:
            self._alert_hook.alerted(event.name)
        if isinstance(event, Ready) and self._show_link is not None:
            self._show_link(await self._node.invite(self._conversation))
        if isinstance(event, TransferOffered):
            await self._files.describe(event.info)

    async def close(self) -> None:
        """Ends what was started."""
        await self._alert_hook.close()

    def _cannot_alert(self, error: P2PChatError) -> None:
        self._shown.write_problem(error.message, error.hint)

    def deadline(self) -> float | None:
        """When live text that waits is announced."""
        return self._shown.deadline()

    def tick(self, now: float) -> None:
        """The deadline has come."""
        self._shown.tick(now)

    def typed_lines(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[Line]:
        """Returns the lines that are entered, while their keys are shown to others when that is wanted."""
        return self._live.lines(chunks)

    async def entered(self, line: Line) -> bool:
        """A line of input; False when it says `/quit`. Nothing that begins with one slash is ever sent."""
        try:
            if line is None:
                raise UsageError(f"that line is too long, and was not sent; a line may have {LINE_BYTES} bytes")
            text = line.decode("utf-8", "replace")
            if text.startswith("//"):
                await self._live.finish(text[1:])
            elif text.startswith("/"):
                return await self._obey(os.fsdecode(line))
            else:
                await self._live.finish(text)
        except P2PChatError as error:
            self._shown.write_problem(error.message, error.hint)
        return True

    async def _obey(self, line: str) -> bool:
        word, _, argument = line[1:].partition(" ")
        if word == "quit":
            return False
        command = self._commands.get(word)
        if command is None:
            raise UsageError(
                f"there is no command /{word}, and nothing was sent",
                "/help lists the commands; two slashes begin a message with a slash",
            )
        await command(argument.strip())
        return True

    async def _who(self, argument: str) -> None:
        peers = await self._node.peers(self._conversation)
        addresses = {measured.peer: measured.addresses for measured in await self._node.stats()}
        for info in peers:
            who = self._shown.speakers.called(info.peer, info.name)
            self._shown.write(wording.presence(info, who, addresses.get(info.peer, "")))
        if not peers:
            self._shown.write("Nobody else is here.")

    async def _stats(self, argument: str) -> None:
        measured = {each.peer: each for each in await self._node.stats()}
        peers = link_report.reported(await self._node.peers(self._conversation), measured)
        for info in peers:
            who = self._shown.speakers.called(info.peer, info.name)
            self._shown.write(wording.link(info, measured.get(info.peer), who))
        if not peers:
            self._shown.write("Nobody else is here.")

    async def _status(self, argument: str) -> None:
        peers = await self._node.peers(self._conversation)
        connected = sum(info.state is PeerState.CONNECTED for info in peers)
        present = f"{wording.number(connected, 'peer')} connected."
        self._shown.write(f"{self._shown.whereabouts()} {present} {await self._live.status()}")

    async def _help(self, argument: str) -> None:
        for line in HELP:
            self._shown.write(line)
