"""Who of those that have left a conversation is still remembered."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from p2pchat.node.peer import Peer
from p2pchat.node.peers import DEPARTED, to_forget


def peer(seat: str, key: bytes | None, *, present: bool = False, connected: bool = False, busy: bool = False) -> Peer:
    way = SimpleNamespace(connector=SimpleNamespace(busy=busy))
    return cast(Peer, SimpleNamespace(seat=seat, key=key, present=present, connected=connected, way=way))


def room(*peers: Peer) -> dict[str, Peer]:
    return {one.seat: one for one in peers}


def test_strangers_are_forgotten_once_they_have_left_and_their_link_is_closed() -> None:
    there = peer("there", None, present=True)
    closing = peer("closing", None, busy=True)
    assert to_forget(room(there, closing, peer("gone", None))) == ["gone"]


def test_of_those_who_proved_a_key_the_last_ones_are_remembered() -> None:
    here = peer("here", b"key", present=True)
    talking = peer("talking", b"key", connected=True)
    departed = [peer(f"gone{number}", b"key") for number in range(DEPARTED)]
    assert to_forget(room(here, *departed, talking)) == []
    assert to_forget(room(here, peer("eldest", b"key"), *departed, talking)) == ["eldest"]
