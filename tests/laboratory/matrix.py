"""Every kind of NAT against every other, without TURN and with it, as docs/connectivity.md has it in its table."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from p2pchat.node.way import AWAITING_OFFER, FIRST_ATTEMPT
from tests.laboratory import internet, page, services
from tests.laboratory.internet import Home
from tests.laboratory.nat import Nat
from tests.laboratory.resident import Resident

AT_ONCE = 3
"""Pairs that connect side by side: as many as two cores carry without making the times longer."""

GATHERED_OVER = ("none", "udp", "tcp", "tls")
"""The columns of the table: without TURN, and how the TURN server is reached."""

NO_PATH = "none"


@dataclass(frozen=True, slots=True)
class Cell:
    """One pair of the table."""

    first: Nat
    """Who is there first, and answers."""
    newcomer: Nat
    """Who comes then, and offers."""
    turn: str
    """One of `GATHERED_OVER`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a pair."""

    path: str
    """`direct`, `relay` or `none`."""
    seconds: float
    """From the newcomer's joining to a connection that both have told of; 0 without a path."""
    reason: str = ""
    """What the newcomer is told when there is no path."""
    kinds: tuple[str, str] = ("", "")
    """Kinds of the two candidates that were chosen, the newcomer's own first, as it tells them."""
    addresses: str = ""
    """The path as the newcomer tells it in words."""


def whole() -> list[Cell]:
    """All cells."""
    return [Cell(first, newcomer, turn) for turn in GATHERED_OVER for first in Nat for newcomer in Nat]


def expected() -> dict[Cell, Outcome]:
    """Returns the table of the page."""
    kinds = {kind.value: kind for kind in Nat}
    table: dict[Cell, Outcome] = {}
    for first, newcomer, *outcomes in page.rows("Pairs of NATs"):
        for turn, told in zip(GATHERED_OVER, outcomes, strict=True):
            table[Cell(kinds[first], kinds[newcomer], turn)] = Outcome(told.split()[0], page.seconds(told))
    for first, newcomer, reason in page.rows("No path"):
        table[Cell(kinds[first], kinds[newcomer], "none")] = Outcome(NO_PATH, 0.0, reason)
    return table


def as_table(outcomes: dict[Cell, Outcome]) -> str:
    """Returns the rows of the page's table, from what was measured."""
    rows = []
    for first in Nat:
        for newcomer in Nat:
            found = [outcomes.get(Cell(first, newcomer, turn)) for turn in GATHERED_OVER]
            told = [
                "" if one is None else f"{one.path} {one.seconds:.1f} s" if one.seconds else one.path for one in found
            ]
            if any(told):
                rows.append(f"| {' | '.join([first.value, newcomer.value, *told])} |")
    return "\n".join(rows)


async def play(cells: Iterable[Cell], folder: Path) -> dict[Cell, Outcome]:
    """Tries cells, several side by side, and returns what became of them."""
    with ExitStack() as stack:
        lab = stack.enter_context(internet.internet())
        stack.enter_context(services.stun_server(lab))
        stack.enter_context(services.signaling(lab))
        authority = stack.enter_context(services.turn_server(lab, folder))
        homes = {kind: (lab.home(kind), lab.home(kind)) for kind in Nat}
        gate = asyncio.Semaphore(AT_ONCE)

        async def tried(number: int, cell: Cell) -> Outcome:
            async with gate:
                return await _meet(cell, homes[cell.first][0], homes[cell.newcomer][1], folder / str(number), authority)

        wanted = list(cells)
        outcomes = await asyncio.gather(*(tried(number, cell) for number, cell in enumerate(wanted)))
        return dict(zip(wanted, outcomes, strict=True))


def _decided(peer: dict[str, Any]) -> bool:
    """Whether the first attempt has ended, in either way."""
    return peer["state"] == "connected" or peer["reason"] not in ("", FIRST_ATTEMPT, AWAITING_OFFER)


async def _meet(cell: Cell, at: Home, newcomer_at: Home, folder: Path, authority: Path) -> Outcome:
    # Two STUN servers, or a machine cannot know that its router gives each destination another port.
    ice = services.stun_urls()
    if cell.turn != "none":
        ice.append(services.turn_url(cell.turn))
    server = services.signaling_url()
    async with Resident("ana", at, server, folder, ice, folder.name, authority) as first:
        await first.until("ready")
        async with Resident("ben", newcomer_at, server, folder, ice, folder.name, authority) as newcomer:
            ready = await newcomer.until("ready")
            met = await newcomer.until_told("peer", _decided)
            if met["state"] != "connected":
                return Outcome(NO_PATH, 0.0, met["reason"])
            met_too = await first.until("peer", name="ben", state="connected")
            newcomer.do("stats")
            stats = await newcomer.until("stats")
            seconds = max(met["t"], met_too["t"]) - ready["t"]
            return Outcome(met["path"], seconds, "", (stats["local"], stats["remote"]), stats["addresses"])
