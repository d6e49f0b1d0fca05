"""Why there is no connection: each thing that an attempt can have seen, and what the user is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.rtc.diagnosis import HINTS, Asked, Facts, Named, diagnose, is_symmetric, why_no_relay
from p2pchat.rtc.servers import Failure, Server, parse

BASE = ("192.168.1.2", 5000)
HOST = Named("host", 4, BASE)
HOST6 = Named("host", 6, ("2001:db8::2", 5000))
SRFLX = Named("srflx", 4, ("198.51.100.7", 4001), BASE)
OTHER_PORT = Named("srflx", 4, ("198.51.100.7", 4002), BASE)
RELAY = Named("relay", 4, ("203.0.113.3", 50_000), ("198.51.100.7", 4003))
STUN = parse("stun:stun.example")
TURN = parse("turn:turn.example", "user", "secret-word")
TURNS = parse("turns:turn.example", "user", "secret-word")
SECONDS = 15.0


def said(facts: Facts) -> str:
    return diagnose(facts, SECONDS).sentence


def test_nobody_answered() -> None:
    assert said(Facts(False, [HOST], [])) == "no connection within 15 s: the other side did not answer"


def test_symmetric_nat_on_both_sides_and_no_turn() -> None:
    facts = Facts(True, [HOST, SRFLX, OTHER_PORT], [HOST, SRFLX, OTHER_PORT], [Asked(STUN, None)])
    why = diagnose(facts, SECONDS)
    assert why.sentence == "no route: symmetric NAT on both sides and no TURN server to relay"
    assert "--ice turn:" in why.hint


def test_checks_that_got_through_leave_no_blame_to_the_network() -> None:
    facts = Facts(True, [HOST, SRFLX, OTHER_PORT], [HOST, SRFLX, OTHER_PORT], way_found=True)
    assert said(facts) == "a way to the other side was found, but no encrypted connection came about over it"


def test_symmetric_nat_on_our_side() -> None:
    facts = Facts(True, [HOST, SRFLX, OTHER_PORT], [HOST, SRFLX], [Asked(STUN, None)])
    assert said(facts).startswith("no route: your router gives each connection another port (symmetric NAT)")


def test_symmetric_nat_on_the_other_side_is_told_as_the_guess_that_it_is() -> None:
    facts = Facts(True, [HOST, SRFLX], [HOST, SRFLX, OTHER_PORT], [Asked(STUN, None)])
    assert said(facts).startswith("no route: the other side's router seems to give each connection another port")


def test_symmetric_nat_and_a_turn_server_that_refuses() -> None:
    facts = Facts(
        True,
        [HOST, SRFLX, OTHER_PORT],
        [HOST, SRFLX, OTHER_PORT],
        [Asked(STUN, None), Asked(TURN, Failure.CREDENTIALS)],
    )
    why = diagnose(facts, SECONDS)
    assert why.sentence == (
        "no route: symmetric NAT on both sides and the TURN server turn.example refuses the user name or the password"
    )
    assert why.hint == HINTS[Failure.CREDENTIALS]


@pytest.mark.parametrize("failure", list(Failure))
def test_each_thing_that_is_wrong_with_a_turn_server_is_told(failure: Failure) -> None:
    facts = Facts(True, [HOST, SRFLX], [HOST, SRFLX], [Asked(STUN, None), Asked(TURN, failure)])
    assert said(facts) == f"no direct route was found, and the TURN server turn.example {failure.value}"


def test_a_turn_server_that_says_something_tells_more_than_a_silent_one() -> None:
    why = why_no_relay([Asked(TURN, Failure.SILENT), Asked(TURNS, Failure.CERTIFICATE)])
    assert why is not None
    assert why.sentence == "the TURN server turn.example over TLS has no certificate that can be trusted"
    assert "SSL_CERT_FILE" in why.hint
    assert why_no_relay([Asked(TURN, Failure.SILENT), Asked(TURNS, None)]) is None
    assert why_no_relay([]) is None


def test_udp_is_blocked() -> None:
    facts = Facts(True, [HOST], [HOST, SRFLX], [Asked(STUN, Failure.SILENT)])
    assert said(facts) == "no STUN server answers over UDP: this network seems to block UDP"


def test_blocked_udp_is_told_although_the_other_side_has_a_relay() -> None:
    facts = Facts(True, [HOST], [HOST, SRFLX, RELAY], [Asked(STUN, Failure.SILENT), Asked(TURN, Failure.SILENT)])
    assert said(facts) == "no STUN or TURN server answers over UDP: this network seems to block UDP"


def test_a_relay_of_ours_over_tls_that_does_not_help_is_told_although_udp_is_blocked() -> None:
    facts = Facts(True, [HOST, RELAY], [HOST], [Asked(STUN, Failure.SILENT), Asked(TURNS, None)])
    assert "not even through our TURN server turn.example over TLS" in said(facts)


def test_only_relays_and_none_to_be_had() -> None:
    facts = Facts(True, [], [HOST], [Asked(TURN, Failure.QUOTA)], relay_only=True)
    assert said(facts) == "only relays may be used, and the TURN server turn.example has no more relays for this user"
    assert said(Facts(True, [], [HOST], relay_only=True)) == "only relays may be used, and there is no TURN server"


def test_the_peer_names_no_address() -> None:
    assert said(Facts(True, [HOST], [])) == "the other side named no address at which it can be reached"


def test_we_have_no_address() -> None:
    assert said(Facts(True, [], [HOST])) == "this machine has no address at which it can be reached"


def test_the_two_sides_have_no_version_of_ip_in_common() -> None:
    assert said(Facts(True, [HOST], [HOST6])) == "this side has only IPv4 and the other only IPv6"


def test_not_even_a_relay_helped() -> None:
    ours = Facts(True, [HOST, RELAY], [HOST], [Asked(TURN, None)])
    assert said(ours) == "no route between the two machines was found, not even through our TURN server turn.example"
    theirs = Facts(True, [HOST], [HOST, RELAY])
    assert said(theirs).endswith("not even through the relay of the other side")


def test_two_networks_and_no_stun_server() -> None:
    assert "no STUN server is known" in said(Facts(True, [HOST], [HOST]))


def test_two_networks_and_a_stun_server_of_no_use() -> None:
    facts = Facts(True, [HOST], [HOST], [Asked(STUN, Failure.UNKNOWN_NAME)])
    assert said(facts) == (
        "no route within the local networks, and the STUN server stun.example has a name that cannot be resolved"
    )


def test_nothing_is_known_but_that_it_does_not_work() -> None:
    facts = Facts(True, [HOST, SRFLX], [HOST, SRFLX], [Asked(STUN, None)])
    assert said(facts).startswith("no route between the two machines was found")


def test_a_nat_is_symmetric_when_one_socket_is_seen_at_two_ports() -> None:
    other_socket = Named("srflx", 4, ("198.51.100.7", 4002), ("192.168.1.2", 6000))
    hidden = [Named("srflx", 4, ("198.51.100.7", port), ("0.0.0.0", 9)) for port in (1, 2)]
    assert is_symmetric([HOST, SRFLX, OTHER_PORT])
    assert not is_symmetric([HOST, SRFLX, SRFLX, other_socket])
    assert not is_symmetric(hidden)


servers = st.sampled_from([STUN, TURN, TURNS])
named = st.lists(st.sampled_from([HOST, HOST6, SRFLX, OTHER_PORT, RELAY]), max_size=6)


@given(
    st.builds(
        Facts,
        st.booleans(),
        named,
        named,
        st.lists(st.builds(Asked, servers, st.none() | st.sampled_from(Failure)), max_size=5),
        st.booleans(),
    )
)
def test_whatever_was_seen_there_is_a_sentence_and_no_credential_in_it(facts: Facts) -> None:
    why = diagnose(facts, SECONDS)
    assert why.sentence
    assert not why.sentence.endswith(".")
    assert "secret-word" not in why.sentence + why.hint


def test_a_server_is_named_without_control_characters() -> None:
    assert "\x1b" not in str(Server(False, "evil\x1b[2J", 1))
