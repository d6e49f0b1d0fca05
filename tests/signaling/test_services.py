"""What is made of announcements, which anybody on the network can write."""

from __future__ import annotations

import ipaddress
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.signaling.local_networks import LocalNetworks
from p2pchat.signaling.services import (
    ADDRESSES,
    SERVICES,
    SERVICES_OF_ONE_MACHINE,
    Service,
    Services,
    described,
    peer_of,
    read_service,
    service_name,
)
from tests.signaling.stage import ANA, BEN, EVA

NEAR = LocalNetworks.of([(ipaddress.ip_address("192.168.1.7"), 24), (ipaddress.ip_address("fe80::7"), 64)])
TXT: dict[bytes, bytes | None] = {key.encode(): value for key, value in described(BEN).items()}


def invented(number: int, address: str = "") -> Service:
    """A service that nobody has."""
    digits = "".join("abcdefgh"[int(digit)] for digit in f"{number:08o}")
    return Service(digits, (address or f"192.168.{number // 250}.{number % 250}",), 4000)


def table() -> Services:
    return Services(ANA, random.Random(1).randrange)


def test_an_announcement_tells_peer_addresses_and_port() -> None:
    found = read_service(service_name(BEN), TXT, ["192.168.1.9", "fe80::9%2"], 4000, NEAR)
    assert found == Service(BEN, ("192.168.1.9", "fe80::9%2"), 4000)


def test_an_announcement_names_nobody() -> None:
    assert service_name(BEN) == f"{BEN}._p2pchat._tcp.local."
    assert described(BEN) == {"v": b"1", "id": BEN.encode()}


@pytest.mark.parametrize(
    ("name", "txt"),
    [
        (service_name(EVA), TXT),
        (service_name(BEN.upper()), TXT),
        (service_name("ben"), TXT),
        (service_name("ben\x1b[2Jbenb"), TXT),
        (f"{BEN}._http._tcp.local.", TXT),
        (service_name(BEN), {}),
        (service_name(BEN), {b"v": b"2", b"id": BEN.encode()}),
        (service_name(BEN), {b"v": None, b"id": None}),
        (service_name(BEN), {b"v": b"1", b"id": b"\xff" * 200}),
    ],
)
def test_one_that_does_not_fit_together_is_ignored(name: str, txt: dict[bytes, bytes | None]) -> None:
    assert read_service(name, txt, ["192.168.1.9"], 4000, NEAR) is None


def test_addresses_elsewhere_are_ignored_and_without_others_the_whole_announcement() -> None:
    elsewhere = ["8.8.8.8", "127.0.0.1", "10.0.0.1", "2001:db8::1", "nonsense"]
    assert read_service(service_name(BEN), TXT, elsewhere, 4000, NEAR) is None
    found = read_service(service_name(BEN), TXT, [*elsewhere, "192.168.1.9", "192.168.1.9"], 4000, NEAR)
    assert found == Service(BEN, ("192.168.1.9",), 4000)


def test_many_addresses_are_cut_and_a_port_is_a_port() -> None:
    many = [f"192.168.1.{n}" for n in range(1, 200)]
    found = read_service(service_name(BEN), TXT, many, 4000, NEAR)
    assert found is not None
    assert found.addresses == tuple(many[:ADDRESSES])
    for port in (None, 0, -1, 65536):
        assert read_service(service_name(BEN), TXT, many, port, NEAR) is None


@given(
    st.text(max_size=80),
    st.dictionaries(st.binary(max_size=9), st.none() | st.binary(max_size=300), max_size=4),
    st.lists(st.text(max_size=50), max_size=5),
    st.none() | st.integers(),
)
def test_garbage_is_ignored(name: str, txt: dict[bytes, bytes | None], addresses: list[str], port: int | None) -> None:
    assert read_service(service_name(name), txt, addresses, port, NEAR) is None
    assert peer_of(name) is None


def test_our_own_id_is_nobody_elses() -> None:
    services = table()
    assert not services.add(Service(ANA, ("192.168.1.66",), 4000))
    assert services.latest() == []


def test_what_was_told_before_is_no_news_and_another_place_is() -> None:
    services = table()
    assert services.add(Service(BEN, ("192.168.1.9",), 4000))
    assert not services.add(Service(BEN, ("192.168.1.9",), 4000))
    assert services.add(Service(BEN, ("192.168.1.10",), 4000))
    assert services.get(BEN) == Service(BEN, ("192.168.1.9",), 4000), "what was announced first is tried first"
    assert services.latest() == [Service(BEN, ("192.168.1.10",), 4000)]
    services.turn(BEN)
    assert services.get(BEN) == Service(BEN, ("192.168.1.10",), 4000)
    services.turn(BEN)
    assert services.get(BEN) == Service(BEN, ("192.168.1.9",), 4000), "one of them may have been a lie"
    services.remove(BEN)
    services.remove(BEN)
    assert services.get(BEN) is None


def test_who_has_never_let_us_in_is_doubtful() -> None:
    services = table()
    assert not services.doubtful
    services.add(Service(BEN, ("192.168.1.9",), 4000))
    assert services.doubtful
    services.proved(BEN)
    assert not services.doubtful
    services.add(Service(EVA, ("192.168.1.11",), 4000))
    assert services.doubtful


def test_thousands_of_inventions_drive_nobody_away_and_keep_nobody_out() -> None:
    services = table()
    services.add(Service(BEN, ("192.168.1.9",), 4000))
    services.proved(BEN)
    for number in range(5000):
        services.add(invented(number))
        assert len(services) <= SERVICES
    assert BEN in services
    assert services.add(Service(EVA, ("192.168.1.11",), 4000))
    assert EVA in services


def test_one_machine_has_room_for_a_few_programs() -> None:
    services = table()
    for number in range(1000):
        services.add(invented(number, "192.168.1.66"))
    assert len(services) == SERVICES_OF_ONE_MACHINE


def test_a_table_of_those_who_are_there_takes_no_more() -> None:
    services = table()
    for number in range(SERVICES):
        services.add(invented(number))
        services.proved(invented(number).peer)
    assert not services.add(Service(EVA, ("192.168.1.11",), 4000))
