"""What becomes of what the user types on a screen: keys that others see, held text, finished lines, commands."""

from __future__ import annotations

from textual import on, work
from textual.screen import Screen

from p2pchat.errors import P2PChatError, UsageError
from p2pchat.tui import editor
from p2pchat.tui.asking import Asking
from p2pchat.tui.drafting import Command, Draft, Origin, Step
from p2pchat.tui.widgets.composer import Composer
from p2pchat.tui.widgets.lines import StatusLine


class WritingScreen(Screen[None]):
    """A screen with a composer and the line under it. Subclasses show both, run commands, and see each step.

    Args:
        asking: the user's requests to the node.
        draft: the text being written.
        status: the line under the composer.
    """

    def __init__(self, asking: Asking, draft: Draft, status: StatusLine) -> None:
        super().__init__()
        self._asking = asking
        self._draft = draft
        self._status = status
        self._composer = Composer()

    def run_command(self, command: Command) -> None:
        """Runs a slash command."""
        raise NotImplementedError

    def taken(self, steps: list[Step]) -> None:
        """These steps were handed on: what depends on them is to be drawn again."""

    def submitted(self) -> None:
        """Enter was pressed; what it leads to follows."""

    @work(group="writing")
    async def keep_writing(self) -> None:
        """Hands the node what is written."""
        await self._asking.keep_writing()

    def give_back(self, text: str) -> None:
        """Puts a text that was not sent back into the composer, unless something else is there by now."""
        if not self._composer.text:
            self._composer.replace_text(text)

    def take(self, steps: list[Step]) -> None:
        """Does what the draft says, in order."""
        for step in steps:
            if isinstance(step, Command):
                self.run_command(step)
            else:
                self._asking.write(step)
        self.taken(steps)
        self._status.redraw()

    def compose_in_private(self, private: bool) -> None:
        """Holds the keys back, or lets them go on to those who see them."""
        if self._draft.live:
            self.take(self._draft.composed_in_private(private))
        else:
            self._asking.tell(UsageError("Live text is off, and nobody sees what you type", "F2 shows each key"))

    def action_hold(self) -> None:
        """Composes in private, or goes on."""
        self.compose_in_private(not self._draft.private)

    def action_edit(self) -> None:
        """Hands the text to the user's editor; others see what comes back when it is sent."""
        try:
            text = editor.write(self.app, self._composer.text)
        except P2PChatError as error:
            self._asking.tell(error)
        else:
            if text != self._composer.text:
                self._composer.fill(text, Origin.EDITOR)

    @on(Composer.Pasted)
    def _pasted(self, event: Composer.Pasted) -> None:
        self._draft.pasted(event.text)

    @on(Composer.Filled)
    def _filled(self, event: Composer.Filled) -> None:
        self._draft.filled(event.origin)

    @on(Composer.Changed)
    def _changed(self, event: Composer.Changed) -> None:
        # After Enter the composer is empty, which is no news: what a command has to say stays.
        if event.text != self._draft.text:
            self._status.hint = ""
        self.take(self._draft.edited(event.text))

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        self.submitted()
        self.take(self._draft.submitted(event.text))

    @on(Composer.Retracted)
    def _retracted(self) -> None:
        self.take(self._draft.retracted())

    @on(Composer.Hint)
    def _hint(self, event: Composer.Hint) -> None:
        # The change that led to the hint is handled first, and takes an older hint away.
        self._status.hint = event.text
        self._status.redraw()
