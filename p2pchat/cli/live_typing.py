"""Typing live in line mode: each key leaves at once, and nothing on the terminal is ever written over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from p2pchat.cli.key_line import Ended, Entered, Key, KeyLine, Repeat, TakenBack, Typed
from p2pchat.cli.keyboard import Keyboard
from p2pchat.cli.lines import Line, LineSplitter
from p2pchat.cli.plain_events import PlainEvents
from p2pchat.errors import P2PChatError, UsageError
from p2pchat.node.api import NodeApi
from p2pchat.node.live_notice import NOTICE
from p2pchat.node.transcript import Transcript
from p2pchat.protocol.untrusted import safe_line, safe_text


class LiveTyping:
    """What becomes of the line that the user types.

    Args:
        node: the running peer.
        conversation: the room.
        shown: what was and is written.
        transcript: takes what we type.
        keyboard: the terminal; None where keys cannot be read one by one.
    """

    def __init__(
        self, node: NodeApi, conversation: str, shown: PlainEvents, transcript: Transcript, keyboard: Keyboard | None
    ) -> None:
        self._node = node
        self._conversation = conversation
        self._shown = shown
        self._transcript = transcript
        self._keyboard = keyboard
        self._keys = KeyLine()
        self._seen = ""
        """What others have of our line."""
        self._held = False
        self._noticed = False
        self.private = False

    @property
    def on(self) -> bool:
        """Whether each key is shown to others."""
        return self._shown.live.typing_live

    async def start(self) -> None:
        """Shows each key to others from now on.

        Raises:
            UsageError: there is no terminal whose keys could be read.
        """
        if self._keyboard is None or not self._keyboard.key_by_key():
            raise UsageError("live typing needs a terminal", "write whole lines, or use machine mode")
        try:
            await self._node.live_text_mode(self._conversation, "live")
            await self._node.share_live_text(self._conversation, True)
        except P2PChatError:
            self._keyboard.by_line()
            raise
        self.private = False
        if not self._noticed:
            self._noticed = True
            self._shown.write(NOTICE)
        self._shown.live.typing_live = True
        self._shown.write(f"Live text is on. {await self._who_sees()} /live stops it, /hold writes in private.")

    async def stop(self) -> None:
        """Sends nothing before it is entered from now on."""
        if self._keyboard is not None:
            self._keyboard.by_line()
        self._shown.live.typing_live = False
        self.private, self._seen = False, ""
        await self._node.share_live_text(self._conversation, False)
        self._shown.write("Live text is off. Nothing is sent before you press Enter.")

    async def hold(self, private: bool) -> None:
        """Writes in private, or goes on showing each key.

        Raises:
            UsageError: live text is off, so that all writing is private.
        """
        if not self.on:
            raise UsageError("live text is off, and nobody sees what you type", "/live shows each key")
        await self._node.live_text_mode(self._conversation, "hold" if private else "live")
        self.private = private
        self._shown.write(self._shown.live.in_private() if private else await self._who_sees())

    async def status(self) -> str:
        """Returns what becomes of our keys at this moment, as sentences."""
        if not self.on:
            return "Live text is off."
        return "Live text is on. " + (self._shown.live.in_private() if self.private else await self._who_sees())

    async def finish(self, text: str) -> None:
        """A line was entered: finishes the live line, or sends a message."""
        seen, self._seen = self._seen, ""
        if self.on and not self._held and text.strip():
            await self._show(text)
            self._seen = ""
            await self._node.commit_live_text(self._conversation)
            return
        if seen:
            await self._show("")
        if text.strip():
            await self._node.say(self._conversation, text)

    async def lines(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[Line]:
        """Yields the lines of a terminal, while their keys are shown to others when that is wanted.

        Args:
            chunks: what the terminal sends.
        """
        splitter = LineSplitter()
        async for data in chunks:
            if not self.on:
                for line in splitter.feed(data):
                    yield line
                continue
            for key in self._keys.feed(data):
                if isinstance(key, Ended):
                    return
                if isinstance(key, Entered):
                    yield self._entered(key)
                else:
                    await self._key(key)
        for line in splitter.finish():
            yield line

    def _entered(self, key: Entered) -> bytes:
        self._held = key.held
        self._shown.voice.end_line()
        if key.rewritten and key.text:
            self._shown.write(f"you: {key.text}")
        return key.text.encode("utf-8", "replace")

    async def _key(self, key: Key) -> None:
        now = asyncio.get_running_loop().time()
        try:
            match key:
                case Typed():
                    self._shown.voice.echo(safe_text(key.echo), now)
                    if not key.held:
                        await self._show(key.text)
                case Repeat():
                    reads = safe_line(key.text, len(key.text) or 1)
                    self._shown.voice.interrupt(f"Your line: {reads}" if key.text else "Your line is empty.")
                case TakenBack():
                    self._shown.voice.end_line()
                    await self._show("")
                    self._shown.write("Your line is taken back.")
        except P2PChatError as error:
            self._shown.write_problem(error.message, error.hint)

    async def _show(self, text: str) -> None:
        self._seen = text
        await self._node.set_live_text(self._conversation, text)
        self._transcript.typed(text, time.time())

    async def _who_sees(self) -> str:
        return self._shown.live.who_sees(await self._node.peers(self._conversation))
