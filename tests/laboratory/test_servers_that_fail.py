"""Servers that are silent or killed: what they were needed for takes another way, or waits."""

from __future__ import annotations

import asyncio
import signal
import statistics
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.laboratory import internet, services
from tests.laboratory.link import Quality, network
from tests.laboratory.link import missing as no_link
from tests.laboratory.nat import Nat
from tests.laboratory.places import missing
from tests.laboratory.resident import Resident
from tests.laboratory.stage import Talker, server_at
from tests.laboratory.talk import HOME_LINE, chattering, talk
from tests.node.player import on_guarded_loop

_MISSING = no_link() or missing("nft")
pytestmark = [pytest.mark.skipif(bool(_MISSING), reason=_MISSING), pytest.mark.timeout(600)]

ROUNDS = 3
SILENCE_SECONDS = 0.2
"""What a silent STUN server may cost on a LAN."""

JOIN_SECONDS = 5.0
"""For somebody new to join and be connected after a server has come back."""

DOWN_SECONDS = 3.0


@on_guarded_loop
async def test_a_silent_stun_server_does_not_delay_a_connection_on_the_lan(tmp_path: Path) -> None:
    times: dict[str, list[float]] = {"nobody is asked": [], "nobody answers": []}
    options = {"nobody is asked": [], "nobody answers": ["--ice", f"stun:{internet.STUN_SILENT}"]}
    async with AsyncExitStack() as stack:
        lan = stack.enter_context(network(Quality(delay=0.001)))
        server = stack.enter_context(server_at(lan, 0))
        for place in (0, 1):
            lan.leads_nowhere(place)
        for room, asked in options.items():
            ana = Talker("ana", server, tmp_path / room, lan, 0, options=asked, room=room)
            await (await stack.enter_async_context(ana)).until("ready")
        for _ in range(ROUNDS):
            for room, asked in options.items():
                async with Talker("ben", server, tmp_path / room, lan, 1, options=asked, room=room) as ben:
                    ready = await ben.until("ready")
                    times[room].append((await ben.until("peer", state="connected"))["t"] - ready["t"])
                    ben.do("quit")
                    await ben.ended()
    usual, without_answer = (statistics.median(taken) for taken in times.values())
    print(f"to connect on a LAN: {usual:.3f} s, with a silent STUN server {without_answer:.3f} s")
    assert without_answer < usual + max(SILENCE_SECONDS, usual)


@on_guarded_loop
async def test_a_killed_server_is_not_missed_and_new_peers_join_when_it_is_back(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        lab = stack.enter_context(internet.internet())
        stack.enter_context(services.stun_server(lab))
        first = stack.enter_context(services.signaling(lab))
        homes = [lab.home(Nat.ADDRESS_RESTRICTED, HOME_LINE) for _ in range(3)]
        two = await stack.enter_async_context(talk(homes[0], homes[1], tmp_path / "room"))
        async with chattering(two):
            await two.file_moves()
            first.send_signal(signal.SIGKILL)
            await asyncio.sleep(DOWN_SECONDS)
            while_down = await two.heard_anew()
            stack.enter_context(services.signaling(lab))
            server, ice = services.signaling_url(), services.stun_urls()
            back = time.time()
            cleo = await stack.enter_async_context(Resident("cleo", homes[2], server, tmp_path, ice, "room"))
            joined = max([(await cleo.until("peer", name=one.name, state="connected"))["t"] for one in two.both])
            ready = cleo.all("ready")[0]["t"]
        await two.ends_well()
        for one in two.both:
            assert one.all("peer", state="lost") == []
    print(f"new peer after a restart: {joined - ready:.2f} s after joining, {joined - back:.2f} s after the restart")
    assert while_down < JOIN_SECONDS
    assert joined - ready < JOIN_SECONDS
