"""The laboratory's routers do what their names say."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.laboratory import internet, services, stun
from tests.laboratory.internet import Home
from tests.laboratory.nat import Nat
from tests.laboratory.places import missing

pytestmark = pytest.mark.skipif(bool(missing("nft")), reason=missing("nft"))

BEHAVIOUR = {
    Nat.ENDPOINT_INDEPENDENT: (stun.SAME, stun.SAME),
    Nat.ADDRESS_RESTRICTED: (stun.SAME, stun.BY_ADDRESS),
    Nat.CARRIER_GRADE: (stun.SAME, stun.BY_ADDRESS_AND_PORT),
    Nat.SYMMETRIC: (stun.BY_ADDRESS_AND_PORT, stun.BY_ADDRESS_AND_PORT),
}


def asked(home: Home) -> stun.Behaviour:
    """What the NAT of a home does."""
    command = (sys.executable, "-m", "tests.laboratory.stun", "ask", internet.STUN, internet.STUN_OTHER)
    return stun.Behaviour(**json.loads(home.host.run(*command)))


def test_each_router_maps_and_filters_as_its_kind_does() -> None:
    with internet.internet() as lab, services.stun_server(lab):
        homes = [lab.home(nat) for nat in Nat]
        with ThreadPoolExecutor() as side_by_side:
            found = {home.nat: what for home, what in zip(homes, side_by_side.map(asked, homes), strict=True)}
    assert {nat: (what.mapping, what.filtering) for nat, what in found.items()} == BEHAVIOUR
    assert {nat: what.address for nat, what in found.items()} == {home.nat: home.public for home in homes}
    assert [nat for nat, what in found.items() if not what.port_kept] == [Nat.SYMMETRIC]
