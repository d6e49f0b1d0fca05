"""Asking for a code: what the completion key does, and what is told at once. A real terminal is in end_to_end."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from p2pchat.cli.one_shot import code_prompt
from p2pchat.cli.one_shot.receive import check_code
from p2pchat.errors import UsageError


class Terminal(io.StringIO):
    """An input that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], io.StringIO]:
    """Types lines on a terminal whose output goes elsewhere, which is returned."""

    def type_(text: str) -> io.StringIO:
        output = io.StringIO()
        monkeypatch.setattr(sys, "stdin", Terminal(text))
        monkeypatch.setattr(sys, "stdout", output)
        return output

    return type_


def test_the_completion_key_goes_on_word_by_word_hyphens_and_all() -> None:
    assert [code_prompt.complete("7-marb", state) for state in (0, 1)] == ["7-marble-", None]
    assert code_prompt.complete("7-marble-tunn", 0) == "7-marble-tunnel-"
    assert code_prompt.complete("7-marble-tunnel-oyst", 0) == "7-marble-tunnel-oyster"
    assert code_prompt.complete("nonsense", 0) is None


def test_a_wrong_word_is_told_with_the_nearest_one_and_asked_for_again(
    typing: Callable[[str], io.StringIO], capsys: pytest.CaptureFixture[str]
) -> None:
    output = typing("\n7-marbel-tunnel-oyster\n7 marble tunnel oyster\n")
    assert code_prompt.ask_for_code(check_code) == "7-marble-tunnel-oyster"
    errors = capsys.readouterr().err
    assert "marbel" in errors
    assert "marble" in errors
    assert output.getvalue() == "", "standard output is for the paths"


def test_the_end_of_input_is_no_code(typing: Callable[[str], io.StringIO]) -> None:
    typing("")
    with pytest.raises(UsageError, match="no code was given"):
        code_prompt.ask_for_code(check_code)


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("7-marble-tunnel-oyster\n"))
    with pytest.raises(UsageError, match="which code") as raised:
        code_prompt.ask_for_code(check_code)
    assert "P2PCHAT_CODE" in raised.value.hint
