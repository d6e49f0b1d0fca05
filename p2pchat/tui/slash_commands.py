"""Slash commands of the conversation: what stands behind the name is understood here, and handed on.

The method `command_<name>(argument)` carries out the action of that name in `p2pchat.tui.actions`; it has one for each
action of the conversation that takes an argument. All of them raise `P2PChatError` when the argument cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from p2pchat.errors import UsageError
from p2pchat.tui import paths
from p2pchat.tui.actions import RTT
from p2pchat.tui.contact_book import ContactBook
from p2pchat.tui.file_requests import FileRequests
from p2pchat.tui.live_requests import LiveRequests
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import find_peer
from p2pchat.tui.saving import Saving
from p2pchat.tui.widgets.offer_panel import OfferPanel


class SlashCommands:
    """Hands commands to whoever carries them out.

    Args:
        conversation: what is shown.
        book: the user's decisions about contacts.
        files: the user's decisions about files.
        live: the user's decisions about live text.
        offers: the offer that is shown.
        saving: saves what was said.
        switch: switches live text on or off.
        hold: composes in private from now on.
        statistics: shows how well live text works.
        verify: shows the safety words of this peer; empty for the first.
        theme: shows the theme of this name; empty for the next.
        layout: shows the layout of this name; empty for the next.
        find: begins a search for this text.
    """

    def __init__(
        self,
        conversation: Conversation,
        book: ContactBook,
        files: FileRequests,
        live: LiveRequests,
        offers: OfferPanel,
        saving: Saving,
        *,
        switch: Callable[[bool | None], None],
        hold: Callable[[], None],
        statistics: Callable[[], object],
        verify: Callable[[str], None],
        theme: Callable[[str], None],
        layout: Callable[[str], None],
        find: Callable[[str], None],
    ) -> None:
        self._conversation = conversation
        self._book = book
        self._files = files
        self._live = live
        self._offers = offers
        self._saving = saving
        self._switch = switch
        self._hold = hold
        self._statistics = statistics
        self._verify = verify
        self._theme = theme
        self._layout = layout
        self._find = find

    def run(self, name: str, argument: str) -> None:
        """Runs the command of the action with this name."""
        getattr(self, f"command_{name}")(argument)

    def command_live(self, argument: str) -> None:
        """Switches live text on or off, or decides whether one peer sees it; without argument to the other state."""
        if argument in ("", "on", "off"):
            self._switch(None if not argument else argument == "on")
        elif argument == "hold":
            self._hold()
        else:
            self._live.share(argument)

    def command_rtt(self, argument: str) -> None:
        """The same as `/live` for all, or shows how well live text works: one name for it, here and in line mode."""
        if argument not in RTT.split("|"):
            raise UsageError("/rtt needs a word", "Write /rtt stats, /rtt on, /rtt off or /rtt hold")
        if argument == "stats":
            self._statistics()
        else:
            self.command_live(argument)

    def command_export(self, argument: str) -> None:
        """Saves what was said."""
        self._saving.export(argument)

    def command_admit(self, argument: str) -> None:
        """Lets a guest in; without argument the one that asks."""
        self._live.answer(argument, admitted=True)

    def command_refuse(self, argument: str) -> None:
        """Sends a guest away; without argument the one that asks."""
        self._live.answer(argument, admitted=False)

    def command_mute(self, argument: str) -> None:
        """Keeps the alerts of one peer off the screen."""
        self._live.mute(argument, True)

    def command_unmute(self, argument: str) -> None:
        """Takes that back."""
        self._live.mute(argument, False)

    def command_layout(self, argument: str) -> None:
        """Shows a layout, or the next one."""
        self._layout(argument)

    def command_theme(self, argument: str) -> None:
        """Shows a theme, or the next one."""
        self._theme(argument)

    def command_find(self, argument: str) -> None:
        """Searches for a text; without one, asks for it."""
        self._find(argument)

    def command_send(self, argument: str) -> None:
        """Offers files and folders to everybody who is connected; without argument, shows files to pick from."""
        if chosen := paths.parse(argument):
            self._files.offer(chosen, text=f"/send {argument}")
        else:
            self._files.pick()

    def command_accept(self, argument: str) -> None:
        """Accepts the offer that is shown, into the download folder or another one."""
        folder = paths.parse(argument)
        if len(folder) > 1:
            raise UsageError("/accept takes one folder", 'Write "my folder", or my\\ folder')
        self.answer_offer("accept", *folder)

    def answer_offer(self, answer: str, folder: Path | None = None) -> None:
        """Answers the offer that is shown.

        Raises:
            UsageError: none is shown.
        """
        if self._offers.offer is None:
            if self._conversation.alarms and self._conversation.offers:
                raise UsageError("A warning is shown before the offer", "/dismiss puts it away")
            raise UsageError("There is no offer to answer", "F4 lists all transfers")
        self._offers.answer(answer, folder)

    def command_verify(self, argument: str) -> None:
        """Shows the safety words of a peer, or of the first."""
        self._verify(find_peer(self._conversation.peers.values(), argument).peer if argument else "")

    def command_rename(self, argument: str) -> None:
        """Gives a contact a petname."""
        self._book.rename(argument)

    def command_forget(self, argument: str) -> None:
        """Asks whether to forget a contact."""
        self._book.forget(argument)

    def command_block(self, argument: str) -> None:
        """Blocks a contact."""
        self._book.set_blocked(argument, True)

    def command_unblock(self, argument: str) -> None:
        """Takes a block back."""
        self._book.set_blocked(argument, False)
