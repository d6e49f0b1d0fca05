"""The line across the top of whichever screen is shown, while somebody asks for attention."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from p2pchat.tui.alerts import Alerts
from p2pchat.tui.content import many_lines, pad
from p2pchat.tui.widgets.drawn import Drawn


class AlertBanner(Drawn):
    """What waits to be seen, inverted. It stands still, and never takes the focus.

    Args:
        alerts: what waits.
    """

    DEFAULT_CSS = """
    AlertBanner { dock: top; background: $background; color: $foreground; }
    """

    def __init__(self, alerts: Alerts) -> None:
        super().__init__()
        self._alerts = alerts

    def draw(self, width: int) -> Content:
        """Who asks, when, and how to put it away; wrapped, and inverted over the whole width."""
        words = many_lines(self._alerts.words(_time_of_day))
        lines = Content(words).wrap(max(8, width - 2))
        # The whole line and not only its text: what is inverted is what has characters in it.
        rows = [pad(f" {line.plain.rstrip()}", width) for line in lines]
        return Content("\n").join(Content.styled(row, "bold reverse") for row in rows)


def _time_of_day(at: float) -> str:
    return f"{datetime.fromtimestamp(at):%H:%M}"
