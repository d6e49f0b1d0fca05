"""The commands of line mode that are about live text: who sees it, how it is told, how it works, and the transcript."""

from __future__ import annotations

import shlex
import time
from typing import Final

from p2pchat.cli.line_commands import Command, LineCommands
from p2pchat.cli.live_typing import LiveTyping
from p2pchat.cli.live_words import statistics
from p2pchat.cli.plain_events import PlainEvents
from p2pchat.cli.speakers import whom
from p2pchat.errors import UsageError
from p2pchat.node.api import NodeApi
from p2pchat.node.exporting import export
from p2pchat.node.transcript import Transcript
from p2pchat.protocol.rtt.announce import SIZES

POLICIES: Final = {"always": "on", "ask": "ask", "never": "off"}
"""What `/share NAME` takes, and what the node calls it."""

_TOLD: Final = {
    "sentence": "Live text is told by the sentence.",
    "word": "Live text is told by the word.",
    "line": "Live text is told when the line is finished.",
    "char": "Live text is told by the character.",
}


class LiveCommands(LineCommands):
    """Carries the commands out.

    Args:
        node: the running peer.
        conversation: the room.
        shown: what was and is written.
        typing: our own line.
        transcript: what was said so far.
    """

    def __init__(
        self, node: NodeApi, conversation: str, shown: PlainEvents, typing: LiveTyping, transcript: Transcript
    ) -> None:
        super().__init__(node, conversation, shown)
        self._typing = typing
        self._transcript = transcript

    @property
    def commands(self) -> dict[str, Command]:
        """The commands by name."""
        return {
            "live": self._live,
            "hold": self._hold,
            "share": self._share,
            "unshare": self._unshare,
            "alert": self._alert,
            "mute": self._mute,
            "unmute": self._unmute,
            "announce": self._announce,
            "rtt": self._rtt,
            "export": self._export,
            "admit": self._admit,
            "refuse": self._refuse,
        }

    async def _live(self, argument: str) -> None:
        match argument:
            case "":
                await (self._typing.stop() if self._typing.on else self._typing.start())
            case "on":
                await self._typing.start()
            case "off":
                await self._typing.stop()
            case "hold":
                await self._typing.hold(True)
            case _:
                raise UsageError(f"/live does not know {argument}", "write /live on, /live off or /live hold")

    async def _hold(self, argument: str) -> None:
        await self._typing.hold(not self._typing.private)

    async def _share(self, argument: str) -> None:
        name, policy = _name_and_word(argument, "share")
        if not policy:
            await self._let_see(name, True)
        elif policy in POLICIES:
            await self._node.live_text_policy(name, POLICIES[policy])
            self._shown.write(f"{name}: {policy}, from now on.")
        else:
            raise UsageError(f"{policy} is not always, ask or never", "write /share NAME always")

    async def _unshare(self, argument: str) -> None:
        await self._let_see(_name_and_word(argument, "unshare")[0], False)

    async def _let_see(self, name: str, shared: bool) -> None:
        (info,) = whom(await self._node.peers(self._conversation), name)
        await self._node.share_live_text(self._conversation, shared, info.peer)
        who = self._shown.speakers.called(info.peer, info.name)
        self._shown.write(f"{who} {'may see' if shared else 'does not see'} what you type live.")

    async def _alert(self, argument: str) -> None:
        sent = await self._node.alert(self._conversation)
        self._shown.write(
            "The others are alerted." if sent else "No alert was sent: nobody can be, or not so soon again."
        )

    async def _mute(self, argument: str) -> None:
        await self._set_muted(_name_and_word(argument, "mute")[0], True)

    async def _unmute(self, argument: str) -> None:
        await self._set_muted(_name_and_word(argument, "unmute")[0], False)

    async def _set_muted(self, name: str, muted: bool) -> None:
        (info,) = whom(await self._node.peers(self._conversation), name)
        peers = self._shown.live.muted
        (peers.add if muted else peers.discard)(info.peer)
        who = self._shown.speakers.called(info.peer, info.name)
        self._shown.write(f"Alerts of {who} {'are muted' if muted else 'interrupt you again'}.")

    async def _announce(self, argument: str) -> None:
        for size in SIZES:
            if size == argument:
                self._shown.live.announcer.size = size
        if argument and argument not in SIZES:
            raise UsageError(f"/announce does not know {argument}", f"write one of {', '.join(SIZES)}")
        self._shown.write(_TOLD[self._shown.live.announcer.size])

    async def _rtt(self, argument: str) -> None:
        if argument in ("on", "off", "hold"):
            await self._live(argument)
            return
        if argument != "stats":
            raise UsageError("/rtt needs a word", "write /rtt stats, /rtt on, /rtt off or /rtt hold")
        measured = await self._node.live_text_stats(self._conversation)
        for stats in measured:
            for line in statistics(stats, self._shown.speakers.called(stats.peer, stats.name)):
                self._shown.write(line)
        if not measured:
            self._shown.write("There was no live text yet.")

    async def _export(self, argument: str) -> None:
        self._shown.write(f"Saved as {export(self._transcript, argument, time.time())}.")

    async def _admit(self, argument: str) -> None:
        await self._answer(argument, True)

    async def _refuse(self, argument: str) -> None:
        await self._answer(argument, False)

    async def _answer(self, argument: str, admitted: bool) -> None:
        guests = self._shown.live.guests
        wanted = argument.strip('"')
        found = [peer for peer, name in guests.items() if not wanted or wanted in (peer, name)]
        if len(found) != 1:
            asking = ", ".join(guests)
            raise UsageError(
                f"several ask: {asking}" if len(found) > 1 else "nobody of that name asks" if wanted else "nobody asks",
                "give the name of one" if guests else "",
            )
        name = guests.pop(found[0])
        await self._node.admit_guest(self._conversation, found[0], admitted)
        self._shown.write(f"{name} {'may talk, and sees what you send' if admitted else 'is sent away'}.")


def _name_and_word(argument: str, command: str) -> tuple[str, str]:
    words = _words(argument)
    if not 1 <= len(words) <= 2:
        raise UsageError(f"/{command} needs a name", f"write /{command} NAME, with quotes around a name with spaces")
    return words[0], words[1] if len(words) > 1 else ""


def _words(argument: str) -> list[str]:
    try:
        return shlex.split(argument)
    except ValueError:
        return []
