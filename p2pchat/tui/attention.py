"""What an alert does on the screen: the banner, a flash for those who want one, and the user's own program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from textual import constants
from textual.app import App
from textual.widget import Widget

from p2pchat.node.alert_hook import AlertHook
from p2pchat.tui.alerts import Alerts
from p2pchat.tui.preferences import Presentation
from p2pchat.tui.widgets.alert_banner import AlertBanner

FLASH_SECONDS: Final = 0.3
"""How long the screen is inverted, in seconds: long enough to be seen from the side of the eye."""


class Attention:
    """Brings alerts before the user.

    Args:
        app: what is drawn on.
        alerts: what waits.
        hook: the user's program.
        presentation: whether the screen may flash.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        app: App[Any],
        alerts: Alerts,
        hook: AlertHook,
        presentation: Presentation,
        clock: Callable[[], float],
    ) -> None:
        self.inverted = False
        """Whether everything is drawn inverted at this moment."""
        self._app = app
        self._alerts = alerts
        self._hook = hook
        self._flashes = presentation.flash and not still(presentation)
        self._clock = clock

    def alerted(self, peer: str, name: str) -> None:
        """A peer rang; the conversation knows of it already."""
        if peer in self._alerts.muted:
            return
        self._hook.alerted(name)
        if self._flashes and self._alerts.may_flash(self._clock()):
            self._invert(True)
            self._app.set_timer(FLASH_SECONDS, lambda: self._invert(False))

    def key_pressed(self, key: str) -> bool:
        """A key was pressed; returns whether that was all it was for. Every other key does what it always does."""
        return self._alerts.key_pressed(self._clock()) and key == "escape"

    async def show(self) -> None:
        """Puts the banner on the screen that is shown, or takes it from all of them."""
        if not self._alerts.count:
            for screen in self._app.screen_stack:
                await screen.query(AlertBanner).remove()
        elif banners := self._app.screen.query(AlertBanner):
            banners.first().redraw()
        else:
            await self._app.screen.mount(AlertBanner(self._alerts), before=0)

    async def close(self) -> None:
        """Nothing rings any more."""
        await self._hook.close()

    def _invert(self, inverted: bool) -> None:
        self.inverted = inverted
        for widget in self._app.screen.walk_children(Widget, with_self=True):
            widget.refresh()
            if widget.show_vertical_scrollbar:
                widget.vertical_scrollbar.refresh()


def still(presentation: Presentation) -> bool:
    """Whether nothing may flash: the user has said so, to us or to every program that is built with Textual."""
    return presentation.reduced_motion or constants.TEXTUAL_ANIMATIONS == "none"
