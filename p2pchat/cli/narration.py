"""Standard error: what a command says about itself, and with `-v` what the program records."""

from __future__ import annotations

import contextlib
import logging
import sys

from p2pchat.protocol.untrusted import safe_text

PROGRAM = "p2pchat"


def narrate(text: str, end: str = "\n") -> None:
    """Writes lines to standard error, fit for a terminal whatever they hold. Nobody reading it is no error.

    Args:
        text: what to write.
        end: what follows; a question stays on its line with the empty text.
    """
    with contextlib.suppress(OSError):
        print(safe_text(text), end=end, file=sys.stderr, flush=True)


class _Narrator(logging.Handler):
    """Asks for `sys.stderr` each time: the Textual front end redirects it while it draws."""

    def emit(self, record: logging.LogRecord) -> None:
        narrate(self.format(record))


def configure(verbose: bool) -> None:
    """Decides what happens to log records, of libraries too: nothing, or with `verbose` a line each."""
    root = logging.getLogger()
    root.handlers = [_Narrator() if verbose else logging.NullHandler()]
    logging.getLogger(PROGRAM).setLevel(logging.DEBUG if verbose else logging.WARNING)
