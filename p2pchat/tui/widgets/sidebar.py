"""The sidebar of wide terminals: the conversation, and everybody in it."""

from __future__ import annotations

from textual.content import Content

from p2pchat.tui.content import crop, one_line, speaker_style
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import SIGNS, full_label, peer_state, trust, verified_sign
from p2pchat.tui.widgets.drawn import Drawn


class Sidebar(Drawn):
    """Conversation with its unread messages, and people with their state and what is known of their keys."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._conversation = conversation

    def draw(self, width: int) -> Content:
        """One under the other."""
        unread = f"{self._conversation.unread} new" if self._conversation.unread else ""
        room = crop(one_line(self._conversation.name), width - 4 - len(unread))
        gap = Content(room).cell_length + len(unread) + 3
        lines = [
            Content.styled(" Conversation", "$muted"),
            Content.assemble("  ", (room, "bold"), " " * max(1, width - gap), (unread, "bold $accent")),
            Content(""),
            Content.styled(" People", "$muted"),
        ]
        own = self._conversation.own
        if own is not None:
            lines.append(
                Content.assemble("  ", (full_label(own.peer, one_line(own.name, width - 12)), "bold"), "  you")
            )
        for info in self._conversation.peers.values():
            sign, style = SIGNS[info.state]
            name = full_label(info.peer, one_line(info.name, width - 10))
            mark = (verified_sign(info), "$success")
            lines.append(Content.assemble(" ", (sign, style), " ", (name, speaker_style(info.peer)), mark))
            state = ", ".join(filter(None, [peer_state(info), trust(info)]))
            words = Content.styled(state, "$muted").wrap(max(4, width - 5))
            lines.extend(Content("    ") + line for line in words)
        return Content("\n").join([line.truncate(width) for line in lines])
