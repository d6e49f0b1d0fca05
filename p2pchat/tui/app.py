"""The Textual app: joins one conversation of a node and shows its events."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from textual import events, work
from textual.app import App, SystemCommand
from textual.filter import LineFilter
from textual.screen import Screen
from textual.timer import Timer

from p2pchat.errors import P2PChatError
from p2pchat.node.alert_hook import AlertHook
from p2pchat.node.api import NodeApi
from p2pchat.node.events import Alerted, PeerChanged, TransferChanged, TransferOffered
from p2pchat.tui.actions import ACTIONS, Action, Where, bindings, key_name, usage
from p2pchat.tui.asking import Asking
from p2pchat.tui.attention import Attention
from p2pchat.tui.contact_book import ContactBook
from p2pchat.tui.content import capitalised, one_line
from p2pchat.tui.drafting import Draft
from p2pchat.tui.file_requests import FileRequests
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import live_begins
from p2pchat.tui.preferences import THEME_NAMES, Presentation, Remembered
from p2pchat.tui.saving import Saving
from p2pchat.tui.screens.captions import CaptionsScreen
from p2pchat.tui.screens.chat import ChatScreen
from p2pchat.tui.screens.contacts import ContactsScreen
from p2pchat.tui.screens.failure import FailureScreen
from p2pchat.tui.screens.files import FilesScreen
from p2pchat.tui.screens.help import HelpScreen
from p2pchat.tui.screens.overview import Overview
from p2pchat.tui.screens.statistics import StatisticsScreen
from p2pchat.tui.screens.verify import VerifyScreen
from p2pchat.tui.theming import Theming
from p2pchat.tui.widgets.palette import Palette

REPAINT_SECONDS: Final = 1 / 30
"""Shortest time between two repaints, in seconds. Faster than that nobody reads, and terminals over SSH fall behind."""


class ChatApp(App[P2PChatError]):
    """Shows one conversation. The result is the error that kept it from being joined, or None.

    Args:
        node: the running peer; the app starts and stops it.
        conversation: the room to join.
        secret: what only its members know; empty for a room that anybody may enter.
        live: whether others see each key from the beginning.
        downloads: where accepted files go unless the user says otherwise.
        presentation: how it looks.
        clock: a monotonic clock, in seconds.
        wall: the time of day, in unix seconds.
    """

    CSS_PATH = "app.tcss"
    TITLE = "p2pchat"
    BINDINGS = bindings(Where.EVERYWHERE)

    def __init__(
        self,
        node: NodeApi,
        conversation: str,
        *,
        secret: bytes = b"",
        live: bool = False,
        downloads: Path,
        presentation: Presentation | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.animation_level = "none"
        self._presentation = presentation or Presentation()
        self._remembered = Remembered(self._presentation.folder)
        self._theming = Theming(self, self._presentation, self._remembered)
        self._node = node
        self._conversation = Conversation(conversation, secret=bool(secret))
        self._secret = secret
        hook = AlertHook(self._presentation.on_alert, self.told, clock)
        self._attention = Attention(self, self._conversation.alerts, hook, self._presentation, clock)
        self._clock = clock
        self._wall = wall
        self._asking = Asking(node, conversation, self, lambda request: self.run_worker(request, group="asking"), clock)
        self._book = ContactBook(self._asking, self.push_screen)
        self._files = FileRequests(self._conversation, self._asking, downloads, self.push_screen)
        saving = Saving(self._conversation, self._asking, wall)
        self._chat = ChatScreen(
            self._conversation,
            self._asking,
            self._book,
            self._files,
            Draft(live),
            saving,
            downloads,
            self._remembered,
            clock,
        )
        self._live_explained = False
        self._repaint: Timer | None = None
        self._painted_at = 0.0

    async def on_mount(self) -> None:
        """Shows the conversation while it is being joined."""
        self._theming.begin()
        self._leave_when_told_to()
        await self.push_screen(self._chat)
        self.set_interval(1.0, self._tick)
        self._join()

    def _leave_when_told_to(self) -> None:
        """Makes SIGTERM, and the end of the terminal, a way to leave: with a goodbye, and the terminal as it was."""
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP"):
            with contextlib.suppress(AttributeError, NotImplementedError, ValueError, RuntimeError):
                loop.add_signal_handler(getattr(signal, name), self.exit)

    async def on_unmount(self) -> None:
        """Says goodbye, however the app came to its end."""
        await self._attention.close()
        await self._node.stop()

    @work(group="node")
    async def _join(self) -> None:
        try:
            await self._node.start()
            self._listen()
            await self._node.join(self._conversation.name, self._secret)
            self._asking.joined()
        except P2PChatError as error:
            await self.push_screen(FailureScreen(self._conversation.name, error))

    @work(group="node")
    async def _listen(self) -> None:
        async for event in self._node.events():
            self._conversation.reading = self.app_focus and self._chat.reading
            self._conversation.apply(event, self._clock())
            if isinstance(event, Alerted) and event.conversation == self._conversation.name:
                self._attention.alerted(event.peer, event.name)
            if isinstance(event, PeerChanged):
                self._fetch_contacts()
            if isinstance(event, TransferChanged | TransferOffered):
                self._fetch_leftovers()
            self._repaint_soon()

    # What the user is told (see `p2pchat.tui.asking.User`)

    def told(self, error: P2PChatError) -> None:
        """Puts what failed into the timeline, and on the list that is shown over it."""
        self._conversation.notice(error.message, error.hint, at=self._wall(), problem=True)
        self._remark(f"{error.message}. {capitalised(error.hint)}" if error.hint else error.message, problem=True)

    def note(self, text: str) -> None:
        """Puts what was asked for on the list that is shown, or into the timeline."""
        if not self._remark(text):
            self._conversation.notice(text, at=self._wall())
        self._fetch_contacts()
        self._fetch_leftovers()

    def _remark(self, text: str, problem: bool = False) -> bool:
        """Says it on the list that is shown, if one is."""
        lists = [screen for screen in self.screen_stack if isinstance(screen, Overview)]
        for screen in lists:
            screen.remark(text, problem)
        self._repaint_soon()
        return bool(lists)

    def _fetch_contacts(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, ContactsScreen):
                screen.fetch()

    def _fetch_leftovers(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, FilesScreen):
                screen.fetch()

    def give_back(self, text: str) -> None:
        """Puts a text that was not sent back into the composer."""
        self._chat.give_back(text)

    def typed(self, text: str, at: float) -> None:
        """Our live line reads so at the node, by a key that was pressed then."""
        self._conversation.typed(text, at, self._wall() - max(0.0, self._clock() - at))
        self._repaint_soon()

    # Painting

    def _tick(self) -> None:
        self._conversation.tick(self._clock())
        self._repaint_soon()

    def _repaint_soon(self) -> None:
        if self._repaint is None:
            wait = max(0.0, self._painted_at + REPAINT_SECONDS - time.monotonic())
            self._repaint = self.set_timer(max(wait, 0.001), self._paint)

    async def _paint(self) -> None:
        self._repaint, self._painted_at = None, time.monotonic()
        if not (self._chat.ready and self._chat.is_attached):
            return
        self._conversation.reading = self.app_focus and self._chat.reading
        changes = self._conversation.take_changes()
        calls = self._conversation.take_calls_for_attention()
        if not self.app_focus and calls:
            self.bell()
            self.notify(one_line(calls[-1], 120), markup=False)
        await self._chat.show(changes)
        await self._attention.show()
        for screen in self.screen_stack:
            if isinstance(screen, Overview | CaptionsScreen):
                screen.redraw()

    def on_timeline_moved(self) -> None:
        """What is read and what is below has changed."""
        self._repaint_soon()

    async def on_event(self, event: events.Event) -> None:
        """Sees each key first: it puts an alert away, and is handed on as if nothing had been."""
        if isinstance(event, events.Key) and not event.is_forwarded and self._conversation.alerts.count:
            self._repaint_soon()
            if self._attention.key_pressed(event.key):
                return
        await super().on_event(event)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What happens to everything that is drawn."""
        return self._theming.filters(super().get_line_filters(), self._attention.inverted)

    def on_app_focus(self) -> None:
        """Somebody is reading again."""
        self._repaint_soon()

    # Actions

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action for the command palette."""
        for action in ACTIONS:
            if action.in_palette:
                ways = [*map(key_name, action.keys[:1]), *([usage(action)] if action.slash else [])]
                # The palette takes its help for markup, in which `[NAME]` would be a style.
                yield SystemCommand(action.title, "  ".join(ways).replace("[", r"\["), partial(self._perform, action))
        for name in THEME_NAMES:
            yield SystemCommand(f"Theme: {name}", f"/theme {name}", partial(self._change_theme, name))

    async def _perform(self, action: Action) -> None:
        if action.where is Where.CHAT:
            await self.action_back()
            if self.screen is self._chat:
                await self._chat.perform(action)
        else:
            await self.run_action(action.name)

    async def action_help(self) -> None:
        """Shows the help, or leaves it."""
        await self._toggle(HelpScreen())

    async def action_files(self) -> None:
        """Shows the transfers, or leaves them."""
        await self._toggle(FilesScreen(self._conversation, self._asking, self._files))

    async def action_statistics(self) -> None:
        """Shows how well live text works, or leaves that."""
        await self._toggle(StatisticsScreen(self._conversation, self._asking))

    async def action_verify(self) -> None:
        """Shows the safety words, or leaves them."""
        await self._toggle(VerifyScreen(self._conversation, self._asking, self._book))

    async def on_chat_screen_verify_wanted(self, event: ChatScreen.VerifyWanted) -> None:
        """Shows the safety words of one peer."""
        await self.push_screen(VerifyScreen(self._conversation, self._asking, self._book, event.peer))

    def on_chat_screen_live_begun(self) -> None:
        """Says the first time who sees the keys, and what live text is not: that once for a profile."""
        if not self._live_explained:
            self._live_explained = True
            told = self._remembered.now.told_no_emergency
            self._conversation.notice(live_begins(self._conversation.connected, told), at=self._wall())
            self._remembered.change(told_no_emergency=True)
            self._repaint_soon()

    async def action_contacts(self) -> None:
        """Shows the contacts, or leaves them."""
        await self._toggle(ContactsScreen(self._conversation, self._asking, self._book, self._wall))

    async def action_back(self) -> None:
        """Back to the conversation and to its composer."""
        while not isinstance(self.screen, ChatScreen | FailureScreen):
            await self.pop_screen()
        if self.screen is self._chat:
            self._chat.focus_composer()
        self._repaint_soon()

    async def action_quit(self) -> None:
        """Leaves; with the error as result, if the conversation could not be joined."""
        if isinstance(self.screen, FailureScreen):
            self.screen.action_leave()
        else:
            self.exit()

    def action_theme(self) -> None:
        """Shows the next theme."""
        self._change_theme("")

    def on_chat_screen_theme_wanted(self, event: ChatScreen.ThemeWanted) -> None:
        """Shows a theme."""
        self._change_theme(event.name)

    def _change_theme(self, name: str) -> None:
        try:
            self._theming.change(name)
        except P2PChatError as error:
            self.told(error)

    def action_command_palette(self) -> None:
        """Shows the command palette."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    async def _toggle(self, screen: Screen[None]) -> None:
        there = isinstance(self.screen, type(screen))
        await self.action_back()
        if not there and self.screen is self._chat:
            await self.push_screen(screen)
