"""A code needs a server, and most people who type `p2pchat send FILE` have named none."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from p2pchat.cli.main import p2pchat
from p2pchat.cli.one_shot import commands
from p2pchat.errors import ServerUnreachable


@pytest.mark.parametrize("named", [False, True])
def test_who_named_no_server_is_told_that_a_code_needs_one(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("P2PCHAT_HOME", str(tmp_path))
    monkeypatch.delenv("P2PCHAT_SERVER", raising=False)
    if named:
        monkeypatch.setenv("P2PCHAT_SERVER", nowhere)
    else:
        monkeypatch.setattr(commands, "DEFAULT_SERVER", nowhere)
        monkeypatch.setenv("P2PCHAT_LAN", "true")  # a code does without, and nothing is announced
    path = tmp_path / "draft.txt"
    path.write_text("draft")
    result = CliRunner().invoke(p2pchat, ["send", str(path)])
    assert isinstance(result.exception, ServerUnreachable)
    assert ("a code needs a server" in result.exception.hint) is not named
