"""The single lines around the conversation: who is here, who types, who sees each key, which keys work."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from textual.content import Content

from p2pchat.node.events import PeerInfo
from p2pchat.tui import commands
from p2pchat.tui.actions import ACTIONS, Where, key_name
from p2pchat.tui.content import TIMES_FROM, crop, one_line, speaker_style
from p2pchat.tui.drafting import Draft, Origin
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import SIGNS, fitting_state, full_label, peer_state, verified_sign
from p2pchat.tui.widgets.drawn import Drawn

STATE_CELLS: Final = 54
"""Widest name and state of a peer on the top line, in cells: the others want to be seen too. The notice has the whole
reason."""

LEAST_WORDS: Final = 16
"""Least space for what is said under the composer, in cells, whatever stands at its right."""

PRIVATE: Final = "HOLD: nobody sees this"
"""What is said while the user composes in private."""


class TopLine(Drawn):
    """Conversation, peers and their state; at the right the state of live text, always."""

    def __init__(self, conversation: Conversation, draft: Draft) -> None:
        super().__init__()
        self._conversation = conversation
        self._draft = draft

    def draw(self, width: int) -> Content:
        """As many peers as fit, then how many more there are."""
        live = self._live_state(width)
        space = width - live.cell_length - 3
        line = Content.assemble(" ", (one_line(self._conversation.name, space // 3), "bold"), "  ")
        if self._conversation.server_reason is not None:
            line = Content.assemble(line, ("server away", "$warning"), "  ")
        here = self._conversation.peers.values()
        # One alone may have all the space: somebody who is not connected has much to say.
        room = space - line.cell_length if len(here) == 1 else min(space - line.cell_length, STATE_CELLS)
        peers = [self._peer(info, width >= TIMES_FROM, room) for info in here]
        for index, peer in enumerate(peers):
            more = f"+{len(peers) - index}"
            after = 0 if index == len(peers) - 1 else len(more) + 2
            if line.cell_length + peer.cell_length + after > space:
                if index:
                    line = Content.assemble(line, (more, "$muted"))
                    break
                peer = peer.truncate(max(1, space - line.cell_length - after), ellipsis=True)
            line = Content.assemble(line, peer, "  ")
        if not peers:
            words = "joining" if self._conversation.own is None else "nobody else here"
            line = Content.assemble(line, (crop(words, max(0, space - line.cell_length)), "$muted"))
        return Content.assemble(line, " " * max(1, width - 1 - line.cell_length - live.cell_length), live)

    def _live_state(self, width: int) -> Content:
        if not self._draft.live:
            return Content.styled("live off", "$muted")
        if self._draft.private:
            return Content.styled(PRIVATE if width >= TIMES_FROM else "HOLD", "bold $warning")
        return Content.styled("LIVE on", "bold $accent")

    def _peer(self, info: PeerInfo, tag: bool, cells: int) -> Content:
        name = full_label(info.peer, one_line(info.name, 16)) if tag else one_line(info.name, 12)
        sign, style = SIGNS[info.state]
        who = Content.assemble(
            (name, speaker_style(info.peer)), (verified_sign(info), "$success"), " ", (sign, style), " "
        )
        least = cell_len(peer_state(info, reason=False))
        return Content.assemble(who, fitting_state(info, max(least, cells - who.cell_length)))


class RuleLine(Drawn):
    """The line above the composer; says what is below while the user looks back."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._conversation = conversation
        self.looking_back = False
        """Whether the end of the timeline is out of sight."""

    def draw(self, width: int) -> Content:
        """A rule, with what waits below the screen."""
        if not self.looking_back:
            return Content.styled("─" * width, "$rule")
        newest = next(action for action in ACTIONS if action.name == "newest")
        what = f"{self._conversation.unread} new" if self._conversation.unread else "more below"
        sign = f" ▼ {what}  {key_name(newest.keys[0])} "
        return Content.assemble(("──", "$rule"), (sign, "bold $accent"), ("─" * max(0, width - 2 - len(sign)), "$rule"))


