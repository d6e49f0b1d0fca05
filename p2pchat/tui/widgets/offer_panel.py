"""The panel above the composer: somebody wants to send files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message

from p2pchat.node.answers import Landing
from p2pchat.node.events import TransferInfo
from p2pchat.tui import measures, offer_terms
from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.content import crop, one_line
from p2pchat.tui.model import Conversation
from p2pchat.tui.offer_terms import Terms
from p2pchat.tui.people import full_label, trust
from p2pchat.tui.widgets.drawn import Drawn
from p2pchat.tui.widgets.keys import key_lines, named_keys


class OfferPanel(Drawn, can_focus=True):
    """The oldest offer that waits for an answer. It never takes the focus by itself: keys belong to the composer."""

    BINDINGS = bindings(Where.OFFER)

    @dataclass
    class Answered(Message):
        """What the user wants: `accept`, `decline`, `other_folder`, `choose` or `discard`."""

        transfer: str
        answer: str
        terms: Terms

    @dataclass
    class Looked(Message):
        """What would this offer meet in this folder? The answer goes to `landed`."""

        transfer: str
        folder: Path | None

    def __init__(self, conversation: Conversation, downloads: Path) -> None:
        super().__init__()
        self._conversation = conversation
        self._downloads = downloads
        self._answered: set[str] = set()
        self._terms: dict[str, Terms] = {}
        self._shown = ""
        self.height = 9
        """Most lines. The keys and the first line are always there; the names of files are the first to go."""

    @property
    def offer(self) -> TransferInfo | None:
        """The offer that is shown. While a warning is on the screen, offers wait: there is space for one of them."""
        if self._conversation.alarms:
            return None
        return next((info for info in self._conversation.offers if info.transfer not in self._answered), None)

    def terms(self, transfer: str) -> Terms:
        """On which terms an offer is going to be accepted."""
        return self._terms.setdefault(transfer, Terms())

    def answer(self, answer: str, into: Path | None = None) -> None:
        """Answers the offer that is shown, or goes on to where it is answered. After an answer the next one is shown.

        Args:
            answer: see `Answered`.
            into: the folder, when it is another than the one that was chosen before.
        """
        if (offer := self.offer) is not None:
            terms = self.terms(offer.transfer)
            if into is not None:
                terms.folder = into
            self.post_message(self.Answered(offer.transfer, answer, terms))
            if answer in ("accept", "decline"):
                self.put_away(offer.transfer)

    def put_away(self, transfer: str) -> None:
        """The offer is answered: the next one takes its place."""
        self._answered.add(transfer)
        self._shown = self.offer.transfer if self.offer else ""
        self.redraw()

    def unanswered(self, transfer: str) -> None:
        """The answer did not reach the node: the offer is still there."""
        self._answered.discard(transfer)
        self.look(transfer)

    def look(self, transfer: str, folder: Path | None = None) -> None:
        """Looks what an offer would meet in a folder; None for the one that was chosen."""
        terms = self.terms(transfer)
        terms.folder = folder if folder is not None else terms.folder
        terms.asked, terms.landing = True, None
        self.post_message(self.Looked(transfer, terms.folder))
        self.redraw()

    def landed(self, transfer: str, folder: Path | None, landing: Landing) -> None:
        """What an offer would meet in a folder. It says nothing once another folder is chosen."""
        if transfer in self._terms and self._terms[transfer].folder == folder:
            self._terms[transfer].landing = landing
            self.redraw()

    def action_accept(self) -> None:
        """Accepts, or goes on with what was interrupted."""
        self.answer("accept")

    def action_decline(self) -> None:
        """Declines."""
        self.answer("decline")

    def action_other_folder(self) -> None:
        """Asks for a folder."""
        self.answer("other_folder")

    def action_choose(self) -> None:
        """Shows what is offered, to choose from it."""
        self.answer("choose")

    def action_discard(self) -> None:
        """Removes what an interrupted transfer left."""
        if self.offer is not None and offer_terms.resumable(self.offer, self.terms(self.offer.transfer)):
            self.answer("discard")

    def action_existing(self) -> None:
        """Another word for what happens to names that are taken."""
        if self.offer is not None:
            terms = self.terms(self.offer.transfer)
            if terms.landing is not None and terms.landing.existing:
                terms.next_policy()
                self.redraw()

    def action_preserve(self) -> None:
        """Keeps times and executable bits, or does not."""
        if self.offer is not None:
            terms = self.terms(self.offer.transfer)
            terms.preserve = not terms.preserve
            self.redraw()

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
        waiting = {info.transfer for info in self._conversation.offers}
        self._answered &= waiting
        self._terms = {transfer: terms for transfer, terms in self._terms.items() if transfer in waiting}
        offer = self.offer
        if self.has_focus and (offer is None or offer.transfer != self._shown):
            # Another offer than the one that was looked at: a key on its way must not answer it.
            self.screen.focus_next()
        self._shown = offer.transfer if offer else ""
        self.display = offer is not None
        if offer is None:
            return
        if not self.terms(offer.transfer).asked:
            self.look(offer.transfer)
        super().redraw()

    def draw(self, width: int) -> Content:
        """Who offers what, into which folder, what it meets there, and the keys."""
        offer = self.offer
        if offer is None:
            return Content("")
        terms = self.terms(offer.transfer)
        style = "bold $accent" if self.has_focus else "$muted"
        bar = Content.styled(" ┃ " if self.has_focus else " │ ", style)
        keys = self._keys(offer, terms, width - 4)
        lines = [Content("  ") + line for line in offer_terms.notes(offer, terms, self._downloads, width - 6)]
        lines = lines[: max(1, self.height - 1 - len(keys))]
        if offer.items and len(lines) + len(keys) + 2 <= self.height:
            lines.insert(0, Content("  " + offer_terms.names(offer, width - 6)))
        return Content("\n").join(bar + line for line in [self._who(offer, terms, width - 4), *lines, *keys])

    def _who(self, offer: TransferInfo, terms: Terms, width: int) -> Content:
        peer = self._conversation.peers.get(offer.peer)
        known = f" ({words})" if peer is not None and (words := trust(peer)) else ""
        waiting = len(self._conversation.offers)
        who = full_label(offer.peer, one_line(offer.name, 20))
        text = f"▤ {who}{known} offers {measures.files(offer.files)}, {measures.size(offer.total)}"
        right = "  ".join(filter(None, [offer_terms.free(terms), f"1 of {waiting}" if waiting > 1 else ""]))
        if cell_len(text) + len(right) + 2 > width:
            right = f"1 of {waiting}" if waiting > 1 else ""
        text = crop(text, width - len(right) - 1)
        return Content.assemble((text, "bold"), " " * (width - cell_len(text) - len(right)), (right, "$muted"))

    def _keys(self, offer: TransferInfo, terms: Terms, width: int) -> list[Content]:
        if not self.has_focus:
            return [Content.styled(crop("  Tab to answer, or type /accept or /decline", width), "$accent")]
        return key_lines(offer_terms.keys(offer, terms, named_keys(Where.OFFER)), width, indent="  ")
