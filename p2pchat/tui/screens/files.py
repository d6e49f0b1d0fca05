"""All transfers, what was interrupted, and what can be done with each."""

from __future__ import annotations

from typing import Final

from textual import on, work
from textual.content import Content
from textual.widgets import OptionList

from p2pchat.errors import P2PChatError
from p2pchat.node.answers import Leftover
from p2pchat.node.events import Direction, TransferInfo, TransferState
from p2pchat.tui import measures
from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.asking import Asking
from p2pchat.tui.content import one_line
from p2pchat.tui.file_requests import FileRequests
from p2pchat.tui.model import Conversation
from p2pchat.tui.screens.overview import Overview
from p2pchat.tui.screens.transfer import TransferScreen
from p2pchat.tui.transfer_book import is_offer
from p2pchat.tui.transfer_lines import group_heading, leftover_entry, transfer_entry
from p2pchat.tui.widgets.keys import key_words

LEFTOVER: Final = "leftover:"
"""What the id of a leftover begins with in the list: transfers have eight digits, leftovers sixteen."""


class FilesScreen(Overview):
    """Lists all transfers, those under way first, newest first; what was interrupted stands below.

    Args:
        conversation: whose transfers.
        asking: the user's requests to the node.
        files: the user's decisions about files.
    """

    BINDINGS = bindings(Where.FILES)

    def __init__(self, conversation: Conversation, asking: Asking, files: FileRequests) -> None:
        super().__init__(key_words(Where.FILES))
        self._conversation = conversation
        self._asking = asking
        self._files = files
        self._leftovers: dict[str, Leftover] = {}

    def on_mount(self) -> None:
        """Fetches what was interrupted."""
        super().on_mount()
        self.fetch()

    def fetch(self) -> None:
        """Asks the node for what was interrupted, as it is now, and draws it."""
        self._fetch()

    @work(exclusive=True, group="leftovers")
    async def _fetch(self) -> None:
        try:
            self._leftovers = {f"{LEFTOVER}{left.leftover}": left for left in await self._asking.node.leftovers()}
        except P2PChatError as error:
            self._asking.tell(error)
        else:
            self.redraw()

    def heading(self, width: int) -> Content:
        """How many there are, and what runs; how to send one where there is none."""
        transfers = self._conversation.transfers.infos.values()
        title = Content.styled(f" Files in {one_line(self._conversation.name, width // 2)}", "bold")
        if not transfers and not self._leftovers:
            hint = " Nothing has been offered yet. In the conversation, ^O or /send offers files and folders."
            return Content("\n").join([title, *Content.styled(hint, "$muted").wrap(width)])
        count, running = len(transfers), [info for info in transfers if info.state is TransferState.ACTIVE]
        words = f"  {count} transfer{'' if count == 1 else 's'}"
        if running:
            words += f", {len(running)} running, {measures.rate(sum(info.rate for info in running))}"
        if self._leftovers:
            words += f", {len(self._leftovers)} interrupted"
        lines = Content.assemble(title, (words, "$muted")).wrap(max(20, width))
        return Content("\n").join(lines)

    def ids(self) -> list[str]:
        """The transfers, those of one offer together, and what was interrupted."""
        groups = self._conversation.transfers.groups
        together: dict[str, list[str]] = {}
        for id in reversed(self._conversation.transfers.infos):
            together.setdefault(groups.get(id, id), []).append(id)
        ordered = sorted(together, key=lambda group: min(self._rank(id) for id in together[group]))
        return [*(id for group in ordered for id in together[group]), *self._leftovers]

    def entry(self, id: str, width: int, selected: bool) -> Content:
        """A transfer or a leftover, in two lines; a heading before the first of several that belong together."""
        if id in self._leftovers:
            return leftover_entry(self._leftovers[id], width, selected)
        info = self._conversation.transfers.infos[id]
        peer = self._conversation.peers.get(info.peer)
        path = "" if peer is None else {"relay": "relayed"}.get(peer.path, peer.path)
        elsewhere = info.conversation if info.conversation != self._conversation.name else ""
        members = self._members(id)
        entry = transfer_entry(info, width, selected, path=path, where=elsewhere, member=len(members) > 1)
        if len(members) > 1 and members[-1] is info:
            return Content("\n").join([group_heading(members, width), entry])
        return entry

    def _rank(self, id: str) -> int:
        """What runs stands above what waits, and that above what is over."""
        state = self._conversation.transfers.infos[id].state
        return 0 if state is TransferState.ACTIVE else 2 if state.final else 1

    def _members(self, id: str) -> list[TransferInfo]:
        """The transfers that were offered at once with this one, oldest first."""
        groups, transfers = self._conversation.transfers.groups, self._conversation.transfers.infos
        return [transfers[other] for other in transfers if other in groups and groups[other] == groups.get(id)]

    @property
    def _info(self) -> TransferInfo | None:
        return self._conversation.transfers.infos.get(self.selected or "")

    @on(OptionList.OptionSelected)
    def action_details(self) -> None:
        """Accepts an offer; shows what another transfer consists of."""
        info = self._info
        if info is None:
            return
        if is_offer(info):
            self._asking.do(self._asking.node.accept(info.transfer))
        else:
            self.app.push_screen(TransferScreen(self._conversation, info.transfer, self._asking))

    def action_pause(self) -> None:
        """Pauses a running transfer."""
        info = self._info
        if info is not None and info.state is TransferState.ACTIVE:
            self._asking.do(self._asking.node.pause(info.transfer))

    def action_resume(self) -> None:
        """Goes on with a paused transfer."""
        info = self._info
        if info is not None and info.state is TransferState.PAUSED:
            self._asking.do(self._asking.node.resume(info.transfer))

    def action_cancel(self) -> None:
        """Cancels a transfer, or declines an offer."""
        info = self._info
        if info is not None and is_offer(info):
            self._asking.do(self._asking.node.decline(info.transfer))
        elif info is not None and not info.state.final:
            self._asking.do(self._asking.node.cancel(info.transfer))

    def action_discard(self) -> None:
        """Removes what is here of an interrupted transfer, once the user has said yes."""
        left, info = self._leftovers.get(self.selected or ""), self._info
        if left is not None:
            self._files.discard(left, self.fetch)
        elif info is not None and _has_left(info):
            self._files.discard(info, self.fetch)


def _has_left(info: TransferInfo) -> bool:
    """Whether a transfer can have left something behind that can be removed now."""
    if info.direction is Direction.SEND:
        return False
    return bool(is_offer(info) and info.resumable) or (info.state is TransferState.FAILED and info.confirmed > 0)