class Prompt(Drawn):
    """Our name before the composer, in line with the names above."""

    def draw(self, width: int) -> Content:
        """`you`, and the bar that marks a line being written."""
        return Content.assemble((" you".ljust(width - 2), "bold"), ("▏ ", "$accent"))


class StatusLine(Drawn):
    """The line under the composer: who sees what, and what Enter does."""

    def __init__(self, conversation: Conversation, draft: Draft) -> None:
        super().__init__()
        self._conversation = conversation
        self._draft = draft
        self.hint = ""
        """Shown instead, until the text changes."""
        self.indent = 1
        """Where the text of the composer begins, in cells."""

    def draw(self, width: int) -> Content:
        """One line: what is said at the left is cropped, so that the state of the line at the right is seen."""
        indent = self.indent if width >= TIMES_FROM else 1
        state = crop(self._state(), max(0, width - indent - LEAST_WORDS - 3))
        space = width - indent - 1 - (cell_len(state) + 2 if state else 0)
        words = crop(one_line(self.hint) or self._words(), space)
        gap = " " * (space - cell_len(words) + 2) if state else ""
        return Content.styled(" " * indent + words + gap + state, "$muted")

    def _state(self) -> str:
        """How far the line has come that others see as it is written."""
        if not self._draft.live or self._draft.private or self._draft.held:
            return ""
        conversation = self._conversation
        return conversation.own_line.words(
            list(conversation.peers.values()), lambda info: one_line(conversation.label(info.peer, info.name), 20)
        )

    def _words(self) -> str:
        text = self._draft.text
        if explained := commands.explain(text):
            return explained
        if self._draft.live and self._draft.held:
            return self._held()
        if self._draft.live and self._draft.private:
            return f"{PRIVATE} before you press Enter · F6 shows it"
        if self._draft.live:
            return f"{self._watchers()} · F2 stop · F6 hold"
        if "\n" in text:
            return "Enter sends all lines · ^J new line"
        return "Enter sends · F2 lets others see you type"

    def _held(self) -> str:
        """Why others do not see the text, and when they will."""
        match self._draft.origin:
            case None:
                return "held: others see it when you press Enter · Esc Esc gives it up"
            case Origin.PASTED:
                count = f"{self._draft.pasted_characters:,} pasted characters"
                return f"held: {count}; Enter sends them as a message"
            case origin:
                return f"held, {origin.value}: Enter sends it as a message · Esc Esc gives it up"

    def _watchers(self) -> str:
        """Who sees each key, and who has to wait for Enter."""
        peers = self._conversation.connected
        seeing = [one_line(info.name, 20) for info in peers if info.sees_keys]
        waiting = [one_line(info.name, 20) for info in peers if not info.sees_keys]
        if not seeing:
            return (
                f"{names(waiting)} {'does' if len(waiting) == 1 else 'do'} not see your keys, only finished lines"
                if waiting
                else "nobody sees your keys yet"
            )
        words = f"{names(seeing)} {'sees' if len(seeing) == 1 else 'see'} each key"
        return f"{words}, {names(waiting)} finished lines" if waiting else words


class KeyLine(Drawn):
    """The keys that always work."""

    def draw(self, width: int) -> Content:
        """As many as fit. The palette is left out first, then the last but one: the help has them all."""
        here = (Where.EVERYWHERE, Where.CHAT)
        shown = [
            (key_name(action.keys[0]), action.short) for action in ACTIONS if action.short and action.where in here
        ]
        # Each takes a space before and after it, but for the last.
        while len(shown) > 2 and sum(cell_len(key) + len(word) + 3 for key, word in shown) - 1 > width:
            shown.pop(0 if shown[0][1] == "commands" else -2)
        line = Content.assemble(*(part for key, word in shown for part in (" ", (key, "bold $accent"), f" {word} ")))
        return line[:-1]


def names(labels: list[str]) -> str:
    """Names in a sentence: `ben`, `ben and cyd`, `ben, cyd and 3 more`."""
    if len(labels) > 3:
        return f"{labels[0]}, {labels[1]} and {len(labels) - 2} more"
    return " and ".join([", ".join(labels[:-1]), labels[-1]] if len(labels) > 1 else labels)
