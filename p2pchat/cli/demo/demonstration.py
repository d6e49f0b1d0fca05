"""The command `p2pchat demo`: a signaling server, a partner and we, three processes on this machine.

    we ──────────── starts ──────────> signaling server     ends when we do
    we ──────────── starts ──────────> partner              ends when we do
    we <── WebRTC data channels ─────> partner              as between two machines

Everything lives in a temporary folder, which is removed at the end.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from p2pchat.cli.demo.children import first_line, started
from p2pchat.cli.demo.openness import open_to_all
from p2pchat.node.settings import Settings

ROOM: Final = "demo"

SERVER_SECONDS: Final = 10.0
"""Time for the signaling server to listen. It takes under a second on an idle machine."""

DEADLINE_SECONDS: Final = 18.0
"""Time for a whole round, from the start of the command: 2 s are left to clean up within the promised 20."""


def play(name: str, on_screen: bool) -> None:
    """Plays the demo, and leaves nothing behind.

    Args:
        name: what we are called in it.
        on_screen: whether to open the full screen and leave the rest to the user. Otherwise a round plays by itself.

    Raises:
        TimedOut: the round was not over in time; the message says what was missing.
        P2PChatError: something failed, and the message says what.
    """
    begun = time.monotonic()
    # So that what must not outlive us is cleared away then, too.
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="p2pchat-demo-")))
        leashed = ("signaling_server", "--host", "127.0.0.1", "--port", "0")
        server = stack.enter_context(started("server", "p2pchat.cli.demo.leash", *leashed, folder=folder))
        url = first_line(server, "server", SERVER_SECONDS, folder)
        reports = subprocess.DEVNULL if on_screen else subprocess.PIPE
        partner = stack.enter_context(
            started("partner", "p2pchat.cli.demo.partner", url, ROOM, folder=folder, output=reports)
        )
        settings = Settings(name, url, folder / "home", folder / "downloads", ephemeral=True)
        if on_screen:
            _on_screen(settings)
        else:
            _by_itself(settings, partner, folder, begun)


def _on_screen(settings: Settings) -> None:
    from p2pchat import tui
    from p2pchat.node.threaded import NodeThread

    error = tui.run(open_to_all(NodeThread(settings)), ROOM, live=True, downloads=settings.downloads)
    if error is not None:
        raise error


def _by_itself(settings: Settings, partner: subprocess.Popen[bytes], folder: Path, begun: float) -> None:
    from p2pchat.cli.demo.children import piped
    from p2pchat.cli.demo.round import Round
    from p2pchat.cli.lines import read_lines
    from p2pchat.cli.output import standard_output
    from p2pchat.node.loop import run
    from p2pchat.node.node import Node

    async def play_round() -> None:
        reports = read_lines(piped(partner.stdout).fileno())
        demo_round = Round(open_to_all(Node(settings)), ROOM, reports, folder, standard_output().write_line)
        demo_round.report(f"signaling server started at {settings.server}", time.monotonic() - begun)
        await demo_round.play(DEADLINE_SECONDS - (time.monotonic() - begun))

    run(play_round())
    standard_output().write_line(f"Done: everything arrived and was verified, in {time.monotonic() - begun:.1f} s.")
