"""Which candidates of a peer can be used."""

from __future__ import annotations

import pytest

from p2pchat.rtc import candidates


def named(host: str, kind: str = "host", port: int = 9) -> str:
    return f"candidate:1 1 udp 1 {host} {port} typ {kind}"


@pytest.mark.parametrize("host", ["192.0.2.1", "127.0.0.1", "2001:db8::1", "fe80::1", "6e1f8d0c-1.local"])
def test_an_address_of_one_host_can_be_used(host: str) -> None:
    candidate = candidates.parse(named(host))
    assert candidate is not None
    assert candidate.host == host


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "::",
        "255.255.255.255",
        "224.0.0.251",
        "ff02::fb",
        "fe80::1%eth0",
        "fe80::1%\x1b[31m",
        "ff02::1%1",
        ".local",
        "a..local",
        "a.b.local",
        "a" * 64 + ".local",
        "\ud800.local",
        "\xe9.local",
    ],
)
def test_what_is_no_address_of_one_host_is_left_out(host: str) -> None:
    assert candidates.parse(named(host)) is None


@pytest.mark.parametrize(
    "text", [named("192.0.2.1", "prflx"), named("192.0.2.1", "nonsense"), named("a.local", "relay")]
)
def test_a_kind_that_nobody_tells_is_left_out(text: str) -> None:
    assert candidates.parse(text) is None


@pytest.mark.parametrize("text", [named("192.0.2.1", port=0), named("a.local", port=0), named("192.0.2.1", port=65536)])
def test_a_port_that_is_none_is_left_out(text: str) -> None:
    assert candidates.parse(text) is None
