"""What the tests of this folder share."""

from __future__ import annotations

import pytest


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For runs in which nobody will be connected: gives up after seconds, and does not try again."""
    monkeypatch.setattr("p2pchat.node.attempts.RETRY_DELAYS", ())
    monkeypatch.setattr("p2pchat.node.way.OFFER_SECONDS", 0.5)
    monkeypatch.setattr("p2pchat.rtc.link.CONNECT_SECONDS", 1.5)
    monkeypatch.setattr("p2pchat.node.meeting.PAIRING_SECONDS", 1.0)
    monkeypatch.setattr("p2pchat.node.meeting.FAREWELL_SECONDS", 0.2)
