"""Every kind of NAT against every other: the table of docs/connectivity.md is what happens."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.laboratory import internet, matrix
from tests.laboratory.matrix import NO_PATH, Cell, expected, play, whole
from tests.laboratory.nat import Nat
from tests.laboratory.places import missing
from tests.node.player import on_guarded_loop

pytestmark = pytest.mark.skipif(bool(missing("nft", "turnserver")), reason=missing("nft", "turnserver"))

SLACK_TIMES, SLACK_SECONDS = 3, 5.0
"""A busy machine may take so many times as long as the page says, and so many seconds more."""

SOME = [
    Cell(Nat.SYMMETRIC, Nat.SYMMETRIC, "none"),
    Cell(Nat.CARRIER_GRADE, Nat.SYMMETRIC, "none"),
    Cell(Nat.ENDPOINT_INDEPENDENT, Nat.ADDRESS_RESTRICTED, "none"),
    Cell(Nat.ADDRESS_RESTRICTED, Nat.CARRIER_GRADE, "none"),
    Cell(Nat.SYMMETRIC, Nat.ENDPOINT_INDEPENDENT, "udp"),
    Cell(Nat.SYMMETRIC, Nat.SYMMETRIC, "udp"),
    Cell(Nat.SYMMETRIC, Nat.SYMMETRIC, "tcp"),
    Cell(Nat.CARRIER_GRADE, Nat.SYMMETRIC, "tls"),
]
"""Each kind on each side, and each way: direct, relayed over each transport, direct although there is a relay, none."""


def test_the_page_has_each_pair() -> None:
    assert set(expected()) == set(whole())


@on_guarded_loop
async def test_each_kind_of_nat_connects_as_the_page_says(tmp_path: Path) -> None:
    await check(SOME, tmp_path)


@pytest.mark.matrix
@pytest.mark.timeout(1200)
@on_guarded_loop
async def test_all_pairs_of_nats_connect_as_the_page_says(tmp_path: Path) -> None:
    await check(whole(), tmp_path)


async def check(cells: Iterable[Cell], folder: Path) -> None:
    """Tries these pairs, and compares what becomes of them with the page."""
    promised = expected()
    # Those without a path only wait: they come first, so that nobody waits for them in the end.
    ordered = sorted(cells, key=lambda cell: promised[cell].path != NO_PATH)
    outcomes = await play(ordered, folder)
    print(matrix.as_table(outcomes))
    assert {cell: outcome.path for cell, outcome in outcomes.items()} == {cell: promised[cell].path for cell in ordered}
    bounds = {cell: SLACK_TIMES * promised[cell].seconds + SLACK_SECONDS for cell in ordered}
    assert {cell: one.seconds for cell, one in outcomes.items() if one.seconds > bounds[cell]} == {}
    untold = {cell: one.reason for cell, one in outcomes.items() if promised[cell].reason not in one.reason}
    assert untold == {}
    for cell, outcome in outcomes.items():
        if outcome.path == "direct":
            assert set(outcome.kinds) <= {"host", "srflx", "prflx"}, (cell, outcome)
            assert outcome.kinds != ("host", "host"), "two homes have no network in common"
        if outcome.path == "relay":
            assert "relay" in outcome.kinds, (cell, outcome)
        if outcome.kinds[0] == "relay" and cell.turn != "udp":
            assert outcome.addresses == f"through relay {internet.TURN} over {cell.turn.upper()}"
