"""The conversation: timeline, live rows, offers and composer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from p2pchat.errors import P2PChatError, UsageError
from p2pchat.tui.actions import SLASH, Action, Where, bindings
from p2pchat.tui.asking import Asking
from p2pchat.tui.contact_book import ContactBook
from p2pchat.tui.content import column_width
from p2pchat.tui.drafting import Command, Commit, Draft, Step
from p2pchat.tui.file_requests import FileRequests
from p2pchat.tui.layout_switch import LayoutSwitch
from p2pchat.tui.live_requests import LiveRequests
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import safety_words, who_is_here
from p2pchat.tui.preferences import Remembered
from p2pchat.tui.saving import Saving
from p2pchat.tui.screens.captions import CaptionsScreen
from p2pchat.tui.screens.invite import InviteScreen
from p2pchat.tui.screens.writing import WritingScreen
from p2pchat.tui.slash_commands import SlashCommands
from p2pchat.tui.timeline import Changes
from p2pchat.tui.widgets.alarm_panel import AlarmPanel
from p2pchat.tui.widgets.composer import Composer
from p2pchat.tui.widgets.conversation_view import ConversationView
from p2pchat.tui.widgets.lines import KeyLine, Prompt, RuleLine, StatusLine, TopLine
from p2pchat.tui.widgets.offer_panel import OfferPanel
from p2pchat.tui.widgets.search_line import SearchLine
from p2pchat.tui.widgets.sidebar import Sidebar

SIDEBAR_FROM: Final = 100
"""Narrowest terminal with a sidebar, in cells."""

LOW: Final = 17
"""Terminals with fewer lines have no space for everything about an offer, and for more than one that is typing."""

LOW_PANEL: Final = 6
"""Most lines of an offer there."""

COMPOSER_ROWS: Final = 8
"""Highest composer, in rows; lower on a low terminal."""


class ChatScreen(WritingScreen):
    """Shows one conversation and hands what the user writes to the node.

    Args:
        conversation: what is shown.
        asking: the user's requests to the node.
        book: the user's decisions about contacts.
        files: the user's decisions about files.
        draft: the text being written.
        saving: saves what was said.
        downloads: where accepted files go.
        remembered: where the layout is from, and is kept.
        clock: a monotonic clock, in seconds.
    """

    BINDINGS = bindings(Where.CHAT)
    AUTO_FOCUS = "Composer"

    @dataclass
    class VerifyWanted(Message):
        """The user wants to compare safety words with this peer."""

        peer: str

    @dataclass
    class ThemeWanted(Message):
        """The user wants this theme; empty for the next."""

        name: str

    class LiveBegun(Message):
        """The user lets others see each key from now on."""

    def __init__(
        self,
        conversation: Conversation,
        asking: Asking,
        book: ContactBook,
        files: FileRequests,
        draft: Draft,
        saving: Saving,
        downloads: Path,
        remembered: Remembered,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(asking, draft, StatusLine(conversation, draft))
        self._conversation = conversation
        self._files = files
        self._live_requests = LiveRequests(conversation, asking)
        self.ready = False
        """Whether all parts are there."""
        self._top = TopLine(conversation, draft)
        self._sidebar = Sidebar(conversation)
        self._view = ConversationView(conversation, draft, remembered.now.layout, clock)
        self._alarm = AlarmPanel(conversation)
        self._offers = OfferPanel(conversation, downloads)
        self._rule = RuleLine(conversation)
        self._prompt = Prompt()
        self._search = SearchLine(self._view.timeline)
        self._layouts = LayoutSwitch(self._view, self._status, remembered, self._show_captions)
        self._slash = SlashCommands(
            conversation,
            book,
            files,
            self._live_requests,
            self._offers,
            saving,
            switch=self._switch_live,
            hold=partial(self.compose_in_private, True),
            statistics=partial(self._run_in_app, "statistics"),
            verify=self._want_words,
            theme=self._want_theme,
            layout=self._layouts.show,
            find=self._search.open,
        )

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._top
        with Horizontal(id="body"):
            yield self._sidebar
            with Vertical():
                yield self._view
                yield self._alarm
                yield self._offers
                yield self._rule
                with Horizontal(id="writing"):
                    yield self._prompt
                    yield self._composer
                yield self._status
                yield self._search
        yield KeyLine()

    def on_mount(self) -> None:
        """Begins with whatever has happened already."""
        self.ready = True
        self.keep_writing()
        self.redraw()

    def on_resize(self) -> None:
        """Makes the parts visible for which there is space."""
        self._sidebar.display = self.size.width >= SIDEBAR_FROM
        self._offers.height = LOW_PANEL if self.size.height < LOW else self.size.height
        self._alarm.height = max(5, self.size.height // 3)
        if self.ready:
            self.call_after_refresh(self.redraw)
            self._view.call_again()

    @property
    def reading(self) -> bool:
        """Whether what is newest is on the screen, here or as captions."""
        return (self.is_current or isinstance(self.app.screen, CaptionsScreen)) and self._view.at_end

    async def show(self, changes: Changes) -> None:
        """Draws what has changed, all at once: a line that is finished leaves its live row without a jump."""
        with self.app.batch_update():
            self.redraw()
            await self._view.show(changes)
            self.redraw()
        self._conversation.trim(self._view.room)

    def redraw(self) -> None:
        """Draws everything around the timeline again where it reads differently."""
        self._rule.looking_back = not self._view.at_end
        low = self.size.height < LOW and self._offers.offer is not None
        self._view.live_height = 2 if low else max(2, self.size.height // 4)
        self._status.indent = column_width(self._view.entry_cells, self._view.names) + 5
        self._prompt.styles.width = self._status.indent
        for part in (self._top, self._sidebar, self._view, self._alarm, self._offers, self._rule):
            part.redraw()
        self._prompt.redraw()
        self._status.redraw()
        self._search.redraw()
        self._status.display = not self._search.searching
        # What an offer needs, or a warning, behind which offers wait; four lines for what is always there; the rest of
        # the screen is the timeline.
        panel = self._alarm.height if self._conversation.alarms else max(5, self._offers.lines)
        self._composer.styles.max_height = min(COMPOSER_ROWS, max(2, self.size.height - panel - 11))

    def focus_composer(self) -> None:
        """Back to writing; a search is over."""
        self._search.close()
        self._composer.focus()

    # What is written

    def submitted(self) -> None:
        """What is newest is shown: that is where it goes."""
        self._view.to_end()

    def taken(self, steps: list[Step]) -> None:
        """Draws what tells of our own line."""
        for step in steps:
            if isinstance(step, Commit):
                self._view.committed(step.text)
        self._view.call_again()
        self._top.redraw()

    def run_command(self, command: Command) -> None:
        """Runs a slash command. One that does not exist is never sent as text."""
        action = SLASH.get(command.name)
        if action is None:
            self._asking.tell(
                UsageError(f"There is no command /{command.name}", "F1 lists them; // sends text that begins with /")
            )
            self.give_back(f"/{command.name} {command.argument}".rstrip())
        elif action.argument:
            try:
                self._slash.run(action.name, command.argument)
            except P2PChatError as error:
                self._asking.tell(error)
                self.give_back(f"/{command.name} {command.argument}".rstrip())
        else:
            self.call_later((self if action.where is Where.CHAT else self.app).run_action, action.name)

    # Actions

    async def perform(self, action: Action) -> None:
        """Carries out an action of the conversation that was chosen by its name.

        One that needs an argument is begun in the composer.
        """
        if action.argument and not action.argument.startswith("["):
            self._composer.replace_text(f"/{action.slash} ")
            self.focus_composer()
        elif action.argument:
            self.run_command(Command(action.slash, ""))
        else:
            await self.run_action(action.name)

    def action_live(self) -> None:
        """Lets others see each key, or stops."""
        self._switch_live(None)

    def _switch_live(self, live: bool | None) -> None:
        wanted = not self._draft.live if live is None else live
        if wanted is not self._draft.live:
            self.take(self._draft.switched(wanted))
            if wanted:
                self.post_message(self.LiveBegun())

    def _run_in_app(self, action: str) -> None:
        self.call_later(self.app.run_action, action)

    def action_layout(self) -> None:
        """Shows the next layout."""
        self._layouts.next()

    def _show_captions(self, left: Callable[[], None]) -> None:
        self.app.push_screen(CaptionsScreen(self._conversation), lambda _: left())

    def action_alert(self) -> None:
        """Asks for attention."""
        self._live_requests.alert()

    def action_find(self) -> None:
        """Begins a search, or goes on with it."""
        self._search.open()
        self.redraw()

    @on(SearchLine.Closed)
    def _searched(self) -> None:
        self._composer.focus()
        self.redraw()

    def action_send(self) -> None:
        """Shows this machine's files, to pick from."""
        self._files.pick()

    @on(Composer.Dropped)
    def _dropped(self, event: Composer.Dropped) -> None:
        self._files.drop(event.paths, lambda: self._composer.insert_pasted(event.text))

    def action_decline(self) -> None:
        """Declines the offer that is shown."""
        try:
            self._slash.answer_offer("decline")
        except P2PChatError as error:
            self._asking.tell(error)

    @on(OfferPanel.Answered)
    def _answered(self, event: OfferPanel.Answered) -> None:
        self._files.answer(self._offers, event.transfer, event.answer, event.terms)

    @on(OfferPanel.Looked)
    def _looked(self, event: OfferPanel.Looked) -> None:
        self._files.look(self._offers, event.transfer, event.folder)

    def action_who(self) -> None:
        """Lists everybody in the timeline."""
        self._asking.do(self._who())

    async def _who(self) -> None:
        self._asking.note(who_is_here(self._conversation.peers.values(), await self._asking.node.stats()))

    def action_safety(self) -> None:
        """Lists the safety words in the timeline."""
        self._asking.note(safety_words(self._conversation.connected))

    def action_invite(self) -> None:
        """Shows the invite link."""
        self._asking.do(self._invite())

    async def _invite(self) -> None:
        room = self._asking.conversation
        self.app.push_screen(InviteScreen(room, await self._asking.node.invite(room)))

    def _want_words(self, peer: str) -> None:
        self.post_message(self.VerifyWanted(peer))

    def _want_theme(self, name: str) -> None:
        self.post_message(self.ThemeWanted(name))

    @on(AlarmPanel.Dismissed)
    def action_put_away(self) -> None:
        """Puts the warning away."""
        self._conversation.dismiss()
        if not self._conversation.alarms:
            # At once, and not to an offer that has waited behind it: a key on its way must not answer that.
            self.set_focus(self._composer)
        self.redraw()

    def action_page_back(self) -> None:
        """Looks back."""
        self._view.page_back()

    def action_page_on(self) -> None:
        """Looks on."""
        self._view.page_on()

    def action_newest(self) -> None:
        """Goes to the end, and stays there."""
        self._view.to_end()
