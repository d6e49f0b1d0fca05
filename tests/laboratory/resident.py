"""`p2pchat chat ROOM --json` at a home of the small internet."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

from tests.end_to_end.json_process import JsonProcess
from tests.laboratory.internet import Home


class Resident(JsonProcess):
    """One process at a home; see `JsonProcess`.

    Args:
        name: of the user.
        home: where it runs.
        server: the signaling server's URL.
        folder: for its state.
        ice: what to say with `--ice`.
        room: a room of its own for each pair that is not to see others.
        authority: the file of the authority whose certificates it trusts, when it is to trust another than usual.
        options: further options of the command.
    """

    def __init__(
        self,
        name: str,
        home: Home,
        server: str,
        folder: Path,
        ice: Sequence[str] = (),
        room: str = "lab",
        authority: Path | None = None,
        options: Sequence[str] = (),
    ) -> None:
        super().__init__(name, server, folder, *(part for url in ice for part in ("--ice", url)), *options, room=room)
        self.home = home
        trust = [] if authority is None else ["env", f"SSL_CERT_FILE={authority}"]
        self._command[:0] = [*home.inside, *trust]

    def stop(self) -> None:
        """The program stands still, as on a machine that sleeps, until `go_on`."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """The program runs again."""
        self.process.send_signal(signal.SIGCONT)
