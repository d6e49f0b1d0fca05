"""Session descriptions with candidates and without, URIs of servers, and paths in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.rtc import candidates, trickle
from p2pchat.rtc.path import PathInfo
from p2pchat.rtc.servers import Server, parse

SDP = (
    "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    "a=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\na=end-of-candidates\r\na=ice-ufrag:abcd\r\n"
)


def test_candidates_are_taken_out_of_a_description_and_can_be_put_back() -> None:
    taken = trickle.received(SDP)
    assert taken.candidates == ("candidate:1 1 udp 1 192.0.2.1 5 typ host",)
    assert (taken.complete, taken.trickles) == (True, False)
    assert "candidate" not in taken.sdp
    again = trickle.received(trickle.described(taken.sdp, more=True, added=taken.candidates))
    assert (again.candidates, again.complete, again.trickles) == (taken.candidates, False, True)
    assert trickle.received(trickle.described(taken.sdp, more=False)).complete


@pytest.mark.parametrize(
    ("options", "trickles"),
    [("trickle", True), ("trickle renomination", True), ("ice2 trickle", True), ("trickles", False), ("ice2", False)],
)
def test_whether_a_peer_takes_candidates_later_is_one_of_its_options(options: str, trickles: bool) -> None:
    assert trickle.received(f"v=0\r\na=ice-options:{options}\r\n").trickles is trickles


@given(st.text(max_size=300))
def test_any_description_is_taken_apart(sdp: str) -> None:
    trickle.received(sdp)


@given(st.text(max_size=300) | st.text("candidate: 1udp.typhosrlx0", max_size=80).map("candidate:".__add__))
def test_any_candidate_is_read_or_left_out(text: str) -> None:
    read = candidates.parse(text)
    assert read is None or candidates.parse(candidates.text_of(read)) is not None


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("stun:stun.example", Server(False, "stun.example", 3478)),
        ("stun:[2001:db8::1]:1", Server(False, "2001:db8::1", 1)),
        ("turn:192.0.2.1?transport=tcp", Server(True, "192.0.2.1", 3478, "tcp")),
        ("turn:h:80?transport=udp", Server(True, "h", 80)),
        ("turns:h", Server(True, "h", 5349, "tls")),
        ("turns:h:443?transport=tcp", Server(True, "h", 443, "tls")),
    ],
)
def test_a_uri_names_a_server_and_the_way_to_it(uri: str, server: Server) -> None:
    assert parse(uri) == server


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "stun:",
        "stun:h:0",
        "stun:h:65536",
        "stun:h?transport=tcp",
        "stuns:h",
        "turns:h?transport=udp",
        "turn:u:p@h",
        "turn:h?transport=sctp",
        "stun:[::x]",
        "stun:[12]",
        "stun:h/path",
        "stun:h\n",
    ],
)
def test_a_uri_that_means_nothing_is_refused(uri: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - ipaddress has its own words
        parse(uri)


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (PathInfo("host", "host", 4, inner=True), "IPv4, same network"),
        (PathInfo("host", "host", 6, inner=False), "IPv6 public"),
        (PathInfo("srflx", "prflx", 4, inner=False), "IPv4 public"),
        (PathInfo("relay", "srflx", 4, False, "turn.example", "udp"), "through relay turn.example"),
        (PathInfo("relay", "relay", 4, False, "turn.example", "tls"), "through relay turn.example over TLS"),
        (PathInfo("host", "relay", 4, inner=False), "through the other side's relay"),
    ],
)
def test_a_path_is_told_in_a_few_words(info: PathInfo, words: str) -> None:
    assert info.addresses == words
    assert info.relayed == ("relay" in words)
