"""The conversation: timeline, live rows, offers and composer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen

from p2pchat.errors import P2PChatError, UsageError
from p2pchat.tui.actions import SLASH, Action, Where, bindings
from p2pchat.tui.asking import Asking
from p2pchat.tui.contact_book import ContactBook
from p2pchat.tui.content import column_width
from p2pchat.tui.drafting import Command, Draft, Step
from p2pchat.tui.file_requests import FileRequests
from p2pchat.tui.live_requests import LiveRequests
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import safety_words, who_is_here
from p2pchat.tui.screens.invite import InviteScreen
from p2pchat.tui.slash_commands import SlashCommands
from p2pchat.tui.timeline import Changes
from p2pchat.tui.widgets.alarm_panel import AlarmPanel
from p2pchat.tui.widgets.composer import Composer
from p2pchat.tui.widgets.lines import KeyLine, LiveRows, Prompt, RuleLine, StatusLine, TopLine
from p2pchat.tui.widgets.offer_panel import OfferPanel
from p2pchat.tui.widgets.sidebar import Sidebar
from p2pchat.tui.widgets.timeline import Timeline

SIDEBAR_FROM: Final = 100
"""Narrowest terminal with a sidebar, in cells."""

LOW: Final = 17
"""Terminals with fewer lines have no space for everything about an offer, and for more than one that is typing."""

LOW_PANEL: Final = 6
"""Most lines of an offer there."""

COMPOSER_ROWS: Final = 8
"""Highest composer, in rows; lower on a low terminal."""


class ChatScreen(Screen[None]):
    """Shows one conversation and hands what the user writes to the node.

    Args:
        conversation: what is shown.
        asking: the user's requests to the node.
        book: the user's decisions about contacts.
        files: the user's decisions about files.
        draft: the text being written.
        downloads: where accepted files go.
    """

    BINDINGS = bindings(Where.CHAT)
    AUTO_FOCUS = "Composer"

    @dataclass
    class VerifyWanted(Message):
        """The user wants to compare safety words with this peer."""

        peer: str

    def __init__(
        self,
        conversation: Conversation,
        asking: Asking,
        book: ContactBook,
        files: FileRequests,
        draft: Draft,
        downloads: Path,
    ) -> None:
        super().__init__()
        self._conversation = conversation
        self._asking = asking
        self._files = files
        self._draft = draft
        self._live_requests = LiveRequests(conversation, asking)
        self.ready = False
        """Whether all parts are there."""
        self._top = TopLine(conversation, draft)
        self._sidebar = Sidebar(conversation)
        self._timeline = Timeline(conversation)
        self._live = LiveRows(conversation)
        self._alarm = AlarmPanel(conversation)
        self._offers = OfferPanel(conversation, downloads)
        self._rule = RuleLine(conversation)
        self._prompt = Prompt()
        self._composer = Composer()
        self._status = StatusLine(conversation, draft)
        self._slash = SlashCommands(
            conversation,
            book,
            files,
            self._live_requests,
            self._offers,
            switch=self._switch_live,
            verify=self._want_words,
        )

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._top
        with Horizontal(id="body"):
            yield self._sidebar
            with Vertical():
                yield self._timeline
                yield self._live
                yield self._alarm
                yield self._offers
                yield self._rule
                with Horizontal(id="writing"):
                    yield self._prompt
                    yield self._composer
                yield self._status
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

    @property
    def reading(self) -> bool:
        """Whether the newest row is on the screen."""
        return self.is_current and self._timeline.at_end

    async def show(self, changes: Changes) -> None:
        """Draws what has changed, all at once: a line that is finished leaves its live row without a jump."""
        with self.app.batch_update():
            self.redraw()
            await self._timeline.show(changes)
            self.redraw()
        self._conversation.trim(self._timeline.room)

    def redraw(self) -> None:
        """Draws everything around the timeline again where it reads differently."""
        self._rule.looking_back = not self._timeline.at_end
        self._live.column = self._timeline.column
        low = self.size.height < LOW and self._offers.offer is not None
        self._live.height = 2 if low else max(2, self.size.height // 4)
        self._status.indent = column_width(self._timeline.size.width, self._timeline.column) + 5
        self._prompt.styles.width = self._status.indent
        for part in (self._top, self._sidebar, self._live, self._alarm, self._offers, self._rule):
            part.redraw()
        self._prompt.redraw()
        self._status.redraw()
        # What an offer needs, or a warning, behind which offers wait; four lines for what is always there; the rest of
        # the screen is the timeline.
        panel = self._alarm.height if self._conversation.alarms else max(5, self._offers.lines)
        self._composer.styles.max_height = min(COMPOSER_ROWS, max(2, self.size.height - panel - 11))

    def focus_composer(self) -> None:
        """Back to writing."""
        self._composer.focus()

    def give_back(self, text: str) -> None:
        """Puts a text that was not sent back into the composer, unless something else is there by now."""
        if not self._composer.text:
            self._composer.replace_text(text)

    @work(group="writing")
    async def keep_writing(self) -> None:
        """Hands the node what is written."""
        await self._asking.keep_writing()

    # What is written

    @on(Composer.Pasted)
    def _pasted(self, event: Composer.Pasted) -> None:
        self._draft.pasted(event.text)

    @on(Composer.Changed)
    def _changed(self, event: Composer.Changed) -> None:
        self._status.hint = ""
        self._take(self._draft.edited(event.text))

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        self._timeline.to_end()
        self._take(self._draft.submitted(event.text))

    @on(Composer.Retracted)
    def _retracted(self) -> None:
        self._take(self._draft.retracted())

    @on(Composer.Hint)
    def _hint(self, event: Composer.Hint) -> None:
        # The change that led to the hint is handled first, and takes an older hint away.
        self._status.hint = event.text
        self._status.redraw()

    def _take(self, steps: list[Step]) -> None:
        for step in steps:
            if isinstance(step, Command):
                self._run(step)
            else:
                self._asking.write(step)
        self._top.redraw()
        self._status.redraw()

    def _run(self, command: Command) -> None:
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
            self._run(Command(action.slash, ""))
        else:
            await self.run_action(action.name)

    def action_live(self) -> None:
        """Lets others see each key, or stops."""
        self._switch_live(None)

    def _switch_live(self, live: bool | None) -> None:
        wanted = not self._draft.live if live is None else live
        if wanted is not self._draft.live:
            self._take(self._draft.switched(wanted))

    def action_hold(self) -> None:
        """Composes in private, or goes on."""
        if self._draft.live:
            self._take(self._draft.composed_in_private(not self._draft.private))
        else:
            self._asking.tell(UsageError("Live text is off, and nobody sees what you type", "F2 shows each key"))

    def action_alert(self) -> None:
        """Asks for attention."""
        self._live_requests.alert()

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
        self._asking.note(who_is_here(self._conversation.peers.values()))

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
        if self._timeline.max_scroll_y > 0:
            self._timeline.scroll_page_up(animate=False)

    def action_page_on(self) -> None:
        """Looks on."""
        if not self._timeline.at_end:
            self._timeline.scroll_page_down(animate=False)

    def action_newest(self) -> None:
        """Goes to the end, and stays there."""
        self._timeline.to_end()
