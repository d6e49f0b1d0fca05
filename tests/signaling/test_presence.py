"""Who is present over several ways, and what of it counts."""

from __future__ import annotations

from p2pchat.signaling.presence import OWN, REMEMBERED, SERVER, Presence
from tests.signaling.stage import ANA, BEN, EVA


def test_who_is_met_in_two_ways_comes_once_and_goes_once() -> None:
    presence = Presence()
    assert presence.arrived(OWN, BEN)
    assert not presence.arrived(BEN, BEN)
    assert not presence.left(OWN, BEN)
    assert presence.peers == {BEN}
    assert presence.left(BEN, BEN)
    assert not presence.left(BEN, BEN)


def test_a_way_can_be_taken_stock_of() -> None:
    presence = Presence()
    assert presence.replace(OWN, [ANA, BEN]) == ([ANA, BEN], [])
    presence.arrived(SERVER, ANA)
    assert presence.replace(OWN, [EVA]) == ([EVA], [BEN])
    assert presence.peers == {ANA, EVA}


def test_the_hub_of_a_peer_speaks_for_nobody_else() -> None:
    presence = Presence()
    assert not presence.arrived(EVA, BEN)
    assert presence.replace(EVA, [BEN, EVA]) == ([EVA], [])
    assert not presence.counts(EVA, BEN, "I am Ben")


def test_on_the_local_network_a_message_goes_every_way_and_counts_once() -> None:
    presence = Presence()
    presence.arrived(OWN, BEN)
    presence.arrived(BEN, BEN)
    assert presence.routes(BEN) == [OWN, BEN]
    assert presence.counts(BEN, BEN, {"kind": "offer"})
    assert not presence.counts(OWN, BEN, {"kind": "offer"})
    assert presence.counts(BEN, BEN, {"kind": "offer"}), "what was said twice is not the same as what came twice"
    assert presence.counts(OWN, BEN, {"kind": "answer"})


def test_the_server_alone_speaks_for_those_who_are_there_while_it_is_up() -> None:
    presence = Presence()
    presence.server_up = True
    presence.arrived(OWN, BEN)
    presence.arrived(SERVER, BEN)
    assert presence.routes(BEN) == [SERVER]
    assert not presence.counts(OWN, BEN, "offer of somebody else")
    assert presence.counts(SERVER, BEN, "offer")
    presence.server_up = False
    assert presence.routes(BEN) == [OWN]
    assert presence.counts(OWN, BEN, "offer over the local network")


def test_who_has_lost_the_server_is_reached_over_the_local_network() -> None:
    presence = Presence()
    presence.server_up = True
    presence.replace(SERVER, [BEN, EVA])
    presence.arrived(OWN, BEN)
    presence.lost_server(BEN, True)
    presence.lost_server(EVA, True)
    assert presence.cut_off == {EVA}, "there is another way to Ben"
    assert presence.routes(BEN) == [OWN]
    assert presence.routes(EVA) == [SERVER]
    presence.left(OWN, BEN)
    assert presence.cut_off == {BEN, EVA}
    presence.lost_server(BEN, False)
    assert presence.routes(BEN) == [SERVER]
    assert presence.cut_off == {EVA}


def test_what_is_meant_for_somebody_whom_only_the_server_knows_waits_for_it() -> None:
    presence = Presence()
    presence.arrived(SERVER, BEN)
    assert presence.routes(BEN) == [SERVER]
    assert presence.routes(EVA) == []


def test_what_is_remembered_is_bounded() -> None:
    presence = Presence()
    presence.arrived(OWN, BEN)
    presence.arrived(BEN, BEN)
    for number in range(REMEMBERED + 1):
        assert presence.counts(OWN, BEN, number)
    assert presence.counts(BEN, BEN, 0), "forgotten by now"
    assert not presence.counts(BEN, BEN, REMEMBERED)
