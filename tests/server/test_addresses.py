"""Who a request is from: proxies are believed when the operator named them, and nobody else is."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling_server.addresses import (
    ForwardedHeader,
    Pseudonyms,
    client_address,
    counted_as,
    parse_address,
    parse_network,
)

XFF, FORWARDED = ForwardedHeader.X_FORWARDED_FOR, ForwardedHeader.FORWARDED
TRUSTED = [ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")]


def client(peer: str, *values: str, header: ForwardedHeader = XFF) -> str:
    return str(client_address(peer, header, values, TRUSTED))


def test_a_stranger_cannot_say_who_it_is() -> None:
    assert client("192.0.2.1", "198.51.100.9") == "192.0.2.1"
    assert client("2001:db8::1", "198.51.100.9") == "2001:db8::1"


def test_a_trusted_proxy_is_believed() -> None:
    assert client("10.0.0.1", "198.51.100.9") == "198.51.100.9"
    assert client("2001:db8:ffff::1", "2001:db8::7") == "2001:db8::7"
    assert client("10.0.0.1") == "10.0.0.1"


def test_what_the_client_wrote_in_front_is_hearsay() -> None:
    assert client("10.0.0.1", "127.0.0.1, 203.0.113.5, 198.51.100.9") == "198.51.100.9"
    assert client("10.0.0.1", "127.0.0.1", "198.51.100.9") == "198.51.100.9"


def test_a_chain_of_proxies_leads_to_the_nearest_one_that_is_not_trusted() -> None:
    assert client("10.0.0.1", "203.0.113.5, 198.51.100.9, 10.1.1.1, 10.2.2.2") == "198.51.100.9"
    assert client("10.0.0.1", "10.3.3.3, 10.2.2.2") == "10.3.3.3"


def test_garbage_ends_the_chain_at_who_passed_it_on() -> None:
    for garbage in ("", "unknown", "_hidden", "198.51.100.9.1", "]]", "💥", "198.51.100.9,", "x" * 100_000):
        assert client("10.0.0.1", garbage) == "10.0.0.1"
    assert client("10.0.0.1", "198.51.100.9, nonsense, 10.2.2.2") == "10.2.2.2"


def test_the_header_of_the_rfc() -> None:
    assert client(
        "10.0.0.1", 'for=192.0.2.60;proto=http;by=203.0.113.43, For="[2001:db8::7]:4711"', header=FORWARDED
    ) == ("2001:db8::7")
    assert client("10.0.0.1", "proto=https;for=198.51.100.9:80", header=FORWARDED) == "198.51.100.9"
    assert client("10.0.0.1", "by=198.51.100.9", header=FORWARDED) == "10.0.0.1"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1:443", IPv4Address("192.0.2.1")),
        (" ::ffff:192.0.2.1 ", IPv4Address("192.0.2.1")),
        ("[::1]", IPv6Address("::1")),
        ("fe80::1%eth0", IPv6Address("fe80::1")),
        ("192.0.2.1.", None),
        ("", None),
    ],
)
def test_addresses_as_they_are_written(text: str, address: object) -> None:
    assert parse_address(text) == address


def test_an_ipv6_household_counts_as_one() -> None:
    assert counted_as(parse_address("2001:db8:1:2::3")) == counted_as(parse_address("2001:db8:1:2:ffff::"))
    assert counted_as(parse_address("2001:db8:1:2::3")) != counted_as(parse_address("2001:db8:1:3::3"))
    assert counted_as(parse_address("192.0.2.1")) != counted_as(parse_address("192.0.2.2"))
    assert counted_as(None) == ""


def test_networks_may_have_bits_behind_their_prefix() -> None:
    assert parse_network(" 10.1.2.3/8") == ip_network("10.0.0.0/8")
    with pytest.raises(ValueError, match="nonsense"):
        parse_network("nonsense")


@given(st.text(max_size=40), st.lists(st.text(max_size=60), max_size=4), st.sampled_from(ForwardedHeader))
def test_nothing_that_is_written_raises(peer: str, values: list[str], header: ForwardedHeader) -> None:
    assert client_address(peer, header, values, TRUSTED) == client_address(peer, header, values, TRUSTED)


@given(st.lists(st.ip_addresses().map(str), max_size=5))
def test_a_forged_list_never_hides_who_the_proxy_saw(forged: list[str]) -> None:
    assert client("10.0.0.1", ", ".join([*forged, "198.51.100.9"])) == "198.51.100.9"


def test_pseudonyms_last_a_day_and_say_nothing() -> None:
    names, others = Pseudonyms(), Pseudonyms()
    today = names.of("192.0.2.1", 86_400.0)
    assert today == names.of("192.0.2.1", 2 * 86_400.0 - 1)
    assert today != names.of("192.0.2.2", 86_400.0)
    assert today != others.of("192.0.2.1", 86_400.0)
    assert today != names.of("192.0.2.1", 2 * 86_400.0)
