"""The connection of two who talk is interrupted: nothing is lost, nothing comes twice, and it heals by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.laboratory import internet, page, services
from tests.laboratory.internet import Internet
from tests.laboratory.link import missing as no_link
from tests.laboratory.nat import Nat
from tests.laboratory.places import missing
from tests.laboratory.talk import HOME_LINE, Talk, chattering, stopped, talk
from tests.node.player import on_guarded_loop

_MISSING = no_link() or missing("nft")
pytestmark = [pytest.mark.skipif(bool(_MISSING), reason=_MISSING), pytest.mark.timeout(600)]

SLACK_TIMES, SLACK_SECONDS = 2, 10.0
"""A busy machine may take so many times as long as the page says, and the next delay between two attempts."""

Fault = Callable[[Internet, Talk], Awaitable[None]]


def a_cut(seconds: float) -> Fault:
    """Nothing passes between Ana's home and the world for so long."""

    async def fault(lab: Internet, two: Talk) -> None:
        with lab.cut(two.ana.home):
            await asyncio.sleep(seconds)

    return fault


def a_cut_between_them(seconds: float) -> Fault:
    """Nothing passes between the two for so long; both reach the server."""

    async def fault(lab: Internet, two: Talk) -> None:
        with lab.parted(two.ana.home, two.ben.home):
            await asyncio.sleep(seconds)

    return fault


def a_stop(seconds: float) -> Fault:
    """Ben's program does not run for so long."""

    async def fault(lab: Internet, two: Talk) -> None:
        with stopped(two.ben):
            await asyncio.sleep(seconds)

    return fault


async def a_new_address(lab: Internet, two: Talk) -> None:
    """Ana's machine changes to another network of her home."""
    two.ana.home.move("192.168.7")


async def another_network(lab: Internet, two: Talk) -> None:
    """Ana's machine leaves her home for another network, with another kind of NAT."""
    lab.roam(two.ana.home, Nat.ENDPOINT_INDEPENDENT, HOME_LINE)


SOME: dict[str, Fault] = {
    "cut for 8 s": a_cut(8),
    "new address": a_new_address,
    "stopped for 12 s": a_stop(12),
}

MORE: dict[str, Fault] = {
    **SOME,
    "cut for 30 s": a_cut(30),
    "no way to each other for 8 s": a_cut_between_them(8),
    "no way to each other for 30 s": a_cut_between_them(30),
    "another network": another_network,
    "stopped for 60 s": a_stop(60),
}


@on_guarded_loop
async def test_nothing_is_lost_in_an_interruption(tmp_path: Path) -> None:
    await check(SOME, tmp_path)


@pytest.mark.matrix
@pytest.mark.timeout(900)
@on_guarded_loop
async def test_nothing_is_lost_in_a_long_interruption(tmp_path: Path) -> None:
    await check(MORE, tmp_path)


async def check(faults: dict[str, Fault], folder: Path) -> None:
    """Lets all of them happen side by side, each to a pair of its own; prints how long it took to recover."""
    with ExitStack() as stack:
        lab = stack.enter_context(internet.internet())
        stack.enter_context(services.stun_server(lab))
        stack.enter_context(services.signaling(lab))

        async def suffer(number: int, fault: Fault) -> float:
            homes = lab.home(Nat.ADDRESS_RESTRICTED, HOME_LINE), lab.home(Nat.CARRIER_GRADE, HOME_LINE)
            async with talk(*homes, folder / str(number)) as two:
                async with chattering(two):
                    await two.file_moves()
                    await fault(lab, two)
                    seconds = await two.heard_anew()
                await two.ends_well()
                return seconds

        tried = [suffer(number, fault) for number, fault in enumerate(faults.values())]
        outcomes = await asyncio.gather(*tried, return_exceptions=True)
    found = {name: outcome for name, outcome in zip(faults, outcomes, strict=True) if isinstance(outcome, float)}
    print("\n".join(f"| {name} | {taken:.1f} s |" for name, taken in found.items()))
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    promised = {name: page.seconds(taken) for name, taken in page.rows("Interruptions")}
    bounds = {name: SLACK_TIMES * promised[name] + SLACK_SECONDS for name in found}
    assert {name: taken for name, taken in found.items() if taken > bounds[name]} == {}
