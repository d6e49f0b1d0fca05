"""Tokens open a server; the file of them opens nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from signaling_server.tokens import Tokens, TokensError, new_token, tokens_of

OURS = "a-token-of-the-environment"


def test_without_tokens_everybody_may_come_in() -> None:
    assert not Tokens().needed
    assert Tokens().opens("")
    assert Tokens().opens("anything")


def test_a_token_of_the_file_opens_and_its_hash_does_not(tmp_path: Path) -> None:
    token, line = new_token("ana")
    (tmp_path / "tokens").write_text(f"# ours\n\n{line}\n")
    tokens = Tokens(tmp_path / "tokens", [OURS])
    assert tokens.needed
    assert tokens.opens(token)
    assert tokens.opens(OURS)
    assert token not in line
    for wrong in ("", "\udcff", line, line.partition(":")[2], token[:-1], token.swapcase()):
        assert not tokens.opens(wrong)


def test_tokens_are_random() -> None:
    assert len({new_token("ana")[0] for _ in range(100)}) == 100


@pytest.mark.parametrize("name", ["", "a b", "a:b", "x" * 65, "#ana", "a\nb"])
def test_a_name_that_would_break_the_file_is_refused(name: str) -> None:
    with pytest.raises(TokensError, match="name"):
        new_token(name)


def test_a_line_is_taken_back_while_the_server_runs(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    (ana, ana_line), (ben, ben_line) = new_token("ana"), new_token("ben")
    path.write_text(f"{ana_line}\n{ben_line}\n")
    tokens = Tokens(path)
    path.write_text(f"{ben_line}\n")
    assert tokens.opens(ana)
    tokens.reload()
    assert (tokens.opens(ana), tokens.opens(ben)) == (False, True)
    path.write_text("")
    tokens.reload()
    assert not tokens.opens("")


def test_a_faulty_file_says_where_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    token, line = new_token("ana")
    path.write_text(line)
    tokens = Tokens(path)
    path.write_text(f"{line}\nben:a-plain-token\n")
    with pytest.raises(TokensError, match=r"line 2 of .*p2pchat-server token") as told:
        tokens.reload()
    assert "a-plain-token" not in str(told.value)
    path.unlink()
    with pytest.raises(TokensError, match="cannot be read"):
        tokens.reload()
    assert tokens.opens(token)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(TokensError, match="no text"):
        tokens.reload()


def test_tokens_of_the_environment() -> None:
    assert tokens_of({}) == []
    assert tokens_of({"P2PCHAT_SERVER_TOKEN": " one ", "P2PCHAT_SERVER_TOKENS": "two,, three"}) == [
        "one",
        "two",
        "three",
    ]
    with pytest.raises(TokensError, match="16 characters"):
        Tokens(None, ["short"])


@pytest.mark.parametrize("name", ["P2PCHAT_SERVER_TOKEN", "P2PCHAT_SERVER_TOKENS"])
def test_a_token_that_was_not_filled_in_does_not_open_the_server(name: str) -> None:
    with pytest.raises(TokensError, match=f"{name} is set and empty"):
        tokens_of({name: " "})
