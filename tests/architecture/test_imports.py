"""The layers hold: by the import contracts of pyproject.toml, and at run time, where deferred imports show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)


def test_the_import_contracts_hold() -> None:
    checked = run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("p2pchat.protocol.session", ["asyncio", "aiortc", "aiohttp", "textual", "rich", "sqlite3", "socket"]),
        ("p2pchat.protocol.signaling", ["asyncio", "aiortc", "aiohttp", "cryptography"]),
        ("p2pchat.store.incoming", ["asyncio", "aiortc", "aiohttp", "textual"]),
        ("p2pchat.signaling.client", ["aiortc", "textual"]),
        ("p2pchat.node.node", ["textual", "rich"]),
        ("p2pchat.cli.main", ["textual", "aiortc", "aiohttp"]),
        ("signaling_server.app", ["aiortc", "textual", "p2pchat.errors", "p2pchat.node"]),
    ],
)
def test_importing_a_module_does_not_bring_in_what_its_layer_must_not_know(module: str, absent: list[str]) -> None:
    listed = run(sys.executable, "-c", f"import sys, {module}; print(*sys.modules)")
    assert listed.returncode == 0, listed.stderr
    assert set(listed.stdout.split()) & set(absent) == set()


def test_no_module_has_become_an_attic() -> None:
    sizes = {
        str(file.relative_to(ROOT)): len(file.read_text().splitlines())
        for package in ("p2pchat", "signaling_server")
        for file in (ROOT / package).rglob("*.py")
    }
    assert {name: size for name, size in sizes.items() if size > 400} == {}
