"""What tests of several folders share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.environment import OFF_THE_NETWORK
from tests.server_thread import server_on_a_thread

# A busy machine takes its time for an example, which says nothing about the example.
settings.register_profile("quick", max_examples=100, deadline=None)
settings.register_profile("nightly", max_examples=100_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_configure(config: pytest.Config) -> None:
    """Names the marks of our own, and sets what all processes inherit: they hear Ctrl-C, and stay off the network."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(OFF_THE_NETWORK)
    config.addinivalue_line("markers", "nightly: what others send does no harm; `make nightly` tries it far longer")


@pytest.fixture
def signaling_server() -> Iterator[str]:
    """The URL of a real signaling server with nobody on it; in `tests/end_to_end` in a process of its own."""
    with server_on_a_thread() as url:
        yield url
