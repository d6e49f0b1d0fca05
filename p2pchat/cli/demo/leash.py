"""Runs a module that ends with its starter: `python -m p2pchat.cli.demo.leash MODULE [ARGUMENT...]`.

The starter holds the other end of our standard input and never writes to it. When it ends, in whatever way, `kill -9`
included, the kernel closes that end, and we notice.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import sys
import threading

GRACE_SECONDS = 3.0
"""Time that the module has to end by itself after SIGTERM."""


def _end_with_starter() -> None:
    """Waits for the end of standard input, then ends this process."""
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 1024):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os._exit(1)


def main() -> None:
    """Runs the module named on the command line as a program."""
    threading.Thread(target=_end_with_starter, name="leash", daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
