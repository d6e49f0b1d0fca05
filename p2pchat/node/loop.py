"""Where a node runs: on the loop of a headless front end, or (`threaded`) on a thread of its own."""

from __future__ import annotations

from p2pchat.rtc.loop import new_event_loop, run

__all__ = ["new_event_loop", "run"]
