"""Which addresses are one step away."""

from __future__ import annotations

import ipaddress

import pytest

from p2pchat.signaling.local_networks import ADDRESSES_TOLD, LocalNetworks


def on(*interfaces: str) -> LocalNetworks:
    found = [ipaddress.ip_interface(text) for text in interfaces]
    return LocalNetworks.of([(interface.ip, interface.network.prefixlen) for interface in found])


HOME = on("127.0.0.1/8", "::1/128", "192.168.1.7/24", "fe80::7/64", "fd00:5::7/64")


@pytest.mark.parametrize(
    "address",
    ["192.168.1.7", "192.168.1.200", "fe80::1", "fe80::1%2", "fe80::1%eth0", "fd00:5::1", "::ffff:192.168.1.200"],
)
def test_what_is_in_a_network_of_an_interface_is_one_step_away(address: str) -> None:
    assert HOME.reach(address)


@pytest.mark.parametrize(
    "address",
    [
        *("192.168.2.1", "10.0.0.1", "8.8.8.8", "2001:db8::1", "fd00:6::1", "::ffff:8.8.8.8"),
        *("127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "224.0.0.251", "ff02::fb"),
        *("", "printer.local", "192.168.1", "192.168.1.7:22", "1" * 5000),
    ],
)
def test_everything_else_is_foreign(address: str) -> None:
    assert not HOME.reach(address)


def test_a_machine_with_nothing_but_loopback_is_a_network_of_its_own() -> None:
    alone = on("127.0.0.1/8", "::1/128")
    assert alone.reach("127.0.0.1")
    assert alone.reach("::1")
    assert not alone.reach("192.168.1.7")


def test_an_interface_that_claims_the_whole_internet_is_no_local_network() -> None:
    vpn = on("10.8.0.2/0", "fd00::2/8", "192.168.1.7/24")
    assert vpn.reach("10.8.0.2")
    assert not vpn.reach("8.8.8.8")
    assert not vpn.reach("fd77::1")
    assert vpn.reach("192.168.1.8")


def test_loopback_is_not_announced_beside_others_and_the_list_is_short() -> None:
    assert [str(address) for address in HOME.addresses] == ["192.168.1.7", "fd00:5::7", "fe80::7"]
    assert len(on(*(f"10.0.{n}.1/24" for n in range(20))).addresses) == ADDRESSES_TOLD


def test_this_machine_can_be_asked() -> None:
    networks = LocalNetworks.now()
    assert all(networks.reach(str(address)) for address in networks.addresses)
