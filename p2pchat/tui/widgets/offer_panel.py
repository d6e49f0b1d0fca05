"""The panel above the composer in which somebody wants to send files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message

from p2pchat.node.events import TransferInfo
from p2pchat.tui import measures
from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.content import crop, crop_middle, home_path, one_line
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import full_label, trust
from p2pchat.tui.widgets.drawn import Drawn
from p2pchat.tui.widgets.keys import key_lines, key_words


class OfferPanel(Drawn, can_focus=True):
    """The oldest offer that waits for an answer. It never takes the focus by itself: keys belong to the composer."""

    BINDINGS = bindings(Where.OFFER)

    @dataclass
    class Answered(Message):
        """The user's answer: `accept`, `decline`, or `other_folder` to be asked for one."""

        transfer: str
        answer: str
        into: Path | None = None
        """The folder to accept into; None for the download folder."""

    def __init__(self, conversation: Conversation, downloads: Path) -> None:
        super().__init__()
        self._conversation = conversation
        self._downloads = downloads
        self._answered: set[str] = set()
        self._shown = ""

    @property
    def offer(self) -> TransferInfo | None:
        """The offer that is shown. While a warning is on the screen, offers wait: there is space for one of them."""
        if self._conversation.alarms:
            return None
        return next((info for info in self._conversation.offers if info.transfer not in self._answered), None)

    def answer(self, answer: str, into: Path | None = None) -> None:
        """Answers the offer that is shown. The next one takes its place."""
        if (offer := self.offer) is not None:
            if answer != "other_folder":
                self._answered.add(offer.transfer)
            self.post_message(self.Answered(offer.transfer, answer, into))
            self._shown = self.offer.transfer if self.offer else ""
            self.redraw()

    def unanswered(self, transfer: str) -> None:
        """The answer did not reach the node: the offer is still there."""
        self._answered.discard(transfer)
        self.redraw()

    def action_accept(self) -> None:
        """Accepts into the download folder."""
        self.answer("accept")

    def action_decline(self) -> None:
        """Declines."""
        self.answer("decline")

    def action_other_folder(self) -> None:
        """Accepts into a folder that is asked for."""
        self.answer("other_folder")

    def action_back(self) -> None:
        """Leaves the offer as it is."""
        self.screen.focus_next()

    def on_focus(self) -> None:
        """Shows the keys."""
        self.redraw()

    def on_blur(self) -> None:
        """Shows how to get back."""
        self.redraw()

    def redraw(self) -> None:
        """Takes no space while nobody offers anything."""
        offer = self.offer
        self._answered &= {info.transfer for info in self._conversation.offers}
        if self.has_focus and (offer is None or offer.transfer != self._shown):
            # Another offer than the one that was looked at: a key on its way must not answer it.
            self.screen.focus_next()
        self._shown = offer.transfer if offer else ""
        self.display = offer is not None
        if self.display:
            super().redraw()

    def draw(self, width: int) -> Content:
        """Who offers what, into which folder, and the keys."""
        offer = self.offer
        if offer is None:
            return Content("")
        style = "bold $accent" if self.has_focus else "$muted"
        bar = Content.styled(" ┃ " if self.has_focus else " │ ", style)
        lines = [self._who(offer, width - 4), *self._what(offer, width - 6)]
        lines.append(Content.styled(crop(f"  into {home_path(self._downloads)}", width - 4), "$muted"))
        return Content("\n").join(bar + line for line in [*lines, *self._keys(width - 4)])

    def _who(self, offer: TransferInfo, width: int) -> Content:
        peer = self._conversation.peers.get(offer.peer)
        known = f" ({words})" if peer is not None and (words := trust(peer)) else ""
        waiting = len(self._conversation.offers)
        more = f"1 of {waiting}" if waiting > 1 else ""
        who = full_label(offer.peer, one_line(offer.name, 20))
        text = crop(
            f"▤ {who}{known} offers {measures.files(offer.files)}, {measures.size(offer.total)}", width - len(more) - 1
        )
        return Content.assemble((text, "bold"), " " * (width - cell_len(text) - len(more)), (more, "$muted"))

    def _what(self, offer: TransferInfo, width: int) -> list[Content]:
        """The first names, as many as fit on one line."""
        shown = ""
        for index, item in enumerate(offer.items):
            name = crop_middle(one_line(item.path) + ("/" if item.folder else ""), width // 2)
            more = f"  +{offer.files - index:,} more"
            after = 0 if index == len(offer.items) - 1 else len(more)
            if index and cell_len(f"{shown}  {name}") + after > width:
                shown += more
                break
            shown = f"{shown}  {name}" if index else name
        return [Content("  ") + crop(shown, width)] if shown else []

    def _keys(self, width: int) -> list[Content]:
        if not self.has_focus:
            return [Content.styled(crop("  Tab to answer, or type /accept or /decline", width), "$accent")]
        return key_lines(key_words(Where.OFFER), width, indent="  ")
