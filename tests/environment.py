"""What the processes that tests start find in their environment."""

from __future__ import annotations

import os

OFF_THE_NETWORK = {"P2PCHAT_LAN": "false"}
"""Tests of the local network ask for it: all others would meet each other there, and whoever else is on it."""


def without_settings() -> dict[str, str]:
    """Returns the environment without the tester's settings of p2pchat, and off the local network."""
    return {name: value for name, value in os.environ.items() if not name.startswith("P2PCHAT_")} | OFF_THE_NETWORK
