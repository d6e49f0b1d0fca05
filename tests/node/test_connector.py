"""Links that are made one beside the other, with links that open when the test says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from p2pchat.node import connector as connectors
from p2pchat.node.connector import Connector
from p2pchat.rtc import ice
from p2pchat.rtc.link_events import Closed, LinkEvent, Opened

US, THEM = "anaanaaa", "benbenbb"


class PlayedLink:
    """A link that does what the test says."""

    path = "direct"
    path_info = None
    sent = received = 0

    def __init__(self, configuration: Any, on_event: Callable[[LinkEvent], None], described: Any) -> None:
        self.tell = on_event
        self.closed = False

    async def offer(self) -> str:
        return "offer"

    async def answer(self, sdp: str) -> str:
        return "answer"

    async def accept_answer(self, sdp: str) -> None:
        pass

    async def close(self, reason: str) -> None:
        if not self.closed:
            self.closed = True
            self.tell(Closed(reason))

    def opens(self) -> None:
        self.tell(Opened("direct", True, b"ours", b"theirs"))


class Stage:
    """A connector whose links the test plays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.links: list[PlayedLink] = []
        self.used: list[LinkEvent] = []
        self.beside: list[LinkEvent] = []
        monkeypatch.setattr(connectors, "Link", self._make)
        configuration = ice.configuration([], False, None)
        self.connector = Connector(
            US, THEM, lambda: configuration, self._relay, self.used.append, self.beside.append, lambda *outcome: None
        )
        self.signals: list[Any] = []

    def _make(self, *arguments: Any) -> PlayedLink:
        self.links.append(PlayedLink(*arguments))
        return self.links[-1]

    def _relay(self, body: Any) -> None:
        self.signals.append(body)

    def they_offer(self, generation: int) -> None:
        self.connector.receive({"kind": "offer", "generation": generation, "sdp": "theirs"})


async def test_a_successor_that_the_peer_replaces_is_closed_and_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch)
    stage.they_offer(1)
    stage.links[0].opens()
    stage.they_offer(2)
    stage.links[1].opens()
    assert isinstance(stage.beside.pop(), Opened)
    stage.they_offer(3)
    assert stage.beside == [Closed("replaced by a new attempt")]
    await stage.connector.close()
    assert [link.closed for link in stage.links] == [True, True, True]


async def test_while_a_successor_proves_itself_no_other_one_is_offered_unless_it_is_too_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage(monkeypatch)
    stage.they_offer(1)
    stage.links[0].opens()
    assert stage.connector.start()
    stage.links[1].opens()
    assert not stage.connector.start()
    assert len(stage.links) == 2
    assert stage.connector.start(before=time.monotonic() + 3600.0)
    assert len(stage.links) == 3
    await stage.connector.close()
    assert [link.closed for link in stage.links] == [True, True, True]
