"""Tests of whole programs have a whole server as well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server_process import ServerProcess


@pytest.fixture
def signaling_server() -> Iterator[str]:
    """The URL of a real signaling server in a process of its own, with nobody on it."""
    with ServerProcess() as server:
        yield server.url
