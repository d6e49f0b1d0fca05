"""People in words: nobody becomes somebody else, or verified, by what he calls himself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pchat.errors import PeerUnreachable
from p2pchat.node.events import PeerState, Trust
from p2pchat.tui.people import (
    find_contact,
    find_peer,
    fitting_state,
    full_label,
    plain_name,
    short_tag,
    trust,
    verified_sign,
)
from tests.tui.stage import BEN, CONTACTS, CYD


@pytest.mark.parametrize("name", ["ben·m2xd", "ben•m2xd", "ben✓", "ben ✔ ☑ ✅", "ben·m2xd✓"])
def test_a_name_cannot_carry_a_key_tag_or_the_sign_of_a_verified_key(name: str) -> None:
    label = full_label(CYD.peer, name)
    assert label.endswith("·p0aw")
    assert label.count("·") == 1
    assert "✓" not in label


def test_names_of_other_scripts_stay_as_they_are() -> None:
    for name in ("Zoë", "김철수", "Joan d'Arc", "ジョン・スミス", "O'Brien (work)"):
        assert plain_name(name) == name


def test_a_second_terminal_with_one_key_is_told_apart() -> None:
    assert (short_tag("m2xdq7ra"), short_tag("m2xdq7ra-2")) == ("m2xd", "m2xd-2")


def test_only_a_connected_peer_has_proved_anything() -> None:
    assert (trust(BEN), verified_sign(BEN)) == ("verified", "✓")
    assert (trust(CYD), verified_sign(CYD)) == ("new key", "")
    for state in (PeerState.CONNECTING, PeerState.LOST, PeerState.FAILED):
        assert (trust(replace(BEN, state=state)), verified_sign(replace(BEN, state=state))) == ("", "")
    assert trust(replace(BEN, trust=Trust.KNOWN)) == "known"


@pytest.mark.parametrize("wanted", ["ben", "BEN", "ben·m2xd", "m2xdq7ra", "m2x"])
def test_a_peer_is_found_as_it_is_shown(wanted: str) -> None:
    assert find_peer([CYD, BEN], wanted) is BEN


def test_who_calls_himself_like_a_tag_is_not_taken_for_its_owner() -> None:
    liar = replace(CYD, name=BEN.peer)
    assert find_peer([liar, BEN], BEN.peer) is BEN
    assert find_peer([replace(CYD, name="m2xd"), BEN], "ben·m2xd") is BEN


@pytest.mark.parametrize(("wanted", "reason"), [("zoe", "zoe is not connected"), ("b", "Several people")])
def test_nobody_is_guessed(wanted: str, reason: str) -> None:
    peers = [BEN, replace(CYD, peer="baaaaaaa"), replace(CYD, peer="bbbbbbbb")]
    with pytest.raises(PeerUnreachable, match=reason):
        find_peer(peers, wanted)


def test_who_is_not_connected_is_not_found() -> None:
    with pytest.raises(PeerUnreachable):
        find_peer([replace(BEN, state=PeerState.LOST)], "ben")


def test_a_contact_is_found_by_the_label_that_is_shown_and_by_nothing_less() -> None:
    assert find_contact(CONTACTS, "ben·m2xd") is CONTACTS[0]
    assert find_contact(CONTACTS, "cyd from work·p0aw") is CONTACTS[1]
    assert find_contact(CONTACTS, "ben") is None
    assert find_contact([CONTACTS[0], replace(CONTACTS[0], key="00" * 32)], "ben·m2xd") is None


@pytest.mark.parametrize(
    ("cells", "reads"),
    [
        (60, "lost: no packet came back from the rel…; trying again in 3 s"),
        (61, "lost: no packet came back from the relay; trying again in 3 s"),
        (45, "lost: no packet came ba…; trying again in 3 s"),
        (30, "lost, trying again in 3 s"),
        (18, "lost, again in 3 s"),
        (15, "again in 3 s"),
        (4, "lost"),
    ],
)
def test_what_happens_next_stays_in_sight_when_not_all_of_the_reason_fits(cells: int, reads: str) -> None:
    info = replace(BEN, state=PeerState.LOST, reason="no packet came back from the relay; trying again in 3 s")
    assert fitting_state(info, cells) == reads


def test_a_link_that_is_there_and_gives_no_answer_says_so() -> None:
    silent = replace(BEN, reason="nothing heard for 10 s; trying another link")
    assert fitting_state(silent, 80) == "direct: nothing heard for 10 s; trying another link"
    assert fitting_state(BEN, 80) == "direct 12 ms"
