"""Which addresses are offered, and in which order."""

from __future__ import annotations

import socket

import pytest

from p2pchat.rtc import addresses


def test_the_way_to_the_world_comes_before_bridges_that_lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ["172.17.0.1", "172.18.0.1", "192.168.1.5", "fd00::1", "2001:db8:1::5"]
    monkeypatch.setattr(addresses, "_without_loopback", lambda use_ipv4, use_ipv6: list(own))
    monkeypatch.setattr(addresses, "outgoing_addresses", lambda: {"192.168.1.5", "2001:db8:1::5"})
    outgoing, leading_nowhere = ["192.168.1.5", "2001:db8:1::5"], ["172.17.0.1", "172.18.0.1", "fd00::1"]
    assert addresses.host_addresses(True, True) == outgoing + leading_nowhere


def test_a_machine_without_a_way_to_the_world_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_ELSEWHERE", ((socket.AF_INET, "255.255.255.255"),))
    assert addresses.outgoing_addresses() == set()


def test_loopback_is_offered_when_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_without_loopback", lambda use_ipv4, use_ipv6: [])
    assert addresses.host_addresses(True, True) == ["127.0.0.1"]
    assert addresses.host_addresses(False, True) == []


def test_link_local_addresses_of_ipv6_are_not_offered() -> None:
    assert not [address for address in addresses.host_addresses(True, True) if address.startswith("fe80")]
