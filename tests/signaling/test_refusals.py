"""What a person reads when a server refuses something."""

from __future__ import annotations

import pytest

from p2pchat.protocol.signaling import Error, ErrorCode
from p2pchat.signaling.refusals import refusal

OURS = {
    ErrorCode.MALFORMED,
    ErrorCode.UNKNOWN_TYPE,
    ErrorCode.TOO_LARGE,
    ErrorCode.NOT_GREETED,
    ErrorCode.NOT_JOINED,
    ErrorCode.ALREADY_JOINED,
    ErrorCode.NO_SUCH_PEER,
}
"""Codes that tell of a fault of the program, against which the user can do nothing but update it."""


@pytest.mark.parametrize("code", sorted(set(ErrorCode) - OURS))
def test_what_a_user_can_do_something_about_has_words_and_advice(code: ErrorCode) -> None:
    refused = refusal(Error(code, "\x1b[31mwhat the server says"))
    assert "refused:" not in refused.message
    assert refused.hint
    assert "update both" not in refused.hint


@pytest.mark.parametrize("code", [*sorted(OURS), "a-later-code"])
def test_what_only_an_update_mends_says_so(code: str) -> None:
    refused = refusal(Error(code, "\x1b[31mwhat the server says"))
    assert "what the server says" in refused.message
    assert "\x1b" not in refused.message
    assert "update both" in refused.hint


def test_a_server_that_wants_a_token_is_told_how_to_give_one() -> None:
    hint = refusal(Error(ErrorCode.UNAUTHORIZED, "")).hint
    assert "--token-file" in hint
    assert "P2PCHAT_TOKEN" in hint
