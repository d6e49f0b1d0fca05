"""`p2pchat` as it would be without the small frames behind the last key of a burst, to measure what they do."""

from __future__ import annotations

from p2pchat.cli.main import main
from p2pchat.protocol.rtt.nudge import Nudges

if __name__ == "__main__":
    Nudges.text_sent = lambda self, now: None  # type: ignore[method-assign]
    main()
