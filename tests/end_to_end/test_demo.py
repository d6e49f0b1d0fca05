"""`p2pchat demo` without a terminal: one complete round, checked by itself."""

from __future__ import annotations

import subprocess
import sys


def test_the_demo_plays_a_round_and_verifies_it() -> None:
    demo = [sys.executable, "-m", "p2pchat", "demo"]
    played = subprocess.run(demo, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    for step in (
        "message sent",
        "message received",
        "live text sent",
        "live text received",
        "file sent",
        "file received",
    ):
        assert f"ok  {step}" in played.stdout
