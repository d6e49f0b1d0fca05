"""The panel above the composer with what must not be overlooked: somebody is not who the name says."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.message import Message

from p2pchat.tui.actions import Where, bindings
from p2pchat.tui.content import capitalised, crop, many_lines
from p2pchat.tui.model import Conversation
from p2pchat.tui.widgets.drawn import Drawn
from p2pchat.tui.widgets.keys import key_lines, key_words


class AlarmPanel(Drawn, can_focus=True):
    """The oldest alarm, until the user puts it away. It never takes the focus: keys belong to the composer."""

    BINDINGS = bindings(Where.ALARM)

    @dataclass
    class Dismissed(Message):
        """The user has put the alarm away that was shown."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._conversation = conversation
        self.height = 6
        """Most lines; the timeline has the whole text."""

    def action_put_away(self) -> None:
        """Puts the alarm away."""
        self.post_message(self.Dismissed())

    def action_back(self) -> None:
        """Leaves the alarm where it is."""
        self.screen.focus_next()

    def on_focus(self) -> None:
        """Shows the keys."""
        self.redraw()

    def on_blur(self) -> None:
        """Shows how to get back."""
        self.redraw()

    def redraw(self) -> None:
        """Takes no space while there is no alarm."""
        alarms = self._conversation.alarms
        self.display = bool(alarms)
        if alarms:
            super().redraw()

    def draw(self, width: int) -> Content:
        """What happened, what to do, and the keys."""
        alarms = self._conversation.alarms
        if not alarms:
            return Content("")
        bar = Content.styled(" ┃ " if self.has_focus else " │ ", "bold $warning")
        space = max(8, width - 4)
        alarm = alarms[0]
        count = f"  1 of {len(alarms)}" if len(alarms) > 1 else ""
        head = f"! A key is not the one you know. Nobody was let in.{count}"
        body = [*Content(many_lines(alarm.message)).wrap(space)]
        if alarm.hint:
            body += Content(capitalised(many_lines(alarm.hint))).wrap(space)
        keys = self._keys(space)
        most = max(1, self.height - 1 - len(keys))
        if len(body) > most:
            body = [*body[: most - 1], Content.styled(crop("… the rest is in the conversation", space), "$muted")]
        lines = [Content.styled(crop(head, space), "bold $warning"), *body, *keys]
        return Content("\n").join(bar + line for line in lines)

    def _keys(self, width: int) -> list[Content]:
        if not self.has_focus:
            return [Content.styled(crop("Tab, then x, puts it away; or type /dismiss", width), "$accent")]
        return key_lines(key_words(Where.ALARM), width, indent="")
