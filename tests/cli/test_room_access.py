"""How a room's secret gets in: from a file, the environment, an invite or nowhere, and never from argv."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from p2pchat.cli.room_access import Access, Asked, settle
from p2pchat.errors import ConfigurationError, UsageError
from p2pchat.protocol.invite import Invite
from p2pchat.protocol.limits import ROOM_SECRET_BYTES
from p2pchat.protocol.room_secret import read_secret, secret_token

SECRET = bytes(range(ROOM_SECRET_BYTES))
TOKEN = secret_token(SECRET)
INVITE = Invite("http://chat.example", "lab", SECRET)
BY_INVITE = Access("lab", SECRET, "http://chat.example")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("P2PCHAT_SECRET", raising=False)
    monkeypatch.delenv("P2PCHAT_INVITE", raising=False)


def file(folder: Path, content: str) -> str:
    path = folder / "file"
    path.write_text(content, "utf-8")
    return str(path)


def test_a_room_by_its_name_has_no_secret() -> None:
    assert settle("lab", Asked()) == Access("lab")


def test_no_room_is_told() -> None:
    for asked in (Asked(), Asked(new_secret=True), Asked(secret_file="nowhere")):
        with pytest.raises(UsageError, match="which room"):
            settle(None, asked)


def test_whoever_names_no_room_is_in_the_lobby_of_the_local_network_if_there_is_one() -> None:
    assert settle(None, Asked(), has_lobby=True) == Access("lobby", lobby=True)
    assert settle("lobby", Asked(), has_lobby=True) == Access("lobby")
    for asked in (Asked(new_secret=True), Asked(secret_file="nowhere")):
        with pytest.raises(UsageError, match="which room"):
            settle(None, asked, has_lobby=True)


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    assert settle("lab", Asked(secret_file=file(tmp_path, f"\ufeff{TOKEN}\n"))) == Access("lab", SECRET)


def test_a_passphrase_leads_to_the_same_room_for_all_who_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("P2PCHAT_SECRET", "blue horses at noon")
    expected = Access("lab", read_secret("blue horses at noon", "lab"))
    assert settle("lab", Asked()) == expected
    assert settle("lab", Asked(secret_file=file(tmp_path, "blue horses at noon\n"))) == expected


def test_an_invite_names_room_server_and_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, f"{INVITE}\n")
    assert settle(None, Asked(invite_file=path)) == BY_INVITE
    assert settle("lab", Asked(invite_file=path)) == BY_INVITE
    monkeypatch.setenv("P2PCHAT_INVITE", str(INVITE))
    assert settle(None, Asked()) == BY_INVITE


def test_an_invite_is_asked_for_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(UsageError, match="no terminal"):
        settle(None, Asked(invite=True))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: str(INVITE))
    assert settle(None, Asked(invite=True)) == BY_INVITE


def test_a_new_secret_is_another_one_each_time_and_has_to_be_passed_on() -> None:
    first, second = settle("lab", Asked(new_secret=True)), settle("lab", Asked(new_secret=True))
    assert len(first.secret) == ROOM_SECRET_BYTES
    assert first.secret != second.secret
    assert first.show_invite


def test_the_command_line_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P2PCHAT_SECRET", "another one")
    monkeypatch.setenv("P2PCHAT_INVITE", "another one")
    assert settle("lab", Asked(secret_file=file(tmp_path, TOKEN))) == Access("lab", SECRET)
    with pytest.raises(UsageError, match="exclude each other"):
        settle("lab", Asked())


@pytest.mark.parametrize(
    "asked",
    [Asked(secret_file="a", invite=True), Asked(invite_file="a", new_secret=True), Asked(invite=True, new_secret=True)],
)
def test_two_ways_in_exclude_each_other(asked: Asked) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        settle("lab", asked)


def test_an_invite_for_another_room_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="room lab"):
        settle("den", Asked(invite_file=file(tmp_path, str(INVITE))))


@pytest.mark.parametrize("content", ["", "  \n", str(INVITE), TOKEN[:-1] + "z"])
def test_what_is_no_secret_is_told_without_repeating_it(tmp_path: Path, content: str) -> None:
    with pytest.raises(UsageError) as raised:
        settle("lab", Asked(secret_file=file(tmp_path, content)))
    assert TOKEN[:20] not in raised.value.message + raised.value.hint


def test_what_is_no_invite_is_told_without_repeating_it(tmp_path: Path) -> None:
    for content in ("", "lab", str(INVITE)[:-1], TOKEN):
        with pytest.raises(UsageError) as raised:
            settle(None, Asked(invite_file=file(tmp_path, content)))
        assert TOKEN[:20] not in raised.value.message + raised.value.hint


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "long").write_bytes(b"a" * 10_000)
    for name in ("missing", "binary", "long", "."):
        with pytest.raises(ConfigurationError):
            settle("lab", Asked(secret_file=str(tmp_path / name)))
    with pytest.raises(ConfigurationError):
        settle("lab", Asked(secret_file="a\0b"))


def test_a_secret_is_not_part_of_what_is_logged() -> None:
    assert "0a0b" not in repr(BY_INVITE)
    assert repr(SECRET) not in repr(BY_INVITE)
