"""Comparing safety words with each connected peer: the one way to know that nobody sits in between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from textual import on
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList

from p2pchat.node.events import PeerInfo, Trust
from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.asking import Asking
from p2pchat.tui.contact_book import ContactBook
from p2pchat.tui.content import crop, one_line, pad, speaker_style
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import full_label, peer_state, trust, verified_sign
from p2pchat.tui.screens.overview import Overview
from p2pchat.tui.screens.question import Question
from p2pchat.tui.widgets.drawn import Drawn
from p2pchat.tui.widgets.keys import key_words

AIRY_FROM: Final = 22
"""Lowest terminal on which empty lines stand between the words, in rows: people read them aloud, one by one."""


class Words(Drawn):
    """The safety words of the chosen peer, and what to do with them."""

    def __init__(self) -> None:
        super().__init__()
        self.peer: PeerInfo | None = None
        self.airy = True
        """Whether there is space between the words."""

    def draw(self, width: int) -> Content:
        """What to do, the words, and where it stands."""
        info = self.peer
        if info is None:
            return _paragraph("Up and Down choose somebody.", width)
        name = one_line(info.name, 20)
        if not info.words:
            return _paragraph(f"There are no safety words for this link: {name} cannot be verified.", width)
        what = f"Compare these words with {name} over another channel: call, or side by side."
        lines = [_paragraph(what, width), _paragraph("The same words: nobody sits in between.", width), Content("")]
        for number, word in enumerate(info.words, 1):
            lines.append(Content.assemble(f"      {number}   ", (one_line(word, 20), "bold $accent")))
            if self.airy:
                lines.append(Content(""))
        if not self.airy:
            lines.append(Content(""))
        if info.trust is Trust.VERIFIED:
            lines.append(_paragraph(f"You have verified {name}. The words are new with every link.", width, "$success"))
        return Content("\n").join(lines)


class VerifyScreen(Overview):
    """Shows safety words, and takes what the user found: the same, or different ones.

    Args:
        conversation: whose peers.
        asking: the user's requests to the node.
        book: the user's decisions about contacts.
        peer: the id of the peer to begin with; empty for the first.
    """

    BINDINGS = bindings(Where.VERIFY)

    def __init__(self, conversation: Conversation, asking: Asking, book: ContactBook, peer: str = "") -> None:
        super().__init__([*key_words(Where.VERIFY), "Up Down choose"])
        self._conversation = conversation
        self._asking = asking
        self._book = book
        self._first = peer
        self._words = Words()

    def on_mount(self) -> None:
        """Begins with the peer that was asked for."""
        super().on_mount()
        if self._first in self.ids():
            self.list.highlighted = self.ids().index(self._first)

    def heading(self, width: int) -> Content:
        """How many there are to compare with."""
        count = len(self._conversation.connected)
        title = (" Verify: is nobody in between?", "bold")
        if not count:
            hint = " Nobody is connected, so there are no words to compare."
            return Content("\n").join([Content.assemble(title), *Content.styled(hint, "$muted").wrap(width)])
        return Content.assemble(title, (f"  {count} connected", "$muted"))

    def ids(self) -> list[str]:
        """Everybody who is connected."""
        return [info.peer for info in self._conversation.connected]

    def entry(self, id: str, width: int, selected: bool) -> Content:
        """Who it is, what is known of the key, and how it is connected."""
        info = self._conversation.peers[id]
        label = crop(full_label(info.peer, one_line(info.name, 20)), max(8, width - 32))
        sign = "▸ " if selected else "  "
        cells = 26 - len(verified_sign(info))
        return Content.assemble(
            sign,
            (label, speaker_style(info.peer)),
            (verified_sign(info), "$success"),
            " " * max(2, cells - Content(label).cell_length),
            pad(trust(info), 10),
            (peer_state(info), "$muted"),
        ).truncate(width)

    def below(self) -> Iterable[Widget]:
        """The words."""
        yield self._words

    def redraw(self) -> None:
        """Draws the words as well."""
        super().redraw()
        self._words.peer = self._peer
        self._words.airy = self.size.height >= AIRY_FROM
        self._words.display = bool(self.ids())
        self._words.redraw()

    @property
    def _peer(self) -> PeerInfo | None:
        return next((info for info in self._conversation.connected if info.peer == self.selected), None)

    @on(OptionList.OptionSelected)
    def action_same(self) -> None:
        """The words are the same."""
        info = self._peer
        if info is None or not info.words:
            return
        label = full_label(info.peer, one_line(info.name, 20))
        if info.trust is Trust.VERIFIED:
            self.remark(f"{label} is verified already")
        else:
            self._asking.do(self._asking.node.verify(self._asking.conversation, info.peer), done=f"{label} is verified")

    def action_different(self) -> None:
        """The words differ: says what that means, and offers to block."""
        info = self._peer
        if info is None or not info.words:
            return
        name = one_line(info.name, 20)
        question = Question(
            f"Different words: somebody may sit between you and {name}",
            f"Compare once more, slowly, and both at the same moment: words are new with every link. If they differ "
            f"again, whoever holds this link is not {name}. Say nothing on it that others must not read, and tell "
            f"{name} over another channel.\n\n"
            f"Blocking closes the link, and this key is not let in any more. /unblock takes it back.",
            yes=f"block {full_label(info.peer, name)}",
            no="leave it",
        )
        self.app.push_screen(question, lambda yes: self._book.block_peer(info) if yes else None)


def _paragraph(text: str, width: int, style: str = "") -> Content:
    lines = Content.styled(text, style).wrap(max(8, width - 2))
    return Content("\n").join(Content(" ") + line for line in lines)
