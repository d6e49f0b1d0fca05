"""The command itself, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import p2pchat
from tests.environment import without_settings

PATIENCE = 60
"""Seconds until a test gives up on a process that takes a fraction of one."""


def run(*arguments: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    clean = without_settings()
    return subprocess.run(
        [sys.executable, "-m", "p2pchat", *arguments],
        input="",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**clean, "P2PCHAT_HOME": str(home), **more},
        check=False,
    )


def test_help_says_what_there_is(tmp_path: Path) -> None:
    whole = run("--help", home=tmp_path)
    chat = run("chat", "--help", home=tmp_path)
    assert (whole.returncode, chat.returncode, whole.stderr, chat.stderr) == (0, 0, "", "")
    assert all(
        word in whole.stdout for word in ("chat", "send", "receive", "contacts", "demo", "--version", "Exit codes")
    )
    options = ("server", "name", "profile", "home", "ice", "relay-only", "ephemeral", "plain", "json", "downloads")
    assert all(f"--{option}" in chat.stdout for option in (*options, "linger", "config", "verbose"))
    assert all(f"P2PCHAT_{option.upper().replace('-', '_')}" in chat.stdout for option in options)


def test_the_version_is_the_package_s(tmp_path: Path) -> None:
    assert run("--version", home=tmp_path).stdout == f"p2pchat {p2pchat.__version__}\n"


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    look = (
        "import sys; sys.argv = ['p2pchat', 'chat', '--help']\n"
        "from p2pchat.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'textual', 'aiortc', 'aiohttp', 'cryptography', 'asyncio.windows_events'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "--server" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "which room?"),
        (("chat",), "which room?"),
        (("--plain",), "which room?"),
        (("lab", "--bogus"), "--bogus"),
        (("--bogus",), "--bogus"),
        (("lab", "den"), "den"),
        (("lab", "--server"), "--server"),
        (("lab", "--linger", "-1"), "--linger"),
        (("lab", "--linger", "soon"), "--linger"),
        (("lab", "--server", "nowhere"), "--server has to be"),
        (("lab", "--plain", "--json"), "exclude each other"),
        (("demo", "--server", "http://a"), "--server"),
        (("demo", "lab"), "lab"),
        (("send",), "PATH"),
        (("send", "/no/such/file"), "/no/such/file"),
        (("send", ""), "names no file"),
        (("send", ".", "--timeout", "0"), "--timeout"),
        (("receive",), "which code?"),
        (("receive", "nonsense"), "number"),
        (("receive", "7-marble-tunnel-oyster", "--output", __file__), "--output has to be a folder"),
        (("lab", "--new-secret", "--invite"), "exclude each other"),
        (("lab", "--secret-file", "/no/such/file"), "/no/such/file"),
        (("chat", "--invite"), "no terminal"),
        (("x" * 65, "--plain"), "room"),
        (("a\nb", "--plain"), "room"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments, home=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("p2pchat: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_configuration_ends_with_2_and_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("server = 1", encoding="utf-8")
    done = run("lab", home=tmp_path)
    assert done.returncode == 2
    assert str(tmp_path / "config.toml") in done.stderr


def test_a_server_that_does_not_answer_ends_with_3(tmp_path: Path) -> None:
    # Port 1 of the loopback: nobody listens there, and to be refused takes no time.
    done = run("lab", "--json", "--server", "http://127.0.0.1:1", home=tmp_path)
    assert done.returncode == 3
    assert '"code": "server-unreachable"' in done.stdout
    assert done.stderr.startswith("p2pchat: ")
    assert "Traceback" not in done.stderr


def test_the_help_of_send_names_the_two_commands_that_belong_together(tmp_path: Path) -> None:
    lines = run("send", "--help", home=tmp_path).stdout.splitlines()
    pairs = ["receive 7-marble-tunnel-oyster", "receive --from A", "receive CODE --stdout | tar x"]
    assert all(any(line.endswith(pair) for line in lines) for pair in pairs)
