"""What the user decides about files: what is offered to whom, and how offers of others are answered."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

from textual.screen import Screen

from p2pchat.errors import P2PChatError
from p2pchat.node.answers import Leftover
from p2pchat.node.events import TransferInfo
from p2pchat.tui import measures
from p2pchat.tui.asking import Asking
from p2pchat.tui.content import crop_middle, home_path, one_line, transfer_title
from p2pchat.tui.model import Conversation
from p2pchat.tui.offer_terms import Terms
from p2pchat.tui.people import full_label
from p2pchat.tui.screens.choose import ChooseScreen
from p2pchat.tui.screens.picker import FilePicker, FolderPicker, Offer
from p2pchat.tui.screens.question import DropQuestion, Question
from p2pchat.tui.widgets.lines import names
from p2pchat.tui.widgets.offer_panel import OfferPanel

NAMED: Final = 8
"""Dropped files that are named in the question."""


class FileRequests:
    """Asks what there is to ask, and hands the decision to the node.

    Args:
        conversation: what is shown.
        asking: the user's requests to the node.
        downloads: where accepted files go unless the user says otherwise.
        ask: shows a screen, and hands its result on.
    """

    def __init__(
        self,
        conversation: Conversation,
        asking: Asking,
        downloads: Path,
        ask: Callable[[Screen[Any], Callable[[Any], None]], object],
    ) -> None:
        self._conversation = conversation
        self._asking = asking
        self._node = asking.node
        self._downloads = downloads
        self._ask = ask
        self._folder: Path | None = None

    # Offering

    def offer(self, paths: Sequence[Path], peer: str | None = None, text: str = "") -> None:
        """Offers files and folders to one peer, or to everybody who is connected.

        Args:
            paths: what.
            peer: a key tag; None for everybody.
            text: what is given back when it fails.
        """
        self._asking.do(self._offer(tuple(paths), peer), text)

    async def _offer(self, paths: tuple[Path, ...], peer: str | None) -> None:
        self._conversation.transfers.group(await self._node.offer(self._asking.conversation, paths, peer))

    def pick(self) -> None:
        """Shows this machine's files, to pick from."""
        peers = [(info.peer, full_label(info.peer, info.name)) for info in self._conversation.connected]
        self._ask(FilePicker(self._folder or Path.cwd(), peers), self._picked)

    def _picked(self, offer: Offer | None) -> None:
        if offer is not None:
            self._folder = offer.paths[-1].parent
            self.offer(offer.paths, offer.peer)

    def drop(self, paths: Sequence[Path], insert: Callable[[], None]) -> None:
        """Asks what to do with files that were dropped.

        Args:
            paths: the files and folders.
            insert: puts what was pasted into the text.
        """
        what = "1 file" if len(paths) == 1 else f"{len(paths):,} files"
        if all(path.is_dir() for path in paths):
            what = "1 folder" if len(paths) == 1 else f"{len(paths):,} folders"
        whom = names([full_label(info.peer, one_line(info.name, 20)) for info in self._conversation.connected])
        shown = [crop_middle(home_path(path), 70) for path in paths[:NAMED]]
        if len(paths) > NAMED:
            shown.append(f"and {len(paths) - NAMED:,} more")
        question = DropQuestion(f"Offer {what} to {whom or 'whoever comes'}?", "\n".join(shown))

        def answered(answer: str | None) -> None:
            if answer == "offer":
                self.offer(paths)
            elif answer == "insert":
                insert()

        self._ask(question, answered)

    # Answering

    def look(self, panel: OfferPanel, transfer: str, folder: Path | None) -> None:
        """Finds out what an offer would meet in a folder, and tells the panel."""

        async def look() -> None:
            panel.landed(transfer, folder, await self._node.inspect(transfer, folder))

        self._asking.do(look())

    def answer(self, panel: OfferPanel, transfer: str, answer: str, terms: Terms) -> None:
        """Does what the user wants of an offer: see `OfferPanel.Answered`."""
        info = self._conversation.transfers.infos.get(transfer)
        if info is None:
            return
        match answer:
            case "accept":
                self._asking.do(_answered(panel, transfer, self._accept(transfer, terms)))
            case "decline":
                self._asking.do(_answered(panel, transfer, self._node.decline(transfer)))
            case "other_folder":
                self._ask_folder(panel, transfer, terms)
            case "choose":
                self._ask(ChooseScreen(info, self._asking), lambda only: self._chosen(panel, transfer, terms, only))
            case "discard":
                self.discard(info, lambda: panel.look(transfer))

    def _ask_folder(self, panel: OfferPanel, transfer: str, terms: Terms) -> None:
        begin = terms.landing.folder if terms.landing is not None else terms.folder or self._downloads

        def picked(folder: Path | None) -> None:
            if folder is not None:
                panel.look(transfer, folder)
            panel.focus()

        self._ask(FolderPicker(begin), picked)

    def _chosen(self, panel: OfferPanel, transfer: str, terms: Terms, only: tuple[str, ...] | None) -> None:
        panel.focus()
        if only is not None:
            panel.put_away(transfer)
            self._asking.do(_answered(panel, transfer, self._accept(transfer, terms, None if only == ("",) else only)))

    async def _accept(self, transfer: str, terms: Terms, only: tuple[str, ...] | None = None) -> None:
        await self._node.accept(transfer, terms.folder, terms.if_exists, only=only, preserve=terms.preserve)

    # What was interrupted

    def discard(self, left: TransferInfo | Leftover, done: Callable[[], None]) -> None:
        """Asks whether to remove what an interrupted transfer left, and does so.

        Args:
            left: the transfer, or what is left of one.
            done: called once it is removed.
        """
        if isinstance(left, Leftover):
            id, title, here = left.leftover, one_line(left.title), left.stored
        else:
            id, title, here = left.transfer, transfer_title(left), left.resumable or left.confirmed
        question = Question(
            f"Discard what is here of {title}?",
            f"{measures.size(here)} would have to be fetched again. Files that are complete stay.",
            yes="discard",
            no="keep",
        )

        async def discard() -> None:
            await self._node.discard(id)
            done()

        self._ask(
            question,
            lambda yes: self._asking.do(discard(), done=f"What was here of {title} is removed") if yes else None,
        )


async def _answered(panel: OfferPanel, transfer: str, answer: Coroutine[Any, Any, None]) -> None:
    try:
        await answer
    except P2PChatError:
        panel.unanswered(transfer)
        raise
