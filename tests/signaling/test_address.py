"""What people type for a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.errors import ConfigurationError
from p2pchat.signaling.address import server_url


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("lab.example:8080", "ws://lab.example:8080/v1/ws"),
        ("lab.example", "ws://lab.example/v1/ws"),
        ("  lab:8080\n", "ws://lab:8080/v1/ws"),
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/v1/ws"),
        ("HTTPS://Chat.Example/", "wss://chat.example/v1/ws"),
        ("wss://chat.example/behind/proxy/", "wss://chat.example/behind/proxy/v1/ws"),
        ("ws://chat.example/v1/ws", "ws://chat.example/v1/ws"),
        ("[::1]:8080", "ws://[::1]:8080/v1/ws"),
        ("http://[fe80::1%eth0]:80", "ws://[fe80::1%eth0]:80/v1/ws"),
        ("bücher.example", "ws://bücher.example/v1/ws"),
    ],
)
def test_an_address_means_one_websocket_url(typed: str, url: str) -> None:
    assert server_url(typed) == url
    assert server_url(url) == url


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "://",
        "http://",
        ":8080",
        "::1",
        "[::1",
        "lab:port",
        "lab:99999",
        "ftp://lab",
        "lab lab",
        "lab\x1b[2J",
        "a..b",
        "[:::1]",
        "[::1%]",
        "user:password@lab",
        "lab/?room=1",
        "lab#secret",
        "lab\\x",
        "x" * 64,
    ],
)
def test_garbage_is_a_configuration_error_with_a_hint(typed: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        server_url(typed)
    assert "lab.example:8080" in raised.value.hint


@given(st.text(max_size=30) | st.from_regex(r"\A(https?|wss?)://[a-z\[\]:@/?#%. 0-9]{0,20}\Z"))
def test_whatever_is_typed_means_a_url_that_means_itself_or_is_refused(typed: str) -> None:
    try:
        url = server_url(typed)
    except ConfigurationError:
        return
    assert url.startswith(("ws://", "wss://"))
    assert url.endswith("/v1/ws")
    assert server_url(url) == url
