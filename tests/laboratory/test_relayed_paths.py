"""Paths through a TURN server: taken where there is no other, and left when there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.json_process import connected
from tests.laboratory import internet, services
from tests.laboratory.nat import Nat
from tests.laboratory.places import missing
from tests.laboratory.resident import Resident
from tests.node.player import on_guarded_loop

pytestmark = pytest.mark.skipif(bool(missing("nft", "turnserver")), reason=missing("nft", "turnserver"))

MESSAGES = 20


@on_guarded_loop
async def test_a_home_without_udp_connects_over_turn_with_tls(tmp_path: Path) -> None:
    with (
        internet.internet() as lab,
        services.stun_server(lab),
        services.signaling(lab),
        services.turn_server(lab, tmp_path) as authority,
    ):
        office, home = lab.home(Nat.ADDRESS_RESTRICTED), lab.home(Nat.ENDPOINT_INDEPENDENT)
        ice, server = [*services.stun_urls(), services.turn_url("tls")], services.signaling_url()
        with lab.without_udp(office):
            async with (
                Resident("ana", office, server, tmp_path, ice, authority=authority) as ana,
                Resident("ben", home, server, tmp_path, ice, authority=authority) as ben,
            ):
                await connected(ana, ben)
                assert ben.all("peer", state="connected")[-1]["path"] == "relay"
                ana.do("say", text="through the relay")
                await ben.until("message", text="through the relay")


@on_guarded_loop
async def test_a_relayed_link_becomes_direct_once_there_is_a_direct_path(tmp_path: Path) -> None:
    with (
        internet.internet() as lab,
        services.stun_server(lab),
        services.signaling(lab),
        services.turn_server(lab, tmp_path),
    ):
        homes = lab.home(Nat.ADDRESS_RESTRICTED), lab.home(Nat.ADDRESS_RESTRICTED)
        ice, server = [*services.stun_urls(), services.turn_url("udp")], services.signaling_url()
        async with (
            Resident("ana", homes[0], server, tmp_path, ice) as ana,
            Resident("ben", homes[1], server, tmp_path, ice) as ben,
        ):
            with lab.parted(*homes):
                await connected(ana, ben)
                assert ben.all("peer", state="connected")[-1]["path"] == "relay"
            said = [f"on the way {number}" for number in range(MESSAGES)]
            for text in said[: MESSAGES // 2]:
                ana.do("say", text=text)
            for one in (ana, ben):
                await one.until("peer", state="connected", path="direct")
            for text in said[MESSAGES // 2 :]:
                ana.do("say", text=text)
            await ben.until("message", text=said[-1])
            assert [message["text"] for message in ben.all("message")] == said
            assert ben.all("peer", state="lost") == []
