"""The link that lets somebody into a room with a secret."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen

from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.content import many_lines
from p2pchat.tui.screens.question import Paragraphs
from p2pchat.tui.widgets.drawn import Drawn
from p2pchat.tui.widgets.keys import Keys, key_words
from p2pchat.tui.widgets.remark import Remark


class Link(Drawn):
    """A link over as many lines as it needs, and nothing else on them: marked with the mouse, it is whole."""

    def __init__(self, link: str) -> None:
        super().__init__()
        self._link = many_lines(link)

    def draw(self, width: int) -> Content:
        """Cut at the end of each line; readers of a link take line ends out again."""
        space = max(8, width)
        pieces = [self._link[start : start + space] for start in range(0, len(self._link), space)]
        return Content("\n").join(Content.styled(piece, "bold $accent") for piece in pieces)


class InviteScreen(Screen[None]):
    """Shows the link until Esc.

    Args:
        room: the room's name.
        link: the link; whoever has it comes in.
    """

    BINDINGS = bindings(Where.INVITE)

    def __init__(self, room: str, link: str) -> None:
        super().__init__()
        self._room = room
        self._link = link
        self._remark = Remark()

    def compose(self) -> ComposeResult:
        """What it is, the link, what to do with it, and the keys."""
        yield Paragraphs(
            "Whoever has this link can come in and read along. Pass it over a channel you trust, such as an encrypted "
            "mail or messenger, and to nobody else.",
            f"Invite somebody to {self._room}",
        )
        yield Link(self._link)
        yield Paragraphs("The other side starts p2pchat chat --invite, and pastes the link when it is asked.")
        yield self._remark
        yield Keys([*key_words(Where.INVITE), "Esc back"])

    def action_copy(self) -> None:
        """Hands the link to the terminal, which may put it on the clipboard."""
        self.app.copy_to_clipboard(self._link)
        self._remark.say("Handed to the terminal. Not every terminal passes it on to the clipboard.")
